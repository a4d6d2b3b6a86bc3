/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/request_put.h"

#include <string.h>

#include "base/clock.h"

static void put_text(struct framer *f, const char *text, struct textbuf *to)
{
	textbuf__text(to, framer__text(f, text));
}

void request_put__sent(const char *method, const char *scheme, const char *host, const char *path,
		       struct textbuf *to)
{
	if (!strcmp(scheme, GREQUEST_SCHEME_GRPC)) {
		textbuf__text(to, path ? path : "a method");
		textbuf__text(to, " at ");
		textbuf__text(to, host);
		return;
	}
	textbuf__text(to, method);
	textbuf__text(to, " ");
	textbuf__text(to, scheme);
	textbuf__text(to, "://");
	textbuf__text(to, host);
	textbuf__text(to, path ? path : "/?");
}

void request_put__name(struct framer *f, const struct grequest *r, struct textbuf *to)
{
	if (r->kind == GREQUEST_OUTGOING) {
		request_put__sent(framer__text(f, r->method), framer__text(f, r->scheme),
				  framer__text(f, r->host),
				  r->path ? framer__text(f, r->path) : NULL, to);
		return;
	}
	if (!r->method) {
		textbuf__text(to, "an HTTP request");
		return;
	}
	put_text(f, r->method, to);
	textbuf__text(to, " ");
	if (!r->path && r->route) {
		textbuf__text(to, "route ");
		put_text(f, r->route, to);
		return;
	}
	put_text(f, r->path ? r->path : "?", to);
	if (r->query) {
		textbuf__text(to, "?");
		put_text(f, r->query, to);
	}
	if (r->route) {
		textbuf__text(to, " (route ");
		put_text(f, r->route, to);
		textbuf__text(to, ")");
	}
}

void request_put__time(int64_t ns, struct textbuf *to)
{
	const uint64_t ms = (uint64_t)ns / NS_PER_MS;

	if (ms < 1000)
		textbuf__format(to, "%llu ms", (unsigned long long)ms);
	else if (ms < 10000)
		textbuf__format(to, "%.1f s", (double)ms / 1000);
	else
		textbuf__format(to, "%llu s", (unsigned long long)(ms / 1000));
}

void request_put__deadline(int64_t left_ns, struct textbuf *to)
{
	textbuf__text(to, left_ns < 0 ? "deadline passed " : "deadline in ");
	request_put__time(left_ns < 0 ? -left_ns : left_ns, to);
	textbuf__text(to, left_ns < 0 ? " ago" : "");
}

/* Of one that has ended the context: "own ", in front of "deadline passed". */
static void put_whose_deadline(const struct grequest_of *of, struct textbuf *to)
{
	switch ((enum gcontext_end)of->ended_by) {
	case GCONTEXT_OWN_DEADLINE: textbuf__text(to, "its context's own "); break;
	case GCONTEXT_PARENT_DEADLINE: textbuf__text(to, "its parent context's "); break;
	case GCONTEXT_REQUEST_DEADLINE: textbuf__text(to, "the request's own "); break;
	default: break;
	}
}

/* "" where it is not known, NULL where there is nothing to say: a deadline passed, the request is over. */
static const char *cancelled_by(const struct grequest *r, const struct grequest_of *of)
{
	switch ((enum gcontext_end)of->ended_by) {
	case GCONTEXT_OWN_CANCEL: return " by its own cancel function";
	case GCONTEXT_PARENT_CANCEL: return " with its parent";
	case GCONTEXT_PROGRAM_CANCEL: return " by the program itself";
	case GCONTEXT_REQUEST_CANCEL:
	case GCONTEXT_CONNECTION: return r->over ? NULL : " with the request's own";
	default: break;
	}
	if (r->over || (of->has_deadline && of->left_ns < 0))
		return NULL;
	return r->left ? ", and so is the request's own" : "";
}

void request_put__left(const struct grequest *r, struct textbuf *to)
{
	if (!r->left)
		return;
	textbuf__text(to, ": its client went away, or the ");
	textbuf__text(to, r->kind == GREQUEST_HTTP ? "connection failed" : "stream was closed");
}

void request_put__ended(struct framer *f, const struct grequest *r, const struct grequest_of *of,
			struct textbuf *to)
{
	const char *by = of->cancelled ? cancelled_by(r, of) : NULL;

	if (by) {
		textbuf__text(to, ", its context is cancelled");
		textbuf__text(to, by);
	}
	if (by && (of->ended_by == GCONTEXT_CONNECTION || of->ended_by == GCONTEXT_END_UNKNOWN))
		request_put__left(r, to);
	if (!of->cause_type)
		return;
	textbuf__text(to, ", cause ");
	put_text(f, of->cause_type, to);
	if (!of->cause)
		return;
	textbuf__text(to, " \"");
	put_text(f, of->cause, to);
	textbuf__text(to, "\"");
}

void request_put__span(struct framer *f, const char *words, const struct gtrace *t,
		       struct textbuf *to)
{
	const struct gtrace_text text = gtrace_text_of(t);

	if (!text.span_id[0] && !t->span)
		return;
	textbuf__text(to, words);
	textbuf__text(to, text.span_id);
	if (!t->span)
		return;
	textbuf__text(to, text.span_id[0] ? " \"" : "\"");
	put_text(f, t->span, to);
	textbuf__text(to, "\"");
}

void request_put__trace(struct framer *f, const struct gtrace *t, struct textbuf *to)
{
	const struct gtrace_text text = gtrace_text_of(t);

	if (text.trace_id[0]) {
		textbuf__text(to, ", trace ");
		textbuf__text(to, text.trace_id);
	}
	request_put__span(f, ", span ", t, to);
}

/* A trace that is only its request's has no span of it. */
static void put_trace_of(struct framer *f, const struct grequests *rs, const struct grequest_of *of,
			 struct textbuf *to)
{
	const struct gtrace *t = grequests__trace(rs, of);
	struct gtrace without = { .span = NULL };

	if (t && t != &of->trace) {
		memcpy(without.trace_id, t->trace_id, sizeof(without.trace_id));
		t = &without;
	}
	request_put__trace(f, t ? t : &of->trace, to);
}

void request_put__of(struct framer *f, const struct grequests *rs, const struct grequest_of *of,
		     struct textbuf *to)
{
	const struct grequest *r = of->request ? &rs->v[of->request - 1] : NULL;

	if (!r && of->in_hand) {
		textbuf__format(to, "has %u requests in hand", of->in_hand);
		return;
	}
	if (!r) {
		textbuf__text(to, "in trace ");
		textbuf__text(to, gtrace_text_of(&of->trace).trace_id);
		request_put__span(f, ", span ", &of->trace, to);
		return;
	}
	textbuf__text(to, grequest_relation_word((enum grequest_relation)of->relation));
	textbuf__text(to, " ");
	request_put__name(f, r, to);
	if (r->over)
		textbuf__text(to, ", which is over");
	put_trace_of(f, rs, of, to);
	if (of->has_deadline) {
		textbuf__text(to, ", ");
		put_whose_deadline(of, to);
		request_put__deadline(of->left_ns, to);
	}
	request_put__ended(f, r, of, to);
}

void request_put__calls(struct framer *f, const struct grequests *rs, const struct grequest_of *of,
			uint64_t wait_ns, bool wait_known, struct textbuf *to)
{
	textbuf__text(to, "calls ");
	request_put__name(f, &rs->v[of->calls - 1], to);
	if (!wait_known)
		return;
	textbuf__text(to, ", ");
	request_put__time((int64_t)wait_ns, to);
}

static void put_string(struct framer *f, const char *name, const char *text, struct json_writer *w)
{
	jsonw_string_field(w, name, text ? framer__text(f, text) : NULL);
}

void request_put__json_name(struct framer *f, const struct grequest *r, struct json_writer *w)
{
	put_string(f, "kind", grequest_kind_word((enum grequest_kind)r->kind), w);
	put_string(f, "method", r->method, w);
	put_string(f, "path", r->path, w);
	if (r->query)
		put_string(f, "query", r->query, w);
	put_string(f, "route", r->route, w);
}

void request_put__json_trace(struct framer *f, const struct gtrace *trace, const struct gtrace *of,
			     struct json_writer *w)
{
	static const struct gtrace none;
	const struct gtrace_text a = gtrace_text_of(trace ? trace : &none),
				 b = gtrace_text_of(of ? of : &none);

	jsonw_string_field(w, "trace_id", a.trace_id[0] ? a.trace_id : NULL);
	jsonw_string_field(w, "span_id", b.span_id[0] ? b.span_id : NULL);
	put_string(f, "span", of ? of->span : NULL, w);
}

void request_put__json_ended(struct framer *f, const struct grequest_of *of, struct json_writer *w)
{
	jsonw_bool_field(w, "cancelled", of->cancelled);
	jsonw_string_field(w, "ended_by", gcontext_end_word((enum gcontext_end)of->ended_by));
	put_string(f, "cause_type", of->cause_type, w);
	if (of->cause)
		put_string(f, "cause", of->cause, w);
}

static void put_passed(const struct grequest_of *of, struct json_writer *w)
{
	if (of->has_deadline && of->left_ns < 0)
		jsonw_seconds_field(w, "deadline_passed_s", (uint64_t)-of->left_ns);
	else
		jsonw_null_field(w, "deadline_passed_s");
}

static void put_request(struct framer *f, const struct grequests *rs, const struct grequest_of *of,
			struct json_writer *w)
{
	const struct grequest *r = of->request ? &rs->v[of->request - 1] : NULL;

	if (!r) {
		jsonw_null_field(w, "request");
		if (of->in_hand)
			jsonw_uint_field(w, "requests_in_hand", of->in_hand);
		else if (gtrace_is_known(&of->trace))
			request_put__json_trace(f, &of->trace, &of->trace, w);
		return;
	}
	jsonw_object_field(w, "request");
	jsonw_string_field(w, "relation",
			   grequest_relation_word((enum grequest_relation)of->relation));
	jsonw_bool_field(w, "made_by_it", of->made_by_it);
	request_put__json_name(f, r, w);
	jsonw_bool_field(w, "over", r->over);
	jsonw_uint_or_null_field(w, "served_by", r->served_by, r->served_by);
	put_passed(of, w);
	request_put__json_ended(f, of, w);
	request_put__json_trace(f, grequests__trace(rs, of), &of->trace, w);
	jsonw_end_object(w);
}

static void put_calls(struct framer *f, const struct grequest *r, struct json_writer *w)
{
	jsonw_object_field(w, "calls");
	put_string(f, "kind", grequest_kind_word((enum grequest_kind)r->kind), w);
	put_string(f, "method", r->method, w);
	put_string(f, "scheme", r->scheme, w);
	put_string(f, "host", r->host, w);
	put_string(f, "path", r->path, w);
	jsonw_end_object(w);
}

void request_put__json(struct framer *f, const struct grequests *rs, const struct grequest_of *of,
		       struct json_writer *w)
{
	put_request(f, rs, of, w);
	if (of->calls)
		put_calls(f, &rs->v[of->calls - 1], w);
	else
		jsonw_null_field(w, "calls");
}
