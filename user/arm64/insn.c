/* SPDX-License-Identifier: BSD-2-Clause */
#include "arm64/insn.h"

#include <errno.h>
#include <string.h>

#define ZR 31

static uint32_t bits(uint32_t word, unsigned int low, unsigned int nr)
{
	return word >> low & ((1u << nr) - 1);
}

/* The same, with a sign, times scale. */
static int64_t offset(uint32_t word, unsigned int low, unsigned int nr, int64_t scale)
{
	const uint32_t v = bits(word, low, nr), sign = 1u << (nr - 1);

	return ((int64_t)(v ^ sign) - (int64_t)sign) * scale;
}

static bool matches(uint32_t word, uint32_t mask, uint32_t value)
{
	return (word & mask) == value;
}

/* Of the zero register nothing is written. */
static uint32_t written(unsigned int reg)
{
	return reg == ZR ? 0 : 1u << reg;
}

/* False: it is none of them. */
static bool decode_branch(struct a64_insn *in)
{
	const uint32_t w = in->word;

	if (matches(w, 0x7c000000, 0x14000000)) {
		in->kind = w >> 31 ? A64_BL : A64_B;
		in->target = in->addr + (uint64_t)offset(w, 0, 26, A64_BYTES);
	} else if (matches(w, 0xff000010, 0x54000000)) {
		in->kind = A64_B_COND;
		in->cond = (uint8_t)bits(w, 0, 4);
		in->target = in->addr + (uint64_t)offset(w, 5, 19, A64_BYTES);
	} else if (matches(w, 0x7e000000, 0x34000000)) {
		in->kind = A64_CBZ;
		in->target = in->addr + (uint64_t)offset(w, 5, 19, A64_BYTES);
	} else if (matches(w, 0x7e000000, 0x36000000)) {
		in->kind = A64_CBZ;
		in->target = in->addr + (uint64_t)offset(w, 5, 14, A64_BYTES);
	} else if (matches(w, 0xfe000000, 0xd6000000)) { /* with pointer authentication, too */
		const uint32_t op = bits(w, 21, 2);

		in->kind = op == 0 ? A64_BR : op == 1 ? A64_BLR : A64_RET;
	} else {
		return false;
	}
	in->rn = (uint8_t)bits(w, 5, 5);
	in->writes = in->kind == A64_BL || in->kind == A64_BLR ? 1u << A64_LR : 0;
	return true;
}

static bool decode_immediate(struct a64_insn *in)
{
	const uint32_t w = in->word;

	in->rd = (uint8_t)bits(w, 0, 5);
	in->rn = (uint8_t)bits(w, 5, 5);
	if (matches(w, 0x1f000000, 0x10000000)) { /* adr, adrp */
		const int64_t off = offset(w, 5, 19, 4) | bits(w, 29, 2);

		in->kind = A64_ADR;
		in->target = w >> 31 ? (in->addr & ~4095ULL) + (uint64_t)(off * 4096)
				     : in->addr + (uint64_t)off;
		in->writes = written(in->rd);
		return true;
	}
	if (matches(w, 0x9f800000, 0x91000000)) { /* add, sub, 64 bits */
		const bool flags = bits(w, 29, 1);

		in->imm = (int64_t)bits(w, 10, 12) << (bits(w, 22, 1) ? 12 : 0);
		in->imm = bits(w, 30, 1) ? -in->imm : in->imm;
		in->kind = flags && in->rd == ZR ? A64_CMP : A64_ADD;
		/* register 31 is sp, unless flags are set */
		in->writes = flags ? written(in->rd) : 1u << in->rd;
		return true;
	}
	return false;
}

static bool decode_register(struct a64_insn *in)
{
	const uint32_t w = in->word;

	in->rd = (uint8_t)bits(w, 0, 5);
	in->rn = (uint8_t)bits(w, 5, 5);
	in->rm = (uint8_t)bits(w, 16, 5);
	if (matches(w, 0xffe0ffe0, 0xaa0003e0)) { /* orr rd, zr, rm */
		in->kind = A64_MOV;
		in->writes = written(in->rd);
		return true;
	}
	/* subs zr, rn, rm: shifted, or extended, where rn may be sp */
	if (matches(w, 0x7f20001f, 0x6b00001f) || matches(w, 0x7fe0001f, 0x6b20001f)) {
		in->kind = A64_CMP;
		return true;
	}
	return false;
}

/* ldr, str with an immediate; a pair. Kinds with other addresses are A64_OTHER. */
static bool decode_memory(struct a64_insn *in)
{
	const uint32_t w = in->word;
	const bool vector = bits(w, 26, 1);
	unsigned int scale, mode;
	bool load;

	in->rd = (uint8_t)bits(w, 0, 5);
	in->rn = (uint8_t)bits(w, 5, 5);
	if (matches(w, 0x3a000000, 0x28000000)) { /* pairs */
		mode = bits(w, 23, 2);
		scale = vector ? 2 + bits(w, 30, 2) : 2 + bits(w, 31, 1);
		load = bits(w, 22, 1);
		in->pair = true;
		in->rd2 = (uint8_t)bits(w, 10, 5);
		in->imm = offset(w, 15, 7, 1LL << scale);
		in->writeback = mode == 1 ? A64_AFTER : mode == 3 ? A64_BEFORE : A64_AT_OFFSET;
	} else if (matches(w, 0x3b000000, 0x39000000)) { /* unsigned offset */
		scale = bits(w, 30, 2) + (vector && bits(w, 23, 1) ? 4 : 0);
		load = bits(w, 22, 2) != 0 && !(vector && bits(w, 22, 2) == 2);
		in->imm = (int64_t)bits(w, 10, 12) << scale;
	} else if (matches(w, 0x3b200000, 0x38000000) && bits(w, 10, 2) != 2) {
		mode = bits(w, 10, 2);
		scale = bits(w, 30, 2) + (vector && bits(w, 23, 1) ? 4 : 0);
		load = bits(w, 22, 2) != 0 && !(vector && bits(w, 22, 2) == 2);
		in->imm = offset(w, 12, 9, 1);
		in->writeback = mode == 1 ? A64_AFTER : mode == 3 ? A64_BEFORE : A64_AT_OFFSET;
	} else if (matches(w, 0x3fbffc00, 0x089ffc00)) { /* stlr, ldar */
		scale = bits(w, 30, 2);
		load = bits(w, 22, 1);
	} else {
		return false;
	}
	in->kind = load ? A64_LOAD : A64_STORE;
	in->is_vector = vector;
	in->size = (uint8_t)(1u << scale);
	if (load && !vector)
		in->writes = written(in->rd) | (in->pair ? written(in->rd2) : 0);
	if (in->writeback != A64_AT_OFFSET)
		in->writes |= 1u << in->rn;
	return true;
}

/* Register 31 is sp where an immediate is combined bit by bit, and where an extended register is added. */
static bool names_sp(uint32_t word)
{
	const bool flags = bits(word, 29, 1);

	if (matches(word, 0x1f800000, 0x12000000))
		return bits(word, 29, 2) != 3;
	return matches(word, 0x1fe00000, 0x0b200000) && !flags;
}

/* What is not looked at: registers by the fields that some encodings name them in. */
static uint32_t may_write(uint32_t word)
{
	const uint32_t rd = bits(word, 0, 5);

	if (matches(word, 0x1c000000, 0x10000000) || matches(word, 0x0e000000, 0x0a000000))
		return names_sp(word) ? 1u << rd : written(rd); /* data processing */
	if (matches(word, 0x0e000000, 0x0e000000) ||            /* of vectors */
	    matches(word, 0x3b000000, 0x18000000) ||            /* ldr of a literal */
	    matches(word, 0x3b200c00, 0x38200800))              /* by a register's offset */
		return written(rd);
	/* atomic, exclusive, system: each that is named but as a base */
	return written(rd) | written(bits(word, 10, 5)) | written(bits(word, 16, 5));
}

int a64_insn__decode(const struct code *code, uint64_t addr, struct a64_insn *ret)
{
	const uint64_t off = addr - code->addr;
	struct a64_insn in = { .addr = addr };

	if (addr < code->addr || off >= code->len)
		return -ENOENT;
	if (addr % A64_BYTES || code->len - off < A64_BYTES)
		return -EBADMSG;
	memcpy(&in.word, code->bytes + off, A64_BYTES);
	if (!bits(in.word, 16, 16)) { /* udf */
		in.kind = A64_UNDEFINED;
	} else if (in.word == 0xd503201f) {
		in.kind = A64_NOP;
	} else if (!decode_branch(&in) && !decode_immediate(&in) && !decode_register(&in) &&
		   !decode_memory(&in)) {
		in.kind = A64_OTHER;
		in.writes = may_write(in.word);
	}
	*ret = in;
	return 0;
}

bool a64_insn_is_branch(const struct a64_insn *in)
{
	return in->kind == A64_B || in->kind == A64_B_COND || in->kind == A64_CBZ ||
	       in->kind == A64_BR;
}

bool a64_insn_is_call(const struct a64_insn *in)
{
	return in->kind == A64_BL || in->kind == A64_BLR;
}

enum insn_class a64_insn__class(const struct a64_insn *in, bool nop)
{
	switch (in->kind) {
	case A64_NOP: return nop ? INSN_NOP5 : INSN_NOP;
	case A64_B:
	case A64_B_COND:
	case A64_CBZ: return INSN_BRANCH;
	case A64_BL: return INSN_CALL;
	case A64_ADR: return INSN_PUSH;
	default: return INSN_STEPPED;
	}
}
