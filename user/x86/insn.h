/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * insn: one decoded instruction of a function, and what can be told of a function's instructions
 * one by one. Used by x86/site alone.
 */
#ifndef PARKWATCH_X86_INSN_H
#define PARKWATCH_X86_INSN_H

#include <stdbool.h>
#include <stdint.h>

#include <Zydis/Zydis.h>

#include "x86/code.h"

struct insn {
	uint64_t addr;
	const uint8_t *bytes;
	ZydisDecodedInstruction d;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

/* -ENOENT outside the code, -EBADMSG no instruction. */
int insn__decode(const struct code *code, uint64_t addr, struct insn *ret);
uint64_t insn_next(const struct insn *in);
bool insn_is_branch(const struct insn *in);
bool insn_is_call(const struct insn *in);
bool insn_is_ret(const struct insn *in);
/* Target of a direct branch or call. */
bool insn_target(const struct insn *in, uint64_t *ret);
/* What the kernel does with a probe on it; nop5: it makes a 5-byte nop cheaper. */
enum insn_class insn__class(const struct insn *in, bool nop5);

#endif
