/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/goallgs.h"

#include <errno.h>
#include <stdbool.h>

#include <Zydis/Zydis.h>

#define TARGETS_MAX 128 /* operands collected */

static bool is_target(const uint64_t *targets, size_t nr, uint64_t addr)
{
	for (size_t i = 0; i < nr; i++)
		if (targets[i] == addr)
			return true;
	return false;
}

/*
 * The address that an 8-byte mov between a register and memory names relative to RIP; 0: it is no
 * such instruction.
 */
static uint64_t mov_target(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *ops,
			   uint64_t addr)
{
	if (in->mnemonic != ZYDIS_MNEMONIC_MOV || in->operand_width != 64)
		return 0;
	for (size_t i = 0; i < in->operand_count_visible; i++) {
		ZyanU64 abs;

		if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    ops[i].mem.base == ZYDIS_REGISTER_RIP &&
		    ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(in, &ops[i], addr, &abs)))
			return abs;
	}
	return 0;
}

int goallgs_find(const uint8_t *code, size_t len, uint64_t addr, uint64_t *ret)
{
	uint64_t targets[TARGETS_MAX], found = 0;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	ZydisDecoder decoder;
	size_t nr = 0;

	if (ZYAN_FAILED(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return -EBADMSG;
	if (len > GOALLGS_CODE_MAX)
		len = GOALLGS_CODE_MAX;
	for (size_t at = 0; at < len && nr < TARGETS_MAX; at += in.length) {
		uint64_t target;

		if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code + at, len - at, &in, ops)))
			break; /* behind the last instruction, or not code */
		target = mov_target(&in, ops, addr + at);
		if (target && !is_target(targets, nr, target))
			targets[nr++] = target;
	}
	for (size_t i = 0; i < nr; i++) {
		if (!is_target(targets, nr, targets[i] + 8) ||
		    !is_target(targets, nr, targets[i] + 16))
			continue;
		if (found)
			return -EBADMSG;
		found = targets[i];
	}
	if (!found || found % 8)
		return -EBADMSG;
	*ret = found;
	return 0;
}
