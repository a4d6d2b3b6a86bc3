/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * insn: one A64 instruction of a function, as far as sites and references are concerned.
 *
 * Decoded by hand: all instructions have four bytes, and a dozen kinds are looked at (Arm Architecture
 * Reference Manual, C4 "A64 Instruction Set Encoding"). Of the rest it is known which general
 * registers they may write, rather too many than too few. Pure.
 *
 * The kernel decides what a probe costs (arch/arm64/kernel/probes/decode-insn.c): it simulates
 * branches, calls, returns, adr, adrp, and loads of literals, from 6.18 nop. Everything else is
 * executed out of line: two traps a hit; exclusive loads and stores it refuses.
 */
#ifndef PARKWATCH_ARM64_INSN_H
#define PARKWATCH_ARM64_INSN_H

#include <stdbool.h>
#include <stdint.h>

#include "code/code.h"

#define A64_BYTES 4
#define A64_SP    31 /* as a base register; elsewhere 31 is the zero register */
#define A64_LR    30
#define A64_FP    29
#define A64_G     28 /* Go: always g */
#define A64_TMP   27 /* Go's assembler: for one instruction of the source */

enum a64_kind {
	A64_OTHER,
	A64_UNDEFINED, /* none that a function has */
	A64_NOP,
	A64_B,      /* to target */
	A64_B_COND, /* to target, by cond */
	A64_CBZ,    /* to target, by a register or a bit of it */
	A64_BL,     /* to target */
	A64_BLR,
	A64_BR,
	A64_RET,
	A64_ADR,  /* rd = target: adr, adrp */
	A64_ADD,  /* rd = rn + imm; sub: imm < 0 */
	A64_MOV,  /* rd = rm */
	A64_CMP,  /* flags of rn and something; nothing is written */
	A64_LOAD, /* rd, and rd2 of a pair, from rn + imm; by other addresses it is A64_OTHER */
	A64_STORE,
};

enum a64_writeback { A64_AT_OFFSET, A64_BEFORE, A64_AFTER };

struct a64_insn {
	uint64_t addr;
	uint32_t word;
	enum a64_kind kind;
	uint8_t rd, rd2, rn, rm;
	uint8_t cond;
	uint8_t size; /* bytes of each register that is loaded or stored */
	bool pair;
	bool is_vector; /* rd and rd2 are no general registers */
	enum a64_writeback writeback;
	int64_t imm;
	uint64_t target;
	uint32_t writes; /* general registers, a bit each; bit 31: sp */
};

#define A64_COND_LO 3
#define A64_COND_LS 9

/* -ENOENT outside the code, -EBADMSG no instruction. */
int a64_insn__decode(const struct code *code, uint64_t addr, struct a64_insn *ret);
/* Leads elsewhere, and may go on here or not; no call. */
bool a64_insn_is_branch(const struct a64_insn *in);
bool a64_insn_is_call(const struct a64_insn *in);
enum insn_class a64_insn__class(const struct a64_insn *in, bool nop);

#endif
