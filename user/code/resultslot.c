// SPDX-License-Identifier: BSD-2-Clause
#include "code/resultslot.h"

#include <string.h>

enum what { OTHER, POINTER, FIRST_WORD };

struct tracer {
	const struct uop *uops;
	uint32_t nr;
	uint8_t reg[UOP_REGS]; /* enum what */
	struct {
		uint64_t at;
		uint32_t stores; /* of what is sought */
		uint8_t what;
	} slot[RESULTSLOT_MAX];
	size_t nr_slots;
};

static bool is_slot(const struct uop_operand *o)
{
	return o->type == UOP_MEM && o->base == UOP_SP && o->index == UOP_NO_REG && o->size == 8;
}

static size_t tracer__slot(const struct tracer *t, uint64_t at)
{
	size_t i = 0;

	while (i < t->nr_slots && t->slot[i].at != at)
		i++;
	return i;
}

static uint8_t tracer__value(const struct tracer *t, const struct uop_operand *o)
{
	size_t i;

	if (o->type == UOP_REG && o->size == 8)
		return t->reg[o->reg];
	if (o->type == UOP_MEM && o->base < UOP_REGS && o->index == UOP_NO_REG && !o->value &&
	    o->size == 8 && t->reg[o->base] == POINTER)
		return FIRST_WORD;
	i = is_slot(o) ? tracer__slot(t, o->value) : t->nr_slots;
	return i < t->nr_slots ? t->slot[i].what : OTHER;
}

static void tracer__store(struct tracer *t, uint64_t at, uint8_t what)
{
	const size_t i = tracer__slot(t, at);

	if (i == t->nr_slots && (what == OTHER || t->nr_slots == RESULTSLOT_MAX))
		return;
	if (i == t->nr_slots) {
		t->slot[i].at = at;
		t->slot[i].stores = 0;
		t->nr_slots++;
	}
	t->slot[i].what = what;
	t->slot[i].stores += what != OTHER;
}

static void tracer__step(struct tracer *t, const struct uop *u)
{
	const uint8_t what = u->kind == UOP_MOV ? tracer__value(t, &u->op[1]) : OTHER;

	for (unsigned int r = 0; r < UOP_REGS; r++)
		if (u->changes & 1u << r || u->kind == UOP_CALL)
			t->reg[r] = OTHER;
	if (u->kind != UOP_MOV)
		return;
	if (u->op[0].type == UOP_REG && u->op[0].size == 8)
		t->reg[u->op[0].reg] = what;
	else if (is_slot(&u->op[0]))
		tracer__store(t, u->op[0].value, what);
}

/* How many instructions write there. */
static uint32_t stores_to(const struct uop *uops, uint32_t nr, uint64_t at)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < nr; i++) {
		const struct uop_operand *o = &uops[i].op[0];

		n += o->type == UOP_MEM && o->base == UOP_SP && uops[i].kind != UOP_CMP &&
		     uops[i].kind != UOP_TEST && o->value < at + 8 && at < o->value + o->size;
	}
	return n;
}

size_t resultslots(const struct isa *isa, const struct uop *uops, uint32_t nr, uint32_t call,
		   bool regabi, uint64_t ret[RESULTSLOT_MAX])
{
	const uint64_t stack_result = isa->args_at + 8u;
	struct tracer t = { .uops = uops, .nr = nr };
	size_t n = 0;

	if (regabi) {
		t.reg[isa->args[0]] = POINTER;
	} else { /* what is there is the next call's */
		t.slot[0].at = stack_result;
		t.slot[0].what = POINTER;
		t.nr_slots = 1;
	}
	for (uint32_t i = call + 1, steps = 0; i < nr && steps < RESULTSLOT_WITHIN; i++, steps++) {
		const struct uop *u = &uops[i];

		if (u->kind == UOP_RET || u->kind == UOP_STOP || u->kind == UOP_JMP)
			break;
		tracer__step(&t, u);
		if (u->kind == UOP_CALL && !regabi)
			tracer__store(&t, stack_result, OTHER);
	}
	for (size_t i = 0; i < t.nr_slots; i++)
		if (t.slot[i].stores && stores_to(uops, nr, t.slot[i].at) == t.slot[i].stores)
			ret[n++] = t.slot[i].at;
	return n;
}
