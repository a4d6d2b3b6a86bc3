/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gslot: where the code of a Go module keeps g in a thread's own memory: the distance from the
 * thread's pointer to it.
 */
#ifndef PARKWATCH_CODE_GSLOT_H
#define PARKWATCH_CODE_GSLOT_H

#include <stdint.h>

struct gslot {
	int32_t offset; /* unless it is at an address */
	uint64_t at;    /* of the 8 bytes that hold it: a shared library's; 0: they do not */
};

#endif
