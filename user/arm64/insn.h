/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * insn: one instruction of a function of A64: where it leads, and what it does, as uops; and what can
 * be told of a function's instructions one by one. As x86/insn; used by site and coderef. Pure.
 *
 * The kernel decides what a probe costs (arch/arm64/kernel/probes/decode-insn.c): it simulates
 * branches, calls, returns, adr, adrp, and loads of literals, from 6.18 nop. Everything else is
 * executed out of line: two traps a hit; exclusive loads and stores it refuses.
 */
#ifndef PARKWATCH_ARM64_INSN_H
#define PARKWATCH_ARM64_INSN_H

#include "arm64/word.h"
#include "code/isa.h"

struct a64_insn {
	uint64_t addr;
	uint32_t word;
	enum a64_branch branch;
	uint64_t target; /* of a direct branch or call; 0: none */
	int nr;
	struct uop uop[ISA_UOPS_MAX];
};

/* -ENOENT outside the code, -EBADMSG no instruction. */
int a64_insn__decode(const struct code *code, uint64_t addr, struct a64_insn *ret);
/* Leads elsewhere, and may go on here or not; no call, no return. */
bool a64_is_jump(enum a64_branch branch);
bool a64_is_call(enum a64_branch branch);
/* What the kernel does with a probe on it; nop: it simulates that. */
enum insn_class a64_insn__class(const struct a64_insn *in, bool nop);
bool a64_insn_is_refused(const struct a64_insn *in);
/* As an assembler has it, if a probe on it is a cheap one; else its word. */
void a64_insn__print(const struct a64_insn *in, char *to, size_t size);

#endif
