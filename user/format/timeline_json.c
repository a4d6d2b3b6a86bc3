// SPDX-License-Identifier: BSD-2-Clause
/*
 * timeline_json: a timeline as Chrome's trace events, for ui.perfetto.dev and chrome://tracing:
 *
 *	{"displayTimeUnit":"ns","otherData":{"pid":812,"comm":"api","go":"go1.22.1","begin_monotonic_ns":"...","begin_unix_ns":"...","window_s":5.0,
 *	 "lost":0,"note":null},"traceEvents":[
 *	 {"ph":"M","name":"process_name","pid":2,"args":{"name":"created by main.main, /src/x.go:42"}}, thread_name as well
 *	 {"ph":"X","name":"chan receive: main.worker","cat":"waiting","pid":2,"tid":1,"ts":0,"dur":12.5,
 *	  "args":{"reason":"chan receive","func":"main.worker","file":"/src/x.go","line":12}}
 *	 {"ph":"s","name":"wakes","cat":"wakes","id":1,"pid":2,"tid":2,"ts":12.5}, {"ph":"f","bp":"e", ...}
 *	 {"ph":"C","name":"goroutines","pid":1,"ts":0,"args":{"running":2,"ready":0,"waiting":40}}
 *	 {"ph":"i","s":"g","name":"12 events were lost", ...}]}
 * Microseconds since the window began. A process is a place where goroutines are made, 1 is the
 * program itself; a thread is a goroutine: their numbers are ours. args of "ready": "woken_by" (the
 * number of a goroutine, or null), "by" ("[timer]" and its kind), "func", "file" and "line" of who did
 * it, or "made_by".
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "format/tracks.h"

#define PROGRAM     1 /* "pid"s */
#define FIRST_PLACE 2

struct json_trace {
	struct tracks k;
	struct json_writer w;
	struct textbuf to;
	size_t i; /* whose slices are written */
	uint64_t flows;
	int err;
};

static void put_us(struct json_trace *j, const char *name, uint64_t ns)
{
	jsonw_float_field(&j->w, name, (double)ns / 1000, 3);
}

static void put_moment(struct json_trace *j, uint64_t ns)
{
	put_us(j, "ts", ns > j->k.span.begin_ns ? ns - j->k.span.begin_ns : 0);
}

static uint32_t place_nr(const struct json_trace *j, size_t i)
{
	return FIRST_PLACE + j->k.site[i];
}

/* Of goroutine i; the object stays open. */
static void begin_event(struct json_trace *j, const char *ph, const char *name, size_t i)
{
	jsonw_newline(&j->w);
	jsonw_start_object(&j->w);
	jsonw_string_field(&j->w, "ph", ph);
	jsonw_string_field(&j->w, "name", name);
	jsonw_uint_field(&j->w, "pid", place_nr(j, i));
	jsonw_uint_field(&j->w, "tid", i + 1);
}

static void put_name(struct json_trace *j, const char *what, uint64_t pid, uint64_t tid,
		     const char *name)
{
	jsonw_newline(&j->w);
	jsonw_start_object(&j->w);
	jsonw_string_field(&j->w, "ph", "M");
	jsonw_string_field(&j->w, "name", what);
	jsonw_uint_field(&j->w, "pid", pid);
	if (tid)
		jsonw_uint_field(&j->w, "tid", tid);
	jsonw_object_field(&j->w, "args");
	jsonw_string_field(&j->w, "name", name);
	jsonw_end_object(&j->w);
	jsonw_end_object(&j->w);
}

static void put_place(struct json_trace *j, const struct place *p)
{
	if (!p->func)
		return;
	jsonw_string_field(&j->w, "func", p->func);
	jsonw_string_field(&j->w, "file", p->file);
	jsonw_uint_field(&j->w, "line", p->line);
}

static void put_waiting(struct json_trace *j, const struct wait_words *words)
{
	jsonw_object_field(&j->w, "args");
	jsonw_string_field(&j->w, "reason", words->reason);
	put_place(j, &words->place);
	jsonw_end_object(&j->w);
}

static void put_ready(struct json_trace *j, const struct timeline_slice *s)
{
	const uint16_t rt = timeline__goroutine(j->k.timeline, j->i)->rt;
	struct waker_words by;

	if (timeline_words__waker(j->k.words, rt, s, &by)) {
		j->err = -ENOMEM;
		return;
	}
	jsonw_object_field(&j->w, "args");
	if (s->waker_goid || s->waker_stack != PW_STACK_ID_NONE)
		jsonw_uint_or_null_field(&j->w, s->is_made ? "made_by" : "woken_by", s->waker_goid,
					 s->waker_goid);
	if (by.word && s->waker_stack != PW_STACK_ID_NONE)
		jsonw_string_field(&j->w, "by", by.word);
	put_place(j, &by.place);
	jsonw_end_object(&j->w);
}

static void put_flow(struct json_trace *j, const char *ph, size_t i, uint64_t ns)
{
	begin_event(j, ph, "wakes", i);
	jsonw_string_field(&j->w, "cat", "wakes");
	jsonw_uint_field(&j->w, "id", j->flows);
	if (ph[0] == 'f')
		jsonw_string_field(&j->w, "bp", "e");
	put_moment(j, ns);
	jsonw_end_object(&j->w);
}

static void put_slice(void *ctx, const struct timeline_slice *s)
{
	struct json_trace *j = ctx;
	const uint16_t rt = timeline__goroutine(j->k.timeline, j->i)->rt;
	const struct wait_words *words = NULL;

	if (s->state == TIMELINE_WAITING) {
		words = timeline_words__wait(j->k.words, rt, s->stack_id, s->reason);
		if (!words) {
			j->err = -ENOMEM;
			return;
		}
	}
	begin_event(j, "X", words ? words->name : tracks__state(s->state), j->i);
	jsonw_string_field(&j->w, "cat", tracks__state(s->state));
	put_moment(j, s->begin_ns);
	put_us(j, "dur", s->end_ns - s->begin_ns);
	if (words)
		put_waiting(j, words);
	else if (s->state == TIMELINE_READY)
		put_ready(j, s);
	jsonw_end_object(&j->w);
	if (s->waker == TIMELINE_NOBODY)
		return;
	j->flows++;
	put_flow(j, "s", s->waker, s->begin_ns);
	put_flow(j, "f", j->i, s->begin_ns);
}

static void put_goroutine(struct json_trace *j)
{
	const struct timeline_goroutine *g = timeline__goroutine(j->k.timeline, j->i);
	const char *site = tracks__site(&j->k, j->i);

	if (site)
		put_name(j, "process_name", place_nr(j, j->i), 0, site);
	put_name(j, "thread_name", place_nr(j, j->i), j->i + 1,
		 timeline_words__goroutine(j->k.words, g));
	timeline__slices(j->k.timeline, j->i, put_slice, j);
}

static int put_counts(struct json_trace *j)
{
	scoped_mem struct timeline_count *v = calloc(TIMELINE_STEPS, sizeof(*v));

	if (!v)
		return -ENOMEM;
	timeline__counts(j->k.timeline, v);
	for (size_t i = 0; i < TIMELINE_STEPS; i++) {
		jsonw_newline(&j->w);
		jsonw_start_object(&j->w);
		jsonw_string_field(&j->w, "ph", "C");
		jsonw_string_field(&j->w, "name", "goroutines");
		jsonw_uint_field(&j->w, "pid", PROGRAM);
		put_moment(j, v[i].at_ns);
		jsonw_object_field(&j->w, "args");
		for (int s = 0; s < TIMELINE_STATES; s++)
			jsonw_uint_field(&j->w, tracks__state((enum timeline_state)s), v[i].nr[s]);
		jsonw_end_object(&j->w);
		jsonw_end_object(&j->w);
	}
	return 0;
}

static void put_marks(struct json_trace *j)
{
	char text[64];

	for (size_t i = 0; i < timeline__nr_marks(j->k.timeline); i++) {
		const struct timeline_mark *m = timeline__mark(j->k.timeline, i);

		if (m->end_ns < j->k.span.begin_ns)
			continue;
		tracks__mark(m, text, sizeof(text));
		jsonw_newline(&j->w);
		jsonw_start_object(&j->w);
		jsonw_string_field(&j->w, "ph", "i");
		jsonw_string_field(&j->w, "s", "g");
		jsonw_string_field(&j->w, "name", text);
		jsonw_string_field(&j->w, "cat", m->lost ? "lost" : "gap");
		jsonw_uint_field(&j->w, "pid", PROGRAM);
		jsonw_uint_field(&j->w, "tid", 0);
		put_moment(j, m->begin_ns);
		jsonw_object_field(&j->w, "args");
		put_us(j, "within_us",
		       m->end_ns - (m->begin_ns > j->k.span.begin_ns ? m->begin_ns
								     : j->k.span.begin_ns));
		jsonw_uint_field(&j->w, "lost", m->lost);
		jsonw_end_object(&j->w);
		jsonw_end_object(&j->w);
	}
}

static void put_number_text(struct json_trace *j, const char *name, uint64_t n)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	jsonw_string_field(&j->w, name, text);
}

static void put_head(struct json_trace *j, const struct report *r)
{
	const struct timeline_span *s = &j->k.span;

	jsonw_string_field(&j->w, "displayTimeUnit", "ns");
	jsonw_object_field(&j->w, "otherData");
	jsonw_uint_field(&j->w, "pid", (uint64_t)r->meta->pid);
	jsonw_string_field(&j->w, "comm", r->meta->comm);
	jsonw_string_field(&j->w, "go", r->meta->go_version);
	put_number_text(j, "begin_monotonic_ns", s->begin_ns);
	put_number_text(j, "begin_unix_ns",
			r->meta->wall_start_ns + (s->begin_ns - r->snap->start_ns));
	jsonw_seconds_field(&j->w, "window_s", s->end_ns - s->begin_ns);
	jsonw_uint_field(&j->w, "lost", r->meta->lost);
	jsonw_text_field(&j->w, "note", tracks__full(&j->k));
	jsonw_end_object(&j->w);
}

static int put_all(struct json_trace *j, const struct report *r)
{
	int err;

	jsonw_start_object(&j->w);
	put_head(j, r);
	jsonw_array_field(&j->w, "traceEvents");
	put_name(j, "process_name", PROGRAM, 0, j->k.process);
	for (j->i = 0; j->i < timeline__nr(j->k.timeline) && !j->err; j->i++)
		put_goroutine(j);
	err = j->err ? j->err : put_counts(j);
	put_marks(j);
	jsonw_end_array(&j->w);
	jsonw_end_object(&j->w);
	jsonw_end(&j->w);
	return err;
}

int tracks__json(const struct report *r, FILE *out, struct cause *why)
{
	struct json_trace j = { .i = 0 };
	int err = tracks__init(&j.k, r, why), ended;

	if (err)
		return err;
	textbuf__init(&j.to, out);
	jsonw_init(&j.w, &j.to);
	err = put_all(&j, r);
	ended = textbuf__finish(&j.to);
	err = err ? err : ended;
	textbuf__done(&j.to);
	tracks__done(&j.k);
	return err ? cause__set(why, err, "cannot write JSON: %s", strerror(-err)) : 0;
}
