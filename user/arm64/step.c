/* SPDX-License-Identifier: BSD-2-Clause */
#include "arm64/step.h"

struct uop *steps__add(struct steps *s, enum uop_kind kind)
{
	struct uop *u = &s->uop[s->nr++];

	*u = (struct uop){ .addr = s->addr, .kind = (uint8_t)kind, .len = A64_BYTES };
	return u;
}

struct uop *steps__other(struct steps *s, uint32_t changes)
{
	struct uop *u = steps__add(s, UOP_OTHER);

	u->changes = changes;
	return u;
}

void steps__span(struct steps *s, unsigned int instructions)
{
	for (int i = 0; i < s->nr; i++)
		s->uop[i].len = (uint8_t)(instructions * A64_BYTES);
}

struct uop_operand a64_imm(uint64_t value, unsigned int size)
{
	return (struct uop_operand){ .type = UOP_IMM, .size = (uint8_t)size, .value = value };
}

struct uop_operand a64_reg_or_sp(uint8_t reg, unsigned int size)
{
	return (struct uop_operand){ .type = UOP_REG, .size = (uint8_t)size, .reg = reg };
}

struct uop_operand a64_reg(uint8_t reg, unsigned int size)
{
	return reg == A64_ZERO ? a64_imm(0, size) : a64_reg_or_sp(reg, size);
}

struct uop_operand a64_mem(uint8_t reg, int64_t disp, unsigned int size)
{
	return (struct uop_operand){ .type = UOP_MEM,
				     .size = (uint8_t)size,
				     .base = reg,
				     .index = UOP_NO_REG,
				     .scale = 1,
				     .value = (uint64_t)disp };
}

void uop__to_or_sp(struct uop *u, uint8_t reg, unsigned int size)
{
	_Static_assert(UOP_SP == A64_ZERO, "sp has its number");
	u->op[0] = a64_reg_or_sp(reg, size);
	u->changes |= 1u << reg;
}

void uop__to(struct uop *u, uint8_t reg, unsigned int size)
{
	if (reg == A64_ZERO)
		u->op[0] = (struct uop_operand){ .size = (uint8_t)size };
	else
		uop__to_or_sp(u, reg, size);
}

struct uop_operand steps__address(const struct steps *s, uint8_t reg, int64_t disp,
				  unsigned int size)
{
	struct uop_operand o = a64_mem(reg, disp, size);
	uint32_t before;

	if (!a64_fetch(s->code, s->addr - A64_BYTES, &before) && a64_is_adrp(before) &&
	    a64_rd(before) == reg && reg != A64_ZERO) {
		o.base = UOP_NO_REG;
		o.value += a64_address(before, s->addr - A64_BYTES);
	}
	return o;
}
