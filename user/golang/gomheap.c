/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gomheap.h"

#include <errno.h>
#include <stdbool.h>

#include <Zydis/Zydis.h>

/* lea register, [rip + x]: the address; 0: it is no such instruction. */
static uint64_t lea_target(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *ops,
			   uint64_t addr)
{
	ZyanU64 abs;

	if (in->mnemonic != ZYDIS_MNEMONIC_LEA || ops[1].mem.base != ZYDIS_REGISTER_RIP ||
	    ZYAN_FAILED(ZydisCalcAbsoluteAddress(in, &ops[1], addr, &abs)))
		return 0;
	return abs;
}

/* mov [rsp], register: up to Go 1.16 that is how the receiver is passed. */
static bool passes_argument(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *ops)
{
	return in->mnemonic == ZYDIS_MNEMONIC_MOV && ops[0].type == ZYDIS_OPERAND_TYPE_MEMORY &&
	       ops[0].mem.base == ZYDIS_REGISTER_RSP && !ops[0].mem.disp.value &&
	       ops[1].type == ZYDIS_OPERAND_TYPE_REGISTER;
}

static bool calls(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *ops, uint64_t addr,
		  uint64_t entry)
{
	ZyanU64 abs;

	return in->mnemonic == ZYDIS_MNEMONIC_CALL && ops[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE &&
	       ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(in, &ops[0], addr, &abs)) && abs == entry;
}

int gomheap_find(const uint8_t *code, size_t len, uint64_t addr, uint64_t init, uint64_t *ret)
{
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	ZydisDecoder decoder;
	uint64_t receiver = 0, found = 0;

	if (ZYAN_FAILED(
		    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64)))
		return -EBADMSG;
	if (len > GOMHEAP_CODE_MAX)
		len = GOMHEAP_CODE_MAX;
	for (size_t at = 0; at < len; at += in.length) {
		if (ZYAN_FAILED(ZydisDecoderDecodeFull(&decoder, code + at, len - at, &in, ops)))
			break; /* behind the last instruction, or not code */
		if (calls(&in, ops, addr + at, init)) {
			if (!receiver || (found && found != receiver))
				return -EBADMSG;
			found = receiver;
		}
		if (!passes_argument(&in, ops))
			receiver = lea_target(&in, ops, addr + at);
	}
	if (!found || found % 8)
		return -EBADMSG;
	*ret = found;
	return 0;
}
