/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * coderef: what instructions of x86-64 code refer to: mov and lea relative to rip, call, ret. Pure.
 */
#ifndef PARKWATCH_X86_CODEREF_H
#define PARKWATCH_X86_CODEREF_H

#include "code/coderef.h"

/* -ENOENT outside the code, -EBADMSG no instruction. *regs: not needed here. */
int coderef__next(const struct code *code, uint64_t addr, struct coderef_regs *regs,
		  struct coderef *ret);

#endif
