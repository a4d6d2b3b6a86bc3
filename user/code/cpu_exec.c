/* SPDX-License-Identifier: BSD-2-Clause */
/* What instructions do to a cpu. */
#include "code/cpu.h"

#include <string.h>

static void cpu__set_flags(struct cpu *c, uint64_t result, unsigned int size, bool cf, bool of)
{
	result &= cpu_mask(size);
	c->flags_known = 1;
	c->zf = result == 0;
	c->sf = (uint8_t)(result >> (size * 8 - 1) & 1);
	c->cf = cf;
	c->of = of;
}

static bool top_bit(uint64_t v, unsigned int size)
{
	return v >> (size * 8 - 1) & 1;
}

/* Sum or difference of what `op` names, with its flags. */
static uint64_t cpu__arith(struct cpu *c, unsigned int kind, uint64_t a, uint64_t b,
			   unsigned int size)
{
	bool minus = kind == UOP_SUB || kind == UOP_CMP || kind == UOP_DEC || kind == UOP_NEG;
	uint64_t r = (minus ? a - b : a + b) & cpu_mask(size);
	bool sa = top_bit(a, size), sb = top_bit(b, size), sr = top_bit(r, size);
	bool cf = minus ? a < b : r < a;
	bool of = minus ? sa != sb && sr != sa : sa == sb && sr != sa;

	if (kind == UOP_INC || kind == UOP_DEC)
		cf = c->cf; /* if the flags were unknown so is this one: Go never looks at it then
			     */
	cpu__set_flags(c, r, size, cf, of);
	return r;
}

static uint64_t cpu__shift(unsigned int kind, uint64_t a, uint64_t n, unsigned int size)
{
	int64_t s = (int64_t)(a << (64 - size * 8));

	n &= size == 8 ? 63 : 31;
	if (kind == UOP_SHL)
		return a << n;
	if (kind == UOP_SHR)
		return a >> n;
	s >>= 64 - size * 8;
	return (uint64_t)(s >> n);
}

static uint64_t cpu__binary(struct cpu *c, unsigned int kind, uint64_t a, uint64_t b,
			    unsigned int size)
{
	uint64_t r;

	switch (kind) {
	case UOP_AND:
	case UOP_TEST: r = a & b; break;
	case UOP_OR: r = a | b; break;
	case UOP_XOR: r = a ^ b; break;
	case UOP_SHL:
	case UOP_SHR:
	case UOP_SAR:
		r = cpu__shift(kind, a, b, size);
		cpu__lose_flags(c);
		return r;
	default: return cpu__arith(c, kind, a, b, size);
	}
	cpu__set_flags(c, r, size, false, false);
	return r;
}

static bool same_reg(const struct uop_operand *a, const struct uop_operand *b)
{
	return a->type == UOP_REG && b->type == UOP_REG && a->reg == b->reg && a->high == b->high &&
	       a->scale == b->scale;
}

/* The first operand is the destination but for cmp and test. Wide registers only know zero. */
static void cpu__exec_binary(struct cpu *c, struct livemem *m, const struct uop *u)
{
	const bool three = u->op[2].type != UOP_NONE;
	const struct uop_operand *x = &u->op[three], *y = &u->op[three + 1];
	unsigned int size = u->op[0].size;
	struct cpu_value a, b, r = cpu_unknown();
	enum cpu_how how;
	uint64_t v;

	if (u->op[0].type == UOP_VEC) {
		bool zero = u->kind == UOP_XOR && u->op[1].type == UOP_VEC &&
			    u->op[0].reg == u->op[1].reg;

		r = zero ? cpu_value_of(0, 8, CPU_HARD) : cpu_unknown();
		c->vec[u->op[0].reg][0] = c->vec[u->op[0].reg][1] = r;
		return;
	}
	a = cpu__read(c, m, x);
	b = cpu__read(c, m, y);
	if (same_reg(x, y) && (u->kind == UOP_XOR || u->kind == UOP_SUB))
		a = b = cpu_value_of(0, 8, CPU_HARD);
	how = cpu_weaker(a, b);
	if (how == CPU_UNKNOWN || !size || size > 8) {
		cpu__lose_flags(c);
	} else {
		v = cpu__binary(c, u->kind, a.v, b.v & cpu_mask(size), size);
		r = cpu_value_of(v, size, how);
		c->flags_known = c->flags_known && how == CPU_HARD;
		c->cf ^= c->flags_known && u->flips_carry;
	}
	if (u->kind != UOP_CMP && u->kind != UOP_TEST)
		cpu__write(c, &u->op[0], r);
}

static void cpu__exec_unary(struct cpu *c, struct livemem *m, const struct uop *u)
{
	struct cpu_value a = cpu__read(c, m, &u->op[0]), r = cpu_unknown();
	unsigned int size = u->op[0].size;

	if (a.how == CPU_UNKNOWN || !size || size > 8) {
		if (u->kind != UOP_NOT)
			cpu__lose_flags(c);
		cpu__write(c, &u->op[0], r);
		return;
	}
	if (u->kind == UOP_NOT)
		r = cpu_value_of(~a.v, size, a.how);
	else if (u->kind == UOP_NEG)
		r = cpu_value_of(cpu__arith(c, u->kind, 0, a.v, size), size, a.how);
	else
		r = cpu_value_of(cpu__arith(c, u->kind, a.v, 1, size), size, a.how);
	if (u->kind != UOP_NOT)
		c->flags_known = c->flags_known && a.how == CPU_HARD;
	cpu__write(c, &u->op[0], r);
}

static struct cpu_value extended(struct cpu_value v, unsigned int from, unsigned int to)
{
	int64_t s = (int64_t)(v.v << (64 - from * 8));

	return v.how == CPU_UNKNOWN ? v : cpu_value_of((uint64_t)(s >> (64 - from * 8)), to, v.how);
}

/* Moves of 16 bytes go in two halves. */
static void cpu__exec_wide(struct cpu *c, struct livemem *m, const struct uop *u)
{
	struct cpu_value half[2] = { cpu_unknown(), cpu_unknown() }, addr;

	if (u->op[1].type == UOP_VEC) {
		memcpy(half, c->vec[u->op[1].reg], sizeof(half));
	} else {
		addr = cpu__address(c, &u->op[1]);
		for (int i = 0; i < 2 && addr.how != CPU_UNKNOWN; i++)
			half[i] = cpu__load(c, m, addr.v + 8 * (unsigned int)i, 8);
	}
	if (u->op[0].type == UOP_VEC) {
		memcpy(c->vec[u->op[0].reg], half, sizeof(half));
		return;
	}
	addr = cpu__address(c, &u->op[0]);
	for (int i = 0; i < 2 && addr.how != CPU_UNKNOWN; i++)
		cpu__store(c, addr.v + 8 * (unsigned int)i, 8, half[i]);
}

static void cpu__exec_move(struct cpu *c, struct livemem *m, const struct uop *u)
{
	const struct uop_operand *to = &u->op[0], *from = &u->op[1];
	struct cpu_value v;

	if ((to->type == UOP_VEC || from->type == UOP_VEC) &&
	    (to->size == 16 && from->size == 16)) {
		cpu__exec_wide(c, m, u);
		return;
	}
	v = cpu__read(c, m, from);
	if (u->kind == UOP_MOVSX)
		v = extended(v, from->size, to->size);
	cpu__write(c, to, v);
	if (to->type == UOP_VEC)
		c->vec[to->reg][1] = cpu_value_of(0, 8, CPU_HARD);
}

static void cpu__lose_changed(struct cpu *c, const struct uop *u)
{
	cpu__lose_regs(c, u->changes);
	for (unsigned int r = 0; r < UOP_VECS; r++)
		if (u->changes_vec & (1u << r))
			c->vec[r][0] = c->vec[r][1] = cpu_unknown();
}

static void cpu__exec_exchange(struct cpu *c, struct livemem *m, const struct uop *u)
{
	struct cpu_value a = cpu__read(c, m, &u->op[0]), b = cpu__read(c, m, &u->op[1]);
	struct cpu_value sum = cpu_unknown();

	if (u->kind == UOP_XCHG) {
		cpu__write(c, &u->op[0], b);
		cpu__write(c, uop_found(u), a);
		return;
	}
	if (u->changes_flags)
		cpu__lose_flags(c);
	if (u->kind == UOP_XADD) {
		if (cpu_weaker(a, b) != CPU_UNKNOWN)
			sum = cpu_value_of(a.v + b.v, u->op[0].size, cpu_weaker(a, b));
		cpu__write(c, &u->op[0], sum);
		cpu__write(c, uop_found(u), a);
		return;
	}
	cpu__write(c, &u->op[0], cpu_unknown()); /* cmpxchg: who knows what it finds */
	cpu__lose_changed(c, u);
}

static void cpu__exec_stack(struct cpu *c, struct livemem *m, const struct uop *u)
{
	struct cpu_value *sp = &c->reg[UOP_SP], v;

	if (!cpu_is_known(*sp, 8))
		return;
	if (u->kind == UOP_PUSH) {
		v = cpu__read(c, m, &u->op[0]);
		sp->v -= 8;
		cpu__store(c, sp->v, 8, v);
	} else {
		v = cpu__load(c, m, sp->v, 8);
		sp->v += 8;
		cpu__write(c, &u->op[0], v);
	}
}

static void cpu__exec_other(struct cpu *c, const struct uop *u)
{
	cpu__lose_changed(c, u);
	if (u->changes_flags)
		cpu__lose_flags(c);
	if (u->op[0].type == UOP_MEM)
		cpu__write(c, &u->op[0], cpu_unknown());
}

static void cpu__exec_conditional(struct cpu *c, struct livemem *m, const struct uop *u)
{
	int yes = cpu__condition(c, u->cc);
	/* of three: the second, or the third if it does not hold */
	int from = u->op[2].type == UOP_NONE ? !!yes : yes > 0 ? 1 : 2;

	if (u->kind == UOP_SETCC) {
		struct cpu_value v =
			yes < 0 ? cpu_unknown() : cpu_value_of((uint64_t)yes, 1, CPU_HARD);

		cpu__write(c, &u->op[0], v);
	} else if (yes < 0) {
		cpu__write(c, &u->op[0], cpu_unknown());
	} else {
		cpu__write(c, &u->op[0], cpu__read(c, m, &u->op[from]));
	}
}

/* Sums, shifts and the like that leave the flags alone. */
static void cpu__exec_quietly(struct cpu *c, struct livemem *m, const struct uop *u)
{
	const uint8_t known = c->flags_known, cf = c->cf, zf = c->zf, sf = c->sf, of = c->of;

	cpu__exec_binary(c, m, u);
	c->flags_known = known;
	c->cf = cf;
	c->zf = zf;
	c->sf = sf;
	c->of = of;
}

void cpu__exec(struct cpu *c, struct livemem *m, const struct uop *u)
{
	switch (u->kind) {
	case UOP_NOP: break;
	case UOP_MOV:
	case UOP_MOVSX: cpu__exec_move(c, m, u); break;
	case UOP_LEA: cpu__write(c, &u->op[0], cpu__address(c, &u->op[1])); break;
	case UOP_INC:
	case UOP_DEC:
	case UOP_NEG:
	case UOP_NOT: cpu__exec_unary(c, m, u); break;
	case UOP_SETCC:
	case UOP_CMOV: cpu__exec_conditional(c, m, u); break;
	case UOP_XCHG:
	case UOP_XADD:
	case UOP_CMPXCHG: cpu__exec_exchange(c, m, u); break;
	case UOP_PUSH:
	case UOP_POP: cpu__exec_stack(c, m, u); break;
	case UOP_OTHER: cpu__exec_other(c, u); break;
	default:
		if (u->changes_flags)
			cpu__exec_binary(c, m, u);
		else
			cpu__exec_quietly(c, m, u);
	}
}

int cpu__condition(const struct cpu *c, unsigned int cc)
{
	bool yes;

	if (!c->flags_known)
		return -1;
	switch (cc & ~UOP_UNLESS) {
	case UOP_OVERFLOW: yes = c->of; break;
	case UOP_BELOW: yes = c->cf; break;
	case UOP_EQUAL: yes = c->zf; break;
	case UOP_BELOW_EQUAL: yes = c->cf || c->zf; break;
	case UOP_NEGATIVE: yes = c->sf; break;
	case UOP_LESS: yes = c->sf != c->of; break;
	case UOP_LESS_EQUAL: yes = c->zf || c->sf != c->of; break;
	default: return -1; /* parity: floating point */
	}
	return yes != (cc & UOP_UNLESS);
}

int cpu__branches(const struct cpu *c, struct livemem *m, const struct uop *u)
{
	struct cpu_value v;

	if (u->op[0].type != UOP_REG)
		return cpu__condition(c, u->cc);
	v = cpu__read(c, m, &u->op[0]);
	if (v.how != CPU_HARD)
		return -1;
	return (v.v & u->op[1].value ? 0 : 1) != (u->cc & UOP_UNLESS);
}
