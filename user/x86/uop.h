/* SPDX-License-Identifier: BSD-2-Clause */
/* uop: instructions of x86-64 as uops, and its registers there by their names. */
#ifndef PARKWATCH_X86_UOP_H
#define PARKWATCH_X86_UOP_H

#include "code/code.h"
#include "code/uop.h"

enum {
	UOP_RAX,
	UOP_RCX,
	UOP_RDX,
	UOP_RBX,
	UOP_RBP = 5,
	UOP_RSI,
	UOP_RDI,
	UOP_R8,
	UOP_R9,
	UOP_R10,
	UOP_R11,
	UOP_RSP = UOP_SP
};
enum { UOP_XMM = UOP_VEC };

/* One each. -ENOENT outside the code, -EBADMSG no instruction. */
int uop__decode(const struct code *code, uint64_t addr, struct uop *ret);

#endif
