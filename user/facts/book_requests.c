// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"
#include "facts/book.h"
#include "facts/fact_flags.h"

#define REQUESTS_MAX (1u << 22)
#define TIME_MAX     (INT64_MAX / 4)

/* Of the look that is read; *ret_c: its goroutines. */
static int book__requests_of_look(struct book *b, struct book_requests **ret,
				  const struct census **ret_c, struct cause *why)
{
	uint16_t rt;
	struct book_look *l = book__open_look(b, &rt);
	struct grequests *rs;

	if (!l)
		return book__bad(why, "requests are of no look");
	*ret = &l->requests[rt];
	*ret_c = l->censuses[rt];
	if ((*ret)->rs)
		return 0;
	rs = calloc(1, sizeof(*rs));
	if (rs)
		rs->of = calloc((*ret_c)->nr + 1, sizeof(*rs->of));
	if (!rs || !rs->of) {
		grequests__free(rs);
		return cause__no_memory(why);
	}
	rs->nr_of = (*ret_c)->nr;
	(*ret)->rs = rs;
	return 0;
}

/* Of a file: no sum of two overflows. */
static int64_t time_of(int64_t ns)
{
	return ns < -TIME_MAX ? -TIME_MAX : ns > TIME_MAX ? TIME_MAX : ns;
}

/* n: of the file, as name + 1. */
static const char *text_of(const struct book *b, const struct pw_names *names, uint32_t n)
{
	return n ? textpool__get(b->texts, pw_name(names, n - 1)) : NULL;
}

static void put_number(uint8_t to[8], uint64_t n)
{
	for (size_t i = 8; i-- > 0; n >>= 8)
		to[i] = (uint8_t)n;
}

#define TRACE_AT(b, names, m, i, to)                                                               \
	do {                                                                                       \
		put_number((to)->trace_id, COLUMN_AT(m, trace_high, i));                           \
		put_number((to)->trace_id + 8, COLUMN_AT(m, trace_low, i));                        \
		put_number((to)->span_id, COLUMN_AT(m, span_id, i));                               \
		(to)->span = text_of(b, names, COLUMN_AT(m, span, i));                             \
	} while (0)

/* --- requests --- */

static bool requests_fit(const Pw__Requests *f, size_t nr)
{
	return column_fits(f->n_flags, nr) && column_fits(f->n_served_by, nr) &&
	       column_fits(f->n_left_ns, nr) && column_fits(f->n_age_ns, nr) &&
	       column_fits(f->n_method, nr) && column_fits(f->n_path, nr) &&
	       column_fits(f->n_route, nr) && column_fits(f->n_scheme, nr) &&
	       column_fits(f->n_host, nr) && column_fits(f->n_peer, nr) &&
	       column_fits(f->n_trace_high, nr) && column_fits(f->n_trace_low, nr) &&
	       column_fits(f->n_span_id, nr) && column_fits(f->n_span, nr);
}

static void request_of(const struct book *b, const Pw__Requests *f, size_t i,
		       const struct pw_names *names, struct grequest *ret)
{
	const uint32_t flags = COLUMN_AT(f, flags, i);
	const uint64_t age = COLUMN_AT(f, age_ns, i);

	*ret = (struct grequest){
		.kind = (uint8_t)f->kind[i],
		.over = flags & REQUEST_OVER,
		.left = flags & REQUEST_LEFT,
		.has_deadline = flags & REQUEST_HAS_DEADLINE,
		.served_by = COLUMN_AT(f, served_by, i),
		.left_ns = time_of(COLUMN_AT(f, left_ns, i)),
		.age_ns = age ? time_of((int64_t)((age - 1) & INT64_MAX)) : -1,
		.method = text_of(b, names, COLUMN_AT(f, method, i)),
		.path = text_of(b, names, COLUMN_AT(f, path, i)),
		.route = text_of(b, names, COLUMN_AT(f, route, i)),
		.scheme = text_of(b, names, COLUMN_AT(f, scheme, i)),
		.host = text_of(b, names, COLUMN_AT(f, host, i)),
		.peer = text_of(b, names, COLUMN_AT(f, peer, i)),
	};
	TRACE_AT(b, names, f, i, &ret->trace);
}

int book__requests(struct book *b, const Pw__Requests *f, const struct pw_names *names,
		   struct cause *why)
{
	struct book_requests *to;
	const struct census *c;
	const size_t nr = f->n_kind;
	int err = book__requests_of_look(b, &to, &c, why);

	if (err)
		return err;
	if (!requests_fit(f, nr) || nr > REQUESTS_MAX - to->rs->nr)
		return book__bad(why, "columns of its requests differ in length");
	for (size_t i = 0; i < nr; i++)
		if (f->kind[i] > GREQUEST_OUTGOING)
			return book__bad(why, "a request is of no kind that is known");
	for (size_t i = 0; i < nr; i++)
		if (f->kind[i] == GREQUEST_OUTGOING &&
		    (!COLUMN_AT(f, method, i) || !COLUMN_AT(f, scheme, i) ||
		     !COLUMN_AT(f, host, i)))
			return book__bad(why, "a request was sent to nobody");
	if (vec__reserve(&to->rs->v, &to->room, to->rs->nr + nr, sizeof(*to->rs->v)))
		return cause__no_memory(why);
	for (size_t i = 0; i < nr; i++)
		request_of(b, f, i, names, &to->rs->v[to->rs->nr++]);
	to->rs->cut |= f->cut;
	to->rs->moved = f->moved;
	return 0;
}

/* --- whose they are --- */

static bool of_fits(const Pw__RequestsOf *f, size_t nr)
{
	return column_fits(f->n_request, nr) && column_fits(f->n_in_hand, nr) &&
	       column_fits(f->n_relation, nr) && column_fits(f->n_flags, nr) &&
	       column_fits(f->n_left_ns, nr) && column_fits(f->n_calls, nr) &&
	       column_fits(f->n_ended_by, nr) && column_fits(f->n_cause_type, nr) &&
	       column_fits(f->n_trace_high, nr) && column_fits(f->n_trace_low, nr) &&
	       column_fits(f->n_span_id, nr) && column_fits(f->n_span, nr);
}

/* A goroutine that is there, requests that are, and a relation where a request is said. */
static bool of_makes_sense(const Pw__RequestsOf *f, size_t i, const struct grequests *rs)
{
	const uint32_t relation = COLUMN_AT(f, relation, i), request = COLUMN_AT(f, request, i);

	return f->goroutine[i] < rs->nr_of && request <= rs->nr &&
	       COLUMN_AT(f, calls, i) <= rs->nr && relation <= GREQUEST_MADE_IN &&
	       COLUMN_AT(f, ended_by, i) <= GCONTEXT_END_MAX && !request == !relation;
}

int book__requests_of(struct book *b, const Pw__RequestsOf *f, const struct pw_names *names,
		      struct cause *why)
{
	struct book_requests *to;
	const struct census *c;
	int err = book__requests_of_look(b, &to, &c, why);

	if (err)
		return err;
	if (!of_fits(f, f->n_goroutine))
		return book__bad(why, "columns of its requests differ in length");
	for (size_t i = 0; i < f->n_goroutine; i++) {
		const uint32_t flags = COLUMN_AT(f, flags, i);
		struct grequest_of *of;

		if (!of_makes_sense(f, i, to->rs))
			return book__bad(why, "a goroutine works for no request that is known");
		of = &to->rs->of[f->goroutine[i]];
		*of = (struct grequest_of){
			.request = COLUMN_AT(f, request, i),
			.in_hand = COLUMN_AT(f, in_hand, i),
			.relation = (uint8_t)COLUMN_AT(f, relation, i),
			.made_by_it = flags & REQUEST_OF_MADE_BY_IT,
			.cancelled = flags & REQUEST_OF_CANCELLED,
			.has_deadline = flags & REQUEST_OF_HAS_DEADLINE,
			.left_ns = time_of(COLUMN_AT(f, left_ns, i)),
			.calls = COLUMN_AT(f, calls, i),
			.ended_by = (uint8_t)COLUMN_AT(f, ended_by, i),
			.cause_type = text_of(b, names, COLUMN_AT(f, cause_type, i)),
		};
		TRACE_AT(b, names, f, i, &of->trace);
	}
	return 0;
}

const struct grequests *book_look__requests(const struct book_look *l, uint16_t rt)
{
	return l->requests[rt].rs;
}
