/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uop: one x86-64 instruction of a Go function, decoded to what x86/cpu executes.
 *
 * Small and plain, so that a function is decoded once and its code run for many goroutines. What
 * cpu has no rule for is UOP_OTHER: it only says which registers it changes.
 */
#ifndef PARKWATCH_X86_UOP_H
#define PARKWATCH_X86_UOP_H

#include <stdbool.h>
#include <stdint.h>

#include "x86/code.h"

enum uop_kind {
	UOP_OTHER,
	UOP_NOP,
	UOP_MOV, /* narrow sources are zero extended */
	UOP_MOVSX,
	UOP_LEA,
	UOP_ADD,
	UOP_SUB,
	UOP_AND,
	UOP_OR,
	UOP_XOR,
	UOP_CMP,
	UOP_TEST,
	UOP_INC,
	UOP_DEC,
	UOP_NEG,
	UOP_NOT,
	UOP_SHL,
	UOP_SHR,
	UOP_SAR,
	UOP_SETCC,
	UOP_CMOV,
	UOP_XCHG,
	UOP_XADD,
	UOP_CMPXCHG,
	UOP_PUSH,
	UOP_POP,
	UOP_JCC,
	UOP_JMP,
	UOP_CALL,
	UOP_RET,
	UOP_STOP, /* ud2, int3: no code goes on behind it */
};

enum uop_operand_type { UOP_NONE, UOP_REG, UOP_XMM, UOP_MEM, UOP_IMM, UOP_UNKNOWN };

/* general registers, in the order of their encoding: 0 rax, 2 rdx, 4 rsp, 5 rbp */
#define UOP_REGS   16
#define UOP_NO_REG 0xff

enum { UOP_RAX, UOP_RCX, UOP_RDX, UOP_RBX, UOP_RSP, UOP_RBP, UOP_RSI, UOP_RDI, UOP_R11 = 11 };

struct uop_operand {
	uint8_t type;        /* enum uop_operand_type */
	uint8_t size;        /* bytes */
	uint8_t reg;         /* UOP_REG, UOP_XMM */
	bool high;           /* ah, ch, dh, bh */
	uint8_t base, index; /* UOP_MEM: registers or UOP_NO_REG */
	uint8_t scale;
	/* UOP_IMM: sign extended; UOP_MEM: displacement, or the address if it is relative to rip */
	uint64_t value;
};

struct uop {
	uint64_t addr;
	uint64_t target; /* of a direct branch or call; 0: indirect */
	struct uop_operand op[3];
	uint16_t changes; /* general registers that it writes, a bit each */
	uint16_t changes_xmm;
	uint8_t kind; /* enum uop_kind */
	uint8_t len;
	uint8_t cc; /* UOP_JCC, UOP_SETCC, UOP_CMOV: condition, as it is encoded */
	bool changes_flags;
	bool locked; /* an atomic read and write of its memory operand */
	/* set by locks/gofn, which has the whole function: */
	bool is_target; /* a branch leads here */
	/* enum lock_act of the inlined function of package sync that it is the heart of */
	uint8_t lock_act;
	uint8_t lock_kind; /* enum lock_kind */
};

/* -ENOENT outside the code, -EBADMSG no instruction. */
int uop__decode(const struct code *code, uint64_t addr, struct uop *ret);
/*
 * The address that its memory operand names without a register, as operands relative to rip do; 0:
 * none does.
 */
uint64_t uop_address(const struct uop *u);

#endif
