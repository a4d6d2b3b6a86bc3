/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/request_put.h"

#include "base/clock.h"

static void put_text(struct framer *f, const char *text, struct textbuf *to)
{
	textbuf__text(to, framer__text(f, text));
}

void request_put__name(struct framer *f, const struct grequest *r, struct textbuf *to)
{
	if (!r->method) {
		textbuf__text(to, "an HTTP request");
		return;
	}
	put_text(f, r->method, to);
	textbuf__text(to, " ");
	put_text(f, r->path ? r->path : "?", to);
	if (r->route) {
		textbuf__text(to, " (route ");
		put_text(f, r->route, to);
		textbuf__text(to, ")");
	}
}

/* "31 s", "1.5 s", "20 ms" */
static void put_time(int64_t ns, struct textbuf *to)
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
	put_time(left_ns < 0 ? -left_ns : left_ns, to);
	textbuf__text(to, left_ns < 0 ? " ago" : "");
}

void request_put__of(struct framer *f, const struct grequests *rs, const struct grequest_of *of,
		     struct textbuf *to)
{
	const struct grequest *r = of->request ? &rs->v[of->request - 1] : NULL;

	if (!r) {
		textbuf__format(to, "has %u requests in hand", of->in_hand);
		return;
	}
	textbuf__text(to, grequest_relation_word((enum grequest_relation)of->relation));
	textbuf__text(to, " ");
	request_put__name(f, r, to);
	if (r->over)
		textbuf__text(to, ", which is over");
	if (of->has_deadline) {
		textbuf__text(to, ", ");
		request_put__deadline(of->left_ns, to);
	} else if (of->cancelled && !r->over) {
		textbuf__text(to, ", its context is cancelled");
	}
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
	put_string(f, "route", r->route, w);
}

static void put_passed(const struct grequest_of *of, struct json_writer *w)
{
	if (of->has_deadline && of->left_ns < 0)
		jsonw_seconds_field(w, "deadline_passed_s", (uint64_t)-of->left_ns);
	else
		jsonw_null_field(w, "deadline_passed_s");
}

void request_put__json(struct framer *f, const struct grequests *rs, const struct grequest_of *of,
		       struct json_writer *w)
{
	const struct grequest *r = of->request ? &rs->v[of->request - 1] : NULL;

	if (!r) {
		jsonw_null_field(w, "request");
		if (of->in_hand)
			jsonw_uint_field(w, "requests_in_hand", of->in_hand);
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
	jsonw_bool_field(w, "cancelled", of->cancelled);
	jsonw_end_object(w);
}
