/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * coderef: what instructions of A64 code refer to: addresses are put together by adrp and what
 * follows it. Pure.
 */
#ifndef PARKWATCH_ARM64_CODEREF_H
#define PARKWATCH_ARM64_CODEREF_H

#include "code/coderef.h"

/* -ENOENT outside the code, -EBADMSG no instruction. *regs: as the one before left it. */
int a64_coderef__next(const struct code *code, uint64_t addr, struct coderef_regs *regs,
		      struct coderef *ret);

#endif
