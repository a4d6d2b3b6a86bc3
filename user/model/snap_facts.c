// SPDX-License-Identifier: BSD-2-Clause
#include "model/snap_facts.h"

#include <errno.h>

#include "model/row_log.h"

struct sums_log {
	struct factlog *f;
	const struct snap *s;
};

static void tell_sums(void *ctx)
{
	const struct sums_log *l = ctx;
	Pw__Sums s = PW__SUMS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	s.event = l->s->event;
	s.root = l->s->root;
	s.start_ns = l->s->start_ns;
	s.end_ns = l->s->end_ns;
	s.windows = l->s->windows;
	s.counts_least = l->s->counts_least;
	s.count = l->s->count;
	s.value = l->s->value;
	s.error = l->s->error;
	s.stacks_lost = l->s->stacks_lost;
	s.calls_known = l->s->calls_known;
	s.calls = l->s->calls;
	fact.fact_case = PW__FACT__FACT_SUMS;
	fact.sums = &s;
	pw_writer__fact(factlog__writer(l->f), &fact);
	pw_writer__time(factlog__writer(l->f), l->s->start_ns);
	pw_writer__time(factlog__writer(l->f), l->s->end_ns);
}

int snap_facts__write(struct factlog *f, const struct snap *s)
{
	return snap_facts__write_from(f, s, 0);
}

int snap_facts__write_from(struct factlog *f, const struct snap *s, uint32_t first_stack)
{
	struct sums_log sums = { .f = f, .s = s };
	const struct row_log_of of = {
		.f = f,
		.all_return = s->event == PROFILE_GOROUTINES,
		.first_stack = first_stack,
		.open = tell_sums,
		.ctx = &sums,
	};
	scoped(row_log) l = NULL;
	int err = row_log__new(&of, &l);

	if (err)
		return err;
	row_log__begin(l);
	for (size_t i = 0; i < s->nr; i++)
		row_log__add(l, &s->rows[i], 0);
	row_log__made(l);
	for (size_t i = 0; i < s->nr_made; i++)
		row_log__add(l,
			     &(struct snap_row){ .rt = s->made[i].rt,
						 .gopc = s->made[i].gopc,
						 .count = s->made[i].count,
						 .chain = s->made[i].chain },
			     0);
	row_log__flush(l);
	return 0;
}
