/* SPDX-License-Identifier: BSD-2-Clause */
#include "x86/insn.h"

#include <errno.h>
#include <string.h>

#define PAGE_BYTES 4096

int insn__decode(const struct code *code, uint64_t addr, struct insn *ret)
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

bool insn_target(const struct insn *in, uint64_t *ret)
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
