// SPDX-License-Identifier: BSD-2-Clause
#include "facts/fact_stacks.h"

#include "facts/book.h"
#include "facts/goroutines.h"

int fact_stacks__each(const Pw__Stacks *f,
		      int (*fn)(void *ctx, const struct fact_stack *s, struct cause *why),
		      void *ctx, struct cause *why)
{
	const size_t nr = f->n_id;
	size_t sum = 0;
	int err = 0;

	for (size_t i = 0; i < f->n_nr_pcs; i++)
		sum += f->nr_pcs[i];
	if (!column_fits(f->n_truncated, nr) || !column_fits(f->n_goroutines, nr) ||
	    f->n_nr_pcs != nr || f->n_pc_delta != sum)
		return book__bad(why, "columns of its stacks differ in length");
	sum = 0;
	for (size_t i = 0; i < nr && !err; i++) {
		const struct fact_stack s = {
			.id = f->id[i],
			.nr = f->nr_pcs[i],
			.goroutines = COLUMN_AT(f, goroutines, i),
			.truncated = COLUMN_AT(f, truncated, i),
			.deltas = f->pc_delta + sum,
		};

		if (!s.nr || s.nr > CENSUS_DEPTH_MAX)
			return book__bad(why, "a stack is too long");
		err = fn(ctx, &s, why);
		sum += s.nr;
	}
	return err;
}

void fact_stack__pcs(const struct fact_stack *s, uint64_t *ret)
{
	uint64_t pc = 0;

	for (uint32_t i = 0; i < s->nr; i++)
		ret[i] = pc += (uint64_t)s->deltas[i];
}
