/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/ended.h"

#include "base/clock.h"

#define CANDIDATES_MAX 64u
/*
 * The request's own and, right above it, its connection's: net/http cancels one of these when it
 * cannot read any more (server.go connReader.handleReadError), or the stream of HTTP/2 is closed.
 */
#define OF_CONNECTION 2u
/* Timers that are due so near to each other may fire in any order. */
#define TIMER_SLACK_NS ((int64_t)NS_PER_SEC)

enum place { /* of a context, seen from the one that ended */
	     PLACE_OWN,
	     PLACE_PARENT,
	     PLACE_REQUEST,
};

struct candidate {
	enum place place;
	bool gives_none; /* its cancel function gives no cause */
	bool has_deadline;
	int64_t deadline_ns;
};

struct run { /* those next to each other that have the same end */
	struct candidate v[CANDIDATES_MAX];
	size_t nr;
	bool whole;      /* who was the first to end is one of them */
	uint32_t beyond; /* how many of them from the request's own on, it included */
};

static uint32_t number_of(const struct contexts *c, const struct context *x)
{
	return (uint32_t)(x - contexts__get(c, 1)) + 1;
}

static bool same_end(const struct context *a, const struct context *b)
{
	return b->end == a->end && b->cause == a->cause && b->cause_at == a->cause_at;
}

/* Go 1.20 has a timerCtx and its cancelCtx apart: they are one. */
static const struct context *next_cancel(const struct contexts *c, const struct context *x,
					 bool *ret_whole)
{
	const uint64_t last = x->cancel;

	for (uint32_t i = 0; i < CONTEXTS_CHAIN_MAX; i++) {
		*ret_whole = !x->up && x->is_first;
		if (!x->up)
			return NULL;
		x = contexts__get(c, x->up);
		if (x->own_ways)
			return NULL;
		if (x->cancel && x->cancel != last)
			return x;
	}
	*ret_whole = false;
	return NULL;
}

static void run__add(struct run *r, const struct contexts *c, const struct context *x, uint64_t own)
{
	struct candidate *to = &r->v[r->nr];

	r->beyond += r->beyond || x->cancel == own;
	*to = (struct candidate){
		.gives_none = x->is_timer || contexts__is_of_request(c, number_of(c, x)),
		.has_deadline = x->has_deadline,
		.deadline_ns = x->deadline_ns,
	};
	if (r->beyond)
		to->place = PLACE_REQUEST;
	else
		to->place = r->nr ? PLACE_PARENT : PLACE_OWN;
	r->nr++;
}

static void run__from(struct run *r, const struct contexts *c, const struct context *first,
		      uint64_t own)
{
	const struct context *x = first;

	r->nr = 0;
	r->beyond = 0;
	r->whole = false;
	while (x && r->nr < CANDIDATES_MAX) {
		if (!same_end(first, x)) {
			r->whole = true;
			return;
		}
		run__add(r, c, x, own);
		x = next_cancel(c, x, &r->whole);
	}
	r->whole &= !x;
}

/* Only those whose own deadline may have been it. */
static void run__keep_deadlines(struct run *r, int64_t now_ns)
{
	int64_t earliest = now_ns;
	size_t nr = 0;

	for (size_t i = 0; i < r->nr; i++)
		if (r->v[i].has_deadline && r->v[i].deadline_ns < earliest)
			earliest = r->v[i].deadline_ns;
	for (size_t i = 0; i < r->nr; i++)
		if (r->v[i].has_deadline && r->v[i].deadline_ns <= now_ns &&
		    r->v[i].deadline_ns - earliest < TIMER_SLACK_NS)
			r->v[nr++] = r->v[i];
	r->nr = nr;
}

/*
 * Whose cancel function gives no cause cannot have given that one: those of a context with a
 * deadline, and that of net/http (context.go WithDeadlineCause, net/http/server.go readRequest).
 */
static void run__keep_causes(struct run *r)
{
	size_t nr = 0;

	for (size_t i = 0; i < r->nr; i++)
		if (!r->v[i].gives_none)
			r->v[nr++] = r->v[i];
	r->nr = nr;
}

static bool run__is_at_one_place(const struct run *r)
{
	for (size_t i = 1; i < r->nr; i++)
		if (r->v[i].place != r->v[0].place)
			return false;
	return r->nr;
}

static enum gcontext_end deadline_of(enum place p)
{
	switch (p) {
	case PLACE_OWN: return GCONTEXT_OWN_DEADLINE;
	case PLACE_PARENT: return GCONTEXT_PARENT_DEADLINE;
	case PLACE_REQUEST: break;
	}
	return GCONTEXT_REQUEST_DEADLINE;
}

static enum gcontext_end cancel_of(enum place p)
{
	switch (p) {
	case PLACE_OWN: return GCONTEXT_OWN_CANCEL;
	case PLACE_PARENT: return GCONTEXT_PARENT_CANCEL;
	case PLACE_REQUEST: break;
	}
	return GCONTEXT_REQUEST_CANCEL;
}

/* The first cancelCtx on the way up, if it has ended. NULL: there is none that is known. */
static const struct context *first_of(const struct contexts *c, uint32_t n)
{
	for (uint32_t i = 0; n && i < CONTEXTS_CHAIN_MAX; i++) {
		const struct context *x = contexts__get(c, n);

		if (x->own_ways)
			break;
		if (x->cancel)
			return x->cancelled ? x : NULL;
		n = x->up;
	}
	return NULL;
}

struct ended ended__of(const struct contexts *c, uint32_t n, uint64_t own, bool served,
		       int64_t now_ns)
{
	const struct context *first = first_of(c, n);
	struct ended e = { .by = GCONTEXT_END_UNKNOWN };
	bool connection;
	struct run r;

	if (!first)
		return e;
	e.first = number_of(c, first);
	if (!own || (first->end != CONTEXT_CANCELLED && first->end != CONTEXT_TOO_LATE))
		return e;
	run__from(&r, c, first, own);
	connection = served && r.whole && r.beyond && r.beyond <= OF_CONNECTION &&
		     r.v[0].place == PLACE_REQUEST && !first->cause;
	if (first->end == CONTEXT_TOO_LATE)
		run__keep_deadlines(&r, now_ns);
	else if (first->cause)
		run__keep_causes(&r);
	if (!r.nr || (!r.whole && r.v[0].place != PLACE_REQUEST))
		return e;
	if (!run__is_at_one_place(&r)) {
		if (first->end == CONTEXT_CANCELLED && r.v[r.nr - 1].place != PLACE_REQUEST)
			e.by = GCONTEXT_PROGRAM_CANCEL;
		return e;
	}
	if (first->end == CONTEXT_TOO_LATE) {
		e.by = deadline_of(r.v[0].place);
		e.deadline_ns = r.v[0].deadline_ns;
		for (size_t i = 1; i < r.nr; i++)
			if (r.v[i].deadline_ns < e.deadline_ns)
				e.deadline_ns = r.v[i].deadline_ns;
		return e;
	}
	e.by = connection ? GCONTEXT_CONNECTION : cancel_of(r.v[0].place);
	return e;
}
