/* SPDX-License-Identifier: BSD-2-Clause */
#include "arm64/site.h"

#include <errno.h>
#include <string.h>

#include "arm64/insn.h"
#include "arm64/regs.h"

#define STRAIGHT_MAX 96 /* instructions followed */
#define SLOTS_MAX    4  /* stack slots in which one value is known to be */
#define WORD         8
#define COND_LS      9
/* registers that values are taken from: more cases are more work for the verifier (bpf/goregs) */
#define TOLD (0xffu | 1u << A64_G)
/* g.stackguard0, g.stackguard1: Go 1.15 to 1.27 runtime/runtime2.go */
#define GUARD0_OFF 0x10
#define GUARD1_OFF 0x18
/* instructions from the entry to the end of the stack check, at most */
#define CHECK_WITHIN 12

/* A word of the stack, by its offset from the stack pointer at entry. */
struct slot {
	bool known;
	int32_t at;
};

/* What is known before an instruction runs. */
struct flow {
	bool lost;     /* an instruction moved sp or x29 in a way that is not understood */
	uint32_t near; /* registers that are the stack pointer at entry + off[]: a bit each */
	int32_t off[32];
	bool fp_callers;          /* x29 is still the caller's */
	bool lr_returns;          /* x30 is the return address */
	struct slot fp_at, lr_at; /* where those two were saved */
	struct held {
		uint32_t regs; /* a bit each */
		uint8_t nr_slots;
		int32_t slots[SLOTS_MAX];
	} v[SITE_VALUES];
};

static bool is_near(const struct flow *f, unsigned int reg)
{
	return f->near >> reg & 1;
}

static void flow__write_reg(struct flow *f, unsigned int reg)
{
	for (int i = 0; i < SITE_VALUES; i++)
		f->v[i].regs &= ~(1u << reg);
	f->near &= ~(1u << reg);
	f->fp_callers &= reg != A64_FP;
	f->lr_returns &= reg != A64_LINK;
}

static void flow__write_regs(struct flow *f, uint32_t regs)
{
	for (unsigned int reg = 0; reg < 32; reg++)
		if (regs >> reg & 1)
			flow__write_reg(f, reg);
}

static bool overlaps(int32_t a, int32_t b, int32_t bytes)
{
	return a < b + bytes && b < a + WORD;
}

static void flow__write_slot(struct flow *f, int32_t at, int32_t bytes)
{
	for (int i = 0; i < SITE_VALUES; i++) {
		struct held *h = &f->v[i];

		for (unsigned int j = 0; j < h->nr_slots;) {
			if (overlaps(h->slots[j], at, bytes))
				h->slots[j] = h->slots[--h->nr_slots];
			else
				j++;
		}
	}
	f->fp_at.known &= !overlaps(f->fp_at.at, at, bytes);
	f->lr_at.known &= !overlaps(f->lr_at.at, at, bytes);
}

static void flow__store(struct flow *f, int32_t at, unsigned int reg)
{
	flow__write_slot(f, at, WORD);
	for (int i = 0; i < SITE_VALUES; i++) {
		struct held *h = &f->v[i];

		if (h->regs >> reg & 1 && h->nr_slots < SLOTS_MAX)
			h->slots[h->nr_slots++] = at;
	}
	if (reg == A64_FP && f->fp_callers)
		f->fp_at = (struct slot){ true, at };
	if (reg == A64_LINK && f->lr_returns)
		f->lr_at = (struct slot){ true, at };
}

static void flow__load(struct flow *f, unsigned int reg, int32_t at)
{
	flow__write_reg(f, reg);
	for (int i = 0; i < SITE_VALUES; i++)
		for (unsigned int j = 0; j < f->v[i].nr_slots; j++)
			if (f->v[i].slots[j] == at)
				f->v[i].regs |= 1u << reg;
	if (reg == A64_FP)
		f->fp_callers = f->fp_at.known && f->fp_at.at == at;
	if (reg == A64_LINK)
		f->lr_returns = f->lr_at.known && f->lr_at.at == at;
}

/* A memory operand that is a known place of the stack. */
static bool flow__slot_of(const struct flow *f, const struct uop_operand *o, int32_t *ret)
{
	if (o->type != UOP_MEM || o->index != UOP_NO_REG || o->base == UOP_NO_REG ||
	    !is_near(f, o->base))
		return false;
	*ret = f->off[o->base] + (int32_t)o->value;
	return true;
}

static bool is_whole_reg(const struct uop_operand *o)
{
	return o->type == UOP_REG && o->size == WORD && !o->scale;
}

static void flow__copy(struct flow *f, unsigned int to, unsigned int from)
{
	flow__write_reg(f, to);
	for (int i = 0; i < SITE_VALUES; i++)
		if (f->v[i].regs >> from & 1)
			f->v[i].regs |= 1u << to;
}

/* Between whole registers and words of the stack. false: something else is moved. */
static bool flow__mov(struct flow *f, const struct uop *u)
{
	const struct uop_operand *to = &u->op[0], *from = &u->op[1];
	int32_t at;

	if (is_whole_reg(to) && is_whole_reg(from))
		flow__copy(f, to->reg, from->reg);
	else if (is_whole_reg(to) && from->size == WORD && flow__slot_of(f, from, &at))
		flow__load(f, to->reg, at);
	else if (is_whole_reg(from) && to->size == WORD && flow__slot_of(f, to, &at))
		flow__store(f, at, from->reg);
	else
		return false;
	return true;
}

static void flow__do(struct flow *f, const struct uop *u)
{
	int32_t at;

	if (u->kind == UOP_MOV && flow__mov(f, u))
		return;
	if (u->kind == UOP_LEA && flow__slot_of(f, &u->op[1], &at)) {
		flow__write_regs(f, u->changes);
		f->near |= u->changes;
		f->off[u->op[0].reg] = at;
		return;
	}
	if (flow__slot_of(f, &u->op[0], &at))
		flow__write_slot(f, at, u->op[0].size);
	flow__write_regs(f, u->changes);
}

/* One instruction that falls through. False: what follows cannot be told. */
static bool flow__step(struct flow *f, const struct a64_insn *in)
{
	for (int i = 0; i < in->nr; i++)
		flow__do(f, &in->uop[i]);
	return is_near(f, UOP_SP) && (f->fp_callers || is_near(f, A64_FP));
}

/* A call of a Go function: keeps sp, x29, g and all of our own frame. */
static void flow__call(struct flow *f)
{
	flow__write_regs(f, ~(1u << UOP_SP | 1u << A64_FP | 1u << A64_G));
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
			h->slots[0] = f->off[UOP_SP] + in->off;
			h->nr_slots = 1;
		}
	}
}

static struct pw_loc held__loc(const struct held *h, int32_t sp)
{
	struct pw_loc loc = { .kind = PW_LOC_NONE };

	if (h->regs & TOLD) {
		loc.kind = PW_LOC_REG;
		loc.reg = (uint8_t)__builtin_ctz(h->regs & TOLD);
	} else if (h->nr_slots) {
		loc.kind = PW_LOC_STACK;
		loc.off = h->slots[0] - sp;
	}
	return loc;
}

/* All wanted values are in hand, and the return address: fills the wire form. */
static bool flow__wire(const struct flow *f, const struct site_ask *ask, struct pw_site *ret)
{
	const bool framed = is_near(f, A64_FP) && f->fp_at.known && f->lr_at.known &&
			    f->off[A64_FP] == f->fp_at.at && f->lr_at.at == f->fp_at.at + WORD;
	const int32_t sp = f->off[UOP_SP];
	struct pw_loc loc[SITE_VALUES];

	if (!framed && (!f->fp_callers || (!f->lr_returns && !f->lr_at.known)))
		return false;
	for (int i = 0; i < SITE_VALUES; i++) {
		loc[i] = held__loc(&f->v[i], sp);
		if (ask->in[i].kind != PW_LOC_NONE && loc[i].kind == PW_LOC_NONE)
			return false;
	}
	memset(ret, 0, sizeof(*ret));
	ret->g = loc[SITE_G];
	ret->cur = loc[SITE_CUR];
	ret->reason = loc[SITE_REASON];
	ret->arg = loc[SITE_ARG];
	ret->type = loc[SITE_TYPE];
	if (framed)
		ret->flags = PW_SITE_FRAMED;
	else if (f->lr_returns)
		ret->flags = PW_SITE_LINK;
	else
		ret->ret_off = f->lr_at.at - sp;
	return true;
}

/* --- the choice --- */

static int class_cost(enum insn_class c)
{
	return c == INSN_NOP5 ? 0 : c == INSN_STEPPED || c == INSN_NOP ? 2 : 1;
}

static void choice__describe(struct site_choice *p, const struct a64_insn *in, uint64_t check)
{
	static const char *const how[INSN_CLASS_MAX] = {
		[INSN_NOP5] = "this kernel simulates it, one trap",
		[INSN_BRANCH] = "simulated, one trap",
		[INSN_PUSH] = "simulated, one trap",
		[INSN_CALL] = "simulated, one trap",
		[INSN_NOP] = "executed out of line, two traps: no cheaper one has the values",
		[INSN_STEPPED] = "executed out of line, two traps: no cheaper one has the values",
	};

	a64_insn__print(in, p->insn, sizeof(p->insn));
	site_choice__say_why(p, how[p->class], check, check && in->addr == check + A64_BYTES);
}

/* Takes the instruction if it beats the best so far. */
static void choice__consider(struct site_choice *best, bool *have, const struct site_ask *ask,
			     const struct flow *f, const struct a64_insn *in, uint64_t check)
{
	struct site_choice p = { .addr = in->addr, .class = a64_insn__class(in, ask->nop5) };

	if ((check && in->addr < check) || a64_insn_is_refused(in) || !flow__wire(f, ask, &p.wire))
		return;
	if (in->addr == check)
		p.wire.flags |= PW_SITE_CHECK;
	if (*have && !site_choice__is_beaten(best, class_cost(best->class), class_cost(p.class)))
		return;
	choice__describe(&p, in, check);
	*best = p;
	*have = true;
}

/* Lowest address inside the function, not below `from`, that a branch leads to; the function's end
 * if there is none. */
static uint64_t next_target(const struct code *code, uint64_t from)
{
	uint64_t first = code->addr + code->len, target;
	uint32_t word;

	for (uint64_t at = code->addr; !a64_fetch(code, at, &word); at += A64_BYTES) {
		target = 0;
		if (a64_is_jump(a64_branch(word, at, &target)) && target >= from && target < first)
			first = target;
	}
	return first;
}

/* As in x86/site: *f is what is known at `at`, and at the end of the line. */
static int choice__follow(struct site_choice *best, bool *have, const struct site_ask *ask,
			  struct flow *f, uint64_t at, uint64_t stop)
{
	const uint64_t check = a64_code__stack_check(&ask->code);
	bool begun = false;
	struct a64_insn in;

	for (int i = 0; i < STRAIGHT_MAX && at < stop; i++, at += A64_BYTES) {
		int err = a64_insn__decode(&ask->code, at, &in);

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
		if (a64_is_call(in.branch) && !begun)
			flow__call(f);
		else if (a64_is_call(in.branch) || in.branch == A64_RET ||
			 (a64_is_jump(in.branch) && at > check))
			break;
		else if (!a64_is_jump(in.branch) && !flow__step(f, &in)) {
			f->lost = true;
			break;
		}
	}
	return 0;
}

int a64_site__choose(const struct site_ask *ask, struct site_choice *ret)
{
	struct flow f = { .near = 1u << UOP_SP, .fp_callers = true, .lr_returns = true };
	struct site_choice best = { .class = INSN_STEPPED };
	uint64_t at = ask->code.addr;
	bool have = false;
	int err;

	if (ask->code.len > SITE_CODE_MAX)
		return -E2BIG;
	err = choice__follow(&best, &have, ask, &f, at, next_target(&ask->code, at + A64_BYTES));
	if (!err && !have && ask->inside && !f.lost) {
		flow__call(&f);
		err = choice__follow(&best, &have, ask, &f, ask->from,
				     next_target(&ask->code, ask->from));
	}
	if (err)
		return err;
	if (!have)
		return -ENOENT;
	*ret = best;
	return 0;
}

/* --- all of a function --- */

static bool loads_guard(const struct a64_insn *in)
{
	const struct uop_operand *from = &in->uop[0].op[1];

	return in->nr == 1 && in->uop[0].kind == UOP_MOV && from->type == UOP_MEM &&
	       from->size == WORD && from->base == A64_G && from->index == UOP_NO_REG &&
	       (from->value == GUARD0_OFF || from->value == GUARD1_OFF);
}

uint64_t a64_code__stack_check(const struct code *code)
{
	uint64_t at = code->addr;
	bool loaded = false, compared = false;
	struct a64_insn in;

	for (int i = 0; i < CHECK_WITHIN && !a64_insn__decode(code, at, &in);
	     i++, at += A64_BYTES) {
		if (loaded && compared && in.branch == A64_B_COND && (in.word & 15) == COND_LS)
			return at;
		/* of a large frame it is checked first that sp is not smaller than that */
		if (a64_is_call(in.branch) || in.branch == A64_RET ||
		    (a64_is_jump(in.branch) && (in.branch != A64_B_COND || !loaded)))
			return 0;
		loaded |= loads_guard(&in);
		compared = in.uop[0].kind == UOP_CMP;
	}
	return 0;
}

/* The one instruction of the code that leads so, and there if it is a call. */
static int code__find(const struct code *code, enum a64_branch branch, uint64_t target,
		      uint64_t *ret_addr)
{
	uint64_t found = 0, to = 0;
	uint32_t word;

	for (uint64_t at = code->addr; !a64_fetch(code, at, &word); at += A64_BYTES) {
		if (a64_branch(word, at, &to) != branch || (branch == A64_BL && to != target))
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

int a64_code__find_call(const struct code *code, uint64_t target, uint64_t *ret_addr,
			uint64_t *ret_next)
{
	int err = code__find(code, A64_BL, target, ret_addr);

	if (!err)
		*ret_next = *ret_addr + A64_BYTES;
	return err;
}

int a64_code__find_ret(const struct code *code, uint64_t *ret_addr)
{
	return code__find(code, A64_RET, 0, ret_addr);
}
