/* SPDX-License-Identifier: BSD-2-Clause */
/* Loads, stores and atomic instructions as uops. */
#include "arm64/step.h"

/* What is moved between a register and memory. */
struct move {
	bool load, sign, vector; /* sign: it is extended by its sign */
	unsigned int size;       /* bytes in memory */
	unsigned int to;         /* ... in the register */
};

/* Size, V and opc as single loads and stores have them. false: a prefetch, or nothing that is known. */
static bool move_of(uint32_t word, struct move *ret)
{
	const uint32_t size = a64_bits(word, 30, 2), opc = a64_bits(word, 22, 2);

	*ret = (struct move){ .load = opc, .size = 1u << size, .to = size == 3 ? 8 : 4 };
	if (a64_bits(word, 26, 1)) {
		ret->vector = true;
		ret->load = opc & 1;
		ret->size = opc & 2 ? 16 : 1u << size;
		return true;
	}
	ret->sign = opc >= 2;
	if (ret->sign)
		ret->to = opc == 2 ? 8 : 4;
	return !(ret->sign && (size == 3 || (size == 2 && opc == 3)));
}

/* Vector registers are not followed. */
static void steps__move(struct steps *s, const struct move *m, uint8_t reg, struct uop_operand mem)
{
	struct uop *u;

	mem.size = (uint8_t)m->size;
	if (m->vector) {
		u = steps__other(s, 0);
		u->op[m->load] = mem;
		return;
	}
	u = steps__add(s, m->sign ? UOP_MOVSX : UOP_MOV);
	if (m->load) {
		uop__to(u, reg, m->to);
		u->op[1] = mem;
	} else {
		u->op[0] = mem;
		u->op[1] = a64_reg(reg, m->size);
	}
}

static void steps__add_to(struct steps *s, uint8_t reg, int64_t by)
{
	struct uop *u = steps__add(s, UOP_LEA);

	u->op[1] = a64_mem(reg, by, 8);
	uop__to_or_sp(u, reg, 8);
}

/* By an offset of 9 bits: plain, and before or after it is added to the register. */
static void steps__near(struct steps *s, const struct move *m)
{
	const int64_t off = a64_signed(s->word, 12, 9);
	const uint32_t mode = a64_bits(s->word, 10, 2);
	const uint8_t base = a64_rn(s->word);

	if (mode == 3)
		steps__add_to(s, base, off);
	steps__move(s, m, a64_rd(s->word), a64_mem(base, mode & 1 ? 0 : off, 0));
	if (mode == 1)
		steps__add_to(s, base, off);
}

/* By another register; one of 32 bits is not followed. */
static void steps__indexed(struct steps *s, const struct move *m)
{
	struct uop_operand o = a64_mem(a64_rn(s->word), 0, 0);
	const uint8_t index = a64_rm(s->word);

	if (!(a64_bits(s->word, 13, 3) & 1))
		o.type = UOP_UNKNOWN;
	else if (index != A64_ZERO)
		o.index = index;
	o.scale = a64_bits(s->word, 12, 1) ? (uint8_t)m->size : 1;
	steps__move(s, m, a64_rd(s->word), o);
}

static void steps__pair(struct steps *s)
{
	const uint32_t opc = a64_bits(s->word, 30, 2), mode = a64_bits(s->word, 23, 2);
	const uint8_t base = a64_rn(s->word), first = a64_rd(s->word), second = a64_rt2(s->word);
	struct move m = { .load = a64_bits(s->word, 22, 1), .vector = a64_bits(s->word, 26, 1) };
	int64_t off, from;

	m.sign = m.load && !m.vector && opc == 1;
	m.size = m.vector ? 4u << opc : opc == 2 ? 8 : 4;
	m.to = opc ? 8 : 4;
	off = a64_signed(s->word, 15, 7) * (int64_t)m.size;
	from = mode & 1 ? 0 : off;
	if (mode == 3)
		steps__add_to(s, base, off);
	/* What overwrites the address comes last. */
	for (int i = 0; i < 2; i++) {
		const bool high = m.load && first == base ? !i : i;

		steps__move(s, &m, high ? second : first,
			    a64_mem(base, from + (high ? (int64_t)m.size : 0), 0));
	}
	if (mode == 1)
		steps__add_to(s, base, off);
}

static void steps__literal(struct steps *s)
{
	const uint32_t opc = a64_bits(s->word, 30, 2);
	struct move m = { .load = true, .vector = a64_bits(s->word, 26, 1) };
	uint64_t at = s->addr + (uint64_t)a64_signed(s->word, 5, 19) * A64_BYTES;

	if (!m.vector && opc == 3) {
		steps__add(s, UOP_NOP);
		return;
	}
	m.sign = !m.vector && opc == 2;
	m.size = m.vector ? 4u << opc : opc == 1 ? 8 : 4;
	m.to = opc ? 8 : 4;
	steps__move(s, &m, a64_rd(s->word), a64_mem(UOP_NO_REG, (int64_t)at, 0));
}

/* --- atomic ones --- */

static struct uop *steps__atomic(struct steps *s, enum uop_kind kind, unsigned int size)
{
	struct uop *u = steps__add(s, kind);

	u->op[0] = a64_mem(a64_rn(s->word), 0, size);
	u->locked = true;
	return u;
}

/* What is found goes nowhere if that is register 31; UOP_NONE would say that there are two operands. */
static void uop__found_to(struct uop *u, uint8_t reg, unsigned int size)
{
	u->op[2] = a64_reg_or_sp(reg, size > 4 ? 8 : 4);
	if (reg == A64_ZERO)
		u->op[2].type = UOP_UNKNOWN;
	u->changes |= a64_bit(reg);
}

/* ldadd, swp and their like, of Armv8.1; ldapr. */
static void steps__read_and_write(struct steps *s)
{
	const uint32_t what = a64_bits(s->word, 12, 4);
	const unsigned int size = 1u << a64_bits(s->word, 30, 2);
	struct uop *u;

	if (what == 12) {
		steps__move(s,
			    &(struct move){ .load = true, .size = size, .to = size == 8 ? 8 : 4 },
			    a64_rd(s->word), a64_mem(a64_rn(s->word), 0, 0));
	} else if (what == 0 || what == 8) {
		u = steps__atomic(s, what ? UOP_XCHG : UOP_XADD, size);
		u->op[1] = a64_reg(a64_rm(s->word), size);
		uop__found_to(u, a64_rd(s->word), size);
	} else {
		u = steps__atomic(s, UOP_OTHER, size);
		u->changes = a64_bit(a64_rd(s->word));
	}
}

/*
 * cas compares memory with Rs and leaves there what it has found. Go asks then whether they were the
 * same: `cmp old, Rs` is one with it, and the flags are what a compare-and-swap is expected to leave.
 */
static void steps__compare_and_swap(struct steps *s)
{
	const unsigned int size = 1u << a64_bits(s->word, 30, 2);
	const uint8_t found = a64_rm(s->word);
	struct uop *u = steps__atomic(s, UOP_CMPXCHG, size);
	uint32_t next;

	u->op[1] = a64_reg(a64_rd(s->word), size);
	u->changes = a64_bit(found);
	if (!a64_fetch(s->code, s->addr + A64_BYTES, &next) &&
	    a64_is(next, 0x7fe0fc1f, 0x6b00001f) &&
	    (a64_rn(next) == found || a64_rm(next) == found)) {
		u->changes_flags = true;
		steps__span(s, 2);
	}
}

/* stxr: nobody comes between, as far as we follow. */
static void steps__store_exclusive(struct steps *s, const struct move *m)
{
	struct uop *u;

	steps__move(s, m, a64_rd(s->word), a64_mem(a64_rn(s->word), 0, 0));
	u = steps__add(s, UOP_MOV);
	uop__to(u, a64_rm(s->word), 4);
	u->op[1] = a64_imm(0, 4);
}

/* Exclusive and ordered ones, and cas. */
static void steps__ordered(struct steps *s)
{
	const uint32_t size = a64_bits(s->word, 30, 2);
	const bool alone = a64_bits(s->word, 23, 1), pair = a64_bits(s->word, 21, 1);
	const struct move m = { .load = a64_bits(s->word, 22, 1),
				.size = 1u << size,
				.to = size == 3 ? 8 : 4 };
	const uint8_t rs = a64_rm(s->word);
	struct uop *u;

	if (alone && pair) {
		steps__compare_and_swap(s);
	} else if (alone || (m.load && !pair)) {
		steps__move(s, &m, a64_rd(s->word), a64_mem(a64_rn(s->word), 0, 0));
	} else if (!pair) {
		steps__store_exclusive(s, &m);
	} else { /* of two registers, casp among them */
		u = steps__atomic(s, UOP_OTHER, 16);
		u->changes = a64_bit(rs) | a64_bit((uint8_t)((rs + 1) & 31)) |
			     a64_bit(a64_rd(s->word)) | a64_bit(a64_rt2(s->word));
	}
}

bool steps__memory(struct steps *s)
{
	const uint32_t word = s->word;
	struct move m;

	if (a64_is(word, 0x3f000000, 0x08000000)) {
		steps__ordered(s);
	} else if (a64_is(word, 0xbe000000,
			  0x0c000000)) { /* of several vectors; with an increment */
		steps__other(s, word >> 23 & 1 ? 1u << a64_rn(word) : 0);
	} else if (a64_is(word, 0x3b000000, 0x18000000)) {
		steps__literal(s);
	} else if (a64_is(word, 0x3a000000, 0x28000000)) {
		steps__pair(s);
	} else if (a64_is(word, 0x3f200c00, 0x38200000)) {
		steps__read_and_write(s);
	} else if (!a64_is(word, 0x3a000000, 0x38000000) ||
		   (a64_is(word, 0x01200000, 0x00200000) && a64_bits(word, 10, 2) != 2)) {
		return false;
	} else if (!move_of(word, &m)) {
		steps__add(s, UOP_NOP); /* prfm */
	} else if (word >> 24 & 1) {
		const int64_t off = (int64_t)a64_bits(word, 10, 12) * m.size;

		steps__move(s, &m, a64_rd(word), steps__address(s, a64_rn(word), off, m.size));
	} else if (a64_bits(word, 21, 1)) {
		steps__indexed(s, &m);
	} else {
		steps__near(s, &m);
	}
	return true;
}

/* --- ldaxr, stlxr and the loop --- */

struct loop { /* what ldaxr has, and the words after it */
	uint32_t load, word[4];
	unsigned int size;
};

/* word[i] is stxr of `what` to the address of the ldaxr, and word[i + 1] goes back to that if it fails. */
static bool loop__ends(const struct loop *l, unsigned int i, uint8_t what)
{
	const uint32_t store = l->word[i], again = l->word[i + 1];
	uint64_t target = 0;

	return a64_is(store, 0xffe07c00, (l->load & 0xc0000000) | 0x08007c00) &&
	       a64_rn(store) == a64_rn(l->load) && a64_rd(store) == what &&
	       a64_is(again, 0x7f000000, 0x35000000) && a64_rd(again) == a64_rm(store) &&
	       a64_branch(again, 0x1000, &target) == A64_CBZ &&
	       target == 0x1000 - A64_BYTES * (uint64_t)(i + 2);
}

/* add Rd, of what was loaded and another register: which one. */
static bool loop__sums(const struct loop *l, uint8_t *ret)
{
	const uint32_t add = l->word[0];
	const uint8_t found = a64_rd(l->load);

	if (!a64_is(add, 0x7fe0fc00, 0x0b000000) || (a64_rn(add) != found && a64_rm(add) != found))
		return false;
	*ret = a64_rn(add) == found ? a64_rm(add) : a64_rn(add);
	return true;
}

/* cmp of what was loaded; b.ne past the loop */
static bool loop__compares(const struct loop *l)
{
	const uint8_t found = a64_rd(l->load);
	uint64_t target;

	return a64_is(l->word[0], 0x7fe0fc1f, 0x6b00001f) &&
	       (a64_rn(l->word[0]) == found || a64_rm(l->word[0]) == found) &&
	       (l->word[1] & 15) == 1 && a64_branch(l->word[1], 0, &target) == A64_B_COND &&
	       target == 3 * A64_BYTES;
}

static void steps__sum_loop(struct steps *s, const struct loop *l, uint8_t by)
{
	const unsigned int sum = l->word[0] >> 31 ? 8 : 4; /* Go sums 64 bits of either */
	struct uop *u = steps__atomic(s, UOP_XADD, l->size);

	u->op[1] = a64_reg(by, l->size);
	uop__found_to(u, a64_rd(l->load), l->size);
	u = steps__add(s, UOP_ADD);
	uop__to(u, a64_rd(l->word[0]), sum);
	u->op[1] = a64_reg(a64_rn(l->word[0]), sum);
	u->op[2] = a64_reg(a64_rm(l->word[0]), sum);
	steps__other(s, a64_bit(a64_rm(l->word[1])));
	steps__span(s, 4);
}

static void steps__exchange_loop(struct steps *s, const struct loop *l)
{
	struct uop *u = steps__atomic(s, UOP_XCHG, l->size);

	u->op[1] = a64_reg(a64_rd(l->word[0]), l->size);
	uop__found_to(u, a64_rd(l->load), l->size);
	steps__other(s, a64_bit(a64_rm(l->word[0])));
	steps__span(s, 3);
}

static void steps__swap_loop(struct steps *s, const struct loop *l)
{
	struct uop *u = steps__atomic(s, UOP_CMPXCHG, l->size);

	u->op[1] = a64_reg(a64_rd(l->word[2]), l->size);
	u->changes = a64_bit(a64_rd(l->load)) | a64_bit(a64_rm(l->word[2]));
	u->changes_flags = true;
	steps__span(s, 5);
}

bool steps__exclusive_loop(struct steps *s)
{
	struct loop l = { .load = s->word, .size = 1u << a64_bits(s->word, 30, 2) };
	uint8_t by;

	if (!a64_is_exclusive_load(s->word))
		return false;
	for (unsigned int i = 0; i < 4; i++)
		if (a64_fetch(s->code, s->addr + A64_BYTES * (i + 1), &l.word[i]))
			l.word[i] = 0;
	if (loop__ends(&l, 0, a64_rd(l.word[0])))
		steps__exchange_loop(s, &l);
	else if (loop__sums(&l, &by) && loop__ends(&l, 1, a64_rd(l.word[0])))
		steps__sum_loop(s, &l, by);
	else if (loop__compares(&l) && loop__ends(&l, 2, a64_rd(l.word[2])))
		steps__swap_loop(s, &l);
	else
		return false;
	return true;
}
