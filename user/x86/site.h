/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * site: the cheapest instruction of a function at which the wanted values are still in hand.
 *
 * Pure: bytes in, one instruction out, no process and no kernel. The decoder is Zydis; what it says
 * is followed from the function's entry along the straight line that every call takes: where the
 * stack pointer and the frame pointer are, and which registers and stack slots hold the values.
 */
#ifndef PARKWATCH_X86_SITE_H
#define PARKWATCH_X86_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/knobs.h>

#include "x86/code.h"

enum site_value {
	SITE_G,
	SITE_CUR,
	SITE_REASON,
	SITE_ARG,
	SITE_TYPE,
	SITE_VALUES
}; /* the members of struct pw_site */

#define SITE_CODE_MAX 32768 /* larger functions are refused */

struct site_ask {
	struct code code;
	struct pw_loc in[SITE_VALUES]; /* where the values are at `from`; PW_LOC_NONE: not wanted */
	bool g_in_tls;  /* SITE_G is wanted and comes by a load from fs: (before Go 1.17) */
	uint64_t from;  /* first instruction that may be chosen: the entry, or one after a call */
	uint64_t until; /* last one; 0: as far as the straight line goes */
	bool inside; /* `from` is behind a call, and branches may lead there: what lies between it
			and the prologue is passed over, since Go's compiler moves the stack pointer
			nowhere else */
	bool nop5;   /* this kernel makes a 5-byte nop cheaper than an emulated instruction */
};

struct site_choice {
	uint64_t addr;
	enum insn_class class;
	struct pw_site wire; /* all but point */
	char insn[80];       /* disassembled, Intel syntax */
	char why[160];
};

/*
 * 0; -ENOENT no instruction at which all values are in hand; -EBADMSG the bytes do not decode;
 * -E2BIG too large. Instructions before a stack check are never chosen (they run again after the
 * stack has grown), nor such that a branch leads to, nor such that not every call reaches.
 */
int site__choose(const struct site_ask *ask, struct site_choice *ret);

#endif
