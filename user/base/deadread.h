/* SPDX-License-Identifier: BSD-2-Clause */
/* deadread: addrspace__read_batch() until a deadline. */
#ifndef PARKWATCH_BASE_DEADREAD_H
#define PARKWATCH_BASE_DEADREAD_H

#include <errno.h>

#include "base/addrspace.h"
#include "base/deadline.h"

/* where each piece is read alone, because none is there: some ms */
#define DEADREAD_BATCH 4096u

/* -ETIMEDOUT: not all were read. */
static inline int deadline_read(struct deadline *until, const struct addrspace *as,
				struct memread *reads, size_t nr)
{
	for (size_t at = 0; at < nr; at += DEADREAD_BATCH) {
		if (deadline__over(until))
			return -ETIMEDOUT;
		addrspace__read_batch(as, reads + at,
				      nr - at < DEADREAD_BATCH ? nr - at : DEADREAD_BATCH);
	}
	return 0;
}

#endif
