// SPDX-License-Identifier: BSD-2-Clause
#include "serve/otlp_spans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "serve/otlp_json.h"
#include "view/place.h"
#include "view/replay.h"

#define KIND_INTERNAL 1
#define FNV_BEGIN     0xcbf29ce484222325u
#define FNV_PRIME     0x100000001b3u

bool otlp_spans__due(const struct watched *t)
{
	const uint64_t since = t->requests.traced_since_ns;

	return t->requests.known && since && since + OTLP_SPANS_NS > t->spanned_ns;
}

struct spans {
	struct json_writer *w;
	const struct watched *t;
	struct dump *d;
	uint64_t unix_ns; /* of the look */
};

static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * FNV_PRIME;
	return hash;
}

/* The same of a wait whoever asks, and no other one's. */
static void put_id(struct spans *s, const struct dump_row *r, const struct gtrace *trace)
{
	const struct goroutine *who = &dump__g(s->d, r)->who;
	const uint64_t since = dump__g(s->d, r)->waitsince_ns;
	uint64_t hash = add_bytes(FNV_BEGIN, trace->trace_id, sizeof(trace->trace_id));
	char text[17];

	hash = add_bytes(hash, s->t->id, sizeof(s->t->id));
	hash = add_bytes(hash, &who->goid, sizeof(who->goid));
	hash = add_bytes(hash, &since, sizeof(since));
	snprintf(text, sizeof(text), "%016llx", (unsigned long long)(hash ? hash : 1));
	jsonw_string_field(s->w, "spanId", text);
}

static void put_request(struct spans *s, const struct dump_row *r, const struct grequest_of *of)
{
	const struct grequest *q =
		of->request ? &s->d->in.requests[r->rt]->v[of->request - 1] : NULL;

	if (!q)
		return;
	otlp_json__text(s->w, "http.request.method",
			q->method ? framer__text(s->d->framer, q->method) : NULL);
	otlp_json__text(s->w, "http.route", q->route ? framer__text(s->d->framer, q->route) : NULL);
}

static void put_attributes(struct spans *s, const struct dump_row *r, const struct grequest_of *of)
{
	struct place p;
	const int err = place_of_stack(s->d, dump__stack(s->d, r), &p);

	jsonw_fail(s->w, err);
	jsonw_array_field(s->w, "attributes");
	otlp_json__number(s->w, "parkwatch.goroutine.id", dump__g(s->d, r)->who.goid);
	otlp_json__text(s->w, "parkwatch.wait.reason", dump__word(s->d, r));
	if (!err) {
		otlp_json__text(s->w, "code.function.name", p.func);
		otlp_json__text(s->w, "code.file.path", p.file);
		if (p.line)
			otlp_json__number(s->w, "code.line.number", p.line);
	}
	put_request(s, r, of);
	jsonw_end_array(s->w);
}

static void put_span(struct spans *s, const struct dump_row *r, const struct grequest_of *of)
{
	const struct gtrace_text ids = gtrace_text_of(&of->trace);

	jsonw_start_object(s->w);
	jsonw_string_field(s->w, "traceId", ids.trace_id);
	put_id(s, r, &of->trace);
	jsonw_string_field(s->w, "parentSpanId", ids.span_id);
	jsonw_string_field(s->w, "name", dump__word(s->d, r));
	jsonw_uint_field(s->w, "kind", KIND_INTERNAL);
	otlp_json__u64(s->w, "startTimeUnixNano", s->unix_ns - dump__wait_ns(s->d, r));
	otlp_json__u64(s->w, "endTimeUnixNano", s->unix_ns);
	put_attributes(s, r, of);
	jsonw_end_object(s->w);
}

static bool is_news(const struct spans *s, const struct dump_row *r, const struct grequest_of *of)
{
	const uint64_t since = dump__g(s->d, r)->waitsince_ns;

	return request_figures_is_traced(s->d, r, of) && since + OTLP_SPANS_NS > s->t->spanned_ns &&
	       dump__wait_ns(s->d, r) < s->unix_ns;
}

static void put_spans(struct spans *s)
{
	size_t nr = 0;

	jsonw_start_object(s->w);
	jsonw_array_field(s->w, "resourceSpans");
	otlp_json__begin(s->w, s->t, "scopeSpans", "spans");
	for (size_t i = 0; i < s->d->nr && nr < OTLP_SPANS_MAX; i++) {
		const struct grequest_of *of = dump__request(s->d, &s->d->rows[i]);

		if (!is_news(s, &s->d->rows[i], of))
			continue;
		put_span(s, &s->d->rows[i], of);
		nr++;
	}
	otlp_json__end(s->w);
	jsonw_end_array(s->w);
	jsonw_end_object(s->w);
	jsonw_end(s->w);
}

int otlp_spans__push(const struct watched *t, struct textbuf *to)
{
	struct spans s = { .t = t };
	struct replay_look look;
	scoped(replay) r = NULL;
	scoped(dump) d = NULL;
	int err = replay__of_bytes(t->look, t->look_len, t->id, &r, NULL);

	if (!err && (!replay__look(r, &look) || !look.in.requests))
		err = -EBADMSG;
	if (!err)
		err = dump__new(&look.in, &(struct dump_opts){ .system = false }, &d);
	if (err)
		return err;
	s.d = d;
	s.unix_ns = book__last_look(r->book)->unix_ns;
	s.w = malloc(sizeof(*s.w));
	if (!s.w)
		return -ENOMEM;
	jsonw_init(s.w, to);
	put_spans(&s);
	free(s.w);
	return to->err;
}
