/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ended: who has ended a context, as far as its chain proves it.
 *
 * A context that ends gives its error, and from Go 1.20 on its cause, to all that were made from it
 * and have not ended (context/context.go cancelCtx.cancel). So the first one to end is among those
 * next to each other on the way up that have the same error and cause, and if the one above them has
 * not ended, or has ended otherwise, it is one of these and nobody else. Of a deadline only those
 * that have one that has passed come into question, and of these the earliest. If several are left
 * that are not of the same kind, nobody can say who it was: a cancel function leaves no mark. The
 * context of another package may end as it likes: who is below it may have got its end from there.
 */
#ifndef PARKWATCH_REQUESTS_ENDED_H
#define PARKWATCH_REQUESTS_ENDED_H

#include <stdint.h>

#include "facts/requests.h"
#include "requests/contexts.h"

struct ended {
	uint8_t by;          /* enum gcontext_end */
	int64_t deadline_ns; /* since 1970: if a deadline has ended it */
	uint32_t first;      /* number of the innermost context that has its end; 0: it has none */
};

/*
 * n: number of a context; own: address of the cancelCtx of its request, 0: not known; served: the
 * handler runs; now_ns: since 1970.
 */
struct ended ended__of(const struct contexts *c, uint32_t n, uint64_t own, bool served,
		       int64_t now_ns);

#endif
