/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * regs: what Go uses A64's general registers for; sp is UOP_SP (Go cmd/compile/abi-internal.md,
 * cmd/internal/obj/arm64/a.out.go).
 */
#ifndef PARKWATCH_ARM64_REGS_H
#define PARKWATCH_ARM64_REGS_H

enum {
	A64_R16 = 16,
	A64_R17,
	A64_R20 = 20, /* duffzero, duffcopy */
	A64_R21,
	A64_R25 = 25, /* gcWriteBarrier's result */
	A64_CONTEXT,  /* the closure that is called */
	A64_TMP,      /* the assembler's own */
	A64_G,
	A64_FP,
	A64_LINK,
};

#endif
