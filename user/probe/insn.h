/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * insn: one decoded instruction of a function, and what can be told of a function's instructions
 * one by one. Used by probe/site alone.
 */
#ifndef PARKWATCH_PROBE_INSN_H
#define PARKWATCH_PROBE_INSN_H

#include <stdbool.h>
#include <stdint.h>

#include <Zydis/Zydis.h>

#include "probe/site.h"

struct insn {
	uint64_t addr;
	const uint8_t *bytes;
	ZydisDecodedInstruction d;
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
};

/* -ENOENT outside the code, -EBADMSG no instruction. */
int insn__decode(const struct site_code *code, uint64_t addr, struct insn *ret);
uint64_t insn_next(const struct insn *in);
bool insn_is_branch(const struct insn *in);
bool insn_is_call(const struct insn *in);
bool insn_is_ret(const struct insn *in);
/* What the kernel does with a probe on it; nop5: it makes a 5-byte nop cheaper. */
enum insn_class insn__class(const struct insn *in, bool nop5);

/* Address of the `jbe` of the stack check at the function's start; 0: it has none. */
uint64_t code__stack_check(const struct site_code *code);
/* Lowest address inside the function, not below `from`, that a branch leads to; the function's end
 * if there is none. */
int code__next_target(const struct site_code *code, uint64_t from, uint64_t *ret);

#endif
