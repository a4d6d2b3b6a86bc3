/* SPDX-License-Identifier: BSD-2-Clause */
#include "x86/coderef.h"

#include "x86/uop.h"

/*
 * The address that an 8-byte mov between a register and memory names relative to RIP; 0: it is no
 * such instruction.
 */
static uint64_t mov_target(const struct uop *u)
{
	bool vector = u->op[0].type == UOP_XMM || u->op[1].type == UOP_XMM;

	if (u->kind != UOP_MOV || vector || u->op[0].size != 8 ||
	    (u->op[1].size != 8 && u->op[1].type != UOP_IMM))
		return 0;
	return uop_address(u);
}

int coderef__next(const struct code *code, uint64_t addr, struct coderef_regs *regs,
		  struct coderef *ret)
{
	struct coderef ref = { .kind = CODEREF_NONE };
	struct uop u;
	int err = uop__decode(code, addr, &u);

	(void)regs;
	if (err)
		return err;
	ref.len = u.len;
	switch (u.kind) {
	case UOP_MOV:
		ref.at = mov_target(&u);
		ref.words = ref.at ? 1 : 0;
		if (ref.at)
			ref.kind = u.op[0].type == UOP_MEM ? CODEREF_STORE : CODEREF_LOAD;
		break;
	case UOP_LEA:
		ref.at = uop_address(&u);
		ref.kind = ref.at ? CODEREF_ADDRESS : CODEREF_NONE;
		break;
	case UOP_CALL:
		ref.kind = CODEREF_CALL;
		ref.at = u.target;
		break;
	case UOP_RET: ref.kind = CODEREF_RETURN; break;
	default: break;
	}
	*ret = ref;
	return 0;
}
