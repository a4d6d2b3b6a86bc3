/* SPDX-License-Identifier: BSD-2-Clause */
#include "arm64/coderef.h"

#include "arm64/insn.h"
#include "arm64/regs.h"

#define WORD 8

static bool knows(const struct coderef_regs *regs, unsigned int reg)
{
	return reg != UOP_SP && regs->known >> reg & 1;
}

/* The address that a memory operand names. false: nobody knows it. */
static bool named(const struct coderef_regs *regs, const struct uop_operand *o, uint64_t *ret)
{
	if (o->type != UOP_MEM || o->index != UOP_NO_REG ||
	    (o->base != UOP_NO_REG && !knows(regs, o->base)))
		return false;
	*ret = o->value + (o->base == UOP_NO_REG ? 0 : regs->value[o->base]);
	return true;
}

/* A word between a register and memory; of a pair either is taken, in whatever order. No atomic one. */
static void take_access(const struct a64_insn *in, const struct uop *u,
			const struct coderef_regs *regs, struct coderef *ref)
{
	const bool store = u->op[0].type == UOP_MEM;
	uint64_t at;

	if (a64_is_exclusive_store(in->word) || u->kind != UOP_MOV || u->op[0].size != WORD ||
	    u->op[1].size != WORD || !named(regs, &u->op[!store], &at))
		return;
	ref->kind = store ? CODEREF_STORE : CODEREF_LOAD;
	ref->at = ref->words && ref->at < at ? ref->at : at;
	ref->words++;
}

/*
 * What becomes the value of a register. Go's assembler puts the address of a variable that is only loaded
 * or stored together in A64_TMP: that is not taken for one.
 */
static void take_address(const struct a64_insn *in, const struct uop *u, struct coderef_regs *regs,
			 struct coderef *ref)
{
	uint64_t value = u->op[1].value;
	const bool known =
		a64_is_adr(in->word) || (u->kind == UOP_LEA && named(regs, &u->op[1], &value));

	regs->known &= ~u->changes;
	if (!known || in->nr > 1 || u->op[0].type != UOP_REG) /* several: it goes through memory */
		return;
	regs->known |= 1u << u->op[0].reg;
	regs->value[u->op[0].reg] = value;
	if (a64_is_adrp(in->word) || u->op[0].reg == A64_TMP)
		return;
	ref->kind = CODEREF_ADDRESS;
	ref->at = value;
}

int a64_coderef__next(const struct code *code, uint64_t addr, struct coderef_regs *regs,
		      struct coderef *ret)
{
	struct coderef ref = { .kind = CODEREF_NONE, .len = A64_BYTES };
	struct a64_insn in;
	int err = a64_insn__decode(code, addr, &in);

	if (err)
		return err;
	for (int i = 0; i < in.nr; i++) {
		take_access(&in, &in.uop[i], regs, &ref);
		take_address(&in, &in.uop[i], regs, &ref);
	}
	if (a64_is_call(in.branch)) {
		ref.kind = CODEREF_CALL;
		ref.at = in.target;
	}
	if (in.branch == A64_RET)
		ref.kind = CODEREF_RETURN;
	if (a64_is_call(in.branch) || in.branch == A64_RET || in.branch == A64_B ||
	    in.branch == A64_BR)
		regs->known = 0;
	*ret = ref;
	return 0;
}
