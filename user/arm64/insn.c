/* SPDX-License-Identifier: BSD-2-Clause */
#include "arm64/insn.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "arm64/decode.h"

#define NOP 0xd503201f

int a64_insn__decode(const struct code *code, uint64_t addr, struct a64_insn *ret)
{
	struct a64_insn in = { .addr = addr };
	int err = a64_fetch(code, addr, &in.word);

	if (err)
		return err;
	if (!(in.word >> 16)) /* udf */
		return -EBADMSG;
	in.nr = a64_decode(code, addr, in.uop);
	if (in.nr < 0)
		return in.nr;
	in.branch = a64_branch(in.word, addr, &in.target);
	*ret = in;
	return 0;
}

bool a64_is_jump(enum a64_branch branch)
{
	return branch == A64_B || branch == A64_B_COND || branch == A64_CBZ || branch == A64_TBZ ||
	       branch == A64_BR;
}

bool a64_is_call(enum a64_branch branch)
{
	return branch == A64_BL || branch == A64_BLR;
}

enum insn_class a64_insn__class(const struct a64_insn *in, bool nop)
{
	if (in->word == NOP)
		return nop ? INSN_NOP5 : INSN_NOP;
	if (a64_is_adr(in->word))
		return INSN_PUSH;
	if (in->branch == A64_BL)
		return INSN_CALL;
	return a64_is_jump(in->branch) && in->branch != A64_BR ? INSN_BRANCH : INSN_STEPPED;
}

bool a64_insn_is_refused(const struct a64_insn *in)
{
	return a64_is(in->word, 0x3f000000, 0x08000000);
}

void a64_insn__print(const struct a64_insn *in, char *to, size_t size)
{
	static const char conds[16][3] = { "eq", "ne", "hs", "lo", "mi", "pl", "vs", "vc",
					   "hi", "ls", "ge", "lt", "gt", "le", "al", "nv" };
	const char *name = in->branch == A64_B     ? "b"
			   : in->branch == A64_BL  ? "bl"
			   : in->branch == A64_CBZ ? "cbz or cbnz to"
			   : in->branch == A64_TBZ ? "tbz or tbnz to"
						   : NULL;

	if (in->word == NOP)
		snprintf(to, size, "nop");
	else if (name)
		snprintf(to, size, "%s 0x%" PRIx64, name, in->target);
	else if (in->branch == A64_B_COND)
		snprintf(to, size, "b.%s 0x%" PRIx64, conds[in->word & 15], in->target);
	else if (a64_is_adr(in->word))
		snprintf(to, size, "%s x%u, 0x%" PRIx64, a64_is_adrp(in->word) ? "adrp" : "adr",
			 a64_rd(in->word), a64_address(in->word, in->addr));
	else
		snprintf(to, size, ".inst 0x%08" PRIx32, in->word);
}
