// SPDX-License-Identifier: BSD-2-Clause
#include "model/timeline_facts.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/order.h"
#include "facts/book.h"
#include "facts/fact_stacks.h"
#include "names/stack_rows.h"

#define ROWS       1024 /* rounds of a fact */
#define FLAG_OPEN  1u
#define FLAG_ENDED 2u

/* --- to facts --- */

struct told_stack {
	UT_hash_handle hh;
	uint64_t id;              /* as the stackset has it */
	uint32_t number, segment; /* in which it was told last, + 1 */
};

struct columns {
	uint32_t rt[ROWS], stack[ROWS], waker[ROWS], reason[ROWS], flags[ROWS];
	int64_t goid_delta[ROWS], end_delta[ROWS], waker_delta[ROWS];
	uint64_t ran[ROWS], start[ROWS], left[ROWS], ready[ROWS], made_at[ROWS], start_at[ROWS];
	size_t nr;
	struct stack_rows stacks;
};

struct timeline_log {
	struct factlog *f;
	const struct timeline *t;
	const struct stackset *stacks;
	struct told_stack *told;
	uint32_t segment; /* + 1; 0: none yet */
	uint64_t goid, end_ns;
	struct columns rows;
};

static void tell_head(struct timeline_log *l)
{
	uint64_t begin[TIMELINE_MARKS_MAX], lasted[TIMELINE_MARKS_MAX], lost[TIMELINE_MARKS_MAX];
	const size_t nr = timeline__nr_marks(l->t);
	Pw__Timeline head = PW__TIMELINE__INIT;
	Pw__Fact fact = PW__FACT__INIT;
	struct timeline_span span;

	timeline__span(l->t, &span);
	for (size_t i = 0; i < nr; i++) {
		const struct timeline_mark *m = timeline__mark(l->t, i);

		begin[i] = m->begin_ns;
		lasted[i] = m->end_ns - m->begin_ns;
		lost[i] = m->lost;
	}
	head.begin_ns = span.begin_ns;
	head.end_ns = span.end_ns;
	head.first_ns = span.first_ns;
	head.full = span.full;
	head.n_mark_begin = head.n_mark_lasted = head.n_mark_lost = nr;
	head.mark_begin = begin;
	head.mark_lasted = lasted;
	head.mark_lost = lost;
	fact.fact_case = PW__FACT__FACT_TIMELINE;
	fact.timeline = &head;
	pw_writer__fact(factlog__writer(l->f), &fact);
	pw_writer__time(factlog__writer(l->f), span.begin_ns);
	pw_writer__time(factlog__writer(l->f), span.end_ns);
}

static void begin_rows(struct timeline_log *l)
{
	const uint32_t segment = factlog__group(l->f);

	if (l->segment != segment + 1)
		tell_head(l);
	l->segment = segment + 1;
	l->goid = l->end_ns = 0;
}

static struct told_stack *told_of(struct timeline_log *l, uint64_t id)
{
	const unsigned int count = HASH_COUNT(l->told);
	struct told_stack *t;

	HASH_FIND(hh, l->told, &id, sizeof(id), t);
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->id = id;
	t->number = count;
	HASH_ADD(hh, l->told, id, sizeof(t->id), t);
	if (HASH_COUNT(l->told) == count) {
		free(t);
		return NULL;
	}
	return t;
}

/* Its number + 1. One that was lost has a number, and is never told. */
static uint32_t stack_of(struct timeline_log *l, uint16_t rt, uint64_t id)
{
	struct told_stack *t;
	struct stack s;

	if (id == PW_STACK_ID_NONE)
		return 0;
	t = told_of(l, id);
	if (!t) {
		factlog__fail(l->f, -ENOMEM);
		return 0;
	}
	if (t->segment == l->segment || stackset__get(l->stacks, id, &s))
		return t->number + 1;
	t->segment = l->segment;
	stack_rows__add(&l->rows.stacks, l->f, PW__FACT__FACT_TIMELINE_STACKS,
			&(struct stack_row){ .id = t->number,
					     .rt = rt,
					     .truncated = s.truncated,
					     .pcs = s.pcs,
					     .nr = s.nr });
	return t->number + 1;
}

static void flush(struct timeline_log *l)
{
	struct columns *c = &l->rows;
	Pw__Rounds r = PW__ROUNDS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	stack_rows__tell(&c->stacks, l->f, PW__FACT__FACT_TIMELINE_STACKS);
	r.n_end_delta = c->nr;
	r.end_delta = c->end_delta;
	column_u32(&r.n_runtime, &r.runtime, c->rt, c->nr);
	column_s64(&r.n_goid_delta, &r.goid_delta, c->goid_delta, c->nr);
	column_u64(&r.n_ran, &r.ran, c->ran, c->nr);
	column_u64(&r.n_start, &r.start, c->start, c->nr);
	column_u64(&r.n_left, &r.left, c->left, c->nr);
	column_u64(&r.n_ready, &r.ready, c->ready, c->nr);
	column_u32(&r.n_stack, &r.stack, c->stack, c->nr);
	column_u32(&r.n_reason, &r.reason, c->reason, c->nr);
	column_u32(&r.n_waker, &r.waker, c->waker, c->nr);
	column_s64(&r.n_waker_delta, &r.waker_delta, c->waker_delta, c->nr);
	column_u64(&r.n_made_at, &r.made_at, c->made_at, c->nr);
	column_u64(&r.n_start_at, &r.start_at, c->start_at, c->nr);
	column_u32(&r.n_flags, &r.flags, c->flags, c->nr);
	fact.fact_case = PW__FACT__FACT_ROUNDS;
	fact.rounds = &r;
	pw_writer__fact(factlog__writer(l->f), &fact);
	c->nr = 0;
}

/* How long before the end, + 1; 0: it was not. */
static uint64_t since(uint64_t ns, uint64_t end_ns)
{
	return ns ? end_ns - ns + 1 : 0;
}

static void add(struct timeline_log *l, const struct timeline_round *r)
{
	struct columns *c = &l->rows;
	const size_t i = c->nr;

	c->rt[i] = r->rt;
	c->goid_delta[i] = (int64_t)(r->goid - l->goid);
	c->end_delta[i] = (int64_t)(r->end_ns - l->end_ns);
	c->ran[i] = since(r->ran_ns, r->end_ns);
	c->start[i] = since(r->start_ns, r->end_ns);
	c->left[i] = since(r->left_ns, r->end_ns);
	c->ready[i] = since(r->ready_ns, r->end_ns);
	c->stack[i] = stack_of(l, r->rt, r->stack_id);
	c->reason[i] = r->reason;
	c->waker[i] = stack_of(l, r->rt, r->waker);
	c->waker_delta[i] = r->waker_goid ? (int64_t)(r->waker_goid - r->goid) : 0;
	c->made_at[i] = r->gopc;
	c->start_at[i] = r->startpc;
	c->flags[i] = (r->is_open ? FLAG_OPEN : 0) | (r->is_ended ? FLAG_ENDED : 0);
	factlog__pc(l->f, r->rt, r->gopc, true);
	factlog__start(l->f, r->rt, r->startpc);
	l->goid = r->goid;
	l->end_ns = r->end_ns;
	c->nr++;
}

int timeline_facts__write(struct factlog *f, const struct timeline *t,
			  const struct stackset *stacks)
{
	struct timeline_log *l = calloc(1, sizeof(*l));
	const size_t nr = timeline__nr_rounds(t);
	struct told_stack *s, *next;

	if (!l)
		return -ENOMEM;
	l->f = f;
	l->t = t;
	l->stacks = stacks;
	for (size_t at = 0; !at || at < nr; at += ROWS) {
		begin_rows(l);
		for (size_t i = at; i < nr && i < at + ROWS; i++)
			add(l, timeline__round(t, i));
		flush(l);
	}
	HASH_ITER(hh, l->told, s, next)
	{
		HASH_DEL(l->told, s);
		free(s);
	}
	free(l);
	return 0;
}

/* --- from facts --- */

struct timeline_facts {
	const struct event_filter *filter;
	bool begun;
	struct timeline_span window, span; /* as recorded, as asked for */
	struct timeline *t;
	struct stackset *stacks; /* by number, from PW_STACK_ID_MIN on */
};

int timeline_facts__new(const struct event_filter *filter, struct timeline_facts **ret)
{
	struct timeline_facts *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->filter = filter;
	*ret = s;
	return 0;
}

void timeline_facts__free(struct timeline_facts *s)
{
	if (!s)
		return;
	timeline__free(s->t);
	stackset__free(s->stacks);
	free(s);
}

static uint64_t later(uint64_t ns, uint64_t by)
{
	return ns + by < ns ? UINT64_MAX : ns + by;
}

/* The part of the window that was asked for. */
static void choose_span(struct timeline_facts *s)
{
	const struct event_filter *p = s->filter;
	uint64_t lo_ns, hi_ns;

	s->span = s->window;
	if (!p)
		return;
	lo_ns = later(s->window.first_ns, p->from_ns);
	hi_ns = p->to_ns ? later(s->window.first_ns, p->to_ns) : UINT64_MAX;
	if (lo_ns > s->span.begin_ns)
		s->span.begin_ns = lo_ns;
	if (hi_ns < s->span.end_ns)
		s->span.end_ns = hi_ns;
	if (s->span.begin_ns > s->span.end_ns)
		s->span.end_ns = s->span.begin_ns;
}

static int take_head(struct timeline_facts *s, const Pw__Timeline *f, struct cause *why)
{
	const size_t nr = f->n_mark_begin;
	int err;

	if (s->begun)
		return f->begin_ns == s->window.begin_ns && f->end_ns == s->window.end_ns
			       ? 0
			       : book__bad(why, "its timeline is of several recordings");
	if (f->first_ns > f->begin_ns || f->begin_ns > f->end_ns)
		return book__bad(why, "its timeline ends before it begins");
	if (nr > TIMELINE_MARKS_MAX || f->n_mark_lasted != nr || f->n_mark_lost != nr)
		return book__bad(why, "columns of its timeline differ in length");
	s->window = (struct timeline_span){ .begin_ns = f->begin_ns,
					    .end_ns = f->end_ns,
					    .first_ns = f->first_ns,
					    .full = f->full };
	choose_span(s);
	err = timeline__new_of(&s->span, TIMELINE_FACTS_BYTES, &s->t);
	if (!err)
		err = stackset__new(STACKSET_BYTES_DEFAULT, &s->stacks);
	if (err)
		return cause__no_memory(why);
	for (size_t i = 0; i < nr; i++) {
		const struct timeline_mark m = { .begin_ns = f->mark_begin[i],
						 .end_ns =
							 later(f->mark_begin[i], f->mark_lasted[i]),
						 .lost = f->mark_lost[i] };

		if (m.begin_ns <= s->span.end_ns && m.end_ns >= s->span.begin_ns)
			timeline__keep_mark(s->t, &m);
	}
	s->begun = true;
	return 0;
}

static int take_stack(void *ctx, const struct fact_stack *f, struct cause *why)
{
	struct timeline_facts *s = ctx;
	uint64_t pcs[CENSUS_DEPTH_MAX];
	int err;

	fact_stack__pcs(f, pcs);
	err = stackset__add(s->stacks, PW_STACK_ID_MIN + f->id, pcs, f->nr, f->truncated);
	return err == -EINVAL || err == -EEXIST
		       ? book__bad(why, "a stack of its timeline makes no sense")
		       : 0;
}

static uint64_t moment(uint64_t since, uint64_t end_ns)
{
	return since && since <= end_ns ? end_ns - since + 1 : 0;
}

static uint64_t stack_id(uint32_t number)
{
	return number ? PW_STACK_ID_MIN + number - 1 : PW_STACK_ID_NONE;
}

static struct timeline_round round_of(const Pw__Rounds *f, size_t i, uint64_t goid, uint64_t end_ns)
{
	const uint64_t waker = (uint64_t)COLUMN_AT(f, waker_delta, i);
	const uint32_t flags = COLUMN_AT(f, flags, i);

	return (struct timeline_round){
		.goid = goid,
		.ran_ns = moment(COLUMN_AT(f, ran, i), end_ns),
		.start_ns = moment(COLUMN_AT(f, start, i), end_ns),
		.left_ns = moment(COLUMN_AT(f, left, i), end_ns),
		.ready_ns = moment(COLUMN_AT(f, ready, i), end_ns),
		.end_ns = end_ns,
		.waker_goid = waker ? goid + waker : 0,
		.waker = stack_id(COLUMN_AT(f, waker, i)),
		.stack_id = stack_id(COLUMN_AT(f, stack, i)),
		.gopc = COLUMN_AT(f, made_at, i),
		.startpc = COLUMN_AT(f, start_at, i),
		.rt = (uint16_t)COLUMN_AT(f, runtime, i),
		.reason = (uint16_t)COLUMN_AT(f, reason, i),
		.is_open = (flags & FLAG_OPEN) != 0,
		.is_ended = (flags & FLAG_ENDED) != 0,
	};
}

static uint64_t first_moment(const struct timeline_round *r)
{
	const uint64_t moments[] = { r->ran_ns, r->start_ns, r->left_ns, r->ready_ns };
	uint64_t first_ns = r->end_ns;

	for (size_t i = 0; i < ARRAY_SIZE(moments); i++)
		if (moments[i] && moments[i] < first_ns)
			first_ns = moments[i];
	return first_ns;
}

static bool is_wanted(const struct timeline_facts *s, const struct timeline_round *r)
{
	const struct event_filter *p = s->filter;

	if (!p)
		return true;
	if (p->nr_goids && !bsearch(&r->goid, p->goids, p->nr_goids, sizeof(r->goid), order_u64))
		return false;
	return r->end_ns >= s->span.begin_ns && first_moment(r) <= s->span.end_ns;
}

static bool rounds_fit(const Pw__Rounds *f)
{
	const size_t nr = f->n_end_delta;

	return column_fits(f->n_runtime, nr) && column_fits(f->n_goid_delta, nr) &&
	       column_fits(f->n_ran, nr) && column_fits(f->n_start, nr) &&
	       column_fits(f->n_left, nr) && column_fits(f->n_ready, nr) &&
	       column_fits(f->n_stack, nr) && column_fits(f->n_reason, nr) &&
	       column_fits(f->n_waker, nr) && column_fits(f->n_waker_delta, nr) &&
	       column_fits(f->n_made_at, nr) && column_fits(f->n_start_at, nr) &&
	       column_fits(f->n_flags, nr);
}

static int take_rounds(struct timeline_facts *s, const Pw__Rounds *f, struct cause *why)
{
	uint64_t goid = 0, end_ns = 0;

	if (!rounds_fit(f))
		return book__bad(why, "columns of its timeline differ in length");
	for (size_t i = 0; i < f->n_end_delta; i++) {
		struct timeline_round r;

		goid += (uint64_t)COLUMN_AT(f, goid_delta, i);
		end_ns += (uint64_t)f->end_delta[i];
		r = round_of(f, i, goid, end_ns);
		if (COLUMN_AT(f, runtime, i) >= BOOK_RUNTIMES_MAX || !goid)
			return book__bad(why, "its timeline has a goroutine of nobody");
		if (is_wanted(s, &r) && timeline__keep(s->t, &r))
			return book__bad(why, "its timeline is too long");
	}
	return 0;
}

int timeline_facts__fact(struct timeline_facts *s, const Pw__Fact *f, struct cause *why)
{
	int err;

	switch (f->fact_case) {
	case PW__FACT__FACT_TIMELINE: err = take_head(s, f->timeline, why); break;
	case PW__FACT__FACT_TIMELINE_STACKS:
	case PW__FACT__FACT_ROUNDS:
		if (!s->begun)
			return book__bad(why, "its timeline begins in the middle");
		err = f->fact_case == PW__FACT__FACT_ROUNDS
			      ? take_rounds(s, f->rounds, why)
			      : fact_stacks__each(f->timeline_stacks, take_stack, s, why);
		break;
	default: return 0;
	}
	return err ? err : 1;
}

int timeline_facts__end(struct timeline_facts *s)
{
	return s->begun ? timeline__order(s->t) : 0;
}

const struct timeline *timeline_facts__timeline(const struct timeline_facts *s)
{
	return s->begun ? s->t : NULL;
}

const struct stackset *timeline_facts__stacks(const struct timeline_facts *s)
{
	return s->stacks;
}

bool timeline_facts__window(const struct timeline_facts *s, struct timeline_span *ret)
{
	*ret = s->window;
	return s->begun;
}
