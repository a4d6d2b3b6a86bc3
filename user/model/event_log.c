// SPDX-License-Identifier: BSD-2-Clause
#include "model/event_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "model/row_log.h"
#include "model/rowset.h"

#define BATCH 4096 /* events of a fact */

struct told_row {
	UT_hash_handle hh;
	struct row_key key;
	uint32_t id, segment; /* in which it was told last, + 1 */
};

struct event_log {
	struct factlog *f;
	const struct profile *p;
	struct row_log *rows;
	struct told_row *told, *last; /* last: of the event before */
	uint64_t max, count, refused, refused_ns;
	uint64_t cut_rows, cut_rows_refused;
	bool cutting; /* a cut has begun, and there is room for it */
	/* the batch */
	size_t nr;
	struct told_row *of[BATCH];
	uint32_t row[BATCH];
	int64_t goid_delta[BATCH], time_delta[BATCH];
	uint64_t value[BATCH], counts[BATCH]; /* counts: of a cut, which has no goids and times */
	uint64_t last_goid, last_ns;
};

static void tell_head(void *ctx)
{
	const struct event_log *l = ctx;
	Pw__EventsOf e = PW__EVENTS_OF__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	e.event = profile__opts(l->p)->event;
	e.root = profile__opts(l->p)->root;
	e.start_ns = profile__first_ns(l->p);
	fact.fact_case = PW__FACT__FACT_EVENTS_OF;
	fact.events_of = &e;
	pw_writer__fact(factlog__writer(l->f), &fact);
}

int event_log__new(struct factlog *f, const struct profile *p, uint64_t max, struct event_log **ret)
{
	scoped(event_log) l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->f = f;
	l->p = p;
	l->max = max;
	err = row_log__new(&(struct row_log_of){ .f = f,
						 .events = true,
						 .open = tell_head,
						 .ctx = l },
			   &l->rows);
	if (err)
		return err;
	*ret = steal(l);
	return 0;
}

void event_log__free(struct event_log *l)
{
	struct told_row *t, *next;

	if (!l)
		return;
	HASH_ITER(hh, l->told, t, next)
	{
		HASH_DEL(l->told, t);
		free(t);
	}
	row_log__free(l->rows);
	free(l);
}

/* NULL: no memory. There are as many as the profile has rows, at most. */
static struct told_row *told_of(struct event_log *l, const struct row_key *key)
{
	const unsigned int count = HASH_COUNT(l->told);
	struct told_row *t = l->last;

	if (t && !memcmp(&t->key, key, sizeof(*key)))
		return t;
	HASH_FIND(hh, l->told, key, sizeof(*key), t);
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->key = *key;
	t->id = count;
	HASH_ADD(hh, l->told, key, sizeof(t->key), t);
	if (HASH_COUNT(l->told) == count) {
		free(t);
		return NULL;
	}
	return t;
}

/* --- a batch --- */

/* A stack may come after the event: its row is told once more then. */
static void tell_row(struct event_log *l, struct told_row *t, uint32_t segment)
{
	struct snap_link links[CHAIN_MAX];
	struct snap_row row;

	if (t->segment == segment + 1)
		return;
	snap__row(l->p, &t->key, links, &row);
	row_log__add(l->rows, &row, t->id);
	t->segment = snap_row__is_known(&row) ? segment + 1 : 0;
}

static void tell_rows(struct event_log *l)
{
	const uint32_t segment = row_log__begin(l->rows);

	for (size_t i = 0; i < l->nr; i++)
		tell_row(l, l->of[i], segment);
	row_log__flush(l->rows);
}

static void flush(struct event_log *l)
{
	Pw__Events e = PW__EVENTS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	if (!l->nr)
		return;
	tell_rows(l);
	e.n_row = l->nr;
	e.row = l->row;
	column_s64(&e.n_goid_delta, &e.goid_delta, l->goid_delta, l->nr);
	column_s64(&e.n_time_delta, &e.time_delta, l->time_delta, l->nr);
	column_u64(&e.n_value, &e.value, l->value, l->nr);
	fact.fact_case = PW__FACT__FACT_EVENTS;
	fact.events = &e;
	pw_writer__fact(factlog__writer(l->f), &fact);
	pw_writer__time(factlog__writer(l->f), l->last_ns);
	l->nr = 0;
	l->last_goid = l->last_ns = 0;
}

void event_log__add(void *ctx, const struct row_key *key, uint64_t goid, uint64_t at_ns,
		    uint64_t value)
{
	struct event_log *l = ctx;
	const enum profile_event event = profile__opts(l->p)->event;
	const bool timed = profile_event_is_time(event);
	struct told_row *t = l->count < l->max ? told_of(l, key) : NULL;

	if (!t) {
		if (!l->refused++ || at_ns < l->refused_ns)
			l->refused_ns = at_ns;
		return;
	}
	l->last = t;
	l->count++;
	l->of[l->nr] = t;
	l->row[l->nr] = t->id;
	l->goid_delta[l->nr] = (int64_t)(goid - l->last_goid);
	l->time_delta[l->nr] = (int64_t)(at_ns - l->last_ns);
	l->value[l->nr] = timed ? value : 0;
	l->last_goid = goid;
	l->last_ns = at_ns;
	if (++l->nr == BATCH)
		flush(l);
}

/* --- cuts --- */

static void flush_cut(struct event_log *l, const struct profile_cut *c, bool last)
{
	Pw__Cut cut = PW__CUT__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	tell_rows(l);
	cut.begin_ns = c->begin_ns;
	cut.end_ns = c->end_ns;
	cut.windows = last ? c->windows : 0;
	cut.counts_least = c->counts_least;
	cut.n_row = l->nr;
	cut.row = l->row;
	column_u64(&cut.n_count, &cut.count, l->counts, l->nr);
	column_u64(&cut.n_value, &cut.value, l->value, l->nr);
	fact.fact_case = PW__FACT__FACT_CUT;
	fact.cut = &cut;
	pw_writer__fact(factlog__writer(l->f), &fact);
	pw_writer__time(factlog__writer(l->f), c->end_ns);
	l->nr = 0;
}

static bool has_room_for_cut(const struct event_log *l)
{
	return !l->cut_rows_refused &&
	       l->cut_rows + rowset__nr(profile__rows(l->p)) <= EVENT_LOG_CUT_ROWS_MAX;
}

void event_log__cut(void *ctx, const struct profile_cut *c, const struct row_key *key,
		    uint64_t count, uint64_t value)
{
	struct event_log *l = ctx;
	struct told_row *t = NULL;

	if (l->max && c->exact) /* its single events are there */
		return;
	if (!l->cutting)
		flush(l);
	l->cutting = l->cutting || has_room_for_cut(l);
	if (key && l->cutting)
		t = told_of(l, key);
	if (key && !t) {
		l->cut_rows_refused++;
		return;
	}
	if (t) {
		l->of[l->nr] = t;
		l->row[l->nr] = t->id;
		l->counts[l->nr] = count;
		l->value[l->nr] = value;
		l->cut_rows++;
		l->nr++;
	}
	if (l->cutting && (!key || l->nr == BATCH))
		flush_cut(l, c, !key);
	l->cutting = l->cutting && key;
}

void event_log__end(struct event_log *l, uint64_t until_ns)
{
	Pw__EventsEnd e = PW__EVENTS_END__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	flush(l);
	row_log__begin(l->rows);
	e.count = l->count;
	e.refused = l->refused;
	e.until_ns = l->refused && l->refused_ns < until_ns ? l->refused_ns : until_ns;
	if (!l->max)
		e.until_ns = profile__first_ns(l->p);
	e.cut_rows_refused = l->cut_rows_refused;
	fact.fact_case = PW__FACT__FACT_EVENTS_END;
	fact.events_end = &e;
	pw_writer__fact(factlog__writer(l->f), &fact);
}
