/* SPDX-License-Identifier: BSD-2-Clause */
#include "arm64/coderef.h"

#include <errno.h>
#include <stdbool.h>

#include "arm64/insn.h"

#define WORD 8

static bool knows(const struct coderef_regs *regs, unsigned int reg)
{
	return reg != A64_SP && regs->known >> reg & 1;
}

static void set(struct coderef_regs *regs, unsigned int reg, uint64_t value)
{
	regs->known |= 1u << reg;
	regs->value[reg] = value;
}

/*
 * Go's assembler puts the address of a variable that is only loaded or stored together in A64_TMP:
 * that is not taken.
 */
static void take_address(const struct a64_insn *in, struct coderef_regs *regs, uint64_t value,
			 struct coderef *ret)
{
	set(regs, in->rd, value);
	if (in->rd == A64_TMP)
		return;
	ret->kind = CODEREF_ADDRESS;
	ret->at = value;
}

static void access(const struct a64_insn *in, const struct coderef_regs *regs, struct coderef *ret)
{
	if (!knows(regs, in->rn) || in->size != WORD || in->is_vector ||
	    in->writeback != A64_AT_OFFSET)
		return;
	ret->kind = in->kind == A64_LOAD ? CODEREF_LOAD : CODEREF_STORE;
	ret->at = regs->value[in->rn] + (uint64_t)in->imm;
	ret->words = in->pair ? 2 : 1;
}

int a64_coderef__next(const struct code *code, uint64_t addr, struct coderef_regs *regs,
		      struct coderef *ret)
{
	struct coderef ref = { .kind = CODEREF_NONE, .len = A64_BYTES };
	struct a64_insn in;
	uint64_t base = 0;
	bool known;
	int err = a64_insn__decode(code, addr, &in);

	if (err)
		return err;
	if (in.kind == A64_UNDEFINED)
		return -EBADMSG;
	known = knows(regs, in.rn);
	base = regs->value[in.rn];
	if (in.kind == A64_LOAD || in.kind == A64_STORE)
		access(&in, regs, &ref);
	regs->known &= ~in.writes;
	if (in.kind == A64_ADR && in.word >> 31)
		set(regs, in.rd, in.target);
	else if (in.kind == A64_ADR)
		take_address(&in, regs, in.target, &ref);
	else if (in.kind == A64_ADD && known && in.writes)
		take_address(&in, regs, base + (uint64_t)in.imm, &ref);
	if (a64_insn_is_call(&in)) {
		ref.kind = CODEREF_CALL;
		ref.at = in.target;
		regs->known = 0;
	}
	if (in.kind == A64_RET)
		ref.kind = CODEREF_RETURN;
	if (in.kind == A64_RET || in.kind == A64_B || in.kind == A64_BR)
		regs->known = 0;
	*ret = ref;
	return 0;
}
