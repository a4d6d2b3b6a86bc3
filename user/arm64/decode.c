/* SPDX-License-Identifier: BSD-2-Clause */
#include "arm64/decode.h"

#include "arm64/regs.h"
#include "arm64/step.h"

#define ATOMIC_WITHIN 8 /* instructions */
#define SHIFT_MAX     7 /* to the left, of an operand: uop_operand.scale has 8 bits */

/* Bits 31, 30, 29 of data processing: 64 bits; which of two; flags. */
static unsigned int size_of(uint32_t word)
{
	return word >> 31 ? 8 : 4;
}

static bool is_second(uint32_t word)
{
	return word >> 30 & 1;
}

static bool sets_flags(uint32_t word)
{
	return word >> 29 & 1;
}

static uint8_t condition_of(uint32_t cond)
{
	static const uint8_t of[] = {
		[0] = UOP_EQUAL,
		[1] = UOP_BELOW | UOP_UNLESS, /* hs */
		[2] = UOP_NEGATIVE,
		[3] = UOP_OVERFLOW,
		[4] = UOP_BELOW_EQUAL | UOP_UNLESS, /* hi */
		[5] = UOP_LESS | UOP_UNLESS,        /* ge */
		[6] = UOP_LESS_EQUAL | UOP_UNLESS,  /* gt */
		[7] = UOP_PARITY,                   /* al: see the callers */
	};

	return of[cond >> 1] ^ (cond & 1);
}

static bool is_always(uint32_t cond)
{
	return cond >= 14;
}

/* --- data processing --- */

/*
 * A sum, a difference or a logical operation with flags or without; without a destination it
 * compares. x, y: its sources.
 */
static void steps__binary(struct steps *s, enum uop_kind kind, bool flags, struct uop_operand x,
			  struct uop_operand y, bool sp)
{
	const bool nowhere = flags && a64_rd(s->word) == A64_ZERO;
	struct uop *u;

	if (nowhere && (kind == UOP_SUB || kind == UOP_AND)) {
		u = steps__add(s, kind == UOP_SUB ? UOP_CMP : UOP_TEST);
		u->op[0] = x;
		u->op[1] = y;
	} else {
		u = steps__add(s, kind);
		if (sp)
			uop__to_or_sp(u, a64_rd(s->word), x.size);
		else
			uop__to(u, a64_rd(s->word), x.size);
		u->op[1] = x;
		u->op[2] = y;
	}
	u->changes_flags = flags;
	u->flips_carry = flags && kind != UOP_SUB;
}

static void steps__move_to(struct steps *s, struct uop_operand from)
{
	struct uop *u = steps__add(s, UOP_MOV);

	uop__to(u, a64_rd(s->word), from.size);
	u->op[1] = from;
}

/* A sum of 64 bits without flags is an address as a rule. */
static void steps__add_immediate(struct steps *s)
{
	const bool minus = is_second(s->word), flags = sets_flags(s->word);
	const unsigned int size = size_of(s->word);
	const uint64_t imm = (uint64_t)a64_bits(s->word, 10, 12)
			     << (a64_bits(s->word, 22, 1) ? 12 : 0);
	struct uop *u;

	if (flags || size != 8) {
		steps__binary(s, minus ? UOP_SUB : UOP_ADD, flags,
			      a64_reg_or_sp(a64_rn(s->word), size), a64_imm(imm, size), !flags);
		return;
	}
	u = steps__add(s, UOP_LEA);
	u->op[1] = steps__address(s, a64_rn(s->word), minus ? -(int64_t)imm : (int64_t)imm, 8);
	uop__to_or_sp(u, a64_rd(s->word), 8);
}

/* Arm ARM, DecodeBitMasks(): a run of ones, rotated, over and over. false: it is none. */
static bool bit_mask(uint32_t word, uint64_t *ret)
{
	const unsigned int imms = a64_bits(word, 10, 6), immr = a64_bits(word, 16, 6);
	const unsigned int key = a64_bits(word, 22, 1) << 6 | (~imms & 0x3f);
	unsigned int len, width, ones, turn;
	uint64_t run;

	if (key < 2 || (!(word >> 31) && key >> 6))
		return false;
	len = 31 - (unsigned int)__builtin_clz(key);
	width = 1u << len;
	ones = (imms & (width - 1)) + 1;
	turn = immr & (width - 1);
	if (ones == width)
		return false;
	run = (1ull << ones) - 1;
	if (turn)
		run = (run >> turn | run << (width - turn)) &
		      (width == 64 ? UINT64_MAX : (1ull << width) - 1);
	for (; width < 64; width *= 2)
		run |= run << width;
	*ret = word >> 31 ? run : (uint32_t)run;
	return true;
}

static const enum uop_kind logical[] = { UOP_AND, UOP_OR, UOP_XOR, UOP_AND };

static void steps__logical_immediate(struct steps *s)
{
	const uint32_t opc = a64_bits(s->word, 29, 2);
	const unsigned int size = size_of(s->word);
	uint64_t mask;

	if (!bit_mask(s->word, &mask))
		steps__other(s, a64_bit(a64_rd(s->word)))->changes_flags = opc == 3;
	else if (opc == 1 && a64_rn(s->word) == A64_ZERO && a64_rd(s->word) != A64_ZERO)
		steps__move_to(s, a64_imm(mask, size));
	else
		steps__binary(s, logical[opc], opc == 3, a64_reg(a64_rn(s->word), size),
			      a64_imm(mask, size), opc != 3);
}

/*
 * movz, movn; movk, which puts 16 bits into a number that the instructions right before it begin:
 * then it is the whole number.
 */
static bool is_move_wide(uint32_t word)
{
	return a64_is(word, 0x1f800000, 0x12800000);
}

static bool number_until(const struct code *code, uint64_t addr, uint8_t reg, uint64_t *ret)
{
	uint64_t number = 0;
	unsigned int shift;
	uint32_t word;
	int before = 0;

	while (before < 4 && !a64_fetch(code, addr - A64_BYTES * (uint64_t)before, &word) &&
	       is_move_wide(word) && a64_rd(word) == reg && a64_bits(word, 29, 2) == 3)
		before++;
	if (before == 4 || a64_fetch(code, addr - A64_BYTES * (uint64_t)before, &word) ||
	    !is_move_wide(word) || a64_rd(word) != reg || a64_bits(word, 29, 2) == 1)
		return false;
	for (; before >= 0; before--) {
		(void)a64_fetch(code, addr - A64_BYTES * (uint64_t)before, &word);
		shift = a64_bits(word, 21, 2) * 16;
		if (a64_bits(word, 29, 2) == 3)
			number &= ~(0xffffull << shift);
		number |= (uint64_t)a64_bits(word, 5, 16) << shift;
		if (!a64_bits(word, 29, 2))
			number = ~number;
		if (!(word >> 31))
			number = (uint32_t)number;
	}
	*ret = number;
	return true;
}

static void steps__move_wide(struct steps *s)
{
	uint64_t number;

	if (number_until(s->code, s->addr, a64_rd(s->word), &number))
		steps__move_to(s, a64_imm(number, size_of(s->word)));
	else
		steps__other(s, a64_bit(a64_rd(s->word)));
}

/* Two sources, the destination apart. */
static void steps__shift(struct steps *s, enum uop_kind kind, struct uop_operand from,
			 struct uop_operand by)
{
	struct uop *u = steps__add(s, kind);

	uop__to(u, a64_rd(s->word), from.size);
	u->op[1] = from;
	u->op[2] = by;
}

static void steps__unsigned_field(struct steps *s, unsigned int size, unsigned int r,
				  unsigned int top)
{
	const struct uop_operand from = a64_reg(a64_rn(s->word), size),
				 to = a64_reg(a64_rd(s->word), size);
	const unsigned int width = size * 8;

	if (top + 1 == r) {
		steps__shift(s, UOP_SHL, from, a64_imm(width - r, size));
	} else if (top == width - 1) {
		steps__shift(s, UOP_SHR, from, a64_imm(r, size));
	} else if (top < r) {
		steps__shift(s, UOP_AND, from, a64_imm((2ull << top) - 1, size));
		steps__shift(s, UOP_SHL, to, a64_imm(width - r, size));
	} else {
		steps__shift(s, UOP_SHR, from, a64_imm(r, size));
		steps__shift(s, UOP_AND, to, a64_imm((2ull << (top - r)) - 1, size));
	}
}

/* sbfm, bfm, ubfm: shifts by a number, extensions and parts of words. */
static void steps__field(struct steps *s)
{
	const unsigned int size = size_of(s->word), r = a64_bits(s->word, 16, 6),
			   top = a64_bits(s->word, 10, 6);
	const uint32_t opc = a64_bits(s->word, 29, 2);
	struct uop *u;

	if (opc == 2 && r < size * 8 && top < size * 8) {
		steps__unsigned_field(s, size, r, top);
	} else if (opc == 0 && top == size * 8 - 1 && r < size * 8) {
		steps__shift(s, UOP_SAR, a64_reg(a64_rn(s->word), size), a64_imm(r, size));
	} else if (opc == 0 && !r && (top == 7 || top == 15 || top == 31)) {
		u = steps__add(s, UOP_MOVSX);
		uop__to(u, a64_rd(s->word), size);
		u->op[1] = a64_reg(a64_rn(s->word), (top + 1) / 8);
	} else {
		steps__other(s, a64_bit(a64_rd(s->word)));
	}
}

static void steps__immediate(struct steps *s)
{
	switch (a64_bits(s->word, 23, 3)) {
	case 0:
	case 1: steps__move_to(s, a64_imm(a64_address(s->word, s->addr), 8)); break;
	case 2: steps__add_immediate(s); break;
	case 4: steps__logical_immediate(s); break;
	case 5: steps__move_wide(s); break;
	case 6: steps__field(s); break;
	default: steps__other(s, a64_bit(a64_rd(s->word)));
	}
}

/* The second source, shifted to the left by a little. false: shifted otherwise. */
static bool shifted(uint32_t word, struct uop_operand *ret)
{
	const unsigned int by = a64_bits(word, 10, 6);

	*ret = a64_reg(a64_rm(word), size_of(word));
	if (ret->type == UOP_IMM || !by)
		return true;
	ret->scale = (uint8_t)(1u << (by & SHIFT_MAX));
	return !a64_bits(word, 22, 2) && by <= SHIFT_MAX;
}

static void steps__logical(struct steps *s)
{
	const uint32_t opc = a64_bits(s->word, 29, 2);
	const uint8_t rn = a64_rn(s->word);
	struct uop_operand y;

	if (!shifted(s->word, &y) || a64_bits(s->word, 21, 1))
		steps__other(s, a64_bit(a64_rd(s->word)))->changes_flags = opc == 3;
	else if (opc == 1 && rn == A64_ZERO && !y.scale)
		steps__move_to(s, y);
	else
		steps__binary(s, logical[opc], opc == 3, a64_reg(rn, size_of(s->word)), y, false);
}

static void steps__sum(struct steps *s)
{
	const enum uop_kind kind = is_second(s->word) ? UOP_SUB : UOP_ADD;
	struct uop_operand y;

	if (shifted(s->word, &y))
		steps__binary(s, kind, sets_flags(s->word),
			      a64_reg(a64_rn(s->word), size_of(s->word)), y, false);
	else
		steps__other(s, a64_bit(a64_rd(s->word)))->changes_flags = sets_flags(s->word);
}

/* The second source is a part of a register, extended and shifted. */
static void steps__sum_extended(struct steps *s)
{
	const uint32_t option = a64_bits(s->word, 13, 3), by = a64_bits(s->word, 10, 3);
	const bool flags = sets_flags(s->word), sign = option >= 4 && option != 7;
	const enum uop_kind kind = is_second(s->word) ? UOP_SUB : UOP_ADD;
	const unsigned int size = size_of(s->word), part = 1u << (option & 3);
	struct uop_operand y = a64_reg(a64_rm(s->word), part < size ? part : size);

	if (sign) {
		struct uop *u = steps__other(s, 0);

		u->changes_flags = flags;
		u->changes = flags ? a64_bit(a64_rd(s->word)) : 1u << a64_rd(s->word);
		return;
	}
	if (by && y.type == UOP_REG)
		y.scale = (uint8_t)(1u << by);
	steps__binary(s, kind, flags, a64_reg_or_sp(a64_rn(s->word), size), y, !flags);
}

static void steps__select(struct steps *s)
{
	const uint32_t which = a64_bits(s->word, 30, 1) << 2 | a64_bits(s->word, 10, 2);
	const uint32_t cond = a64_bits(s->word, 12, 4);
	const uint8_t rn = a64_rn(s->word), rm = a64_rm(s->word);
	const unsigned int size = size_of(s->word);
	struct uop *u;

	if (!which && !is_always(cond)) {
		u = steps__add(s, UOP_CMOV);
		u->op[1] = a64_reg(rn, size);
		u->op[2] = a64_reg(rm, size);
		u->cc = condition_of(cond);
	} else if (which == 1 && rn == A64_ZERO && rm == A64_ZERO && !is_always(cond)) {
		u = steps__add(s, UOP_SETCC); /* cset has the contrary */
		u->cc = condition_of(cond) ^ UOP_UNLESS;
	} else {
		u = steps__add(s, UOP_OTHER);
	}
	uop__to(u, a64_rd(s->word), size);
}

/* lslv, lsrv, asrv; division and the like */
static void steps__two_sources(struct steps *s)
{
	static const enum uop_kind shifts[] = { UOP_SHL, UOP_SHR, UOP_SAR };
	const uint32_t opcode = a64_bits(s->word, 10, 6);
	const unsigned int size = size_of(s->word);

	if (!is_second(s->word) && opcode >= 8 && opcode <= 10)
		steps__shift(s, shifts[opcode - 8], a64_reg(a64_rn(s->word), size),
			     a64_reg(a64_rm(s->word), size));
	else
		steps__other(s, a64_bit(a64_rd(s->word)));
}

static void steps__register(struct steps *s)
{
	const uint32_t word = s->word;

	if (a64_is(word, 0x1f000000, 0x0a000000))
		steps__logical(s);
	else if (a64_is(word, 0x1f200000, 0x0b000000))
		steps__sum(s);
	else if (a64_is(word, 0x1fe00000, 0x0b200000))
		steps__sum_extended(s);
	else if (a64_is(word, 0x3fe00000, 0x1a800000))
		steps__select(s);
	else if (a64_is(word, 0x3fe00000, 0x1ac00000))
		steps__two_sources(s);
	else if (a64_is(word, 0x1fe00000, 0x1a400000)) /* ccmp, ccmn */
		steps__other(s, 0)->changes_flags = true;
	else
		steps__other(s, a64_bit(a64_rd(word)))->changes_flags =
			a64_is(word, 0x1f000000, 0x1a000000) && sets_flags(word);
}

/* --- branches and the system --- */

static void steps__branch(struct steps *s, enum a64_branch branch, uint64_t target)
{
	static const uint8_t kinds[] = {
		[A64_B] = UOP_JMP,    [A64_BL] = UOP_CALL, [A64_B_COND] = UOP_JCC,
		[A64_CBZ] = UOP_JCC,  [A64_TBZ] = UOP_JCC, [A64_BR] = UOP_JMP,
		[A64_BLR] = UOP_CALL, [A64_RET] = UOP_RET,
	};
	struct uop *u = steps__add(s, kinds[branch]);
	const unsigned int bit = (s->word >> 31) << 5 | a64_bits(s->word, 19, 5);

	u->target = target;
	if (branch == A64_B_COND && is_always(s->word & 15))
		u->kind = UOP_JMP;
	else if (branch == A64_B_COND)
		u->cc = condition_of(s->word & 15);
	if (branch == A64_BR || branch == A64_BLR)
		u->op[0] = a64_reg(a64_rn(s->word), 8);
	if (branch == A64_BL || branch == A64_BLR)
		u->changes = 1u << A64_LINK;
	if (branch != A64_CBZ && branch != A64_TBZ)
		return;
	u->cc = a64_bits(s->word, 24, 1) ? UOP_EQUAL | UOP_UNLESS : UOP_EQUAL;
	u->op[0] = a64_reg_or_sp(a64_rd(s->word), branch == A64_CBZ ? size_of(s->word) : 8);
	u->op[1] = a64_imm(branch == A64_CBZ ? UINT64_MAX : 1ull << bit, 8);
}

/* The atomic instruction that the code comes to at once; 0: none. */
static uint32_t atomic_from(const struct code *code, uint64_t addr)
{
	uint64_t target;
	uint32_t word;

	for (int i = 0; i < ATOMIC_WITHIN && !a64_fetch(code, addr, &word);
	     i++, addr += A64_BYTES) {
		if (a64_is_exclusive_load(word) || a64_is_atomic(word))
			return word;
		if (a64_branch(word, addr, &target) != A64_NO_BRANCH)
			break;
	}
	return 0;
}

/*
 * Go asks the variable that says whether the processor has Armv8.1's atomics, and does the same with
 * them or without (cmd/compile/internal/ssagen: arm64HasATOMICS). Either way is as good: one is taken,
 * for two would double the states of a walk at each lock.
 */
static bool chooses_atomics(const struct steps *s, uint64_t target)
{
	uint32_t load, here, there;

	if (a64_fetch(s->code, s->addr - A64_BYTES, &load) ||
	    !a64_is(load, 0xffc00000, 0x39400000) || a64_rd(load) != a64_rd(s->word))
		return false;
	here = atomic_from(s->code, s->addr + A64_BYTES);
	there = atomic_from(s->code, target);
	return here && there && a64_is_atomic(here) != a64_is_atomic(there);
}

/* Branches that need no value: by register 31, which is always 0, and between two ways to the same. */
static void steps__decide(struct steps *s)
{
	struct uop *u = &s->uop[s->nr - 1];

	if (u->kind != UOP_JCC || u->op[0].type != UOP_REG)
		return;
	if (chooses_atomics(s, u->target))
		u->kind = UOP_NOP;
	else if (u->op[0].reg == A64_ZERO)
		u->kind = u->cc & UOP_UNLESS ? UOP_NOP : UOP_JMP;
	else
		return;
	u->target = u->kind == UOP_JMP ? u->target : 0;
	u->op[0].type = u->op[1].type = UOP_NONE;
}

/* Hints, barriers, system registers; a system call changes its result alone. */
static void steps__system(struct steps *s)
{
	const uint32_t word = s->word;

	if (a64_is(word, 0xff00001f, 0xd4000001))
		steps__other(s, 1u << 0);
	else if (a64_is(word, 0xff000000, 0xd4000000))
		steps__add(s, UOP_STOP); /* brk, hlt */
	else if (a64_is(word, 0xfffff01f, 0xd503201f) || a64_is(word, 0xfffff01f, 0xd503301f))
		steps__add(s, UOP_NOP); /* nop, bti, paciasp ...; dmb, isb ... */
	else
		steps__other(s, a64_bit(a64_rd(word)))->changes_flags = true;
}

/* --- floating point --- */

/* Of it only what comes to general registers and flags counts. */
static void steps__vector(struct steps *s)
{
	const uint32_t word = s->word;
	const bool converts =
		a64_is(word, 0x5f20fc00, 0x1e200000) || a64_is(word, 0x5f200000, 0x1e000000);
	const bool takes_element = a64_is(word, 0xbfe08400, 0x0e000400);
	const bool compares =
		a64_is(word, 0x5f203c00, 0x1e202000) || a64_is(word, 0x5f200c00, 0x1e200400);

	steps__other(s, converts || takes_element ? a64_bit(a64_rd(word)) : 0)->changes_flags =
		compares;
}

static void steps__any(struct steps *s)
{
	const uint32_t group = a64_bits(s->word, 25, 4);
	uint64_t target = 0;
	enum a64_branch branch = a64_branch(s->word, s->addr, &target);

	if (branch != A64_NO_BRANCH)
		steps__branch(s, branch, target);
	else if (group == 8 || group == 9)
		steps__immediate(s);
	else if (group == 10 || group == 11)
		steps__system(s);
	else if ((group & 7) == 5)
		steps__register(s);
	else if ((group & 7) == 7)
		steps__vector(s);
	else if (!(s->word >> 16))
		steps__add(s, UOP_STOP); /* udf: what lies between functions */
	else if ((group & 5) != 4 || (!steps__exclusive_loop(s) && !steps__memory(s)))
		steps__other(s, a64_bit(a64_rd(s->word)) | a64_bit(a64_rm(s->word)) |
					1u << a64_rn(s->word))
			->changes_flags = true;
}

int a64_decode(const struct code *code, uint64_t addr, struct uop *ret)
{
	struct steps s = { .code = code, .addr = addr, .uop = ret };
	int err = a64_fetch(code, addr, &s.word);

	if (err)
		return err;
	steps__any(&s);
	steps__decide(&s);
	return s.nr;
}
