/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gowrap.h"

#include <errno.h>

#include <Zydis/Zydis.h>

int gowrap_callee(const uint8_t *code, size_t len, uint64_t addr, uint64_t *ret_call,
		  uint64_t *ret_target)
{
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	ZydisDecoder decoder;
	uint64_t call = 0;
	ZyanU64 target = 0;

	if (ZYAN_FAILED(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return -ENOENT;
	if (len > GOWRAP_CODE_MAX)
		len = GOWRAP_CODE_MAX;
	for (size_t at = 0; at < len; at += in.length) {
		if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code + at, len - at, &in, ops)))
			return -ENOENT;
		if (in.meta.category == ZYDIS_CATEGORY_RET)
			break; /* behind it: the call of morestack */
		if (in.meta.category != ZYDIS_CATEGORY_CALL)
			continue;
		if (call || ops[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
		    ZYAN_FAILED(ZydisCalcAbsoluteAddress(&in, &ops[0], addr + at, &target)))
			return -ENOENT;
		call = addr + at;
	}
	if (!call)
		return -ENOENT;
	*ret_call = call;
	*ret_target = target;
	return 0;
}
