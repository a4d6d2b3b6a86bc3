/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * site: what is asked for an instruction to probe, and what is answered. x86/site and arm64/site
 * answer.
 */
#ifndef PARKWATCH_CODE_SITE_H
#define PARKWATCH_CODE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/knobs.h>

#include "code/code.h"

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
	bool g_in_tls;  /* SITE_G is wanted and comes by a load from fs: (x86, before Go 1.17) */
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
	char insn[80];       /* disassembled; x86: Intel syntax */
	char why[160];
};

/* For who chooses. Whether one of that cost is taken in its place: a cheaper one, or as cheap and best is on the stack check. */
bool site_choice__is_beaten(const struct site_choice *best, int best_cost, int cost);
/* Fills in why. how: what a hit of it takes. has_check: the function checks its stack; is_after: this is the first instruction after that. */
void site_choice__say_why(struct site_choice *p, const char *how, bool has_check, bool is_after);

#endif
