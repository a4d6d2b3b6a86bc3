/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gslot: the distance from the fs base at which the code of a Go module keeps g.
 *
 * Linkers lay it out: fs:-8 as a rule, elsewhere where C's own such variables lie beside it. Found in a
 * function that has it for certain (runtime.mcall). Pure, as x86/code.
 */
#ifndef PARKWATCH_X86_GSLOT_H
#define PARKWATCH_X86_GSLOT_H

#include "code/gslot.h"
#include "x86/code.h"

/* -ENOENT: the function has no such access, or one of a shape that is not known. */
int gslot__find(const struct code *code, struct gslot *ret);

#endif
