/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/leak_requests_put.h"

#include <string.h>

#include "base/clock.h"
#include "format/request_put.h"
#include "view/leak_outgoing.h"
#include "view/leak_requests.h"
#include "view/leak_words.h"

#define TRACES_SHOWN 3 /* in a text */

static struct gtrace_text trace_text(const uint8_t id[16])
{
	struct gtrace t = { .trace_id = { 0 } };

	memcpy(t.trace_id, id, sizeof(t.trace_id));
	return gtrace_text_of(&t);
}

/* --- text --- */

/* " to GET /quote (route /quote/{id})" */
static void put_name(const struct leak_route *r, struct textbuf *to)
{
	const bool both = r->route && r->path && strcmp(r->route, r->path) != 0;

	if (!r->method)
		return;
	textbuf__text(to, " to ");
	textbuf__text(to, r->method);
	if (r->path) {
		textbuf__text(to, " ");
		textbuf__text(to, r->path);
	}
	if (both)
		textbuf__text(to, " (route ");
	else if (r->route && !r->path)
		textbuf__text(to, " route ");
	if (r->route && (both || !r->path))
		textbuf__text(to, r->route);
	if (both)
		textbuf__text(to, ")");
}

static void put_over(uint64_t over, uint64_t all, struct textbuf *to)
{
	if (!over)
		return;
	textbuf__text(to, ", ");
	if (over < all) {
		leak_words__number(over, to);
		textbuf__text(to, " of them over");
	} else {
		textbuf__text(to, all == 1 ? "over" : "all over");
	}
}

static void put_route(const struct leak_route *r, struct textbuf *to)
{
	leak_words__number(r->count, to);
	textbuf__text(to, r->count == 1 ? " goroutine" : " goroutines");
	if (r->relation == GREQUEST_SERVES) {
		textbuf__text(to, r->count == 1 ? " serves " : " serve ");
	} else {
		textbuf__text(to, ", ");
		textbuf__text(to, grequest_relation_word((enum grequest_relation)r->relation));
		textbuf__text(to, " ");
	}
	leak_words__number(r->requests, to);
	textbuf__text(to, r->requests == 1 ? " request" : " requests");
	put_name(r, to);
	put_over(r->over, r->requests, to);
}

static void put_traces(const struct leak_requests *q, struct textbuf *to)
{
	if (!q->nr_traces)
		return;
	textbuf__text(to, q->nr_traces == 1 ? "  trace      " : "  traces     ");
	for (uint32_t i = 0; i < q->nr_traces && i < TRACES_SHOWN; i++) {
		textbuf__text(to, " ");
		textbuf__text(to, trace_text(q->traces[i]).trace_id);
	}
	textbuf__text(to, q->nr_traces > TRACES_SHOWN ? " ...\n" : "\n");
}

/* "12 goroutines call GET http://upstream/x, 31s to 40s" */
static void put_sent(const struct leak_sent *s, struct textbuf *to)
{
	leak_words__number(s->count, to);
	textbuf__text(to, s->count == 1 ? " goroutine calls " : " goroutines call ");
	request_put__sent(s->method, s->scheme, s->host, s->path, to);
	if (!s->timed)
		return;
	textbuf__text(to, ", ");
	leak_words__age(s->min_ns, to);
	if (s->max_ns / NS_PER_SEC > s->min_ns / NS_PER_SEC) {
		textbuf__text(to, " to ");
		leak_words__age(s->max_ns, to);
	}
}

static void put_outgoing(const struct leak_outgoing *q, struct textbuf *to)
{
	for (uint32_t i = 0; q && i < q->nr; i++) {
		textbuf__text(to, i ? "              " : "  calls       ");
		put_sent(&q->v[i], to);
		textbuf__text(to, "\n");
	}
	if (!q || !q->others)
		return;
	textbuf__text(to, "              ");
	leak_words__number(q->others, to);
	textbuf__text(to, " more, that call others\n");
}

void leak_requests_put__text(const struct leak_entry *e, const char *why, struct textbuf *to)
{
	const struct leak_requests *q = e->requests;

	put_outgoing(e->outgoing, to);
	if (!q) {
		if (why)
			textbuf__format(to, "  requests    not known: %s\n", why);
		return;
	}
	for (uint32_t i = 0; i < q->nr_routes; i++) {
		textbuf__text(to, i ? "              " : "  requests    ");
		put_route(&q->routes[i], to);
		textbuf__text(to, "\n");
	}
	if (q->others) {
		textbuf__text(to, "              ");
		leak_words__number(q->others, to);
		textbuf__text(to, " more, of other requests\n");
	}
	put_traces(q, to);
}

static void put_cure(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	const struct frame *f = leak_requests__where(l, e);

	textbuf__text(to, leak_requests__cure(l, e));
	if (f)
		textbuf__format(to, ", at %s %s:%u", f->name, f->file[0] ? f->file : "?", f->line);
}

void leak_requests_put__cure(const struct leaks *l, const struct leak_entry *e, struct textbuf *to)
{
	if (!leak_requests__ignored(e))
		return;
	textbuf__text(to, "  cure        ");
	put_cure(l, e, to);
	textbuf__text(to, "\n");
}

/* --- JSON --- */

static void put_route_json(const struct leak_route *r, struct json_writer *w)
{
	struct textbuf name;

	textbuf__init(&name, NULL);
	if (r->method && r->route) {
		textbuf__text(&name, r->method);
		textbuf__text(&name, " ");
		textbuf__text(&name, r->route);
	}
	textbuf__bytes(&name, "", 1);
	jsonw_start_object(w);
	jsonw_fail(w, name.err);
	jsonw_text_field(w, "route", name.err ? "" : name.v);
	jsonw_string_field(w, "method", r->method);
	jsonw_string_field(w, "path", r->path);
	jsonw_string_field(w, "relation",
			   grequest_relation_word((enum grequest_relation)r->relation));
	jsonw_uint_field(w, "count", r->count);
	jsonw_uint_field(w, "requests", r->requests);
	jsonw_uint_field(w, "over", r->over);
	jsonw_end_object(w);
	textbuf__done(&name);
}

static void put_requests_json(const struct leak_requests *q, struct json_writer *w)
{
	if (!q) {
		jsonw_null_field(w, "requests");
		return;
	}
	jsonw_object_field(w, "requests");
	jsonw_uint_field(w, "of", q->of);
	jsonw_uint_field(w, "over", q->over);
	jsonw_array_field(w, "routes");
	for (uint32_t i = 0; i < q->nr_routes; i++)
		put_route_json(&q->routes[i], w);
	jsonw_end_array(w);
	jsonw_uint_field(w, "others", q->others);
	jsonw_array_field(w, "trace_ids");
	for (uint32_t i = 0; i < q->nr_traces; i++)
		jsonw_string(w, trace_text(q->traces[i]).trace_id);
	jsonw_end_array(w);
	jsonw_end_object(w);
}

static void put_where_json(const struct leaks *l, const struct leak_entry *e, struct json_writer *w)
{
	const struct frame *f = leak_requests__where(l, e);

	if (!f) {
		jsonw_null_field(w, "look_at");
		return;
	}
	jsonw_object_field(w, "look_at");
	jsonw_string_field(w, "func", f->name);
	jsonw_string_field(w, "file", f->file);
	jsonw_uint_field(w, "line", f->line);
	jsonw_end_object(w);
}

static void put_enders_json(const struct leak_ignored *i, struct json_writer *w)
{
	jsonw_array_field(w, "ended_by");
	for (size_t by = GCONTEXT_END_UNKNOWN + 1; by <= GCONTEXT_END_MAX; by++) {
		if (!i->by[by])
			continue;
		jsonw_start_object(w);
		jsonw_string_field(w, "by", gcontext_end_word((enum gcontext_end)by));
		jsonw_uint_field(w, "count", i->by[by]);
		jsonw_end_object(w);
	}
	jsonw_end_array(w);
}

static void put_sent_json(const struct leak_sent *s, struct json_writer *w)
{
	jsonw_start_object(w);
	jsonw_string_field(w, "method", s->method);
	jsonw_string_field(w, "scheme", s->scheme);
	jsonw_string_field(w, "host", s->host);
	jsonw_string_field(w, "path", s->path);
	jsonw_uint_field(w, "count", s->count);
	if (s->timed) {
		jsonw_object_field(w, "wait_s");
		jsonw_seconds_field(w, "min", s->min_ns);
		jsonw_seconds_field(w, "max", s->max_ns);
		jsonw_end_object(w);
	} else {
		jsonw_null_field(w, "wait_s");
	}
	jsonw_end_object(w);
}

static void put_outgoing_json(const struct leak_outgoing *q, struct json_writer *w)
{
	if (!q) {
		jsonw_null_field(w, "calls");
		return;
	}
	jsonw_object_field(w, "calls");
	jsonw_uint_field(w, "count", q->count);
	jsonw_array_field(w, "to");
	for (uint32_t i = 0; i < q->nr; i++)
		put_sent_json(&q->v[i], w);
	jsonw_end_array(w);
	jsonw_uint_field(w, "others", q->others);
	jsonw_end_object(w);
}

void leak_requests_put__json(const struct leaks *l, const struct leak_entry *e,
			     struct json_writer *w)
{
	const struct leak_ignored *i = leak_requests__ignored(e);

	put_requests_json(e->requests, w);
	put_outgoing_json(e->outgoing, w);
	if (!i) {
		jsonw_null_field(w, "ignores_context");
		return;
	}
	jsonw_object_field(w, "ignores_context");
	jsonw_uint_field(w, "count", i->count);
	jsonw_uint_field(w, "deadlines_passed", i->deadlines);
	if (i->deadlines) {
		jsonw_object_field(w, "deadline_passed_s");
		jsonw_seconds_field(w, "min", i->min_ns);
		jsonw_seconds_field(w, "max", i->max_ns);
		jsonw_end_object(w);
	} else {
		jsonw_null_field(w, "deadline_passed_s");
	}
	put_enders_json(i, w);
	jsonw_string_field(w, "cure", leak_requests__cure(l, e));
	put_where_json(l, e, w);
	jsonw_end_object(w);
}
