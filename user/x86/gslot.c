/* SPDX-License-Identifier: BSD-2-Clause */
#include "x86/gslot.h"

#include <errno.h>

#include "x86/insn.h"

/* An instruction that loads a register with a constant, or from a fixed address. */
static bool sets(const struct insn *in, ZydisRegister reg, struct gslot *ret)
{
	const ZydisDecodedOperand *to = &in->op[0], *from = &in->op[1];
	ZyanU64 at;

	if (in->d.mnemonic != ZYDIS_MNEMONIC_MOV || to->type != ZYDIS_OPERAND_TYPE_REGISTER ||
	    to->reg.value != reg)
		return false;
	*ret = (struct gslot){ 0 };
	if (from->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
		ret->offset = (int32_t)from->imm.value.s;
	else if (from->type == ZYDIS_OPERAND_TYPE_MEMORY && from->mem.base == ZYDIS_REGISTER_RIP &&
		 ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&in->d, from, in->addr, &at)))
		ret->at = at;
	return ret->offset || ret->at;
}

/* The operand that is a thread's own variable; NULL: there is none. */
static const ZydisDecodedOperand *thread_operand(const struct insn *in)
{
	for (int i = 0; i < in->d.operand_count_visible; i++)
		if (in->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    in->op[i].mem.segment == ZYDIS_REGISTER_FS)
			return &in->op[i];
	return NULL;
}

int gslot__find(const struct code *code, struct gslot *ret)
{
	struct insn in, before = { 0 };

	for (uint64_t at = code->addr; !insn__decode(code, at, &in); at = insn_next(&in)) {
		const ZydisDecodedOperand *o = thread_operand(&in);

		if (o && o->mem.index != ZYDIS_REGISTER_NONE)
			return -ENOENT;
		if (o && o->mem.base == ZYDIS_REGISTER_NONE) {
			*ret = (struct gslot){ .offset = (int32_t)o->mem.disp.value };
			return 0;
		}
		if (o)
			return !o->mem.disp.value && before.addr && sets(&before, o->mem.base, ret)
				       ? 0
				       : -ENOENT;
		before = in;
	}
	return -ENOENT;
}
