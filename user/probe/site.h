/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * site: the cheapest instruction of a function at which the wanted values are still in hand.
 *
 * Pure: bytes in, one instruction out, no process and no kernel. The decoder is Zydis; what it says
 * is followed from the function's entry along the straight line that every call takes: where the
 * stack pointer and the frame pointer are, and which registers and stack slots hold the values.
 *
 * What an instruction costs is the kernel's doing (arch/x86/kernel/uprobes.c): it emulates near
 * branches and calls without prefix, push of a 64-bit register, the one-byte nop, and from 6.16 the
 * nops it uses itself, of which it makes the 5-byte one cheaper still where it lies within one
 * page; all else is single-stepped, two traps a hit.
 */
#ifndef PARKWATCH_PROBE_SITE_H
#define PARKWATCH_PROBE_SITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/knobs.h>

enum insn_class {
	INSN_NOP5,
	INSN_BRANCH,
	INSN_PUSH,
	INSN_CALL,
	INSN_NOP,
	INSN_STEPPED,
	INSN_CLASS_MAX
};
const char *insn_class_name(
	enum insn_class c); /* "jcc", "push", "call", "nop", "nop5", "single-stepped" */

enum site_value {
	SITE_G,
	SITE_CUR,
	SITE_REASON,
	SITE_ARG,
	SITE_TYPE,
	SITE_VALUES
}; /* the members of struct pw_site */

#define SITE_CODE_MAX 32768 /* larger functions are refused */

struct site_code {
	uint64_t addr;        /* of the function's entry, in the process */
	const uint8_t *bytes; /* borrowed; of the whole function: a branch back is looked for in all
				 of it */
	size_t len;           /* at most SITE_CODE_MAX */
};

struct site_ask {
	struct site_code code;
	struct pw_loc in[SITE_VALUES]; /* where the values are at `from`; PW_LOC_NONE: not wanted */
	bool g_in_tls;  /* SITE_G is wanted and comes by a load from fs: (before Go 1.17) */
	uint64_t from;  /* first instruction that may be chosen: the entry, or one after a call */
	uint64_t until; /* last one; 0: as far as the straight line goes */
	bool inside; /* `from` is behind a call, and branches may lead there: what lies between it
			and the prologue is passed over, since Go's compiler moves the stack pointer
			nowhere else */
	bool nop5;   /* this kernel makes a 5-byte nop cheaper than an emulated instruction */
};

struct site_pick {
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
int site__pick(const struct site_ask *ask, struct site_pick *ret);
/* The one `call target` in the code: its address and that of the next instruction. -ENOENT none,
 * -ENOTUNIQ several. */
int site__find_call(const struct site_code *code, uint64_t target, uint64_t *ret_addr,
		    uint64_t *ret_next);
/* The one `ret` in the code. -ENOENT none, -ENOTUNIQ several. */
int site__find_ret(const struct site_code *code, uint64_t *ret_addr);

#endif
