/* SPDX-License-Identifier: BSD-2-Clause */
/* a64: instructions of A64, for tests that write code: named as the assembler has them. */
#ifndef PARKWATCH_TESTS_A64_H
#define PARKWATCH_TESTS_A64_H

#include <stdint.h>

#define A64_SP  31u
#define A64_XZR 31u
enum {
	A64_EQ,
	A64_NE,
	A64_HS,
	A64_LO,
	A64_MI,
	A64_PL,
	A64_VS,
	A64_VC,
	A64_HI,
	A64_LS,
	A64_GE,
	A64_LT,
	A64_GT,
	A64_LE
};

#define A64_OFF(words, low, bits) (((uint32_t)(words) & ((1u << (bits)) - 1)) << (low))
/* branches: so many instructions on */
#define A64_B_(words)            (0x14000000u | A64_OFF(words, 0, 26))
#define A64_BCOND(cond, words)   (0x54000000u | A64_OFF(words, 5, 19) | (cond))
#define A64_CBZ_(rt, words)      (0xb4000000u | A64_OFF(words, 5, 19) | (rt))
#define A64_CBNZ_W(rt, words)    (0x35000000u | A64_OFF(words, 5, 19) | (rt))
#define A64_CBZ_W(rt, words)     (0x34000000u | A64_OFF(words, 5, 19) | (rt))
#define A64_TBZ_(rt, bit, words) (0x36000000u | (bit) << 19 | A64_OFF(words, 5, 14) | (rt))
#define A64_BR_(rn)              (0xd61f0000u | (rn) << 5)
#define A64_BLR_(rn)             (0xd63f0000u | (rn) << 5)
#define A64_RET_                 0xd65f03c0u
#define A64_NOP                  0xd503201fu
#define A64_BTI_C                0xd503245fu
#define A64_PACIASP              0xd503233fu
#define A64_BRK                  0xd4200000u
#define A64_SVC                  0xd4000001u
/* registers of 64 bits, or of 32 where the name ends with W */
#define A64_MOV(rd, rm)              (0xaa0003e0u | (rm) << 16 | (rd))
#define A64_MOVZ(rd, imm, hw)        (0xd2800000u | (hw) << 21 | (imm) << 5 | (rd))
#define A64_MOVK(rd, imm, hw)        (0xf2800000u | (hw) << 21 | (imm) << 5 | (rd))
#define A64_MOVN(rd, imm, hw)        (0x92800000u | (hw) << 21 | (imm) << 5 | (rd))
#define A64_MOVN_W(rd, imm)          (0x12800000u | (imm) << 5 | (rd))
#define A64_ADD_I(rd, rn, imm)       (0x91000000u | (imm) << 10 | (rn) << 5 | (rd))
#define A64_SUB_I(rd, rn, imm)       (0xd1000000u | (imm) << 10 | (rn) << 5 | (rd))
#define A64_ADD(rd, rn, rm)          (0x8b000000u | (rm) << 16 | (rn) << 5 | (rd))
#define A64_ADD_LSL(rd, rn, rm, by)  (0x8b000000u | (rm) << 16 | (by) << 10 | (rn) << 5 | (rd))
#define A64_ADD_UXTW(rd, rn, rm, by) (0x8b204000u | (rm) << 16 | (by) << 10 | (rn) << 5 | (rd))
#define A64_ADD_W(rd, rn, rm)        (0x0b000000u | (rm) << 16 | (rn) << 5 | (rd))
#define A64_ADDS_W(rd, rn, rm)       (0x2b000000u | (rm) << 16 | (rn) << 5 | (rd))
#define A64_SUB(rd, rn, rm)          (0xcb000000u | (rm) << 16 | (rn) << 5 | (rd))
#define A64_CMP(rn, rm)              (0xeb00001fu | (rm) << 16 | (rn) << 5)
#define A64_CMP_W(rn, rm)            (0x6b00001fu | (rm) << 16 | (rn) << 5)
#define A64_CMP_I(rn, imm)           (0xf100001fu | (imm) << 10 | (rn) << 5)
#define A64_TST_W(rn, rm)            (0x6a00001fu | (rm) << 16 | (rn) << 5)
#define A64_AND_W(rd, rn, rm)        (0x0a000000u | (rm) << 16 | (rn) << 5 | (rd))
#define A64_UBFM(rd, rn, r, s)       (0xd3400000u | (r) << 16 | (s) << 10 | (rn) << 5 | (rd))
#define A64_SBFM(rd, rn, r, s)       (0x93400000u | (r) << 16 | (s) << 10 | (rn) << 5 | (rd))
#define A64_CSET(rd, cond)           (0x9a9f07e0u | ((cond) ^ 1u) << 12 | (rd))
#define A64_CSEL(rd, rn, rm, cond)   (0x9a800000u | (rm) << 16 | (cond) << 12 | (rn) << 5 | (rd))
#define A64_ADR(rd, bytes)           (0x10000000u | ((bytes)&3u) << 29 | A64_OFF((bytes) >> 2, 5, 19) | (rd))
#define A64_ADRP(rd, pages)          (0x90000000u | ((pages)&3u) << 29 | A64_OFF((pages) >> 2, 5, 19) | (rd))
/* memory; off in bytes */
#define A64_LDR(rt, rn, off)      (0xf9400000u | (off) / 8u << 10 | (rn) << 5 | (rt))
#define A64_LDR_W(rt, rn, off)    (0xb9400000u | (off) / 4u << 10 | (rn) << 5 | (rt))
#define A64_LDRB(rt, rn, off)     (0x39400000u | (off) << 10 | (rn) << 5 | (rt))
#define A64_LDRSW(rt, rn, off)    (0xb9800000u | (off) / 4u << 10 | (rn) << 5 | (rt))
#define A64_STR(rt, rn, off)      (0xf9000000u | (off) / 8u << 10 | (rn) << 5 | (rt))
#define A64_STRB(rt, rn, off)     (0x39000000u | (off) << 10 | (rn) << 5 | (rt))
#define A64_LDUR(rt, rn, off)     (0xf8400000u | A64_OFF(off, 12, 9) | (rn) << 5 | (rt))
#define A64_LDR_POST(rt, rn, off) (0xf8400400u | A64_OFF(off, 12, 9) | (rn) << 5 | (rt))
#define A64_STR_PRE(rt, rn, off)  (0xf8000c00u | A64_OFF(off, 12, 9) | (rn) << 5 | (rt))
#define A64_LDR_IDX(rt, rn, rm)   (0xf8607800u | (rm) << 16 | (rn) << 5 | (rt)) /* rm * 8 */
#define A64_LDP(rt, rt2, rn, off)                                                                  \
	(0xa9400000u | A64_OFF((off) / 8, 15, 7) | (rt2) << 10 | (rn) << 5 | (rt))
#define A64_STP(rt, rt2, rn, off)                                                                  \
	(0xa9000000u | A64_OFF((off) / 8, 15, 7) | (rt2) << 10 | (rn) << 5 | (rt))
#define A64_STP_Q(rt, rt2, rn, off)                                                                \
	(0xad000000u | A64_OFF((off) / 16, 15, 7) | (rt2) << 10 | (rn) << 5 | (rt))
#define A64_LDR_LITERAL(rt, words) (0x58000000u | A64_OFF(words, 5, 19) | (rt))
/* atomic, of 32 bits */
#define A64_LDADDAL_W(rs, rt, rn) (0xb8e00000u | (rs) << 16 | (rn) << 5 | (rt))
#define A64_SWPAL_W(rs, rt, rn)   (0xb8e08000u | (rs) << 16 | (rn) << 5 | (rt))
#define A64_CASAL_W(rs, rt, rn)   (0x88e0fc00u | (rs) << 16 | (rn) << 5 | (rt))
#define A64_LDAXR_W(rt, rn)       (0x885ffc00u | (rn) << 5 | (rt))
#define A64_STLXR_W(rs, rt, rn)   (0x8800fc00u | (rs) << 16 | (rn) << 5 | (rt))

#endif
