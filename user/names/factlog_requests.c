// SPDX-License-Identifier: BSD-2-Clause
#include "names/factlog.h"

#include <errno.h>
#include <stdlib.h>

#include "facts/fact_flags.h"

#define ROWS 1024 /* of one fact */

struct trace_rows {
	uint64_t high[ROWS], low[ROWS], span_id[ROWS];
	uint32_t span[ROWS];
};

struct request_rows {
	uint32_t kind[ROWS], flags[ROWS], method[ROWS], path[ROWS], route[ROWS], host[ROWS],
		scheme[ROWS], peer[ROWS];
	uint64_t served_by[ROWS], age[ROWS];
	int64_t left[ROWS];
	struct trace_rows traces;
};

struct of_rows {
	uint32_t goroutine[ROWS], request[ROWS], in_hand[ROWS], relation[ROWS], flags[ROWS],
		calls[ROWS], ended_by[ROWS], cause_type[ROWS];
	int64_t left[ROWS];
	struct trace_rows traces;
	size_t nr;
};

struct requests_log {
	struct factlog_of_look of;
	const struct grequests *rs;
	union { /* one kind after the other */
		struct request_rows requests;
		struct of_rows of;
	} * rows;
};

/* + 1; 0: not known */
static uint32_t name_of(struct pw_writer *w, const char *text)
{
	return text ? pw_writer__name(w, text) + 1 : 0;
}

static uint64_t number_of(const uint8_t bytes[8])
{
	uint64_t n = 0;

	for (size_t i = 0; i < 8; i++)
		n = n << 8 | bytes[i];
	return n;
}

static void put_trace(struct trace_rows *r, size_t i, const struct gtrace *t, struct pw_writer *w)
{
	r->high[i] = number_of(t->trace_id);
	r->low[i] = number_of(t->trace_id + 8);
	r->span_id[i] = number_of(t->span_id);
	r->span[i] = name_of(w, t->span);
}

/* --- requests --- */

static void put_request(struct request_rows *r, size_t i, const struct grequest *q,
			struct pw_writer *w)
{
	r->kind[i] = q->kind;
	r->flags[i] = (q->over ? REQUEST_OVER : 0u) |
		      (q->has_deadline ? REQUEST_HAS_DEADLINE : 0u) | (q->left ? REQUEST_LEFT : 0u);
	r->served_by[i] = q->served_by;
	r->left[i] = q->has_deadline ? q->left_ns : 0;
	r->age[i] = q->age_ns < 0 ? 0 : (uint64_t)q->age_ns + 1;
	r->method[i] = name_of(w, q->method);
	r->path[i] = name_of(w, q->path);
	r->route[i] = name_of(w, q->route);
	r->scheme[i] = name_of(w, q->scheme);
	r->host[i] = name_of(w, q->host);
	r->peer[i] = name_of(w, q->peer);
	put_trace(&r->traces, i, &q->trace, w);
}

static void tell_requests(struct requests_log *l, size_t from, size_t nr)
{
	struct request_rows *r = &l->rows->requests;
	struct pw_writer *w = factlog__in_look(&l->of);
	Pw__Requests m = PW__REQUESTS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	for (size_t i = 0; i < nr; i++)
		put_request(r, i, &l->rs->v[from + i], w);
	m.cut = l->rs->cut;
	m.moved = l->rs->moved;
	m.n_kind = nr;
	m.kind = r->kind;
	column_u32(&m.n_flags, &m.flags, r->flags, nr);
	column_u64(&m.n_served_by, &m.served_by, r->served_by, nr);
	column_s64(&m.n_left_ns, &m.left_ns, r->left, nr);
	column_u64(&m.n_age_ns, &m.age_ns, r->age, nr);
	column_u32(&m.n_method, &m.method, r->method, nr);
	column_u32(&m.n_path, &m.path, r->path, nr);
	column_u32(&m.n_route, &m.route, r->route, nr);
	column_u32(&m.n_scheme, &m.scheme, r->scheme, nr);
	column_u32(&m.n_host, &m.host, r->host, nr);
	column_u32(&m.n_peer, &m.peer, r->peer, nr);
	column_u64(&m.n_trace_high, &m.trace_high, r->traces.high, nr);
	column_u64(&m.n_trace_low, &m.trace_low, r->traces.low, nr);
	column_u64(&m.n_span_id, &m.span_id, r->traces.span_id, nr);
	column_u32(&m.n_span, &m.span, r->traces.span, nr);
	fact.fact_case = PW__FACT__FACT_REQUESTS;
	fact.requests = &m;
	pw_writer__fact(w, &fact);
}

/* --- whose they are --- */

static void put_of(struct of_rows *r, uint32_t g, const struct grequest_of *of, struct pw_writer *w)
{
	const size_t i = r->nr++;

	r->goroutine[i] = g;
	r->request[i] = of->request;
	r->in_hand[i] = of->in_hand;
	r->relation[i] = of->relation;
	r->flags[i] = (of->made_by_it ? REQUEST_OF_MADE_BY_IT : 0u) |
		      (of->cancelled ? REQUEST_OF_CANCELLED : 0u) |
		      (of->has_deadline ? REQUEST_OF_HAS_DEADLINE : 0u);
	r->left[i] = of->has_deadline ? of->left_ns : 0;
	r->calls[i] = of->calls;
	r->ended_by[i] = of->ended_by;
	r->cause_type[i] = name_of(w, of->cause_type);
	put_trace(&r->traces, i, &of->trace, w);
}

static void tell_of(struct requests_log *l, struct pw_writer *w)
{
	struct of_rows *r = &l->rows->of;
	Pw__RequestsOf m = PW__REQUESTS_OF__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	m.n_goroutine = r->nr;
	m.goroutine = r->goroutine;
	column_u32(&m.n_request, &m.request, r->request, r->nr);
	column_u32(&m.n_in_hand, &m.in_hand, r->in_hand, r->nr);
	column_u32(&m.n_relation, &m.relation, r->relation, r->nr);
	column_u32(&m.n_flags, &m.flags, r->flags, r->nr);
	column_s64(&m.n_left_ns, &m.left_ns, r->left, r->nr);
	column_u32(&m.n_calls, &m.calls, r->calls, r->nr);
	column_u32(&m.n_ended_by, &m.ended_by, r->ended_by, r->nr);
	column_u32(&m.n_cause_type, &m.cause_type, r->cause_type, r->nr);
	column_u64(&m.n_trace_high, &m.trace_high, r->traces.high, r->nr);
	column_u64(&m.n_trace_low, &m.trace_low, r->traces.low, r->nr);
	column_u64(&m.n_span_id, &m.span_id, r->traces.span_id, r->nr);
	column_u32(&m.n_span, &m.span, r->traces.span, r->nr);
	fact.fact_case = PW__FACT__FACT_REQUESTS_OF;
	fact.requests_of = &m;
	pw_writer__fact(w, &fact);
	r->nr = 0;
}

static bool is_told(const struct grequest_of *of)
{
	return of->request || of->in_hand || of->calls || gtrace_is_known(&of->trace);
}

static void tell_all_of(struct requests_log *l)
{
	struct of_rows *r = &l->rows->of;
	struct pw_writer *w = NULL; /* of the fact that is begun */

	r->nr = 0;
	for (size_t i = 0; i < l->rs->nr_of; i++) {
		if (!is_told(&l->rs->of[i]))
			continue;
		if (!w)
			w = factlog__in_look(&l->of);
		put_of(r, (uint32_t)i, &l->rs->of[i], w);
		if (r->nr == ROWS) {
			tell_of(l, w);
			w = NULL;
		}
	}
	if (w)
		tell_of(l, w);
}

int factlog__requests(struct factlog *f, uint32_t number, uint16_t rt, uint64_t unix_ns,
		      const struct census *c, const struct grequests *rs)
{
	struct requests_log l = {
		.of = { .f = f, .c = c, .unix_ns = unix_ns, .number = number, .rt = rt }, .rs = rs
	};

	l.rows = malloc(sizeof(*l.rows)); /* each is written before it is read */
	if (!l.rows)
		return -ENOMEM;
	factlog__begin_look(&l.of);
	for (size_t i = 0; !i || i < rs->nr; i += ROWS)
		tell_requests(&l, i, rs->nr - i < ROWS ? rs->nr - i : ROWS);
	tell_all_of(&l);
	free(l.rows);
	return 0;
}
