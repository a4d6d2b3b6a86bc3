/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/goglobals.h"

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

/* Decodes from the start of the function; behind its last instruction, or if it is no code, that
 * fails. */
struct walk {
	ZydisDecoder decoder;
	ZydisDecodedInstruction in;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	const uint8_t *code;
	size_t len, at, next;
};

static bool walk__begin(struct walk *w, const uint8_t *code, size_t len)
{
	w->code = code;
	w->len = len < GOGLOBALS_CODE_MAX ? len : GOGLOBALS_CODE_MAX;
	w->next = 0;
	return ZYAN_SUCCESS(
		ZydisDecoderInit(&w->decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64));
}

static bool walk__step(struct walk *w)
{
	w->at = w->next;
	if (w->at >= w->len || ZYAN_FAILED(ZydisDecoderDecodeFull(&w->decoder, w->code + w->at,
								  w->len - w->at, &w->in, w->ops)))
		return false;
	w->next = w->at + w->in.length;
	return true;
}

int goglobals_allgs(const uint8_t *code, size_t len, uint64_t addr, uint64_t *ret)
{
	uint64_t targets[TARGETS_MAX], found = 0;
	struct walk w;
	size_t nr = 0;

	if (!walk__begin(&w, code, len))
		return -EBADMSG;
	while (nr < TARGETS_MAX && walk__step(&w)) {
		uint64_t target = mov_target(&w.in, w.ops, addr + w.at);

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

int goglobals_gcstart(const uint8_t *code, size_t len, uint64_t addr, uint64_t *ret)
{
	struct walk w;

	if (!walk__begin(&w, code, len))
		return -EBADMSG;
	while (walk__step(&w)) {
		uint64_t target = mov_target(&w.in, w.ops, addr + w.at);

		if (!target || w.ops[0].type != ZYDIS_OPERAND_TYPE_MEMORY)
			continue;
		if (target % 8)
			return -EBADMSG;
		*ret = target;
		return 0;
	}
	return -EBADMSG;
}
