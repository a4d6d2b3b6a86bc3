// SPDX-License-Identifier: BSD-2-Clause
#include "model/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

#define FIRST_ROUNDS 4096
#define FIRST_MARKS  64

struct track {
	struct timeline_goroutine who;
	size_t first, nr; /* spells */
};

struct timeline {
	struct timeline_opts o;
	struct timeline_round *v; /* a ring; after order() an array */
	size_t room, most, head, nr;
	uint64_t begin_ns, end_ns; /* of the stretch */
	uint64_t first_ns;
	uint64_t dropped_ns; /* the last of the rounds that had to go ended then */
	uint64_t lost, looked_ns;
	struct timeline_mark *marks;
	size_t nr_marks, marks_room;
	struct track *tracks;
	size_t nr_tracks;
	struct timeline_span span;
	bool kept; /* it was recorded: span is known */
};

int timeline__new(const struct timeline_opts *o, struct timeline **ret)
{
	struct timeline *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->o.window_ns = o->window_ns ? o->window_ns : TIMELINE_WINDOW_NS;
	t->o.max_bytes = o->max_bytes ? o->max_bytes : TIMELINE_BYTES;
	t->most = t->o.max_bytes / sizeof(*t->v);
	*ret = t;
	return 0;
}

void timeline__free(struct timeline *t)
{
	if (!t)
		return;
	free(t->v);
	free(t->marks);
	free(t->tracks);
	free(t);
}

/* --- the ring --- */

static struct timeline_round *timeline__at(const struct timeline *t, size_t i)
{
	return &t->v[(t->head + i) % t->room];
}

static void timeline__drop(struct timeline *t)
{
	t->head = (t->head + 1) % t->room;
	t->nr--;
}

/* In order, in twice the room. */
static bool timeline__grow(struct timeline *t)
{
	size_t room = t->room ? 2 * t->room : FIRST_ROUNDS;
	struct timeline_round *v;

	if (room > t->most)
		room = t->most;
	v = room > t->room ? reallocarray(NULL, room, sizeof(*v)) : NULL;
	if (!v)
		return false;
	for (size_t i = 0; i < t->nr; i++)
		v[i] = *timeline__at(t, i);
	free(t->v);
	t->v = v;
	t->room = room;
	t->head = 0;
	return true;
}

static uint64_t before(uint64_t ns, uint64_t by)
{
	return ns > by ? ns - by : 0;
}

static void timeline__put(struct timeline *t, const struct timeline_round *s)
{
	const uint64_t least_ns = before(s->end_ns, t->o.window_ns);

	while (t->nr && timeline__at(t, 0)->end_ns < least_ns)
		timeline__drop(t);
	if (t->nr == t->room && !timeline__grow(t)) {
		const uint64_t ns = t->room ? timeline__at(t, 0)->end_ns : s->end_ns;

		if (ns > t->dropped_ns)
			t->dropped_ns = ns;
		if (!t->room)
			return;
		timeline__drop(t);
	}
	t->nr++;
	*timeline__at(t, t->nr - 1) = *s;
}

void timeline__add(struct timeline *t, const struct pw_round *r)
{
	const uint64_t stopped_ns = r->start_ns ? r->start_ns : r->is_ended ? r->hdr.ts_ns : 0;
	struct timeline_round s = {
		.goid = r->hdr.goid,
		.ran_ns = r->ran_ns,
		.start_ns = r->start_ns,
		.left_ns = r->left_ns,
		.ready_ns = r->ready_ns,
		.end_ns = r->hdr.ts_ns,
		.waker_goid = r->waker_goid,
		.waker = r->waker,
		.stack_id = r->stack_id,
		.gopc = r->gopc,
		.startpc = r->startpc,
		.rt = r->hdr.rt,
		.reason = (uint16_t)r->reason,
		.is_ended = r->is_ended != 0,
	};

	/* it was not seen to begin to run: it ran when recording began */
	if (s.ran_ns < t->begin_ns)
		s.ran_ns = stopped_ns > t->begin_ns ? t->begin_ns : 0;
	if (s.ran_ns || s.start_ns || s.left_ns || s.ready_ns)
		timeline__put(t, &s);
}

void timeline__open(struct timeline *t, uint16_t rt, const struct pw_gstate *g, uint64_t gopc,
		    uint64_t startpc)
{
	const bool on = g->tid && !g->start_ns && !g->ready_ns;
	struct timeline_round s = {
		.goid = g->goid,
		.ran_ns = g->ran_ns,
		.start_ns = g->start_ns,
		.left_ns = on ? g->left_ns : 0,
		.ready_ns = g->ready_ns,
		.end_ns = t->end_ns,
		.stack_id = g->start_ns ? g->stack_id : PW_STACK_ID_NONE,
		.gopc = gopc,
		.startpc = startpc,
		.rt = rt,
		.reason = (uint16_t)(g->start_ns ? g->reason : 0),
		.is_open = true,
	};

	if (!on && !g->start_ns && !g->ready_ns)
		return;
	if (s.ran_ns < t->begin_ns)
		s.ran_ns = g->start_ns > t->begin_ns ? t->begin_ns : 0;
	timeline__put(t, &s);
}

/* --- marks --- */

static void timeline__mark_it(struct timeline *t, const struct timeline_mark *m)
{
	if (t->nr_marks == TIMELINE_MARKS_MAX ||
	    vec__reserve(&t->marks, &t->marks_room, t->nr_marks + 1, sizeof(*t->marks))) {
		if (!t->nr_marks)
			return;
		t->marks[t->nr_marks - 1].end_ns = m->end_ns;
		t->marks[t->nr_marks - 1].lost += m->lost;
		return;
	}
	t->marks[t->nr_marks++] = *m;
}

void timeline__begin(struct timeline *t, uint64_t ns)
{
	if (t->end_ns && ns > t->end_ns)
		timeline__mark_it(t, &(struct timeline_mark){ t->end_ns, ns, 0 });
	if (!t->first_ns)
		t->first_ns = ns;
	t->begin_ns = t->looked_ns = ns;
}

void timeline__lost(struct timeline *t, uint64_t now_ns, uint64_t total)
{
	if (total > t->lost)
		timeline__mark_it(t,
				  &(struct timeline_mark){ t->looked_ns, now_ns, total - t->lost });
	t->lost = total;
	t->looked_ns = now_ns;
}

void timeline__end(struct timeline *t, uint64_t ns)
{
	t->end_ns = ns;
}

size_t timeline__nr_marks(const struct timeline *t)
{
	return t->nr_marks;
}

const struct timeline_mark *timeline__mark(const struct timeline *t, size_t i)
{
	return &t->marks[i];
}

/* --- order --- */

static int by_goroutine_and_time(const void *a, const void *b)
{
	const struct timeline_round *x = a, *y = b;

	if (x->rt != y->rt)
		return x->rt < y->rt ? -1 : 1;
	if (x->goid != y->goid)
		return x->goid < y->goid ? -1 : 1;
	if (x->end_ns != y->end_ns)
		return x->end_ns < y->end_ns ? -1 : 1;
	return (x->is_open > y->is_open) - (x->is_open < y->is_open);
}

static uint64_t clamp(uint64_t ns, uint64_t least, uint64_t most)
{
	return ns < least ? least : ns > most ? most : ns;
}

/*
 * Its moments between the end of the one before and its own; what is 0 stays so. Times are of several
 * processors: that a thread was left is told by another one, some hundred ns later.
 */
static void straighten(struct timeline_round *s, uint64_t least_ns, uint64_t most_ns)
{
	uint64_t *const moments[] = { &s->ran_ns, &s->start_ns, &s->left_ns, &s->ready_ns };

	s->end_ns = clamp(s->end_ns, least_ns, most_ns);
	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		if (!*moments[i])
			continue;
		*moments[i] = clamp(*moments[i], least_ns, s->end_ns);
		least_ns = *moments[i];
	}
}

/* The spells of one goroutine, from the first on. */
static void timeline__make_track(struct timeline *t, size_t first, struct track *ret)
{
	const struct timeline_round *v = t->v;
	uint64_t least_ns = t->span.begin_ns;
	struct track k = {
		.who = { .goid = v[first].goid, .rt = v[first].rt },
		.first = first,
	};

	while (first + k.nr < t->nr && v[first + k.nr].goid == k.who.goid &&
	       v[first + k.nr].rt == k.who.rt) {
		struct timeline_round *s = &t->v[first + k.nr++];

		straighten(s, least_ns, t->span.end_ns);
		least_ns = s->end_ns;
		k.who.gopc = k.who.gopc ? k.who.gopc : s->gopc;
		k.who.startpc = k.who.startpc ? k.who.startpc : s->startpc;
	}
	*ret = k;
}

/* The ring becomes an array, in any order. */
static void timeline__join(struct timeline *t)
{
	const size_t behind = t->head + t->nr > t->room ? t->room - t->head : t->nr;

	if (t->nr)
		memmove(&t->v[t->nr - behind], &t->v[t->head], behind * sizeof(*t->v));
	t->head = 0;
}

static void timeline__set_span(struct timeline *t)
{
	const uint64_t begin_ns = before(t->end_ns, t->o.window_ns),
		       from_ns = begin_ns > t->first_ns ? begin_ns : t->first_ns;

	t->span = (struct timeline_span){ .end_ns = t->end_ns, .first_ns = t->first_ns };
	t->span.full = t->dropped_ns > from_ns;
	t->span.begin_ns = t->span.full ? t->dropped_ns : from_ns;
}

int timeline__order(struct timeline *t)
{
	size_t nr = 0, room = 0;

	if (!t->kept)
		timeline__set_span(t);
	timeline__join(t);
	if (t->nr)
		qsort(t->v, t->nr, sizeof(*t->v), by_goroutine_and_time);
	while (nr < t->nr) {
		int err = vec__reserve(&t->tracks, &room, t->nr_tracks + 1, sizeof(*t->tracks));

		if (err)
			return err;
		timeline__make_track(t, nr, &t->tracks[t->nr_tracks]);
		nr += t->tracks[t->nr_tracks++].nr;
	}
	return 0;
}

void timeline__span(const struct timeline *t, struct timeline_span *ret)
{
	*ret = t->span;
}

size_t timeline__nr_rounds(const struct timeline *t)
{
	return t->nr;
}

const struct timeline_round *timeline__round(const struct timeline *t, size_t i)
{
	return &t->v[i];
}

size_t timeline__nr(const struct timeline *t)
{
	return t->nr_tracks;
}

const struct timeline_goroutine *timeline__goroutine(const struct timeline *t, size_t i)
{
	return &t->tracks[i].who;
}

/* --- slices --- */

/* When it ceased to run. */
static uint64_t stop_of(const struct timeline_round *s)
{
	return s->start_ns ? s->start_ns : s->left_ns ? s->left_ns : s->end_ns;
}

static uint32_t timeline__find(const struct timeline *t, uint16_t rt, uint64_t goid)
{
	size_t lo = 0, hi = t->nr_tracks;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const struct timeline_goroutine *g = &t->tracks[mid].who;

		if (g->rt < rt || (g->rt == rt && g->goid < goid))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < t->nr_tracks && t->tracks[lo].who.rt == rt && t->tracks[lo].who.goid == goid
		       ? (uint32_t)lo
		       : TIMELINE_NOBODY;
}

/* It has a slice of running with this moment in it. */
static bool timeline__runs(const struct timeline *t, uint32_t i, uint64_t ns)
{
	const struct track *k = &t->tracks[i];
	size_t lo = 0, hi = k->nr;
	const struct timeline_round *s;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (t->v[k->first + mid].end_ns <= ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	s = &t->v[k->first + lo];
	return lo < k->nr && s->ran_ns && s->ran_ns <= ns && ns < stop_of(s);
}

static void tell(const struct timeline_slice *s, timeline_fn fn, void *ctx)
{
	if (s->begin_ns < s->end_ns)
		fn(ctx, s);
}

static void timeline__tell_ready(const struct timeline *t, const struct timeline_round *s,
				 timeline_fn fn, void *ctx)
{
	const uint64_t from_ns = s->ready_ns ? s->ready_ns : s->left_ns;
	struct timeline_slice sl = {
		.state = TIMELINE_READY,
		.begin_ns = from_ns,
		.end_ns = s->end_ns,
		.stack_id = s->stack_id,
		.reason = s->reason,
		.is_made = s->ready_ns && !s->start_ns,
		.waker = TIMELINE_NOBODY,
		.waker_goid = s->waker_goid,
		.waker_stack = s->waker,
	};

	if (!from_ns)
		return;
	if (s->waker_goid)
		sl.waker = timeline__find(t, s->rt, s->waker_goid);
	if (sl.waker != TIMELINE_NOBODY && !timeline__runs(t, sl.waker, from_ns))
		sl.waker = TIMELINE_NOBODY;
	tell(&sl, fn, ctx);
}

void timeline__slices(const struct timeline *t, size_t i, timeline_fn fn, void *ctx)
{
	const struct track *k = &t->tracks[i];

	for (size_t n = 0; n < k->nr; n++) {
		const struct timeline_round *s = &t->v[k->first + n];

		if (s->ran_ns)
			tell(&(struct timeline_slice){ .state = TIMELINE_RUNNING,
						       .begin_ns = s->ran_ns,
						       .end_ns = stop_of(s),
						       .waker = TIMELINE_NOBODY },
			     fn, ctx);
		if (s->start_ns)
			tell(&(struct timeline_slice){ .state = TIMELINE_WAITING,
						       .begin_ns = s->start_ns,
						       .end_ns = s->ready_ns ? s->ready_ns
									     : s->end_ns,
						       .stack_id = s->stack_id,
						       .reason = s->reason,
						       .waker = TIMELINE_NOBODY },
			     fn, ctx);
		if (!s->is_ended)
			timeline__tell_ready(t, s, fn, ctx);
	}
}

/* --- counts --- */

struct counting {
	struct timeline_count *v;
	uint64_t begin_ns, length_ns;
};

/* The first step at or after that moment. */
static size_t step_of(const struct counting *c, uint64_t ns)
{
	const unsigned __int128 at = (unsigned __int128)(ns - c->begin_ns) * TIMELINE_STEPS;

	return (size_t)((at + c->length_ns - 1) / c->length_ns);
}

static void count_slice(void *ctx, const struct timeline_slice *s)
{
	const struct counting *c = ctx;
	const size_t from = step_of(c, s->begin_ns), to = step_of(c, s->end_ns);

	if (from < TIMELINE_STEPS)
		c->v[from].nr[s->state]++;
	if (to < TIMELINE_STEPS)
		c->v[to].nr[s->state]--; /* sums are right, whatever is below 0 meanwhile */
}

void timeline__counts(const struct timeline *t, struct timeline_count ret[TIMELINE_STEPS])
{
	const struct counting c = { ret, t->span.begin_ns,
				    t->span.end_ns > t->span.begin_ns
					    ? t->span.end_ns - t->span.begin_ns
					    : 1 };

	memset(ret, 0, TIMELINE_STEPS * sizeof(*ret));
	for (size_t i = 0; i < t->nr_tracks; i++)
		timeline__slices(t, i, count_slice, (void *)&c);
	for (size_t i = 0; i < TIMELINE_STEPS; i++) {
		ret[i].at_ns = c.begin_ns + c.length_ns / TIMELINE_STEPS * i +
			       c.length_ns % TIMELINE_STEPS * i / TIMELINE_STEPS;
		for (int k = 0; k < TIMELINE_STATES && i; k++)
			ret[i].nr[k] += ret[i - 1].nr[k];
	}
}

/* --- one that was recorded --- */

int timeline__new_of(const struct timeline_span *span, size_t max_bytes, struct timeline **ret)
{
	struct timeline *t;
	const int err = timeline__new(&(struct timeline_opts){ UINT64_MAX, max_bytes }, &t);

	if (err)
		return err;
	t->kept = true;
	t->span = *span;
	*ret = t;
	return 0;
}

int timeline__keep(struct timeline *t, const struct timeline_round *r)
{
	if (t->nr == t->room && !timeline__grow(t))
		return -ENOSPC;
	*timeline__at(t, t->nr++) = *r;
	return 0;
}

void timeline__keep_mark(struct timeline *t, const struct timeline_mark *m)
{
	timeline__mark_it(t, m);
}
