/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * constarg: the number that a call is given as an argument, where the code before the call says it.
 *
 * Pure. Newer Go passes arguments in registers, older on the stack.
 */
#ifndef PARKWATCH_CODE_CONSTARG_H
#define PARKWATCH_CODE_CONSTARG_H

#include <stdbool.h>
#include <stdint.h>

#include "code/isa.h"

/* instructions before the call that are looked at */
#define CONSTARG_WITHIN 64
#define CONSTARG_ARGS   3 /* the first ones that may be asked for */

/*
 * uops: nr instructions of one function, with is_target set; call: index of the call. regabi:
 * arguments come in registers. arg: from 0 on. false: it is no constant, or nobody knows.
 */
bool constarg_at(const struct isa *isa, const struct uop *uops, uint32_t nr, uint32_t call,
		 unsigned int arg, bool regabi, uint64_t *ret);

#endif
