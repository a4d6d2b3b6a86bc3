/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * isa: an instruction set: how its code becomes uops, and what Go's compiler uses its registers for.
 *
 * There is one constant for each machine. Who follows code asks it and knows no register by name;
 * only the room of the machine itself does (x86/, arm64/).
 */
#ifndef PARKWATCH_CODE_ISA_H
#define PARKWATCH_CODE_ISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "code/code.h"
#include "code/uop.h"

#define ISA_ARGS_MAX 16
#define ISA_UOPS_MAX 3 /* of one instruction */

/* A direct call, by offsets into the bytes that it was looked for in. */
struct isa_call {
	size_t at, next; /* of the call, and of what follows it */
	uint64_t target;
};

struct isa {
	uint16_t machine; /* EM_X86_64, EM_AARCH64 */
	/* bytes that a call puts on the stack: the return address, or 0 where a register has it */
	uint8_t pushed;
	/* arguments on the stack begin so far above the stack pointer of the function that calls */
	uint8_t args_at;
	uint8_t frame, context; /* registers: frame pointer; closure of the function called */
	uint8_t link;           /* return address; UOP_NO_REG: it is on the stack */
	bool zero_vector;       /* vector register 15 is 0 where arguments come in registers */
	uint8_t nr_args;        /* ... in these, in their order; the first has the result, too */
	uint8_t args[ISA_ARGS_MAX];
	/* general registers, a bit each, that these of the runtime's functions change, which are called
	 * without the rules: gcWriteBarrier; duffzero and duffcopy */
	uint32_t barrier_changes, duff_changes;
	/*
	 * The instruction at addr as uops, in their order, all with its address: how many. -ENOENT
	 * outside the code, -EBADMSG no instruction.
	 */
	int (*decode)(const struct code *code, uint64_t addr, struct uop ret[ISA_UOPS_MAX]);
	/*
	 * The first direct call at `from` or behind it, of len bytes that stand at addr: true, if one
	 * lies there whole. Where instructions have no fixed place it may be none: the end of one and the
	 * beginning of another.
	 */
	bool (*next_call)(const uint8_t *bytes, size_t len, uint64_t addr, size_t from,
			  struct isa_call *ret);
	uint8_t call_bytes; /* of a direct call */
};

extern const struct isa isa_x86, isa_arm64;

/* Of EM_X86_64 and the like; NULL: nothing is known of it. */
const struct isa *isa_of(uint16_t machine);

#endif
