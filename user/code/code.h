/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * code: the machine code of one function, of whatever machine, and what a probe on an instruction of
 * it costs.
 *
 * The rooms x86/ and arm64/ know what the bytes mean.
 */
#ifndef PARKWATCH_CODE_CODE_H
#define PARKWATCH_CODE_CODE_H

#include <stddef.h>
#include <stdint.h>

enum insn_class {
	INSN_NOP5, /* this kernel may make a call of it, without a trap */
	INSN_BRANCH,
	INSN_PUSH,
	INSN_CALL,
	INSN_NOP,
	INSN_STEPPED, /* executed out of line: two traps a hit */
	INSN_CLASS_MAX
};

struct code {
	uint64_t addr;        /* of the function's entry, in the process */
	const uint8_t *bytes; /* borrowed; of the whole function: a branch back is looked for in all
				 of it */
	size_t len;
};

#endif
