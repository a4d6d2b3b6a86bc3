/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resultslot: where in its frame a function keeps what a call gave it: a pointer, or the first word
 * of what that points to.
 *
 * Pure. Only places that the function writes nothing else to are told: what stands there came from
 * that call, or is not yet written.
 */
#ifndef PARKWATCH_CODE_RESULTSLOT_H
#define PARKWATCH_CODE_RESULTSLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "code/isa.h"

#define RESULTSLOT_MAX    16
#define RESULTSLOT_WITHIN 256 /* instructions after the call that are followed */

/*
 * uops: nr instructions of one function; call: index of the call. regabi: the result comes in a
 * register, else on the stack behind one argument. How many; their offsets from the stack pointer.
 */
size_t resultslots(const struct isa *isa, const struct uop *uops, uint32_t nr, uint32_t call,
		   bool regabi, uint64_t ret[RESULTSLOT_MAX]);

#endif
