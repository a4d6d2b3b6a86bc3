/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * code: the machine code of one function, of whatever machine, and what a probe on an instruction of
 * it costs.
 *
 * The rooms x86/ and arm64/ know what the bytes mean; golang/goarch says which of them is asked.
 */
#ifndef PARKWATCH_CODE_CODE_H
#define PARKWATCH_CODE_CODE_H

#include <stddef.h>
#include <stdint.h>

/*
 * x86/code.h and arm64/insn.h say which instructions are of which class; insn_class_name() says
 * what this machine calls it.
 */
enum insn_class {
	INSN_NOP5, /* this kernel may make a call of it, without a trap */
	INSN_BRANCH,
	INSN_PUSH, /* arm64: adr */
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
