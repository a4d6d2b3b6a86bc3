// SPDX-License-Identifier: BSD-2-Clause
#include "serve/api.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "format/processes.h"
#include "serve/debug_pprof.h"
#include "serve/history_api.h"
#include "serve/live.h"
#include "serve/page.h"
#include "serve/pods.h"
#include "serve/readers.h"
#include "serve/recorded_view.h"
#include "serve/sd.h"
#include "serve/store.h"
#include "serve/stored_sums.h"
#include "serve/surroundings.h"

#define API          "/api/v1/targets"
#define EVENTS       "/api/v1/events"
#define PROMETHEUS   "text/plain; version=0.0.4; charset=utf-8"
#define OPEN_METRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define JSON         "application/json"

void api_error(struct http_answer *a, unsigned int status, const char *text)
{
	struct json_writer *w = malloc(sizeof(*w));

	a->status = status;
	a->type = JSON;
	if (!w) {
		a->body.err = -ENOMEM;
		return;
	}
	jsonw_init(w, &a->body);
	jsonw_start_object(w);
	jsonw_string_field(w, "error", text);
	jsonw_end_object(w);
	jsonw_end(w);
	free(w);
}

struct watched *api_find(const struct api_in *in, const char *id, size_t len)
{
	for (size_t i = 0; i < in->metrics.nr; i++)
		if (!strncmp(in->metrics.targets[i]->id, id, len) &&
		    !in->metrics.targets[i]->id[len])
			return in->metrics.targets[i];
	return NULL;
}

/* --- targets --- */

static void put_why_not(struct json_writer *w, const struct watched *t)
{
	char why[sizeof(t->row.why.text)];

	snprintf(why, sizeof(why), "%s", t->row.why.text);
	if (!why[0] && t->level == LEVEL_OFF)
		snprintf(why, sizeof(why),
			 t->rule == WATCHED_BY_POD ? "its pod says off" : "rule %zu says off",
			 t->rule);
	jsonw_bool_field(w, "watched", !why[0]);
	jsonw_text_field(w, "why_not", why);
}

/* The kernel counts from the machine's start on. */
static void put_started(struct json_writer *w, const struct watched *t)
{
	const uint64_t tick_ns = NS_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	const uint64_t booted_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	char text[CLOCK_UTC_MAX] = "";

	if (t->start_ticks)
		clock_utc(booted_ns + t->start_ticks * tick_ns, text);
	jsonw_text_field(w, "started", text);
}

/* span: of its history; NULL: nobody asks for that */
static void put_target(struct json_writer *w, const struct watched *t, const char *span)
{
	const double overhead = watched__overhead(t);

	jsonw_start_object(w);
	jsonw_string_field(w, "id", t->id);
	jsonw_int_field(w, "pid", t->row.pid);
	jsonw_text_field(w, "exe", t->row.exe);
	jsonw_text_field(w, "go", t->row.go);
	put_started(w, t);
	jsonw_uint_or_null_field(w, "goroutines", t->counts.goroutines, t->look);
	jsonw_uint_or_null_field(w, "leaking", t->leaks.figures.leaking, t->leaks.report);
	jsonw_float_field(w, "trend_per_min", t->trend, 1);
	jsonw_string_field(w, "level", level_word(t->level));
	jsonw_float_field(w, "overhead_pct", overhead < 0 ? NAN : 100 * overhead, 3);
	put_why_not(w, t);
	processes__json_place(w, &t->row);
	jsonw_text_field(w, "restart_of", t->restarted.of);
	jsonw_uint_field(w, "restarts", t->restarted.nr);
	pod__json(w, t->pod);
	jsonw_uint_field(w, "worker_restarts", t->restarts);
	if (span)
		history_put_totals(w, t, span);
	jsonw_end_object(w);
}

void api_target(struct json_writer *w, const struct watched *t)
{
	put_target(w, t, NULL);
}

/* only: this one; NULL: all */
static void put_targets(const struct api_in *in, const struct watched *only,
			const struct http_request *q, struct http_answer *a)
{
	const char *span = http_query(q, "history");
	scoped_mem struct json_writer *w = NULL;

	if (span && !history_is_span(span)) {
		api_error(a, 400, "bad history: give 10m, 2h, 48h or less");
		return;
	}
	a->type = JSON;
	w = malloc(sizeof(*w));
	if (!w) {
		a->body.err = -ENOMEM;
		return;
	}
	jsonw_init(w, &a->body);
	if (only) {
		put_target(w, only, span);
	} else {
		jsonw_start_object(w);
		jsonw_array_field(w, "targets");
		for (size_t i = 0; i < in->metrics.nr; i++)
			put_target(w, in->metrics.targets[i], span);
		jsonw_end_array(w);
		jsonw_end_object(w);
	}
	jsonw_end(w);
}

/* --- what is made of recordings --- */

/* pw: what it is made of; NULL: of what is on disk. */
static void read_page(const struct api_in *in, const char *target, enum reading_kind kind,
		      const char *pw, size_t len, const struct http_request *q,
		      struct http_answer *a)
{
	const struct reading r = { .kind = kind,
				   .target = target,
				   .pw = pw,
				   .len = len,
				   .store = in->metrics.store ? store__fd(in->metrics.store) : -1,
				   .q = q };

	readers__ask(in->readers, &r, a);
}

/* As it was at that time, or at its end: what is on disk. */
static void read_past(const struct api_in *in, const char *target, enum reading_kind kind,
		      const struct http_request *q, struct http_answer *a)
{
	const char *at = http_query(q, "at");

	if (at && !stored_unix_ns(at))
		api_error(a, 400, "at=UNIX: seconds since 1970");
	else
		read_page(in, target, kind, NULL, 0, q, a);
}

static void read_look(const struct api_in *in, const struct watched *t, enum reading_kind kind,
		      const struct http_request *q, struct http_answer *a)
{
	if (http_query(q, "at"))
		read_past(in, t->id, kind, q, a);
	else if (t->look)
		read_page(in, t->id, kind, t->look, t->look_len, q, a);
	else
		http_say(a, 503, "no look at it yet: try again in some seconds\n");
}

static void read_leaks(const struct api_in *in, const struct watched *t,
		       const struct http_request *q, struct http_answer *a)
{
	if (http_query(q, "at"))
		read_past(in, t->id, READING_LEAKS, q, a);
	else if (t->leaks.report)
		read_page(in, t->id, READING_LEAKS, t->leaks.report, t->leaks.report_len, q, a);
	else
		api_error(a, 404,
			  t->level < LEVEL_LEAKS ? "leaks of this target are not watched: its level"
						 : "no watch for leaks has ended yet");
}

/* One that has ended: what is on disk of it. */
static void get_past(const struct api_in *in, const struct http_request *q, const char *rest,
		     size_t len, struct http_answer *a)
{
	const struct store *s = in->metrics.store;
	char id[WATCHED_ID_MAX];

	snprintf(id, sizeof(id), "%.*s", (int)(len < sizeof(id) ? len : 0), rest);
	if (!s || !store__has(s, id))
		http_say(a, 404, "no such target: see " API "\n");
	else if (http_query(q, "seconds"))
		api_error(a, 404, "this target has ended: nothing can be recorded of it");
	else if (!strcmp(rest + len, "/goroutines"))
		read_past(in, id, READING_GOROUTINES, q, a);
	else if (!strcmp(rest + len, "/chans"))
		read_past(in, id, READING_CHANS, q, a);
	else if (!strcmp(rest + len, "/requests"))
		read_past(in, id, READING_REQUESTS, q, a);
	else if (!strcmp(rest + len, "/leaks"))
		read_past(in, id, READING_LEAKS, q, a);
	else if (!strcmp(rest + len, "/profile"))
		read_page(in, id, READING_PROFILE, NULL, 0, q, a);
	else if (!strcmp(rest + len, "/diff"))
		read_page(in, id, READING_DIFF, NULL, 0, q, a);
	else
		http_say(a, 404,
			 "this target has ended: there are its goroutines, chans, requests, leaks, "
			 "profile and diff\n");
}

/* Recorded now, or of a time that is past. */
static void get_profile(const struct api_in *in, const struct watched *t,
			const struct http_request *q, struct http_answer *a)
{
	if (!http_query(q, "seconds"))
		read_page(in, t->id, READING_PROFILE, NULL, 0, q, a);
	else if (http_query(q, "from") || http_query(q, "to"))
		api_error(a, 400, "give seconds=N, or from=UNIX and to=UNIX");
	else
		recorded_view_get(in, t, q, a);
}

static void get_target(const struct api_in *in, const struct http_request *q, const char *rest,
		       struct http_answer *a)
{
	const size_t len = strcspn(rest, "/");
	const struct watched *t = api_find(in, rest, len);

	if (!t)
		get_past(in, q, rest, len, a);
	else if (!rest[len])
		put_targets(in, t, q, a);
	else if (!strcmp(rest + len, "/goroutines"))
		read_look(in, t, READING_GOROUTINES, q, a);
	else if (!strcmp(rest + len, "/chans") && http_query(q, "seconds"))
		recorded_chans_get(in, t, q, a);
	else if (!strcmp(rest + len, "/chans"))
		read_look(in, t, READING_CHANS, q, a);
	else if (!strcmp(rest + len, "/requests"))
		read_look(in, t, READING_REQUESTS, q, a);
	else if (!strcmp(rest + len, "/leaks"))
		read_leaks(in, t, q, a);
	else if (!strcmp(rest + len, "/history"))
		history_get(t, q, a);
	else if (!strcmp(rest + len, "/profile"))
		get_profile(in, t, q, a);
	else if (!strcmp(rest + len, "/diff"))
		read_page(in, t->id, READING_DIFF, NULL, 0, q, a);
	else
		http_say(a, 404, "a target has no such page: see /\n");
}

/* ?target=ID: of that one alone. */
static void put_metrics(const struct api_in *in, const struct http_request *q,
			struct http_answer *a)
{
	const char *id = http_query(q, "target");
	struct watched *one = id ? api_find(in, id, strlen(id)) : NULL;
	struct metrics_in m = in->metrics;

	if (id && !one) {
		http_say(a, 404, "no such target: see " API "\n");
		return;
	}
	m.open_metrics = strstr(q->accept, "application/openmetrics-text");
	a->type = m.open_metrics ? OPEN_METRICS : PROMETHEUS;
	if (one) {
		m.targets = &one;
		m.nr = 1;
		m.one = true;
	}
	metrics__write(&m, &a->body);
}

void api_get(const struct api_in *in, const struct http_request *q, struct http_answer *a)
{
	const char *path = q->path;

	a->status = 200;
	if (!strcmp(path, "/metrics")) {
		put_metrics(in, q, a);
	} else if (!strcmp(path, "/sd")) {
		a->type = JSON;
		sd__write(in->metrics.targets, in->metrics.nr, q->host,
			  http__is_tls(in->metrics.http), &a->body);
	} else if (!strcmp(path, API)) {
		put_targets(in, NULL, q, a);
	} else if (!strncmp(path, API "/", strlen(API "/"))) {
		get_target(in, q, path + strlen(API "/"), a);
	} else if (!strncmp(path, DEBUG_PPROF, strlen(DEBUG_PPROF))) {
		debug_pprof_get(in, q, a);
	} else if (!strcmp(path, EVENTS)) {
		events_get(in->events, a);
	} else if (!strcmp(path, EVENTS "/stream")) {
		live_get(in->live, in->events, a);
	} else if (!strcmp(path, "/-/healthy")) {
		http_say(a, 200, "healthy\n");
	} else if (!strcmp(path, "/-/ready")) {
		http_say(a, in->ready ? 200 : 503,
			 in->ready ? "ready\n" : "looking for Go processes\n");
		surroundings_put(in->metrics.around, in->metrics.rights, in->metrics.store,
				 in->metrics.pods, &a->body);
	} else if (page_get(path, a)) {
		return;
	} else {
		http_say(a, 404, "no such page: see /\n");
	}
}
