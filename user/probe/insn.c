/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/insn.h"

#include <errno.h>
#include <string.h>

#define GUARD0_OFF   0x10 /* g.stackguard0, g.stackguard1: Go 1.15 to 1.27 runtime/runtime2.go */
#define GUARD1_OFF   0x18
#define CHECK_WITHIN 8 /* instructions from the entry to the end of the stack check, at most */
#define PAGE_BYTES   4096

const char *insn_class_name(enum insn_class c)
{
	static const char *const names[INSN_CLASS_MAX] = {
		[INSN_NOP5] = "nop5", [INSN_BRANCH] = "jcc", [INSN_PUSH] = "push",
		[INSN_CALL] = "call", [INSN_NOP] = "nop",    [INSN_STEPPED] = "single-stepped",
	};

	return (unsigned int)c < INSN_CLASS_MAX ? names[c] : "?";
}

int insn__decode(const struct site_code *code, uint64_t addr, struct insn *ret)
{
	ZydisDecoder dec;
	uint64_t off = addr - code->addr;

	if (addr < code->addr || off >= code->len)
		return -ENOENT;
	ZydisDecoderInit(&dec, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&dec, code->bytes + off, code->len - off, &ret->d,
					       ret->op)))
		return -EBADMSG;
	ret->addr = addr;
	ret->bytes = code->bytes + off;
	return 0;
}

uint64_t insn_next(const struct insn *in)
{
	return in->addr + in->d.length;
}

bool insn_is_branch(const struct insn *in)
{
	return in->d.meta.category == ZYDIS_CATEGORY_COND_BR ||
	       in->d.meta.category == ZYDIS_CATEGORY_UNCOND_BR;
}

bool insn_is_call(const struct insn *in)
{
	return in->d.meta.category == ZYDIS_CATEGORY_CALL;
}

bool insn_is_ret(const struct insn *in)
{
	return in->d.meta.category == ZYDIS_CATEGORY_RET;
}

/* Target of a direct branch or call. */
static bool insn_target(const struct insn *in, uint64_t *ret)
{
	return in->op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && in->op[0].imm.is_relative &&
	       ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&in->d, &in->op[0], in->addr, ret));
}

enum insn_class insn__class(const struct insn *in, bool nop5)
{
	static const uint8_t nop5_bytes[] = { 0x0f, 0x1f, 0x44, 0x00, 0x00 };
	const uint8_t *b = in->bytes;
	uint8_t len = in->d.length;

	if (nop5 && len == sizeof(nop5_bytes) && !memcmp(b, nop5_bytes, len) &&
	    in->addr % PAGE_BYTES <= PAGE_BYTES - sizeof(nop5_bytes))
		return INSN_NOP5;
	if (len == 1 && b[0] == 0x90)
		return INSN_NOP;
	if ((len == 1 && (b[0] & 0xf8) == 0x50) ||
	    (len == 2 && b[0] == 0x41 && (b[1] & 0xf8) == 0x50))
		return INSN_PUSH;
	if (len == 5 && b[0] == 0xe8)
		return INSN_CALL;
	if ((len == 2 && (b[0] == 0xeb || (b[0] & 0xf0) == 0x70)) || (len == 5 && b[0] == 0xe9) ||
	    (len == 6 && b[0] == 0x0f && (b[1] & 0xf0) == 0x80))
		return INSN_BRANCH;
	return INSN_STEPPED;
}

/* `cmp rsp, [g + stackguard]` or `cmp r, [g + stackguard]` after `lea r, [rsp - x]`. */
static bool insn_compares_guard(const struct insn *in)
{
	const ZydisDecodedOperand *op = in->op;

	return in->d.mnemonic == ZYDIS_MNEMONIC_CMP && op[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
	       op[1].type == ZYDIS_OPERAND_TYPE_MEMORY && op[1].size == 64 &&
	       op[1].mem.index == ZYDIS_REGISTER_NONE &&
	       (op[1].mem.disp.value == GUARD0_OFF || op[1].mem.disp.value == GUARD1_OFF);
}

uint64_t code__stack_check(const struct site_code *code)
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

int code__next_target(const struct site_code *code, uint64_t from, uint64_t *ret)
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

int site__find_call(const struct site_code *code, uint64_t target, uint64_t *ret_addr,
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

int site__find_ret(const struct site_code *code, uint64_t *ret_addr)
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
