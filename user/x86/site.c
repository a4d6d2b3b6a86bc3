/* SPDX-License-Identifier: BSD-2-Clause */
#include "x86/site.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <Zydis/Zydis.h>

#include "x86/insn.h"

#define STRAIGHT_MAX 96 /* instructions followed */
#define SLOTS_MAX    4  /* stack slots in which one value is known to be */
#define REG_RSP      4
#define REG_RBP      5
#define NO_REG       (-1)

/* What is known before an instruction runs. Stack offsets count from the stack pointer at entry. */
struct flow {
	bool lost; /* an instruction moved rsp or rbp in a way that is not understood */
	int32_t sp;
	bool bp_moved; /* rbp points to stack offset bp; else it is the direct caller's */
	int32_t bp;
	bool bp_saved; /* the caller's rbp is in the slot bp_slot */
	int32_t bp_slot;
	struct held {
		uint16_t regs; /* bit (1 << number) */
		uint8_t nr_slots;
		int32_t slots[SLOTS_MAX];
	} v[SITE_VALUES];
};

/* x86 number of a general register, whatever part of it is named. */
static int reg_number(ZydisRegister reg)
{
	ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, reg);

	if (ZydisRegisterGetClass(whole) != ZYDIS_REGCLASS_GPR64)
		return NO_REG;
	return ZydisRegisterGetId(whole);
}

static bool op_is_whole_reg(const ZydisDecodedOperand *op, int *ret)
{
	if (op->type != ZYDIS_OPERAND_TYPE_REGISTER ||
	    ZydisRegisterGetClass(op->reg.value) != ZYDIS_REGCLASS_GPR64)
		return false;
	*ret = reg_number(op->reg.value);
	return true;
}

static bool op_is_reg(const ZydisDecodedOperand *op, int reg)
{
	int r;

	return op_is_whole_reg(op, &r) && r == reg;
}

/* Stack offset of a memory operand relative to rsp or to a known rbp. */
static bool flow__slot_of(const struct flow *f, const ZydisDecodedOperand *op, int32_t *ret)
{
	int base;

	if (op->type != ZYDIS_OPERAND_TYPE_MEMORY || op->mem.index != ZYDIS_REGISTER_NONE ||
	    op->mem.base == ZYDIS_REGISTER_NONE || op->mem.segment == ZYDIS_REGISTER_FS)
		return false;
	base = reg_number(op->mem.base);
	if (base == REG_RSP)
		*ret = f->sp + (int32_t)op->mem.disp.value;
	else if (base == REG_RBP && f->bp_moved)
		*ret = f->bp + (int32_t)op->mem.disp.value;
	else
		return false;
	return true;
}

static bool held__has_slot(const struct held *h, int32_t slot)
{
	for (unsigned int i = 0; i < h->nr_slots; i++)
		if (h->slots[i] == slot)
			return true;
	return false;
}

static void flow__clobber_reg(struct flow *f, int reg)
{
	for (int i = 0; i < SITE_VALUES; i++)
		f->v[i].regs &= ~(1u << reg);
}

static void flow__clobber_slot(struct flow *f, int32_t at, int32_t bytes)
{
	for (int i = 0; i < SITE_VALUES; i++) {
		struct held *h = &f->v[i];

		for (unsigned int j = 0; j < h->nr_slots;) {
			if (at < h->slots[j] + 8 && h->slots[j] < at + bytes)
				h->slots[j] = h->slots[--h->nr_slots];
			else
				j++;
		}
	}
	if (f->bp_saved && at < f->bp_slot + 8 && f->bp_slot < at + bytes)
		f->bp_saved = false;
}

static void flow__store(struct flow *f, int32_t slot, int reg)
{
	flow__clobber_slot(f, slot, 8);
	for (int i = 0; i < SITE_VALUES; i++) {
		struct held *h = &f->v[i];

		if ((h->regs & (1u << reg)) && h->nr_slots < SLOTS_MAX)
			h->slots[h->nr_slots++] = slot;
	}
	if (reg == REG_RBP && !f->bp_moved) {
		f->bp_saved = true;
		f->bp_slot = slot;
	}
}

/* Loads a slot into a register. False: rbp is lost. */
static bool flow__load(struct flow *f, int reg, int32_t slot)
{
	if (reg == REG_RBP) {
		f->bp_moved = !(f->bp_saved && f->bp_slot == slot);
		return !f->bp_moved;
	}
	for (int i = 0; i < SITE_VALUES; i++) {
		f->v[i].regs &= ~(1u << reg);
		if (held__has_slot(&f->v[i], slot))
			f->v[i].regs |= 1u << reg;
	}
	return true;
}

static bool flow__set_bp(struct flow *f, int32_t at)
{
	f->bp_moved = true;
	f->bp = at;
	return true;
}

/* mov between whole registers, stack slots and the g in TLS. 1: done, 0: none of these, -1: rbp or
 * rsp is lost. */
static int flow__mov(struct flow *f, const struct insn *in, bool g_in_tls)
{
	const ZydisDecodedOperand *dst = &in->op[0], *src = &in->op[1];
	int32_t slot;
	int d, s;

	if (op_is_whole_reg(dst, &d) && op_is_whole_reg(src, &s)) {
		if (d == REG_RSP)
			return -1;
		if (d == REG_RBP)
			return s == REG_RSP && flow__set_bp(f, f->sp) ? 1 : -1;
		flow__clobber_reg(f, d);
		for (int i = 0; i < SITE_VALUES; i++)
			if (f->v[i].regs & (1u << s))
				f->v[i].regs |= 1u << d;
		return 1;
	}
	if (op_is_whole_reg(src, &s) && flow__slot_of(f, dst, &slot)) {
		flow__store(f, slot, s);
		return 1;
	}
	if (!op_is_whole_reg(dst, &d) || d == REG_RSP)
		return 0;
	if (flow__slot_of(f, src, &slot))
		return flow__load(f, d, slot) ? 1 : -1;
	if (g_in_tls && d != REG_RBP && src->type == ZYDIS_OPERAND_TYPE_MEMORY &&
	    src->mem.segment == ZYDIS_REGISTER_FS) {
		flow__clobber_reg(f, d);
		f->v[SITE_G].regs |= 1u << d;
		return 1;
	}
	return 0;
}

/* Instructions that move the stack or frame pointer in a known way. 1, 0, -1 as flow__mov(). */
static int flow__frame(struct flow *f, const struct insn *in)
{
	const ZydisDecodedOperand *op = in->op;
	int32_t slot;
	int reg;

	switch (in->d.mnemonic) {
	case ZYDIS_MNEMONIC_PUSH:
		if (!op_is_whole_reg(&op[0], &reg))
			return -1;
		f->sp -= 8;
		flow__store(f, f->sp, reg);
		return 1;
	case ZYDIS_MNEMONIC_POP:
		if (!op_is_whole_reg(&op[0], &reg) || reg == REG_RSP)
			return -1;
		f->sp += 8;
		return flow__load(f, reg, f->sp - 8) ? 1 : -1;
	case ZYDIS_MNEMONIC_SUB:
	case ZYDIS_MNEMONIC_ADD:
		if (!op_is_reg(&op[0], REG_RSP))
			return 0;
		if (op[1].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
			return -1;
		f->sp += (in->d.mnemonic == ZYDIS_MNEMONIC_ADD ? 1 : -1) *
			 (int32_t)op[1].imm.value.s;
		return 1;
	case ZYDIS_MNEMONIC_LEA:
		if (!op_is_reg(&op[0], REG_RBP))
			return 0;
		return flow__slot_of(f, &op[1], &slot) && flow__set_bp(f, slot) ? 1 : -1;
	default: return 0;
	}
}

/* One instruction that falls through. False: what follows cannot be told. */
static bool flow__step(struct flow *f, const struct insn *in, bool g_in_tls)
{
	int known = flow__frame(f, in);
	int32_t slot;

	if (!known && in->d.mnemonic == ZYDIS_MNEMONIC_MOV)
		known = flow__mov(f, in, g_in_tls);
	if (known)
		return known > 0;
	for (unsigned int i = 0; i < in->d.operand_count; i++) {
		const ZydisDecodedOperand *op = &in->op[i];
		int reg;

		if (!(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
			continue;
		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER) {
			reg = reg_number(op->reg.value);
			if (reg == REG_RSP || reg == REG_RBP)
				return false;
			if (reg != NO_REG)
				flow__clobber_reg(f, reg);
		} else if (flow__slot_of(f, op, &slot)) {
			flow__clobber_slot(f, slot, op->size / 8);
		}
	}
	return true;
}

/* A call of a Go function, before `from`: keeps rsp, rbp and all of our own frame. */
static void flow__call(struct flow *f)
{
	for (int i = 0; i < SITE_VALUES; i++)
		f->v[i].regs = 0;
}

static void flow__begin(struct flow *f, const struct site_ask *ask)
{
	for (int i = 0; i < SITE_VALUES; i++) {
		const struct pw_loc *in = &ask->in[i];
		struct held *h = &f->v[i];

		memset(h, 0, sizeof(*h));
		if (in->kind == PW_LOC_REG)
			h->regs = 1u << in->reg;
		if (in->kind == PW_LOC_STACK) {
			h->slots[0] = f->sp + in->off;
			h->nr_slots = 1;
		}
	}
}

static struct pw_loc held__loc(const struct held *h, int32_t sp)
{
	struct pw_loc loc = { .kind = PW_LOC_NONE };

	if (h->regs) {
		loc.kind = PW_LOC_REG;
		loc.reg = (uint8_t)__builtin_ctz(h->regs);
	} else if (h->nr_slots) {
		loc.kind = PW_LOC_STACK;
		loc.off = h->slots[0] - sp;
	}
	return loc;
}

/* All wanted values are in hand: fills the wire form. */
static bool flow__wire(const struct flow *f, const struct site_ask *ask, struct pw_site *ret)
{
	struct pw_loc loc[SITE_VALUES];
	bool framed = f->bp_moved && f->bp_saved && f->bp == f->bp_slot && f->bp == -8;

	if (f->bp_moved && !framed)
		return false;
	for (int i = 0; i < SITE_VALUES; i++) {
		bool wanted = ask->in[i].kind != PW_LOC_NONE || (i == SITE_G && ask->g_in_tls);

		loc[i] = held__loc(&f->v[i], f->sp);
		if (wanted && loc[i].kind == PW_LOC_NONE)
			return false;
	}
	memset(ret, 0, sizeof(*ret));
	ret->g = loc[SITE_G];
	ret->cur = loc[SITE_CUR];
	ret->reason = loc[SITE_REASON];
	ret->arg = loc[SITE_ARG];
	ret->type = loc[SITE_TYPE];
	ret->flags = framed ? PW_SITE_FRAMED : 0;
	ret->ret_off = framed ? 0 : -f->sp;
	return true;
}

static int class_cost(enum insn_class c)
{
	return c == INSN_NOP5 ? 0 : c == INSN_STEPPED ? 2 : 1;
}

static void choice__describe(struct site_choice *p, const struct insn *in, uint64_t check,
			     bool after_check)
{
	static const char *const how[INSN_CLASS_MAX] = {
		[INSN_NOP5] = "this kernel makes a call of it, no trap",
		[INSN_BRANCH] = "emulated, one trap",
		[INSN_PUSH] = "emulated, one trap",
		[INSN_CALL] = "emulated, one trap",
		[INSN_NOP] = "emulated, one trap",
		[INSN_STEPPED] = "single-stepped, two traps: no cheaper one has the values",
	};
	ZydisFormatter fmt;

	ZydisFormatterInit(&fmt, ZYDIS_FORMATTER_STYLE_INTEL);
	if (ZYAN_FAILED(ZydisFormatterFormatInstruction(&fmt, &in->d, in->op,
							in->d.operand_count_visible, p->insn,
							sizeof(p->insn), in->addr, NULL)))
		snprintf(p->insn, sizeof(p->insn), "?");
	site_choice__say_why(p, how[p->class], check, after_check);
}

/* Takes the instruction if it beats the best so far. */
static void choice__consider(struct site_choice *best, bool *have, const struct site_ask *ask,
			     const struct flow *f, const struct insn *in, uint64_t check)
{
	struct site_choice p = { .addr = in->addr, .class = insn__class(in, ask->nop5) };
	struct insn before;

	if (check && in->addr < check)
		return;
	if (!flow__wire(f, ask, &p.wire))
		return;
	if (in->addr == check)
		p.wire.flags |= PW_SITE_CHECK;
	if (*have && !site_choice__is_beaten(best, class_cost(best->class), class_cost(p.class)))
		return;
	choice__describe(&p, in, check,
			 check && !insn__decode(&ask->code, check, &before) &&
				 insn_next(&before) == in->addr);
	*best = p;
	*have = true;
}

/*
 * Follows the straight line from `at` on, and takes the best instruction from ask->from on. *f is
 * what is known at `at`, and at the end of the line.
 */
static int choice__follow(struct site_choice *best, bool *have, const struct site_ask *ask,
			  struct flow *f, uint64_t at, uint64_t stop)
{
	uint64_t check = code__stack_check(&ask->code);
	bool begun = false;
	struct insn in;

	for (int i = 0; i < STRAIGHT_MAX && at < stop; i++, at = insn_next(&in)) {
		int err = insn__decode(&ask->code, at, &in);

		if (err)
			return err;
		if (at == ask->from) {
			flow__begin(f, ask);
			begun = true;
		}
		if (begun)
			choice__consider(best, have, ask, f, &in, check);
		if (begun && at == ask->until)
			break;
		if (insn_is_call(&in) && !begun)
			flow__call(f);
		else if (insn_is_call(&in) || insn_is_ret(&in) ||
			 (insn_is_branch(&in) && at != check))
			break;
		else if (at != check && !flow__step(f, &in, ask->g_in_tls)) {
			f->lost = true;
			break;
		}
	}
	return 0;
}

int site__choose(const struct site_ask *ask, struct site_choice *ret)
{
	struct site_choice best = { .class = INSN_STEPPED };
	uint64_t at = ask->code.addr, stop;
	struct flow f = { .sp = 0 };
	bool have = false;
	int err;

	if (ask->code.len > SITE_CODE_MAX)
		return -E2BIG;
	err = code__next_target(&ask->code, at + 1, &stop);
	if (!err)
		err = choice__follow(&best, &have, ask, &f, at, stop);
	if (!err && !have && ask->inside && !f.lost) {
		flow__call(&f);
		err = code__next_target(&ask->code, ask->from, &stop);
		if (!err)
			err = choice__follow(&best, &have, ask, &f, ask->from, stop);
	}
	if (err)
		return err;
	if (!have)
		return -ENOENT;
	*ret = best;
	return 0;
}
