/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/cpu.h"

#include <string.h>

static uint64_t mask_of(unsigned int size)
{
	return size >= 8 ? UINT64_MAX : (1ull << (size * 8)) - 1;
}

static struct cpu_value unknown(void)
{
	return (struct cpu_value){ 0, 0, CPU_UNKNOWN };
}

static struct cpu_value value_of(uint64_t v, unsigned int size, enum cpu_how how)
{
	if (how == CPU_UNKNOWN)
		return unknown();
	return (struct cpu_value){ v & mask_of(size), 8, how };
}

static bool is_known(struct cpu_value v, unsigned int size)
{
	return v.how != CPU_UNKNOWN && v.known >= size;
}

static enum cpu_how weaker(struct cpu_value a, struct cpu_value b)
{
	return a.how < b.how ? a.how : b.how;
}

void cpu__after_call(struct cpu *c, uint64_t sp, bool regabi)
{
	memset(c->reg, 0, sizeof(c->reg));
	memset(c->xmm, 0, sizeof(c->xmm));
	c->reg[UOP_RSP] = value_of(sp, 8, CPU_HARD);
	if (regabi)
		c->xmm[15][0] = c->xmm[15][1] = value_of(0, 8, CPU_HARD);
	c->flags_known = c->cf = c->zf = c->sf = c->of = 0;
}

/* --- memory --- */

/* Index of the word at addr, or of the place where it belongs. */
static size_t cpu__place(const struct cpu *c, uint64_t addr)
{
	size_t lo = 0, hi = c->nr_words;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (c->word[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct cpu_word *cpu__word(struct cpu *c, uint64_t addr)
{
	size_t i = cpu__place(c, addr);

	if (i < c->nr_words && c->word[i].addr == addr)
		return &c->word[i];
	if (c->nr_words == CPU_WORDS_MAX) {
		c->lost = 1;
		return NULL;
	}
	memmove(&c->word[i + 1], &c->word[i], (c->nr_words - i) * sizeof(c->word[0]));
	c->nr_words++;
	c->word[i] = (struct cpu_word){ .addr = addr, .how = CPU_HARD };
	return &c->word[i];
}

static uint64_t bytes_of_bits(uint8_t bits)
{
	uint64_t mask = 0;

	for (int i = 0; i < 8; i++)
		if (bits & (1u << i))
			mask |= 0xffull << (i * 8);
	return mask;
}

/* The word w as the code would find it: what it wrote over what the target has. */
static struct cpu_word cpu__complete(const struct cpu *c, struct livemem *m, struct cpu_word w,
				     uint8_t wanted)
{
	bool stale = w.addr >= c->reg[UOP_RSP].v && w.addr < c->stale;
	uint64_t live;

	if (!(wanted & ~w.written) || stale || livemem__word(m, w.addr, &live))
		return w;
	w.data = (w.data & bytes_of_bits(w.written)) | (live & ~bytes_of_bits(w.written));
	w.known |= (uint8_t)~w.written;
	return w;
}

static struct cpu_word cpu__find(const struct cpu *c, struct livemem *m, uint64_t addr,
				 uint8_t wanted)
{
	struct cpu_word w = { .addr = addr, .how = CPU_HARD };
	size_t i = cpu__place(c, addr);

	if (i < c->nr_words && c->word[i].addr == addr)
		w = c->word[i];
	return cpu__complete(c, m, w, wanted);
}

static uint8_t bits_of(unsigned int off, unsigned int size)
{
	return (uint8_t)(((1u << size) - 1) << off);
}

struct cpu_value cpu__load(const struct cpu *c, struct livemem *m, uint64_t addr, unsigned int size)
{
	enum cpu_how live = livemem__is_private(m, addr, size) ? CPU_HARD : CPU_SOFT, how = CPU_HARD;
	uint64_t v = 0;

	for (unsigned int got = 0; got < size;) {
		unsigned int off = (addr + got) % 8, n = 8 - off < size - got ? 8 - off : size - got;
		uint8_t bits = bits_of(off, n);
		struct cpu_word w = cpu__find(c, m, addr + got - off, bits);

		if ((w.known & bits) != bits)
			return unknown();
		if ((bits & ~w.written) && live < how)
			how = live;
		if ((bits & w.written) && w.how < how)
			how = w.how;
		v |= ((w.data >> (off * 8)) & mask_of(n)) << (got * 8);
		got += n;
	}
	return value_of(v, size, how);
}

void cpu__store(struct cpu *c, uint64_t addr, unsigned int size, struct cpu_value v)
{
	bool known = is_known(v, size);

	for (unsigned int done = 0; done < size;) {
		unsigned int off = (addr + done) % 8, n = 8 - off < size - done ? 8 - off : size - done;
		struct cpu_word *w = cpu__word(c, addr + done - off);
		uint64_t mask = mask_of(n) << (off * 8);
		uint8_t bits = bits_of(off, n);

		if (!w)
			return;
		w->written |= bits;
		w->data &= ~mask;
		w->known &= (uint8_t)~bits;
		if (known) {
			w->data |= (v.v >> (done * 8)) << (off * 8) & mask;
			w->known |= bits;
			w->how = w->known == bits || v.how < w->how ? v.how : w->how;
		}
		done += n;
	}
}

void cpu__forget(struct cpu *c, uint64_t start, uint64_t end)
{
	for (size_t i = cpu__place(c, start & ~7ull); i < c->nr_words && c->word[i].addr < end; i++) {
		c->word[i].known = 0;
		c->word[i].data = 0;
	}
}

void cpu__soften(struct cpu *c, uint64_t start, uint64_t end)
{
	for (size_t i = cpu__place(c, start & ~7ull); i < c->nr_words && c->word[i].addr < end; i++)
		if (c->word[i].how > CPU_SOFT)
			c->word[i].how = CPU_SOFT;
}

/* The stack is near: what lies further below is the heap. */
void cpu__drop_below(struct cpu *c, uint64_t addr)
{
	size_t end = cpu__place(c, addr & ~7ull), start = end;

	while (start > 0 && addr - c->word[start - 1].addr <= LIVEMEM_STACK_MAX)
		start--;
	memmove(&c->word[start], &c->word[end], (c->nr_words - end) * sizeof(c->word[0]));
	c->nr_words -= end - start;
}

/* --- operands --- */

struct cpu_value cpu__address(const struct cpu *c, const struct uop_operand *o)
{
	struct cpu_value a = value_of(o->value, 8, CPU_HARD);

	if (o->type != UOP_MEM)
		return unknown();
	if (o->base != UOP_NO_REG) {
		if (!is_known(c->reg[o->base], 8))
			return unknown();
		a.v += c->reg[o->base].v;
		a.how = weaker(a, c->reg[o->base]);
	}
	if (o->index != UOP_NO_REG) {
		if (!is_known(c->reg[o->index], 8))
			return unknown();
		a.v += c->reg[o->index].v * o->scale;
		a.how = weaker(a, c->reg[o->index]);
	}
	return a;
}

struct cpu_value cpu__read(const struct cpu *c, struct livemem *m, const struct uop_operand *o)
{
	struct cpu_value v;

	switch (o->type) {
	case UOP_IMM:
		return value_of(o->value, o->size, CPU_HARD);
	case UOP_REG:
		v = c->reg[o->reg];
		if (o->high)
			return is_known(v, 2) ? value_of(v.v >> 8, 1, v.how) : unknown();
		return is_known(v, o->size) ? value_of(v.v, o->size, v.how) : unknown();
	case UOP_XMM:
		return c->xmm[o->reg][0];
	case UOP_MEM:
		v = cpu__address(c, o);
		if (v.how == CPU_UNKNOWN || !o->size || o->size > 8)
			return unknown();
		v = (struct cpu_value){ 0 };
		return cpu__load(c, m, cpu__address(c, o).v, o->size);
	default:
		return unknown();
	}
}

void cpu__set_reg(struct cpu *c, unsigned int reg, struct cpu_value v)
{
	c->reg[reg] = is_known(v, 8) ? v : unknown();
}

static void cpu__set_part(struct cpu *c, const struct uop_operand *o, struct cpu_value v)
{
	struct cpu_value *r = &c->reg[o->reg];
	unsigned int shift = o->high ? 8 : 0;
	uint64_t mask = mask_of(o->size) << shift;

	if (o->size >= 4) {
		cpu__set_reg(c, o->reg, v);
	} else if (!is_known(v, o->size)) {
		*r = unknown();
	} else if (is_known(*r, 8)) {
		r->v = (r->v & ~mask) | (v.v << shift & mask);
		r->how = weaker(*r, v);
	} else if (!o->high) {
		*r = (struct cpu_value){ v.v, o->size, v.how };
	} else {
		*r = unknown();
	}
}

static void cpu__write(struct cpu *c, const struct uop_operand *o, struct cpu_value v)
{
	struct cpu_value addr;

	if (o->type == UOP_REG) {
		cpu__set_part(c, o, value_of(v.v, o->size, is_known(v, o->size) ? v.how : CPU_UNKNOWN));
	} else if (o->type == UOP_XMM) {
		c->xmm[o->reg][0] = v;
		c->xmm[o->reg][1] = unknown();
	} else if (o->type == UOP_MEM) {
		addr = cpu__address(c, o);
		if (addr.how != CPU_UNKNOWN)
			cpu__store(c, addr.v, o->size, v);
	}
}

/* --- instructions --- */

static void cpu__set_flags(struct cpu *c, uint64_t result, unsigned int size, bool cf, bool of)
{
	result &= mask_of(size);
	c->flags_known = 1;
	c->zf = result == 0;
	c->sf = (uint8_t)(result >> (size * 8 - 1) & 1);
	c->cf = cf;
	c->of = of;
}

static void cpu__lose_flags(struct cpu *c)
{
	c->flags_known = c->cf = c->zf = c->sf = c->of = 0;
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
	uint64_t r = (minus ? a - b : a + b) & mask_of(size);
	bool sa = top_bit(a, size), sb = top_bit(b, size), sr = top_bit(r, size);
	bool cf = minus ? a < b : r < a;
	bool of = minus ? sa != sb && sr != sa : sa == sb && sr != sa;

	if (kind == UOP_INC || kind == UOP_DEC)
		cf = c->cf; /* if the flags were unknown so is this one: Go never looks at it then */
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
	case UOP_TEST:
		r = a & b;
		break;
	case UOP_OR:
		r = a | b;
		break;
	case UOP_XOR:
		r = a ^ b;
		break;
	case UOP_SHL:
	case UOP_SHR:
	case UOP_SAR:
		r = cpu__shift(kind, a, b, size);
		cpu__lose_flags(c);
		return r;
	default:
		return cpu__arith(c, kind, a, b, size);
	}
	cpu__set_flags(c, r, size, false, false);
	return r;
}

static bool same_reg(const struct uop *u)
{
	return u->op[0].type == UOP_REG && u->op[1].type == UOP_REG &&
	       u->op[0].reg == u->op[1].reg && u->op[0].high == u->op[1].high;
}

/* Of two operands; the first is the destination but for cmp and test. Wide registers only know zero. */
static void cpu__exec_binary(struct cpu *c, struct livemem *m, const struct uop *u)
{
	unsigned int size = u->op[0].size;
	struct cpu_value a, b, r = unknown();
	enum cpu_how how;
	uint64_t v;

	if (u->op[0].type == UOP_XMM) {
		bool zero = u->kind == UOP_XOR && u->op[1].type == UOP_XMM && u->op[0].reg == u->op[1].reg;

		r = zero ? value_of(0, 8, CPU_HARD) : unknown();
		c->xmm[u->op[0].reg][0] = c->xmm[u->op[0].reg][1] = r;
		return;
	}
	a = cpu__read(c, m, &u->op[0]);
	b = cpu__read(c, m, &u->op[1]);
	if (same_reg(u) && (u->kind == UOP_XOR || u->kind == UOP_SUB))
		a = b = value_of(0, 8, CPU_HARD);
	how = weaker(a, b);
	if (how == CPU_UNKNOWN || !size || size > 8) {
		cpu__lose_flags(c);
	} else {
		v = cpu__binary(c, u->kind, a.v, b.v, size);
		r = value_of(v, size, how);
		c->flags_known = c->flags_known && how == CPU_HARD;
	}
	if (u->kind != UOP_CMP && u->kind != UOP_TEST)
		cpu__write(c, &u->op[0], r);
}

static void cpu__exec_unary(struct cpu *c, struct livemem *m, const struct uop *u)
{
	struct cpu_value a = cpu__read(c, m, &u->op[0]), r = unknown();
	unsigned int size = u->op[0].size;

	if (a.how == CPU_UNKNOWN || !size || size > 8) {
		if (u->kind != UOP_NOT)
			cpu__lose_flags(c);
		cpu__write(c, &u->op[0], r);
		return;
	}
	if (u->kind == UOP_NOT)
		r = value_of(~a.v, size, a.how);
	else if (u->kind == UOP_NEG)
		r = value_of(cpu__arith(c, u->kind, 0, a.v, size), size, a.how);
	else
		r = value_of(cpu__arith(c, u->kind, a.v, 1, size), size, a.how);
	if (u->kind != UOP_NOT)
		c->flags_known = c->flags_known && a.how == CPU_HARD;
	cpu__write(c, &u->op[0], r);
}

static struct cpu_value extended(struct cpu_value v, unsigned int from, unsigned int to)
{
	int64_t s = (int64_t)(v.v << (64 - from * 8));

	return v.how == CPU_UNKNOWN ? v : value_of((uint64_t)(s >> (64 - from * 8)), to, v.how);
}

/* Moves of 16 bytes go in two halves. */
static void cpu__exec_wide(struct cpu *c, struct livemem *m, const struct uop *u)
{
	struct cpu_value half[2] = { unknown(), unknown() }, addr;

	if (u->op[1].type == UOP_XMM) {
		memcpy(half, c->xmm[u->op[1].reg], sizeof(half));
	} else {
		addr = cpu__address(c, &u->op[1]);
		for (int i = 0; i < 2 && addr.how != CPU_UNKNOWN; i++)
			half[i] = cpu__load(c, m, addr.v + 8 * (unsigned int)i, 8);
	}
	if (u->op[0].type == UOP_XMM) {
		memcpy(c->xmm[u->op[0].reg], half, sizeof(half));
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

	if ((to->type == UOP_XMM || from->type == UOP_XMM) && (to->size == 16 && from->size == 16)) {
		cpu__exec_wide(c, m, u);
		return;
	}
	v = cpu__read(c, m, from);
	if (u->kind == UOP_MOVSX)
		v = extended(v, from->size, to->size);
	cpu__write(c, to, v);
	if (to->type == UOP_XMM)
		c->xmm[to->reg][1] = value_of(0, 8, CPU_HARD);
}

static void cpu__exec_exchange(struct cpu *c, struct livemem *m, const struct uop *u)
{
	struct cpu_value a = cpu__read(c, m, &u->op[0]), b = cpu__read(c, m, &u->op[1]);
	struct cpu_value sum = unknown();

	if (u->kind == UOP_XCHG) {
		cpu__write(c, &u->op[0], b);
		cpu__write(c, &u->op[1], a);
		return;
	}
	cpu__lose_flags(c);
	if (u->kind == UOP_XADD) {
		if (weaker(a, b) != CPU_UNKNOWN)
			sum = value_of(a.v + b.v, u->op[0].size, weaker(a, b));
		cpu__write(c, &u->op[1], a);
		cpu__write(c, &u->op[0], sum);
		return;
	}
	cpu__write(c, &u->op[0], unknown()); /* cmpxchg: who knows what it finds */
	c->reg[UOP_RAX] = unknown();
}

static void cpu__exec_stack(struct cpu *c, struct livemem *m, const struct uop *u)
{
	struct cpu_value *sp = &c->reg[UOP_RSP], v;

	if (!is_known(*sp, 8))
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
	for (unsigned int r = 0; r < UOP_REGS; r++) {
		if (u->changes & (1u << r))
			c->reg[r] = unknown();
		if (u->changes_xmm & (1u << r))
			c->xmm[r][0] = c->xmm[r][1] = unknown();
	}
	if (u->changes_flags)
		cpu__lose_flags(c);
	if (u->op[0].type == UOP_MEM)
		cpu__write(c, &u->op[0], unknown());
}

static void cpu__exec_conditional(struct cpu *c, struct livemem *m, const struct uop *u)
{
	int yes = cpu__condition(c, u->cc);

	if (u->kind == UOP_SETCC) {
		struct cpu_value v = yes < 0 ? unknown() : value_of((uint64_t)yes, 1, CPU_HARD);

		cpu__write(c, &u->op[0], v);
	} else if (yes < 0) {
		cpu__write(c, &u->op[0], unknown());
	} else {
		cpu__write(c, &u->op[0], cpu__read(c, m, &u->op[!!yes]));
	}
}

void cpu__exec(struct cpu *c, struct livemem *m, const struct uop *u)
{
	switch (u->kind) {
	case UOP_NOP:
		break;
	case UOP_MOV:
	case UOP_MOVSX:
		cpu__exec_move(c, m, u);
		break;
	case UOP_LEA:
		cpu__write(c, &u->op[0], cpu__address(c, &u->op[1]));
		break;
	case UOP_INC:
	case UOP_DEC:
	case UOP_NEG:
	case UOP_NOT:
		cpu__exec_unary(c, m, u);
		break;
	case UOP_SETCC:
	case UOP_CMOV:
		cpu__exec_conditional(c, m, u);
		break;
	case UOP_XCHG:
	case UOP_XADD:
	case UOP_CMPXCHG:
		cpu__exec_exchange(c, m, u);
		break;
	case UOP_PUSH:
	case UOP_POP:
		cpu__exec_stack(c, m, u);
		break;
	case UOP_OTHER:
		cpu__exec_other(c, u);
		break;
	default:
		cpu__exec_binary(c, m, u);
		break;
	}
}

int cpu__condition(const struct cpu *c, unsigned int cc)
{
	bool yes;

	if (!c->flags_known)
		return -1;
	switch (cc >> 1) {
	case 0:
		yes = c->of;
		break;
	case 1:
		yes = c->cf;
		break;
	case 2:
		yes = c->zf;
		break;
	case 3:
		yes = c->cf || c->zf;
		break;
	case 4:
		yes = c->sf;
		break;
	case 6:
		yes = c->sf != c->of;
		break;
	case 7:
		yes = c->zf || c->sf != c->of;
		break;
	default:
		return -1; /* parity: floating point */
	}
	return yes != (cc & 1);
}

/* --- joining --- */

static void join_value(struct cpu_value *a, struct cpu_value b)
{
	uint32_t known = a->known < b.known ? a->known : b.known;

	if (a->v != b.v || a->known != b.known)
		*a = known && known < 8 && ((a->v ^ b.v) & mask_of(known)) == 0 ?
			     (struct cpu_value){ a->v & mask_of(known), known, weaker(*a, b) } :
			     unknown();
	else
		a->how = weaker(*a, b);
}

static struct cpu_word joined_word(struct cpu_word a, struct cpu_word b, uint8_t written)
{
	struct cpu_word w = { .addr = a.addr, .written = written, .known = a.known & b.known };

	w.how = a.how < b.how ? a.how : b.how;
	for (int i = 0; i < 8; i++)
		if ((a.data ^ b.data) & (0xffull << (i * 8)))
			w.known &= (uint8_t)~(1u << i);
	w.known &= w.written;
	w.data = a.data & bytes_of_bits(w.known);
	return w;
}

/* Both are in order. Bytes that one of the two has not written count as they are in the target. */
static void cpu__join_words(struct cpu *c, const struct cpu *other, struct livemem *m)
{
	struct cpu_word all[CPU_WORDS_MAX];
	size_t i = 0, k = 0, nr = 0;

	while (i < c->nr_words || k < other->nr_words) {
		struct cpu_word a = { .how = CPU_HARD }, b = a;
		bool in_a, in_b;

		in_a = i < c->nr_words &&
		       (k == other->nr_words || c->word[i].addr <= other->word[k].addr);
		in_b = k < other->nr_words &&
		       (i == c->nr_words || other->word[k].addr <= c->word[i].addr);
		if (in_a)
			a = c->word[i++];
		if (in_b)
			b = other->word[k++];
		a.addr = b.addr = in_a ? a.addr : b.addr;
		if (nr == CPU_WORDS_MAX) {
			c->lost = 1;
			break;
		}
		if (in_a && in_b && !memcmp(&a, &b, sizeof(a)))
			all[nr++] = a;
		else
			all[nr++] = joined_word(cpu__complete(c, m, a, 0xff),
						cpu__complete(other, m, b, 0xff),
						a.written | b.written);
	}
	memcpy(c->word, all, nr * sizeof(all[0]));
	c->nr_words = nr;
}

void cpu__join(struct cpu *c, const struct cpu *other, struct livemem *m)
{
	cpu__join_words(c, other, m);
	for (unsigned int r = 0; r < UOP_REGS; r++) {
		join_value(&c->reg[r], other->reg[r]);
		join_value(&c->xmm[r][0], other->xmm[r][0]);
		join_value(&c->xmm[r][1], other->xmm[r][1]);
	}
	if (!other->flags_known || c->cf != other->cf || c->zf != other->zf || c->sf != other->sf ||
	    c->of != other->of)
		cpu__lose_flags(c);
	c->lost |= other->lost;
	if (other->stale > c->stale)
		c->stale = other->stale;
}
