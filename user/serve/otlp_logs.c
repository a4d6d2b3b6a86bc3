// SPDX-License-Identifier: BSD-2-Clause
#include "serve/otlp_logs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "serve/otlp_json.h"
#include "serve/remember.h"
#include "view/leak_requests.h"
#include "view/leak_words.h"

#define SEVERITY_WARN 13

_Static_assert(LEAK_SITES_MAX <= 32, "a bit for each");

struct logs {
	struct json_writer *w;
	const struct watched *t;
	uint32_t sites; /* that are still to be told */
	uint64_t now_ns;
};

static void begin_record(struct json_writer *w, const char *event, const char *text,
			 uint64_t now_ns)
{
	jsonw_start_object(w);
	otlp_json__u64(w, "timeUnixNano", now_ns);
	otlp_json__u64(w, "observedTimeUnixNano", now_ns);
	jsonw_uint_field(w, "severityNumber", SEVERITY_WARN);
	jsonw_string_field(w, "severityText", "WARN");
	jsonw_string_field(w, "eventName", event);
	jsonw_object_field(w, "body");
	jsonw_string_field(w, "stringValue", text);
	jsonw_end_object(w);
	jsonw_array_field(w, "attributes");
}

static void end_record(struct json_writer *w)
{
	jsonw_end_array(w);
	jsonw_end_object(w);
}

/* --- leaks --- */

static void put_site(struct json_writer *w, const struct site *made)
{
	if (!made || !made->known)
		return;
	otlp_json__text(w, "parkwatch.created_by.function.name", made->func);
	otlp_json__text(w, "parkwatch.created_by.file.path", made->file);
	if (made->line)
		otlp_json__number(w, "parkwatch.created_by.line.number", made->line);
}

static void put_place(struct json_writer *w, const struct leak_entry *e)
{
	if (!e->blocked)
		return;
	otlp_json__text(w, "code.function.name", e->place.func);
	otlp_json__text(w, "code.file.path", e->place.file);
	if (e->place.line)
		otlp_json__number(w, "code.line.number", e->place.line);
}

static void put_why(struct json_writer *w, const struct leaks *l, const struct leak_entry *e)
{
	struct textbuf why;

	textbuf__init(&why, NULL);
	leak_words__why(l, e, &why);
	textbuf__bytes(&why, "", 1);
	jsonw_fail(w, why.err);
	if (!why.err)
		otlp_json__text(w, "parkwatch.leak.why", why.v);
	textbuf__done(&why);
}

/* When the one that waits longest began to: UTC, to the second. */
static void put_since(struct json_writer *w, uint64_t age_ns, uint64_t now_ns)
{
	char text[CLOCK_UTC_MAX];

	if (!age_ns || age_ns > now_ns)
		return;
	clock_utc(now_ns - age_ns, text);
	otlp_json__text(w, "parkwatch.leak.since", text);
}

/* Of which requests they are, and in which traces. */
static void put_requests(struct json_writer *w, const struct leak_requests *of)
{
	char traces[LEAK_TRACES_MAX][GTRACE_DIGITS + 1];

	if (!of)
		return;
	otlp_json__number(w, "parkwatch.leak.requests", of->of);
	otlp_json__number(w, "parkwatch.leak.requests_over", of->over);
	for (size_t i = 0; i < of->nr_traces; i++) {
		struct gtrace t = { .span = NULL };

		memcpy(t.trace_id, of->traces[i], sizeof(t.trace_id));
		memcpy(traces[i], gtrace_text_of(&t).trace_id, sizeof(traces[i]));
	}
	otlp_json__texts(w, "parkwatch.leak.trace_ids", traces[0], sizeof(traces[0]),
			 of->nr_traces);
}

static void put_leak(const struct logs *g, const struct leaks *l, const struct leak_entry *e,
		     const struct leak_site *s)
{
	const struct leak_group *group = leaks__group(l, e);
	struct json_writer *w = g->w;
	char text[2 * LEAK_NAME_MAX + 128];

	snprintf(text, sizeof(text),
		 "%" PRIu64 " goroutines: %s: created by %s, blocked at %s [%s]", s->goroutines,
		 verdict_name(s->verdict), s->created_by[0] ? s->created_by : "?",
		 s->blocked_at[0] ? s->blocked_at : "?", e->reason);
	begin_record(w, "parkwatch.leak", text, g->now_ns);
	otlp_json__text(w, "parkwatch.leak.verdict", verdict_name(s->verdict));
	otlp_json__text(w, "parkwatch.leak.reason", e->reason);
	otlp_json__number(w, "parkwatch.leak.count", s->goroutines);
	otlp_json__float(w, "parkwatch.leak.growth_per_minute", e->verdict.per_min);
	put_why(w, l, e);
	if (e->pattern) {
		otlp_json__text(w, "parkwatch.leak.pattern", e->pattern->words);
		otlp_json__text(w, "parkwatch.leak.cure", e->pattern->cure);
	}
	put_requests(w, e->requests);
	put_since(w, group->age_max_ns, g->now_ns);
	otlp_json__number(w, "parkwatch.leak.stack_bytes", group->stack_bytes);
	if (e->heap_bytes != LEAK_HEAP_UNKNOWN)
		otlp_json__number(w, "parkwatch.leak.heap_bytes", e->heap_bytes);
	put_site(w, dump__site(l->d, e->made));
	put_place(w, e);
	end_record(w);
}

/* Of a place that several entries are of, the first tells: they are in the order of what costs most. */
static int put_leaks(struct leaks *l, const struct leaks_show *show, void *ctx)
{
	struct logs *g = ctx;
	const struct leak_figures *f = &g->t->leaks.figures;

	(void)show;
	for (size_t i = 0; i < l->nr && g->sites; i++) {
		struct leak_site s;

		if (!leak_entry__counts(&l->entries[i], false))
			continue;
		leak_site_of(l, &l->entries[i], &s);
		for (size_t k = 0; k < f->nr; k++) {
			if (!(g->sites >> k & 1) || !leak_site__same(&f->sites[k], &s))
				continue;
			put_leak(g, l, &l->entries[i], &f->sites[k]);
			g->sites &= ~(1u << k);
		}
	}
	return 0;
}

static int begin(struct logs *g, struct textbuf *to)
{
	g->w = malloc(sizeof(*g->w));
	if (!g->w)
		return -ENOMEM;
	jsonw_init(g->w, to);
	jsonw_start_object(g->w);
	jsonw_array_field(g->w, "resourceLogs");
	otlp_json__begin(g->w, g->t, "scopeLogs", "logRecords");
	return 0;
}

static int end(struct logs *g, struct textbuf *to, int err)
{
	otlp_json__end(g->w);
	jsonw_end_array(g->w);
	jsonw_end_object(g->w);
	jsonw_end(g->w);
	free(g->w);
	return err ? err : to->err;
}

int otlp_logs__leaks(const struct watched *t, uint32_t sites, uint64_t now_ns, struct textbuf *to)
{
	struct logs g = { .t = t, .sites = sites, .now_ns = now_ns };
	int err = begin(&g, to);

	if (err)
		return err;
	return end(&g, to,
		   leakwatch_report(t->leaks.report, t->leaks.report_len, put_leaks, &g, NULL));
}

/* --- storms, slow leaks --- */

int otlp_logs__alarm(const struct watched *t, const struct history_alarm *a, uint64_t now_ns,
		     struct textbuf *to)
{
	struct logs g = { .t = t, .now_ns = now_ns };
	struct alarm_words words;
	int err = begin(&g, to);

	if (err)
		return err;
	alarm_words_of(t->history, a, &words);
	begin_record(g.w, a->kind == HISTORY_STORM ? "parkwatch.storm" : "parkwatch.slow_leak",
		     words.text, now_ns);
	otlp_json__number(g.w, "parkwatch.goroutines.alive", a->alive);
	if (a->kind == HISTORY_STORM) {
		otlp_json__number(g.w, "parkwatch.storm.births", a->births);
		otlp_json__float(g.w, "parkwatch.storm.seconds", (double)a->took_ns / NS_PER_SEC);
	} else {
		otlp_json__number(g.w, "parkwatch.slow_leak.more", a->leak.rise);
		otlp_json__number(g.w, "parkwatch.slow_leak.hours", a->leak.hours);
		otlp_json__text(g.w, "parkwatch.slow_leak.created_by", words.made);
		otlp_json__text(g.w, "parkwatch.slow_leak.blocked_at", words.blocked);
		otlp_json__text(g.w, "parkwatch.slow_leak.reason", words.reason);
	}
	end_record(g.w);
	return end(&g, to, 0);
}
