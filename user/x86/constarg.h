/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * constarg: the number that a call is given as an argument, where the code before the call says it.
 *
 * Pure. Go passes arguments in registers from Go 1.17 on (rax, rbx, rcx ...), on the stack before.
 */
#ifndef PARKWATCH_X86_CONSTARG_H
#define PARKWATCH_X86_CONSTARG_H

#include <stdbool.h>
#include <stdint.h>

#include "x86/uop.h"

/* instructions before the call that are looked at */
#define CONSTARG_WITHIN 64

/*
 * uops: nr instructions of one function, with is_target set; call: index of the call. regabi:
 * arguments come in registers. arg: 0 to 2. false: it is no constant, or nobody knows.
 */
bool constarg_at(const struct uop *uops, uint32_t nr, uint32_t call, unsigned int arg, bool regabi,
		 uint64_t *ret);

#endif
