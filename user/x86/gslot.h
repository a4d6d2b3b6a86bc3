/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gslot: where the code of a Go module keeps g in a thread's own memory: the distance from the fs base.
 *
 * Linkers lay it out: fs:-8 as a rule, elsewhere where C's own such variables lie beside it. Found in a
 * function that has it for certain (runtime.mcall). Pure, as x86/code.
 */
#ifndef PARKWATCH_X86_GSLOT_H
#define PARKWATCH_X86_GSLOT_H

#include "x86/code.h"

struct gslot {
	int32_t offset; /* unless it is at an address */
	uint64_t at;    /* of the 8 bytes that hold it: a shared library's; 0: they do not */
};

/* -ENOENT: the function has no such access, or one of a shape that is not known. */
int gslot__find(const struct code *code, struct gslot *ret);

#endif
