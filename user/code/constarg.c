// SPDX-License-Identifier: BSD-2-Clause
#include "code/constarg.h"

/* Where the value is sought: a register, or 8 bytes of the stack from its pointer on. */
struct sought {
	uint8_t reg; /* UOP_NO_REG: on the stack */
	uint64_t slot;
};

enum found { FOUND_NOTHING, FOUND_IT, FOUND_UNKNOWN };

/* A jump through a table may lead anywhere. */
static bool jumps_by_table(const struct uop *uops, uint32_t nr)
{
	for (uint32_t i = 0; i < nr; i++)
		if (uops[i].kind == UOP_JMP && !uops[i].target)
			return true;
	return false;
}

static bool writes(const struct uop *u, const struct sought *s)
{
	const struct uop_operand *o = &u->op[0];

	if (s->reg != UOP_NO_REG)
		return u->changes & 1u << s->reg;
	if (u->changes & 1u << UOP_SP)
		return true;
	return o->type == UOP_MEM && o->base == UOP_SP && u->kind != UOP_CMP &&
	       u->kind != UOP_TEST &&
	       (o->index != UOP_NO_REG || (o->value < s->slot + 8 && s->slot < o->value + o->size));
}

/* u writes it: with what? */
static enum found follow(const struct uop *u, struct sought *s, uint64_t *ret)
{
	const struct uop_operand *to = &u->op[0], *from = &u->op[1];
	const bool stack = s->reg == UOP_NO_REG;

	if (u->kind == UOP_XOR && !stack && from->type == UOP_REG && from->reg == to->reg) {
		*ret = 0;
		return FOUND_IT;
	}
	if (u->kind != UOP_MOV || (stack && (to->size != 8 || to->value != s->slot)) ||
	    (!stack && (to->type != UOP_REG || to->high || to->size < 4)))
		return FOUND_UNKNOWN;
	if (from->type == UOP_IMM) {
		*ret = to->size == 8 ? from->value : (uint32_t)from->value;
		return FOUND_IT;
	}
	if (from->type != UOP_REG || from->size != 8)
		return FOUND_UNKNOWN;
	s->reg = from->reg;
	return FOUND_NOTHING;
}

bool constarg_at(const struct isa *isa, const struct uop *uops, uint32_t nr, uint32_t call,
		 unsigned int arg, bool regabi, uint64_t *ret)
{
	struct sought s = { .reg = UOP_NO_REG, .slot = isa->args_at + 8 * (uint64_t)arg };

	if (call >= nr || arg >= CONSTARG_ARGS || uops[call].is_target || jumps_by_table(uops, nr))
		return false;
	if (regabi)
		s.reg = isa->args[arg];
	for (uint32_t i = call; i-- > 0 && call - i <= CONSTARG_WITHIN;) {
		const struct uop *u = &uops[i];

		if (u->kind == UOP_CALL || u->kind == UOP_JMP || u->kind == UOP_RET ||
		    u->kind == UOP_STOP)
			return false;
		if (writes(u, &s)) {
			const enum found f = follow(u, &s, ret);

			if (f != FOUND_NOTHING)
				return f == FOUND_IT;
		}
		if (u->is_target)
			return false;
	}
	return false;
}
