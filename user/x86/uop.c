/* SPDX-License-Identifier: BSD-2-Clause */
#include "x86/uop.h"

#include <string.h>

#include "x86/insn.h"

static const uint8_t kinds[ZYDIS_MNEMONIC_MAX_VALUE + 1] = {
	[ZYDIS_MNEMONIC_NOP] = UOP_NOP,         [ZYDIS_MNEMONIC_MOV] = UOP_MOV,
	[ZYDIS_MNEMONIC_MOVZX] = UOP_MOV,       [ZYDIS_MNEMONIC_MOVQ] = UOP_MOV,
	[ZYDIS_MNEMONIC_MOVUPS] = UOP_MOV,      [ZYDIS_MNEMONIC_MOVAPS] = UOP_MOV,
	[ZYDIS_MNEMONIC_MOVDQU] = UOP_MOV,      [ZYDIS_MNEMONIC_MOVSX] = UOP_MOVSX,
	[ZYDIS_MNEMONIC_MOVSXD] = UOP_MOVSX,    [ZYDIS_MNEMONIC_LEA] = UOP_LEA,
	[ZYDIS_MNEMONIC_ADD] = UOP_ADD,         [ZYDIS_MNEMONIC_SUB] = UOP_SUB,
	[ZYDIS_MNEMONIC_AND] = UOP_AND,         [ZYDIS_MNEMONIC_OR] = UOP_OR,
	[ZYDIS_MNEMONIC_XOR] = UOP_XOR,         [ZYDIS_MNEMONIC_CMP] = UOP_CMP,
	[ZYDIS_MNEMONIC_TEST] = UOP_TEST,       [ZYDIS_MNEMONIC_INC] = UOP_INC,
	[ZYDIS_MNEMONIC_DEC] = UOP_DEC,         [ZYDIS_MNEMONIC_NEG] = UOP_NEG,
	[ZYDIS_MNEMONIC_NOT] = UOP_NOT,         [ZYDIS_MNEMONIC_SHL] = UOP_SHL,
	[ZYDIS_MNEMONIC_SHR] = UOP_SHR,         [ZYDIS_MNEMONIC_SAR] = UOP_SAR,
	[ZYDIS_MNEMONIC_XCHG] = UOP_XCHG,       [ZYDIS_MNEMONIC_XADD] = UOP_XADD,
	[ZYDIS_MNEMONIC_CMPXCHG] = UOP_CMPXCHG, [ZYDIS_MNEMONIC_PUSH] = UOP_PUSH,
	[ZYDIS_MNEMONIC_POP] = UOP_POP,         [ZYDIS_MNEMONIC_UD2] = UOP_STOP,
	[ZYDIS_MNEMONIC_INT3] = UOP_STOP,       [ZYDIS_MNEMONIC_XORPS] = UOP_XOR,
	[ZYDIS_MNEMONIC_PXOR] = UOP_XOR,
};

/* Jumps by rcx, loops and calls of the far kind are of no use to Go. */
static uint8_t kind_of(const ZydisDecodedInstruction *d)
{
	bool short_jcc = d->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (d->opcode & 0xf0) == 0x70;
	bool near_jcc = d->opcode_map == ZYDIS_OPCODE_MAP_0F && (d->opcode & 0xf0) == 0x80;

	switch (d->meta.category) {
	case ZYDIS_CATEGORY_COND_BR: return short_jcc || near_jcc ? UOP_JCC : UOP_STOP;
	case ZYDIS_CATEGORY_UNCOND_BR: return UOP_JMP;
	case ZYDIS_CATEGORY_CALL: return UOP_CALL;
	case ZYDIS_CATEGORY_RET: return UOP_RET;
	case ZYDIS_CATEGORY_SETCC: return UOP_SETCC;
	case ZYDIS_CATEGORY_CMOV: return UOP_CMOV;
	case ZYDIS_CATEGORY_WIDENOP: return UOP_NOP;
	default: return kinds[d->mnemonic];
	}
}

static uint8_t general_reg(ZydisRegister r)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, r);

	if (whole < ZYDIS_REGISTER_RAX || whole > ZYDIS_REGISTER_R15)
		return UOP_NO_REG;
	return whole == ZYDIS_REGISTER_RSP ? UOP_RSP : (uint8_t)(whole - ZYDIS_REGISTER_RAX);
}

static void take_reg(ZydisRegister r, struct uop_operand *o)
{
	o->reg = general_reg(r);
	o->type = o->reg == UOP_NO_REG ? UOP_UNKNOWN : UOP_REG;
	o->high = r >= ZYDIS_REGISTER_AH && r <= ZYDIS_REGISTER_BH;
	if (r >= ZYDIS_REGISTER_XMM0 && r <= ZYDIS_REGISTER_XMM15) {
		o->type = UOP_XMM;
		o->reg = (uint8_t)(r - ZYDIS_REGISTER_XMM0);
	}
}

static void take_mem(const struct insn *in, const ZydisDecodedOperand *z, struct uop_operand *o)
{
	bool segment = z->mem.segment == ZYDIS_REGISTER_FS || z->mem.segment == ZYDIS_REGISTER_GS;
	ZyanU64 addr = (ZyanU64)z->mem.disp.value;

	o->type = UOP_MEM;
	o->base = UOP_NO_REG;
	o->index = UOP_NO_REG;
	o->scale = z->mem.scale;
	if (z->mem.base == ZYDIS_REGISTER_RIP)
		addr += insn_next(in);
	else if (z->mem.base != ZYDIS_REGISTER_NONE)
		o->base = general_reg(z->mem.base);
	if (z->mem.index != ZYDIS_REGISTER_NONE)
		o->index = general_reg(z->mem.index);
	o->value = addr;
	if (segment || (z->mem.index != ZYDIS_REGISTER_NONE && o->index == UOP_NO_REG) ||
	    (o->base == UOP_NO_REG && z->mem.base != ZYDIS_REGISTER_RIP &&
	     z->mem.base != ZYDIS_REGISTER_NONE))
		o->type = UOP_UNKNOWN;
}

static void take_operand(const struct insn *in, const ZydisDecodedOperand *z, struct uop_operand *o)
{
	o->size = (uint8_t)(z->size / 8);
	if (z->type == ZYDIS_OPERAND_TYPE_REGISTER)
		take_reg(z->reg.value, o);
	else if (z->type == ZYDIS_OPERAND_TYPE_MEMORY)
		take_mem(in, z, o);
	else if (z->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		o->type = UOP_IMM;
		o->value = z->imm.value.u; /* Zydis has extended its sign */
	} else {
		o->type = UOP_UNKNOWN;
	}
}

static void take_changes(const struct insn *in, struct uop *u)
{
	for (int i = 0; i < in->d.operand_count; i++) {
		struct uop_operand o = { 0 };

		if (in->op[i].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		    !(in->op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		take_reg(in->op[i].reg.value, &o);
		if (o.type == UOP_REG)
			u->changes |= 1u << o.reg;
		else if (o.type == UOP_XMM)
			u->changes_vec |= (uint16_t)(1u << o.reg);
		else if (in->op[i].reg.value == ZYDIS_REGISTER_RFLAGS)
			u->changes_flags = true;
		else if (in->op[i].reg.value >= ZYDIS_REGISTER_YMM0 &&
			 in->op[i].reg.value <= ZYDIS_REGISTER_ZMM31)
			u->changes_vec = UINT16_MAX; /* wider than we keep them */
	}
}

int uop__decode(const struct code *code, uint64_t addr, struct uop *ret)
{
	struct uop u = { .addr = addr };
	ZyanU64 target;
	struct insn in;
	int err = insn__decode(code, addr, &in);

	if (err)
		return err;
	u.len = in.d.length;
	u.kind = kind_of(&in.d);
	u.cc = in.d.opcode & 0xf;
	u.locked = (in.d.attributes & ZYDIS_ATTRIB_HAS_LOCK) || u.kind == UOP_XCHG;
	for (int i = 0; i < in.d.operand_count_visible && i < 3; i++)
		take_operand(&in, &in.op[i], &u.op[i]);
	take_changes(&in, &u);
	if ((insn_is_branch(&in) || insn_is_call(&in)) &&
	    in.op[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE && in.op[0].imm.is_relative &&
	    ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&in.d, &in.op[0], addr, &target)))
		u.target = target;
	if (u.op[2].type != UOP_NONE && u.kind != UOP_NOP)
		u.kind = UOP_OTHER; /* imul r, r, imm; vector forms of three */
	*ret = u;
	return 0;
}
