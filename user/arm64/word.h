/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * word: one instruction of A64, as it is encoded: 32 bits, the parts of which have fixed places
 * (Arm Architecture Reference Manual for A-profile, C4 and C6). Pure.
 */
#ifndef PARKWATCH_ARM64_WORD_H
#define PARKWATCH_ARM64_WORD_H

#include <stdbool.h>
#include <stdint.h>

#include "code/code.h"

#define A64_BYTES 4
#define A64_ZERO  31 /* a register's number where it is none: reads 0; of some operands it is sp */

/* -ENOENT outside the code, -EBADMSG not at a multiple of 4, or not whole. */
int a64_fetch(const struct code *code, uint64_t addr, uint32_t *ret);

static inline uint32_t a64_bits(uint32_t word, unsigned int low, unsigned int nr)
{
	return word >> low & ((1u << nr) - 1);
}

static inline bool a64_is(uint32_t word, uint32_t mask, uint32_t value)
{
	return (word & mask) == value;
}

/* The nr bits from `low` on as a number with a sign. */
static inline int64_t a64_signed(uint32_t word, unsigned int low, unsigned int nr)
{
	return (int64_t)((uint64_t)a64_bits(word, low, nr) << (64 - nr)) >> (64 - nr);
}

/* Registers have the same places in almost all: Rd or Rt, Rn, Rt2, Rm or Rs. */
static inline uint8_t a64_rd(uint32_t word)
{
	return (uint8_t)a64_bits(word, 0, 5);
}

static inline uint8_t a64_rn(uint32_t word)
{
	return (uint8_t)a64_bits(word, 5, 5);
}

static inline uint8_t a64_rt2(uint32_t word)
{
	return (uint8_t)a64_bits(word, 10, 5);
}

static inline uint8_t a64_rm(uint32_t word)
{
	return (uint8_t)a64_bits(word, 16, 5);
}

/* adr, adrp */
static inline bool a64_is_adr(uint32_t word)
{
	return a64_is(word, 0x1f000000, 0x10000000);
}

static inline bool a64_is_adrp(uint32_t word)
{
	return a64_is(word, 0x9f000000, 0x90000000);
}

/* ldxr, ldaxr */
static inline bool a64_is_exclusive_load(uint32_t word)
{
	return a64_is(word, 0x3fe07c00, 0x08407c00);
}

/* stxr, stlxr */
static inline bool a64_is_exclusive_store(uint32_t word)
{
	return a64_is(word, 0x3fe00000, 0x08000000);
}

/* Atomic by itself, of Armv8.1: ldadd, swp and the like; cas. */
static inline bool a64_is_atomic(uint32_t word)
{
	return a64_is(word, 0x3f200c00, 0x38200000) || a64_is(word, 0x3fa07c00, 0x08a07c00);
}

/* What adr or adrp at addr puts into its register. */
uint64_t a64_address(uint32_t word, uint64_t addr);

enum a64_branch {
	A64_NO_BRANCH,
	A64_B,
	A64_BL,
	A64_B_COND,
	A64_CBZ, /* and cbnz */
	A64_TBZ, /* and tbnz */
	A64_BR,  /* to a register */
	A64_BLR,
	A64_RET,
};

/* ret_target: of a direct one. */
enum a64_branch a64_branch(uint32_t word, uint64_t addr, uint64_t *ret_target);

#endif
