// SPDX-License-Identifier: BSD-2-Clause
#include "model/event_facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/vec.h"
#include "facts/book.h"
#include "model/snap_facts.h"

#define ROW_IDS_MAX (1u << 22)

struct event_facts {
	const struct event_filter *filter; /* borrowed; NULL: none is counted */
	struct snap_facts *rows;           /* their stacks, and what they are about */
	uint32_t *row_of;                  /* by id: number in rows + 1; 0: not told yet */
	size_t nr_ids, ids_room;
	bool begun, ended;
	Pw__EventsOf of;
	uint64_t lo_ns, hi_ns, last_ns, read;
	Pw__Cut cut;      /* the last one: its times */
	uint32_t windows; /* of the cuts that count */
	bool counts_least;
	struct event_facts_about about;
};

int event_facts__new(struct textpool *texts, const struct event_filter *filter,
		     struct event_facts **ret)
{
	scoped(event_facts) e = calloc(1, sizeof(*e));
	int err;

	if (!e)
		return -ENOMEM;
	e->filter = filter;
	err = snap_facts__new(texts, &e->rows);
	if (err)
		return err;
	*ret = steal(e);
	return 0;
}

void event_facts__free(struct event_facts *e)
{
	if (!e)
		return;
	snap_facts__free(e->rows);
	free(e->row_of);
	free(e);
}

static uint64_t later(uint64_t ns, uint64_t by)
{
	return ns + by < ns ? UINT64_MAX : ns + by;
}

/* As a fact of sums: rows of events are read as theirs are. */
static int tell_rows(struct event_facts *e, const Pw__EventsOf *of, uint64_t count, uint64_t value,
		     uint64_t lost, struct cause *why)
{
	Pw__Sums sums = PW__SUMS__INIT;
	Pw__Fact f = PW__FACT__INIT;
	int err;

	sums.event = of->event;
	sums.root = of->root;
	sums.start_ns = e->lo_ns;
	sums.end_ns = e->hi_ns;
	sums.count = count;
	sums.value = value;
	sums.stacks_lost = lost;
	sums.windows = e->windows;
	sums.counts_least = e->counts_least;
	f.fact_case = PW__FACT__FACT_SUMS;
	f.sums = &sums;
	err = snap_facts__fact(e->rows, &f, NULL, why);
	return err < 0 ? err : 0;
}

static int take_head(struct event_facts *e, const Pw__EventsOf *of, struct cause *why)
{
	if (e->begun &&
	    (of->event != e->of.event || of->root != e->of.root || of->start_ns != e->of.start_ns))
		return book__bad(why, "its events are of several recordings");
	if (e->begun)
		return 0;
	e->begun = true;
	e->of = *of;
	if (e->filter) {
		e->lo_ns = later(of->start_ns, e->filter->from_ns);
		e->hi_ns = e->filter->to_ns ? later(of->start_ns, e->filter->to_ns) : UINT64_MAX;
	}
	return tell_rows(e, of, 0, 0, 0, why);
}

/* --- rows --- */

static int number_row(struct event_facts *e, uint32_t id, size_t number, struct cause *why)
{
	if (id >= ROW_IDS_MAX)
		return book__bad(why, "it has too many rows of events");
	if (id >= e->nr_ids) {
		const size_t nr = id + 1;

		if (vec__reserve(&e->row_of, &e->ids_room, nr, sizeof(*e->row_of)))
			return cause__no_memory(why);
		memset(e->row_of + e->nr_ids, 0, (nr - e->nr_ids) * sizeof(*e->row_of));
		e->nr_ids = nr;
	}
	e->row_of[id] = (uint32_t)number + 1;
	return 0;
}

static size_t row_number(const struct event_facts *e, uint32_t id)
{
	return id < e->nr_ids ? e->row_of[id] : 0;
}

/* A row is told again with stacks that were not known before. */
static void learn(struct snap_row *row, const struct snap_row *again)
{
	const uint64_t count = row->count, value = row->value;

	*row = *again;
	row->count = count;
	row->value = value;
}

/* Rows that are new stay, at the end; those that are told once more go. */
static int take_rows(struct event_facts *e, const Pw__Fact *f, const struct pw_names *names,
		     struct cause *why)
{
	const Pw__SumRows *r = f->event_rows;
	const size_t before = snap_facts__nr(e->rows);
	Pw__Fact as_sums = *f;
	struct snap_row *rows;
	size_t nr = before;
	int err;

	as_sums.fact_case = PW__FACT__FACT_SUM_ROWS;
	if (r->n_id != r->n_count || r->made)
		return book__bad(why, "columns of its events differ in length");
	if (r->n_id > ROW_IDS_MAX)
		return book__bad(why, "it has too many rows of events");
	err = snap_facts__fact(e->rows, &as_sums, names, why);
	if (err < 0)
		return err;
	rows = snap_facts__rows(e->rows);
	err = 0;
	for (size_t i = 0; i < r->n_id && !err; i++) {
		struct snap_row *row = &rows[before + i];
		const size_t known = row_number(e, r->id[i]);

		row->count = row->value = row->error = 0;
		if (!known) {
			err = number_row(e, r->id[i], nr, why);
			rows[nr++] = *row;
		} else if (!snap_row__is_known(&rows[known - 1])) {
			learn(&rows[known - 1], row);
		}
	}
	snap_facts__keep(e->rows, nr);
	return err;
}

/* --- events --- */

static bool wants(const struct event_filter *p, uint64_t goid)
{
	return !p->nr_goids || bsearch(&goid, p->goids, p->nr_goids, sizeof(goid), order_u64);
}

static void grow(uint64_t *sum, uint64_t by)
{
	if (__builtin_add_overflow(*sum, by, sum))
		*sum = UINT64_MAX;
}

/* As a recording of that range would have counted it: see profile__apply(). */
static void count(const struct event_facts *e, struct snap_row *row, uint64_t at_ns, uint64_t value)
{
	uint64_t from_ns = at_ns > value ? at_ns - value : 0;

	if (!profile_event_is_time(e->of.event) || profile_event_is_whole(e->of.event)) {
		if (at_ns < e->lo_ns || at_ns >= e->hi_ns)
			return;
		value = profile_event_is_whole(e->of.event) ? value : 1;
	} else {
		if (at_ns < e->lo_ns || from_ns > e->hi_ns)
			return;
		from_ns = from_ns > e->lo_ns ? from_ns : e->lo_ns;
		at_ns = at_ns < e->hi_ns ? at_ns : e->hi_ns;
		value = at_ns > from_ns ? at_ns - from_ns : 0;
	}
	grow(&row->count, 1);
	grow(&row->value, value);
}

static int take_events(struct event_facts *e, const Pw__Events *f, struct cause *why)
{
	struct snap_row *rows = snap_facts__rows(e->rows);
	uint64_t goid = 0, at_ns = 0;
	const size_t nr = f->n_row;

	if (!column_fits(f->n_goid_delta, nr) || !column_fits(f->n_time_delta, nr) ||
	    !column_fits(f->n_value, nr))
		return book__bad(why, "columns of its events differ in length");
	for (size_t i = 0; i < nr; i++) {
		const size_t row = row_number(e, f->row[i]);

		if (!row)
			return book__bad(why, "an event has no row that is known");
		goid += (uint64_t)COLUMN_AT(f, goid_delta, i);
		at_ns += (uint64_t)COLUMN_AT(f, time_delta, i);
		e->last_ns = at_ns > e->last_ns ? at_ns : e->last_ns;
		if (wants(e->filter, goid))
			count(e, &rows[row - 1], at_ns, COLUMN_AT(f, value, i));
	}
	e->read += nr;
	return 0;
}

/* --- cuts --- */

static uint64_t since_start(const struct event_facts *e, uint64_t ns)
{
	return ns > e->of.start_ns ? ns - e->of.start_ns : 0;
}

/* Its interval is the last one, or comes after it. */
static int take_interval(struct event_facts *e, const Pw__Cut *f, struct cause *why)
{
	const bool again =
		e->about.cuts && f->begin_ns == e->cut.begin_ns && f->end_ns == e->cut.end_ns;

	if (f->end_ns <= f->begin_ns || (!again && f->begin_ns < e->cut.end_ns))
		return book__bad(why, "its cuts do not follow each other");
	if (!e->about.cuts)
		e->about.cuts_begin_ns = since_start(e, f->begin_ns);
	e->about.cuts += !again;
	e->about.cuts_end_ns = since_start(e, f->end_ns);
	e->cut.begin_ns = f->begin_ns;
	e->cut.end_ns = f->end_ns;
	return 0;
}

/* There is no telling which part of it lies in the range: all of it counts. */
static void count_interval(struct event_facts *e, const Pw__Cut *f)
{
	if (!e->about.counted)
		e->about.counted_begin_ns = since_start(e, f->begin_ns);
	e->about.counted++;
	e->about.counted_end_ns = since_start(e, f->end_ns);
	if (__builtin_add_overflow(e->windows, f->windows, &e->windows))
		e->windows = UINT32_MAX;
	e->counts_least |= f->counts_least;
}

static int take_cut(struct event_facts *e, const Pw__Cut *f, struct cause *why)
{
	struct snap_row *rows = snap_facts__rows(e->rows);
	int err = take_interval(e, f, why);
	bool counts;

	if (err || !e->filter)
		return err;
	if (!column_fits(f->n_count, f->n_row) || !column_fits(f->n_value, f->n_row))
		return book__bad(why, "columns of its cuts differ in length");
	counts = !e->filter->nr_goids && f->begin_ns < e->hi_ns && f->end_ns > e->lo_ns;
	if (counts)
		count_interval(e, f);
	for (size_t i = 0; i < f->n_row; i++) {
		const size_t row = row_number(e, f->row[i]);

		if (!row)
			return book__bad(why, "a cut has no row that is known");
		grow(&rows[row - 1].count, counts ? COLUMN_AT(f, count, i) : 0);
		grow(&rows[row - 1].value, counts ? COLUMN_AT(f, value, i) : 0);
	}
	return 0;
}

static int take(struct event_facts *e, const Pw__Fact *f, const struct pw_names *names,
		struct cause *why)
{
	Pw__Fact as_sums = *f;
	int err;

	if (f->fact_case == PW__FACT__FACT_EVENTS_OF)
		return take_head(e, f->events_of, why);
	if (!e->begun)
		return book__bad(why, "its events begin in the middle");
	if (f->fact_case == PW__FACT__FACT_EVENTS_END) {
		e->ended = true;
		e->about.count = f->events_end->count;
		e->about.refused = f->events_end->refused;
		e->about.cut_rows_refused = f->events_end->cut_rows_refused;
		e->last_ns = f->events_end->until_ns;
		return 0;
	}
	if (f->fact_case == PW__FACT__FACT_CUT)
		return take_cut(e, f->cut, why);
	if (!e->filter)
		return 0;
	if (f->fact_case == PW__FACT__FACT_EVENT_ROWS)
		return take_rows(e, f, names, why);
	if (f->fact_case == PW__FACT__FACT_EVENTS)
		return take_events(e, f->events, why);
	as_sums.fact_case = PW__FACT__FACT_STACKS;
	err = snap_facts__fact(e->rows, &as_sums, names, why);
	return err < 0 ? err : 0;
}

int event_facts__fact(struct event_facts *e, const Pw__Fact *f, const struct pw_names *names,
		      struct cause *why)
{
	int err;

	switch (f->fact_case) {
	case PW__FACT__FACT_EVENTS_OF:
	case PW__FACT__FACT_EVENT_STACKS:
	case PW__FACT__FACT_EVENT_ROWS:
	case PW__FACT__FACT_EVENTS:
	case PW__FACT__FACT_CUT:
	case PW__FACT__FACT_EVENTS_END: err = take(e, f, names, why); return err ? err : 1;
	default: return 0;
	}
}

bool event_facts__skips(const struct event_facts *e, uint32_t number)
{
	return !e->filter &&
	       (number == PW__FACT__FACT_EVENT_STACKS || number == PW__FACT__FACT_EVENT_ROWS ||
		number == PW__FACT__FACT_EVENTS);
}

bool event_facts__about(const struct event_facts *e, struct event_facts_about *ret)
{
	if (!e->begun)
		return false;
	*ret = e->about;
	ret->event = (enum profile_event)e->of.event;
	ret->until_ns = since_start(e, e->last_ns);
	if (!e->ended)
		ret->count = e->read;
	return true;
}

int event_facts__snap(struct event_facts *e, struct snap **ret)
{
	struct snap_row *rows = snap_facts__rows(e->rows);
	uint64_t count = 0, value = 0, lost = 0;
	size_t nr = 0;
	int err;

	for (size_t i = 0; i < snap_facts__nr(e->rows); i++) {
		if (!rows[i].count && !rows[i].value)
			continue;
		grow(&count, rows[i].count);
		grow(&value, rows[i].value);
		if (rows[i].own.state == SNAP_STACK_LOST)
			grow(&lost, rows[i].count);
		rows[nr] = rows[i];
		if (e->of.event == PROFILE_CPU)
			rows[nr].error =
				snap_error_of_samples(rows[nr].count, rows[nr].value, true);
		nr++;
	}
	snap_facts__keep(e->rows, nr);
	err = tell_rows(e, &e->of, count, value, lost, NULL);
	if (!err)
		err = snap_facts__snap(e->rows, ret);
	if (!err)
		(*ret)->part = e->windows;
	if (!err && e->of.event == PROFILE_CPU)
		(*ret)->error = snap_error_of_samples(count, value, false);
	return err;
}
