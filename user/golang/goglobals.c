/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/goglobals.h"

#include <errno.h>
#include <stdbool.h>

#include <Zydis/Zydis.h>

#include "golang/gofacts.h"

#define TARGETS_MAX 192 /* operands collected */

int goglobals_code(const struct addrspace *as, const struct gofunc *fn, uint8_t *ret, size_t *ret_len)
{
	size_t len;
	int err;

	if (!fn->entry || fn->end <= fn->entry)
		return -EBADMSG;
	len = fn->end - fn->entry < GOGLOBALS_CODE_MAX ? fn->end - fn->entry : GOGLOBALS_CODE_MAX;
	err = addrspace__read(as, fn->entry, ret, len);
	if (!err)
		*ret_len = len;
	return err;
}

static bool is_target(const uint64_t *targets, size_t nr, uint64_t addr)
{
	for (size_t i = 0; i < nr; i++)
		if (targets[i] == addr)
			return true;
	return false;
}

/* The address that one of the operands names relative to RIP; 0: none does. */
static uint64_t named_address(const ZydisDecodedInstruction *in, const ZydisDecodedOperand *ops,
			      uint64_t addr)
{
	for (size_t i = 0; i < in->operand_count_visible; i++) {
		ZyanU64 abs;

		if (ops[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    ops[i].mem.base == ZYDIS_REGISTER_RIP &&
		    ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(in, &ops[i], addr, &abs)))
			return abs;
	}
	return 0;
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
	return named_address(in, ops, addr);
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

/* What 8-byte movs refer to, each once, in order; at most max. */
static int collect_targets(const uint8_t *code, size_t len, uint64_t addr, uint64_t *targets,
			   size_t max, size_t *ret_nr)
{
	struct walk w;
	size_t nr = 0;

	if (!walk__begin(&w, code, len))
		return -EBADMSG;
	while (nr < max && walk__step(&w)) {
		uint64_t target = mov_target(&w.in, w.ops, addr + w.at);

		if (target && !is_target(targets, nr, target))
			targets[nr++] = target;
	}
	*ret_nr = nr;
	return 0;
}

int goglobals_slices(const uint8_t *code, size_t len, uint64_t addr, uint64_t *ret, size_t *ret_nr)
{
	uint64_t targets[TARGETS_MAX];
	size_t nr, found = 0;
	int err = collect_targets(code, len, addr, targets, TARGETS_MAX, &nr);

	if (err)
		return err;
	for (size_t i = 0; i < nr && found < GOGLOBALS_SLICES_MAX; i++)
		if (targets[i] % 8 == 0 && is_target(targets, nr, targets[i] + 8) &&
		    is_target(targets, nr, targets[i] + 16))
			ret[found++] = targets[i];
	if (!found)
		return -EBADMSG;
	*ret_nr = found;
	return 0;
}

int goglobals_allgs(const uint8_t *code, size_t len, uint64_t addr, uint64_t *ret)
{
	uint64_t found[GOGLOBALS_SLICES_MAX];
	size_t nr;
	int err = goglobals_slices(code, len, addr, found, &nr);

	if (err || nr != 1)
		return -EBADMSG;
	*ret = found[0];
	return 0;
}

int goglobals_receiver(const uint8_t *code, size_t len, uint64_t addr, uint64_t callee,
		       uint64_t *ret)
{
	uint64_t last = 0, found = 0;
	struct walk w;

	if (!walk__begin(&w, code, len))
		return -EBADMSG;
	while (walk__step(&w)) {
		ZyanU64 to;

		if (w.in.mnemonic == ZYDIS_MNEMONIC_LEA)
			last = named_address(&w.in, w.ops, addr + w.at) ?: last;
		if (w.in.mnemonic != ZYDIS_MNEMONIC_CALL ||
		    w.ops[0].type != ZYDIS_OPERAND_TYPE_IMMEDIATE ||
		    ZYAN_FAILED(ZydisCalcAbsoluteAddress(&w.in, &w.ops[0], addr + w.at, &to)) ||
		    to != callee)
			continue;
		if (!last || (found && found != last))
			return -EBADMSG;
		found = last;
	}
	if (!found || found % 8)
		return -EBADMSG;
	*ret = found;
	return 0;
}

int goglobals_profile_rate(const uint8_t *code, size_t len, uint64_t addr, int minor, uint64_t *ret)
{
	uint64_t targets[2], rate;
	size_t nr;
	int err = collect_targets(code, len, addr, targets, 2, &nr);

	if (err || nr != 2)
		return -EBADMSG;
	rate = targets[gofacts_has(minor, GO_REGABI)];
	if (rate % 8)
		return -EBADMSG;
	*ret = rate;
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
