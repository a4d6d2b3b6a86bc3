/* SPDX-License-Identifier: BSD-2-Clause */
#include "code/cpu.h"

#include <string.h>

void cpu__after_call(struct cpu *c, uint64_t sp, bool zero)
{
	memset(c->reg, 0, sizeof(c->reg));
	memset(c->vec, 0, sizeof(c->vec));
	c->reg[UOP_SP] = cpu_value_of(sp, 8, CPU_HARD);
	if (zero)
		c->vec[15][0] = c->vec[15][1] = cpu_value_of(0, 8, CPU_HARD);
	cpu__lose_flags(c);
}

void cpu__lose_flags(struct cpu *c)
{
	c->flags_known = c->cf = c->zf = c->sf = c->of = 0;
}

void cpu__lose_regs(struct cpu *c, uint32_t regs)
{
	for (unsigned int r = 0; r < UOP_REGS; r++)
		if (regs & (1u << r))
			c->reg[r] = cpu_unknown();
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
	bool stale = w.addr >= c->reg[UOP_SP].v && w.addr < c->stale;
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
	enum cpu_how live = livemem__is_private(m, addr, size) ? CPU_HARD : CPU_SOFT,
		     how = CPU_HARD;
	uint64_t v = 0;

	for (unsigned int got = 0; got < size;) {
		unsigned int off = (addr + got) % 8,
			     n = 8 - off < size - got ? 8 - off : size - got;
		uint8_t bits = bits_of(off, n);
		struct cpu_word w = cpu__find(c, m, addr + got - off, bits);

		if ((w.known & bits) != bits)
			return cpu_unknown();
		if ((bits & ~w.written) && live < how)
			how = live;
		if ((bits & w.written) && w.how < how)
			how = w.how;
		v |= ((w.data >> (off * 8)) & cpu_mask(n)) << (got * 8);
		got += n;
	}
	return cpu_value_of(v, size, how);
}

void cpu__store(struct cpu *c, uint64_t addr, unsigned int size, struct cpu_value v)
{
	bool known = cpu_is_known(v, size);

	for (unsigned int done = 0; done < size;) {
		unsigned int off = (addr + done) % 8,
			     n = 8 - off < size - done ? 8 - off : size - done;
		struct cpu_word *w = cpu__word(c, addr + done - off);
		uint64_t mask = cpu_mask(n) << (off * 8);
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
	for (size_t i = cpu__place(c, start & ~7ull); i < c->nr_words && c->word[i].addr < end;
	     i++) {
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
	struct cpu_value a = cpu_value_of(o->value, 8, CPU_HARD);

	if (o->type != UOP_MEM)
		return cpu_unknown();
	if (o->base != UOP_NO_REG) {
		if (!cpu_is_known(c->reg[o->base], 8))
			return cpu_unknown();
		a.v += c->reg[o->base].v;
		a.how = cpu_weaker(a, c->reg[o->base]);
	}
	if (o->index != UOP_NO_REG) {
		if (!cpu_is_known(c->reg[o->index], 8))
			return cpu_unknown();
		a.v += c->reg[o->index].v * o->scale;
		a.how = cpu_weaker(a, c->reg[o->index]);
	}
	return a;
}

struct cpu_value cpu__read(const struct cpu *c, struct livemem *m, const struct uop_operand *o)
{
	struct cpu_value v;

	switch (o->type) {
	case UOP_IMM: return cpu_value_of(o->value, o->size, CPU_HARD);
	case UOP_REG:
		v = c->reg[o->reg];
		if (o->high)
			return cpu_is_known(v, 2) ? cpu_value_of(v.v >> 8, 1, v.how)
						  : cpu_unknown();
		if (!cpu_is_known(v, o->size))
			return cpu_unknown();
		return cpu_value_of((v.v & cpu_mask(o->size)) * (o->scale ? o->scale : 1), 8,
				    v.how);
	case UOP_VEC: return c->vec[o->reg][0];
	case UOP_MEM:
		v = cpu__address(c, o);
		if (v.how == CPU_UNKNOWN || !o->size || o->size > 8)
			return cpu_unknown();
		v = (struct cpu_value){ 0 };
		return cpu__load(c, m, cpu__address(c, o).v, o->size);
	default: return cpu_unknown();
	}
}

void cpu__set_reg(struct cpu *c, unsigned int reg, struct cpu_value v)
{
	c->reg[reg] = cpu_is_known(v, 8) ? v : cpu_unknown();
}

static void cpu__set_part(struct cpu *c, const struct uop_operand *o, struct cpu_value v)
{
	struct cpu_value *r = &c->reg[o->reg];
	unsigned int shift = o->high ? 8 : 0;
	uint64_t mask = cpu_mask(o->size) << shift;

	if (o->size >= 4) {
		cpu__set_reg(c, o->reg, v);
	} else if (!cpu_is_known(v, o->size)) {
		*r = cpu_unknown();
	} else if (cpu_is_known(*r, 8)) {
		r->v = (r->v & ~mask) | (v.v << shift & mask);
		r->how = cpu_weaker(*r, v);
	} else if (!o->high) {
		*r = (struct cpu_value){ v.v, o->size, v.how };
	} else {
		*r = cpu_unknown();
	}
}

void cpu__write(struct cpu *c, const struct uop_operand *o, struct cpu_value v)
{
	struct cpu_value addr;

	if (o->type == UOP_REG) {
		cpu__set_part(c, o,
			      cpu_value_of(v.v, o->size,
					   cpu_is_known(v, o->size) ? v.how : CPU_UNKNOWN));
	} else if (o->type == UOP_VEC) {
		c->vec[o->reg][0] = v;
		c->vec[o->reg][1] = cpu_unknown();
	} else if (o->type == UOP_MEM) {
		addr = cpu__address(c, o);
		if (addr.how != CPU_UNKNOWN)
			cpu__store(c, addr.v, o->size, v);
	}
}

/* --- joining --- */

static void join_value(struct cpu_value *a, struct cpu_value b)
{
	uint32_t known = a->known < b.known ? a->known : b.known;

	if (a->v != b.v || a->known != b.known)
		*a = known && known < 8 && ((a->v ^ b.v) & cpu_mask(known)) == 0
			     ? (struct cpu_value){ a->v & cpu_mask(known), known,
						   cpu_weaker(*a, b) }
			     : cpu_unknown();
	else
		a->how = cpu_weaker(*a, b);
}

static struct cpu_word joined_word(struct cpu_word a, struct cpu_word b, uint8_t written)
{
	struct cpu_word w = { .addr = a.addr, .written = written, .known = a.known & b.known };

	w.how = a.how < b.how ? a.how : b.how;
	for (int i = 0; i < 8; i++)
		if ((a.data ^ b.data) & (0xffull << (i * 8)))
			w.known &= (uint8_t) ~(1u << i);
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
	for (unsigned int r = 0; r < UOP_REGS; r++)
		join_value(&c->reg[r], other->reg[r]);
	for (unsigned int r = 0; r < UOP_VECS; r++) {
		join_value(&c->vec[r][0], other->vec[r][0]);
		join_value(&c->vec[r][1], other->vec[r][1]);
	}
	if (!other->flags_known || c->cf != other->cf || c->zf != other->zf || c->sf != other->sf ||
	    c->of != other->of)
		cpu__lose_flags(c);
	c->lost |= other->lost;
	if (other->stale > c->stale)
		c->stale = other->stale;
}
