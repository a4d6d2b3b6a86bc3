// SPDX-License-Identifier: BSD-2-Clause
#include "names/stack_rows.h"

void stack_rows__tell(struct stack_rows *r, struct factlog *f, Pw__Fact__FactCase as)
{
	Pw__Stacks s = PW__STACKS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	factlog__code(f);
	if (!r->nr)
		return;
	s.n_id = r->nr;
	s.id = r->id;
	column_u32(&s.n_runtime, &s.runtime, r->rt, r->nr);
	column_u32(&s.n_truncated, &s.truncated, r->truncated, r->nr);
	column_u32(&s.n_goroutines, &s.goroutines, r->goroutines, r->nr);
	column_u32(&s.n_nr_pcs, &s.nr_pcs, r->nr_pcs, r->nr);
	s.n_pc_delta = r->pcs;
	s.pc_delta = r->pc;
	fact.fact_case = as;
	fact.stacks = &s;
	pw_writer__fact(factlog__writer(f), &fact);
	r->nr = r->pcs = 0;
}

void stack_rows__add(struct stack_rows *r, struct factlog *f, Pw__Fact__FactCase as,
		     const struct stack_row *row)
{
	if (r->nr == STACK_ROWS_MAX || r->pcs + row->nr > STACK_ROWS_PCS)
		stack_rows__tell(r, f, as);
	factlog__pcs(f, row->rt, row->pcs, row->nr, row->all_return);
	r->id[r->nr] = row->id;
	r->rt[r->nr] = row->rt;
	r->truncated[r->nr] = row->truncated;
	r->goroutines[r->nr] = row->goroutines;
	r->nr_pcs[r->nr++] = row->nr;
	for (uint32_t i = 0; i < row->nr; i++)
		r->pc[r->pcs++] = (int64_t)(row->pcs[i] - (i ? row->pcs[i - 1] : 0));
}
