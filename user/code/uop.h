/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uop: one instruction of a Go function, or one step of it, decoded to what code/cpu executes,
 * whatever the machine.
 *
 * Small and plain, so that a function is decoded once and its code run for many goroutines. What
 * cpu has no rule for is UOP_OTHER: it only says which registers it changes.
 *
 * Operands: the first is the destination. Of two, it is the first source as well (add a, b), but of
 * moves and of compare and test, which only read; of three, the sources are the other two. A
 * register that is always 0 is the number 0, and what is written to it UOP_NONE.
 */
#ifndef PARKWATCH_CODE_UOP_H
#define PARKWATCH_CODE_UOP_H

#include <stdbool.h>
#include <stdint.h>

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
	UOP_STOP, /* a trap: no code goes on behind it */
};

enum uop_operand_type { UOP_NONE, UOP_REG, UOP_VEC, UOP_MEM, UOP_IMM, UOP_UNKNOWN };

/* General registers by the machine's own numbers, but the stack pointer, which is the last. */
#define UOP_REGS   32
#define UOP_SP     31
#define UOP_VECS   16 /* vector registers that are followed */
#define UOP_NO_REG 0xff

/* Each but parity is followed by its contrary. */
enum uop_condition {
	UOP_OVERFLOW,
	UOP_BELOW = 2, /* the first operand than the second, without a sign */
	UOP_EQUAL = 4,
	UOP_BELOW_EQUAL = 6,
	UOP_NEGATIVE = 8,
	UOP_PARITY = 10,
	UOP_LESS = 12, /* with a sign */
	UOP_LESS_EQUAL = 14,
	UOP_UNLESS = 1, /* added to it: its contrary */
};

struct uop_operand {
	uint8_t type;        /* enum uop_operand_type */
	uint8_t size;        /* bytes */
	uint8_t reg;         /* UOP_REG, UOP_VEC */
	bool high;           /* the second lowest byte of it: ah, ch, dh, bh */
	uint8_t base, index; /* UOP_MEM: registers or UOP_NO_REG */
	uint8_t scale;       /* UOP_MEM: of the index; UOP_REG: of its value, 0 is 1 */
	/* UOP_IMM: sign extended; UOP_MEM: displacement, or the address if no register is named */
	uint64_t value;
};

struct uop {
	uint64_t addr;
	uint64_t target; /* of a direct branch or call; 0: indirect */
	/* UOP_JCC with a register: it goes by whether its bits that the second operand has are 0 */
	struct uop_operand op[3];
	uint32_t changes; /* general registers that it writes, a bit each */
	uint16_t changes_vec;
	uint8_t kind; /* enum uop_kind */
	uint8_t len;  /* of the instruction; of several that are one uop, of all of them */
	uint8_t cc;   /* UOP_JCC, UOP_SETCC, UOP_CMOV: enum uop_condition */
	bool changes_flags;
	/* the carry is the contrary of what the sum or difference says: it means that nothing was borrowed */
	bool flips_carry;
	bool locked; /* an atomic read and write of its memory operand */
	/* set by locks/gofn, which has the whole function: */
	bool is_target; /* a branch leads here */
	/* enum lock_act of the inlined function of package sync that it is the heart of */
	uint8_t lock_act;
	uint8_t lock_kind; /* enum lock_kind */
};

/*
 * The address that its memory operand names without a register, as operands relative to the code
 * do; 0: none does.
 */
uint64_t uop_address(const struct uop *u);

/* Of an atomic exchange: where it puts what it has found in memory. */
static inline const struct uop_operand *uop_found(const struct uop *u)
{
	return u->op[2].type != UOP_NONE ? &u->op[2] : &u->op[1];
}

#endif
