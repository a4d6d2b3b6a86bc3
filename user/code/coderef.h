/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * coderef: what one instruction of a function refers to by itself: variables of the program, other
 * functions. The same for all machines.
 */
#ifndef PARKWATCH_CODE_CODEREF_H
#define PARKWATCH_CODE_CODEREF_H

#include <stdint.h>

#include "code/code.h"

enum coderef_kind {
	CODEREF_NONE,
	CODEREF_LOAD,    /* of 8 bytes at `at`, or 16 */
	CODEREF_STORE,   /* likewise */
	CODEREF_ADDRESS, /* `at` becomes a value */
	CODEREF_CALL,    /* of `at`; 0: it is chosen at run time */
	CODEREF_RETURN,
};

struct coderef {
	enum coderef_kind kind;
	uint8_t words; /* of 8 bytes, that are loaded or stored */
	uint8_t len;   /* of the instruction */
	uint64_t at;
};

#define CODEREF_REGS 32

/* What is known of the registers before the next instruction; all 0 at the function's entry. */
struct coderef_regs {
	uint32_t known; /* a bit each */
	uint64_t value[CODEREF_REGS];
};

#endif
