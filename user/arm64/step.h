/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * step: uops of one instruction while it is decoded, one after the other.
 *
 * Where a register's number is 31, it is sp in some operands, in others a register that reads 0 and
 * forgets: "or sp" in a name says which.
 */
#ifndef PARKWATCH_ARM64_STEP_H
#define PARKWATCH_ARM64_STEP_H

#include "arm64/word.h"
#include "code/isa.h"

struct steps {
	const struct code *code;
	uint64_t addr;
	uint32_t word;
	struct uop *uop; /* room for ISA_UOPS_MAX */
	int nr;
};

/* One more, of this kind. */
struct uop *steps__add(struct steps *s, enum uop_kind kind);
/* One that nobody has a rule for, which writes these registers. */
struct uop *steps__other(struct steps *s, uint32_t changes);
/* All so far are of this many instructions. */
void steps__span(struct steps *s, unsigned int instructions);

static inline uint32_t a64_bit(uint8_t reg)
{
	return reg == A64_ZERO ? 0 : 1u << reg;
}

struct uop_operand a64_reg(uint8_t reg, unsigned int size);       /* 31: the number 0 */
struct uop_operand a64_reg_or_sp(uint8_t reg, unsigned int size); /* 31: sp */
struct uop_operand a64_imm(uint64_t value, unsigned int size);
/* [reg or sp + disp] */
struct uop_operand a64_mem(uint8_t reg, int64_t disp, unsigned int size);

/* The destination, which the uop changes. 31: nothing. */
void uop__to(struct uop *u, uint8_t reg, unsigned int size);
void uop__to_or_sp(struct uop *u, uint8_t reg, unsigned int size);

/* Rn + imm, where the instruction before put a page into Rn: the address is known then. */
struct uop_operand steps__address(const struct steps *s, uint8_t reg, int64_t disp,
				  unsigned int size);

/* Loads, stores and what is atomic. false: the word is none of them. */
bool steps__memory(struct steps *s);

/*
 * Atomic sums, exchanges and compare-and-swaps as Go makes them of ldaxr and stlxr, with the loop
 * around them (Go cmd/compile/internal/arm64/ssa.go). false: the word begins none.
 */
bool steps__exclusive_loop(struct steps *s);

#endif
