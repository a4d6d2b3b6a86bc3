/* SPDX-License-Identifier: BSD-2-Clause */
#include "x86/code.h"

#include <errno.h>
#include <stdbool.h>

#include "x86/insn.h"

/* g.stackguard0, g.stackguard1: Go 1.15 to 1.27 runtime/runtime2.go */
#define GUARD0_OFF 0x10
#define GUARD1_OFF 0x18
/* instructions from the entry to the end of the stack check, at most */
#define CHECK_WITHIN 8

/* `cmp rsp, [g + stackguard]` or `cmp r, [g + stackguard]` after `lea r, [rsp - x]`. */
static bool insn_compares_guard(const struct insn *in)
{
	const ZydisDecodedOperand *op = in->op;

	return in->d.mnemonic == ZYDIS_MNEMONIC_CMP && op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       op[1].type == ZYDIS_OPERAND_TYPE_MEMORY && op[1].size == 64 &&
	       op[1].mem.index == ZYDIS_REGISTER_NONE &&
	       (op[1].mem.disp.value == GUARD0_OFF || op[1].mem.disp.value == GUARD1_OFF);
}

uint64_t code__stack_check(const struct code *code)
{
	uint64_t at = code->addr;
	bool compared = false;
	struct insn in;

	for (int i = 0; i < CHECK_WITHIN && !insn__decode(code, at, &in);
	     i++, at = insn_next(&in)) {
		if (compared && in.d.mnemonic == ZYDIS_MNEMONIC_JBE)
			return at;
		if (insn_is_branch(&in) || insn_is_call(&in))
			return 0;
		compared = insn_compares_guard(&in);
	}
	return 0;
}

int code__next_target(const struct code *code, uint64_t from, uint64_t *ret)
{
	uint64_t first = code->addr + code->len, target;
	struct insn in;

	for (uint64_t at = code->addr; at < code->addr + code->len; at = insn_next(&in)) {
		int err = insn__decode(code, at, &in);

		if (err)
			return err;
		if (insn_is_branch(&in) && insn_target(&in, &target) && target >= from &&
		    target < first)
			first = target;
	}
	*ret = first;
	return 0;
}

int code__find_call(const struct code *code, uint64_t target, uint64_t *ret_addr,
		    uint64_t *ret_next)
{
	uint64_t found = 0, next = 0, to;
	struct insn in;

	for (uint64_t at = code->addr; at < code->addr + code->len; at = insn_next(&in)) {
		int err = insn__decode(code, at, &in);

		if (err)
			return err;
		if (!insn_is_call(&in) || !insn_target(&in, &to) || to != target)
			continue;
		if (found)
			return -ENOTUNIQ;
		found = at;
		next = insn_next(&in);
	}
	if (!found)
		return -ENOENT;
	*ret_addr = found;
	*ret_next = next;
	return 0;
}

int code__find_ret(const struct code *code, uint64_t *ret_addr)
{
	uint64_t found = 0;
	struct insn in;

	for (uint64_t at = code->addr; at < code->addr + code->len; at = insn_next(&in)) {
		int err = insn__decode(code, at, &in);

		if (err)
			return err;
		if (!insn_is_ret(&in))
			continue;
		if (found)
			return -ENOTUNIQ;
		found = at;
	}
	if (!found)
		return -ENOENT;
	*ret_addr = found;
	return 0;
}
