// SPDX-License-Identifier: BSD-2-Clause
#include "serve/history_api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "serve/api.h"

/* The cells that were asked for: age nr - 1, the oldest one with a look, to 0. */
struct span {
	const struct history *h;
	enum history_ring ring;
	const char *text;
	size_t nr;
};

struct site_sum {
	uint64_t sum;
	uint32_t row;
};

/* "10m", "2h", "90s"; 0: it is none */
static uint64_t span_ns(const char *text)
{
	char *end;
	const uint64_t n = strtoul(text, &end, 10);
	const uint64_t unit_s = *end == 's' ? 1 : *end == 'm' ? 60 : *end == 'h' ? 3600 : 0;

	if (text[0] < '0' || text[0] > '9' || !unit_s || end[1] || n > 48ULL * 3600)
		return 0;
	return n * unit_s * NS_PER_SEC;
}

/* false: there is no such span */
static bool span__of(const struct history *h, const char *text, struct span *ret)
{
	const uint64_t ns = span_ns(text);
	int r = 0;
	size_t nr;

	while (r < HISTORY_RINGS &&
	       ns > history_cells((enum history_ring)r) * history_step_ns((enum history_ring)r))
		r++;
	if (!ns || r == HISTORY_RINGS)
		return false;
	*ret = (struct span){ .h = h, .ring = (enum history_ring)r, .text = text };
	nr = (size_t)((ns + history_step_ns(ret->ring) - 1) / history_step_ns(ret->ring));
	for (size_t age = 0; h && age < nr; age++)
		if (history__cell(h, ret->ring, age))
			ret->nr = age + 1;
	return true;
}

bool history_is_span(const char *text)
{
	struct span s;

	return span__of(NULL, text, &s);
}

static uint64_t mean(uint64_t sum, const struct history_cell *c)
{
	return (sum + c->looks / 2) / c->looks;
}

/* --- one number a cell --- */

enum number { TIMES, GOROUTINES, BIRTHS, EXITS, BLOCKED, STACK_BYTES, OLDEST };

static void put_number(struct json_writer *w, const struct history_cell *c, enum number n)
{
	switch (n) {
	case TIMES: break;
	case GOROUTINES: jsonw_uint(w, mean(c->total.sum, c)); break;
	case BIRTHS: jsonw_uint(w, c->total.births); break;
	case EXITS: jsonw_uint(w, c->total.exits); break;
	case BLOCKED: jsonw_seconds(w, c->total.blocked_ns); break;
	case STACK_BYTES: jsonw_uint(w, mean(c->total.stack_sum, c)); break;
	case OLDEST: jsonw_uint(w, c->total.oldest_s); break;
	}
}

static void put_series(struct json_writer *w, const struct span *s, const char *name, enum number n)
{
	const uint64_t step_ns = history_step_ns(s->ring);

	jsonw_newline(w);
	jsonw_array_field(w, name);
	for (size_t age = s->nr; age-- > 0;) {
		const struct history_cell *c = history__cell(s->h, s->ring, age);

		if (n == TIMES)
			jsonw_uint(w, (history__cell(s->h, s->ring, 0)->unix_ns - age * step_ns) /
					      NS_PER_SEC);
		else if (c)
			put_number(w, c, n);
		else
			jsonw_null(w);
	}
	jsonw_end_array(w);
}

static void put_states(struct json_writer *w, const struct span *s)
{
	jsonw_newline(w);
	jsonw_object_field(w, "states");
	for (int state = 0; state < HISTORY_STATES; state++) {
		jsonw_array_field(w, history_state_word((enum history_state)state));
		for (size_t age = s->nr; age-- > 0;) {
			const struct history_cell *c = history__cell(s->h, s->ring, age);

			if (c)
				jsonw_uint(w, mean(c->states[state], c));
			else
				jsonw_null(w);
		}
		jsonw_end_array(w);
	}
	jsonw_end_object(w);
}

/* --- the largest rows --- */

static int larger_first(const void *a, const void *b)
{
	const struct site_sum *x = a, *y = b;

	return x->sum != y->sum ? (x->sum < y->sum) - (x->sum > y->sum)
				: (x->row > y->row) - (x->row < y->row);
}

/* sums: room for HISTORY_ROWS_MAX. Returns how many are told. */
static size_t largest(const struct span *s, struct site_sum *sums)
{
	size_t nr = 0;

	for (uint32_t i = 0; i < HISTORY_ROWS_MAX; i++)
		sums[i] = (struct site_sum){ .row = i };
	for (size_t age = 0; age < s->nr; age++) {
		const struct history_cell *c = history__cell(s->h, s->ring, age);

		for (size_t i = 0; c && i < c->nr; i++)
			sums[c->v[i].row].sum += c->v[i].sum;
	}
	qsort(sums, HISTORY_ROWS_MAX, sizeof(*sums), larger_first);
	while (nr < HISTORY_API_SITES && sums[nr].sum)
		nr++;
	return nr;
}

static uint32_t sum_of(const struct history_cell *c, uint32_t row)
{
	const struct history_entry *e = history_cell__find(c, row);

	return e ? e->sum : 0;
}

static void put_site(struct json_writer *w, const struct span *s, uint32_t row)
{
	const char *made = "", *blocked = "";
	enum gostate state = GOSTATE_UNKNOWN;

	(void)history__about(s->h, row, &made, &blocked, &state);
	jsonw_newline(w);
	jsonw_start_object(w);
	jsonw_text_field(w, "created_by", made);
	jsonw_text_field(w, "blocked_at", blocked);
	jsonw_string_field(w, "reason", gostate_word(state));
	jsonw_array_field(w, "goroutines");
	for (size_t age = s->nr; age-- > 0;) {
		const struct history_cell *c = history__cell(s->h, s->ring, age);

		if (c)
			jsonw_uint(w, mean(sum_of(c, row), c));
		else
			jsonw_null(w);
	}
	jsonw_end_array(w);
	jsonw_end_object(w);
}

static void put_other(struct json_writer *w, const struct span *s, const struct site_sum *told,
		      size_t nr)
{
	jsonw_newline(w);
	jsonw_array_field(w, "other");
	for (size_t age = s->nr; age-- > 0;) {
		const struct history_cell *c = history__cell(s->h, s->ring, age);
		uint64_t sum = c ? c->total.sum : 0;

		for (size_t i = 0; c && i < nr; i++)
			sum -= sum_of(c, told[i].row);
		if (c)
			jsonw_uint(w, mean(sum, c));
		else
			jsonw_null(w);
	}
	jsonw_end_array(w);
}

static void put_history(struct json_writer *w, const struct span *s, struct site_sum *sums)
{
	const size_t told = largest(s, sums);

	jsonw_start_object(w);
	jsonw_string_field(w, "span", s->text);
	jsonw_uint_field(w, "step_seconds", history_step_ns(s->ring) / NS_PER_SEC);
	put_series(w, s, "times", TIMES);
	put_series(w, s, "goroutines", GOROUTINES);
	put_series(w, s, "births", BIRTHS);
	put_series(w, s, "exits", EXITS);
	put_series(w, s, "blocked_seconds", BLOCKED);
	put_series(w, s, "stack_bytes", STACK_BYTES);
	put_series(w, s, "oldest_wait_seconds", OLDEST);
	put_states(w, s);
	jsonw_newline(w);
	jsonw_array_field(w, "sites");
	for (size_t i = 0; i < told; i++)
		put_site(w, s, sums[i].row);
	jsonw_end_array(w);
	put_other(w, s, sums, told);
	jsonw_end_object(w);
	jsonw_end(w);
}

void history_put_totals(struct json_writer *w, const struct watched *t, const char *span)
{
	struct span s;

	if (!span__of(t->history, span, &s))
		return;
	jsonw_object_field(w, "history");
	jsonw_uint_field(w, "step_seconds", history_step_ns(s.ring) / NS_PER_SEC);
	put_series(w, &s, "goroutines", GOROUTINES);
	put_series(w, &s, "blocked_seconds", BLOCKED);
	jsonw_end_object(w);
}

void history_get(const struct watched *t, const struct http_request *q, struct http_answer *a)
{
	const char *text = http_query(q, "span");
	scoped_mem struct json_writer *w = NULL;
	scoped_mem struct site_sum *sums = NULL;
	struct span s;

	a->type = "application/json";
	if (!span__of(t->history, text ? text : "10m", &s)) {
		api_error(a, 400, "bad span: give 10m, 2h, 48h or less");
		return;
	}
	w = malloc(sizeof(*w));
	sums = reallocarray(NULL, HISTORY_ROWS_MAX, sizeof(*sums));
	if (!w || !sums) {
		a->body.err = -ENOMEM;
		return;
	}
	jsonw_init(w, &a->body);
	put_history(w, &s, sums);
}
