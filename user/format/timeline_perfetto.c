// SPDX-License-Identifier: BSD-2-Clause
/*
 * timeline_perfetto: a timeline in Perfetto's own format (perfetto.proto), packet by packet, so that no
 * more than one is in memory.
 *
 * Tracks: the process; in it counts of goroutines by state, and the places where goroutines are made;
 * in these the goroutines. A slice is two packets, its begin and its end. Who wakes has a moment of
 * its own on its track, where the arrow begins. Times are CLOCK_MONOTONIC.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/perfetto.pb-c.h"
#include "format/tracks.h"

#define REALTIME  1
#define MONOTONIC 3
#define SEQUENCE  1
#define ANEW      1
#define NEEDS     2

enum event_kind { SLICE_BEGINS = 1, SLICE_ENDS, MOMENT, COUNT };
enum key { KEY_REASON = 1, KEY_FUNC, KEY_FILE, KEY_LINE, KEY_WOKEN_BY, KEY_BY, KEY_MADE_BY, KEYS };
enum { NAME_RUNNING = 1, NAME_READY, NAME_WAKES, NAMES };

/* Tracks of ours are told apart from those of others by the pid. */
enum { TRACK_PROGRAM = 1, TRACK_COUNTS = 2, TRACK_PLACES = 16 };
#define TRACK_GOROUTINES (1ULL << 32)

#define ANNOTATIONS_MAX 8

struct proto_trace {
	struct tracks k;
	FILE *out;
	uint64_t base;
	uint8_t *buf; /* of one packet */
	size_t room;
	size_t i; /* whose slices are written */
	uint64_t flows;
	uint32_t nr_names; /* of waits, that were told */
	int err;
};

/* The annotations of one event. */
struct notes {
	Perfetto__Annotation v[ANNOTATIONS_MAX], *at[ANNOTATIONS_MAX];
	size_t nr;
};

static Perfetto__Annotation *notes__add(struct notes *n, enum key key)
{
	Perfetto__Annotation *a = &n->v[n->nr];

	perfetto__annotation__init(a);
	a->has_key_id = true;
	a->key_id = key;
	n->at[n->nr++] = a;
	return a;
}

static void notes__text(struct notes *n, enum key key, const char *text)
{
	notes__add(n, key)->text = (char *)(uintptr_t)text;
}

static void notes__number(struct notes *n, enum key key, uint64_t number)
{
	Perfetto__Annotation *a = notes__add(n, key);

	a->has_number = true;
	a->number = number;
}

static void notes__place(struct notes *n, const struct place *p)
{
	if (!p->func)
		return;
	notes__text(n, KEY_FUNC, p->func);
	notes__text(n, KEY_FILE, p->file);
	notes__number(n, KEY_LINE, p->line);
}

/* --- packets --- */

/* A trace is a list of packets, so traces of one are a trace one after the other. */
static void put_packet(struct proto_trace *t, Perfetto__Packet *p)
{
	Perfetto__Trace one = PERFETTO__TRACE__INIT;
	size_t len;

	if (t->err)
		return;
	p->has_sequence = p->has_flags = true;
	p->sequence = SEQUENCE;
	p->flags |= NEEDS;
	one.packet = &p;
	one.n_packet = 1;
	len = perfetto__trace__get_packed_size(&one);
	if (len > t->room) {
		free(t->buf);
		t->room = 2 * len;
		t->buf = malloc(t->room);
	}
	if (!t->buf) {
		t->err = -ENOMEM;
		t->room = 0;
		return;
	}
	perfetto__trace__pack(&one, t->buf);
	if (fwrite(t->buf, 1, len, t->out) != len)
		t->err = errno ? -errno : -EIO;
}

static void put_event(struct proto_trace *t, uint64_t ns, uint64_t track, enum event_kind kind,
		      Perfetto__Event *e, Perfetto__News *news)
{
	Perfetto__Packet p = PERFETTO__PACKET__INIT;

	e->has_kind = e->has_track_id = true;
	e->kind = kind;
	e->track_id = t->base + track;
	p.has_ns = p.has_clock_id = true;
	p.ns = ns;
	p.clock_id = MONOTONIC;
	p.event = e;
	p.news = news;
	put_packet(t, &p);
}

static void put_track(struct proto_trace *t, uint64_t id, uint64_t parent, const char *name,
		      bool counts)
{
	Perfetto__Packet p = PERFETTO__PACKET__INIT;
	Perfetto__Track k = PERFETTO__TRACK__INIT;
	Perfetto__Counter counter = PERFETTO__COUNTER__INIT;

	k.has_id = k.has_parent_id = true;
	k.id = t->base + id;
	k.parent_id = t->base + parent;
	k.name = (char *)(uintptr_t)name;
	k.counter = counts ? &counter : NULL;
	p.track = &k;
	put_packet(t, &p);
}

/* --- slices --- */

static void put_begin(struct proto_trace *t, const struct timeline_slice *s, uint64_t name,
		      struct notes *notes, Perfetto__News *news)
{
	Perfetto__Event e = PERFETTO__EVENT__INIT;
	uint64_t category = s->state + 1U, flow = t->flows;

	e.n_category_id = 1;
	e.category_id = &category;
	e.has_name_id = true;
	e.name_id = name;
	e.n_annotation = notes->nr;
	e.annotation = notes->at;
	if (s->waker != TIMELINE_NOBODY) {
		e.n_flow_end_id = 1;
		e.flow_end_id = &flow;
	}
	put_event(t, s->begin_ns, TRACK_GOROUTINES + t->i, SLICE_BEGINS, &e, news);
}

static void put_wakes(struct proto_trace *t, const struct timeline_slice *s)
{
	Perfetto__Event e = PERFETTO__EVENT__INIT;
	uint64_t flow = ++t->flows;

	e.has_name_id = true;
	e.name_id = NAME_WAKES;
	e.n_flow_id = 1;
	e.flow_id = &flow;
	put_event(t, s->begin_ns, TRACK_GOROUTINES + s->waker, MOMENT, &e, NULL);
}

static void put_waiting(struct proto_trace *t, uint16_t rt, const struct timeline_slice *s)
{
	const struct wait_words *words =
		timeline_words__wait(t->k.words, rt, s->stack_id, s->reason);
	Perfetto__News news = PERFETTO__NEWS__INIT;
	Perfetto__Text text = PERFETTO__TEXT__INIT, *name = &text;
	struct notes notes = { .nr = 0 };

	if (!words) {
		t->err = -ENOMEM;
		return;
	}
	text.has_id = true;
	text.id = NAMES + words->id;
	text.text = (char *)(uintptr_t)words->name;
	news.n_name = 1;
	news.name = &name;
	notes__text(&notes, KEY_REASON, words->reason);
	notes__place(&notes, &words->place);
	put_begin(t, s, text.id, &notes, words->id > t->nr_names ? &news : NULL);
	if (words->id > t->nr_names)
		t->nr_names = words->id;
}

static void put_ready(struct proto_trace *t, uint16_t rt, const struct timeline_slice *s)
{
	struct notes notes = { .nr = 0 };
	struct waker_words by;

	if (timeline_words__waker(t->k.words, rt, s, &by)) {
		t->err = -ENOMEM;
		return;
	}
	if (s->waker_goid)
		notes__number(&notes, s->is_made ? KEY_MADE_BY : KEY_WOKEN_BY, s->waker_goid);
	if (by.word && s->waker_stack != PW_STACK_ID_NONE)
		notes__text(&notes, KEY_BY, by.word);
	notes__place(&notes, &by.place);
	if (s->waker != TIMELINE_NOBODY)
		put_wakes(t, s);
	put_begin(t, s, NAME_READY, &notes, NULL);
}

static void put_slice(void *ctx, const struct timeline_slice *s)
{
	struct proto_trace *t = ctx;
	const uint16_t rt = timeline__goroutine(t->k.timeline, t->i)->rt;
	Perfetto__Event end = PERFETTO__EVENT__INIT;
	struct notes none = { .nr = 0 };

	if (s->state == TIMELINE_WAITING)
		put_waiting(t, rt, s);
	else if (s->state == TIMELINE_READY)
		put_ready(t, rt, s);
	else
		put_begin(t, s, NAME_RUNNING, &none, NULL);
	put_event(t, s->end_ns, TRACK_GOROUTINES + t->i, SLICE_ENDS, &end, NULL);
}

/* --- the whole --- */

static void put_clocks(struct proto_trace *t, const struct report *r)
{
	Perfetto__Clock v[2] = { PERFETTO__CLOCK__INIT, PERFETTO__CLOCK__INIT };
	Perfetto__Clock *at[2] = { &v[0], &v[1] };
	Perfetto__Clocks c = PERFETTO__CLOCKS__INIT;
	Perfetto__Packet p = PERFETTO__PACKET__INIT;

	v[0].id = MONOTONIC;
	v[0].ns = r->snap->start_ns;
	v[1].id = REALTIME;
	v[1].ns = r->meta->wall_start_ns;
	for (int i = 0; i < 2; i++)
		v[i].has_id = v[i].has_ns = true;
	c.n_clock = 2;
	c.clock = at;
	c.has_primary = true;
	c.primary = MONOTONIC;
	p.clocks = &c;
	p.flags = ANEW;
	put_packet(t, &p);
}

static void fill_texts(Perfetto__Text *v, Perfetto__Text **at, const char *const *texts, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		perfetto__text__init(&v[i]);
		v[i].has_id = true;
		v[i].id = i + 1;
		v[i].text = (char *)(uintptr_t)texts[i];
		at[i] = &v[i];
	}
}

/* The texts that every timeline has, and the track of the process. */
static void put_program(struct proto_trace *t, const struct report *r)
{
	static const char *const names[NAMES - 1] = { "running", "ready", "wakes" };
	static const char *const states[TIMELINE_STATES] = { "running", "ready", "waiting" };
	static const char *const keys[KEYS - 1] = { "reason",   "func", "file",   "line",
						    "woken_by", "by",   "made_by" };
	Perfetto__Text v[NAMES + TIMELINE_STATES + KEYS], *at[NAMES + TIMELINE_STATES + KEYS];
	Perfetto__Packet p = PERFETTO__PACKET__INIT;
	Perfetto__Process process = PERFETTO__PROCESS__INIT;
	Perfetto__Track k = PERFETTO__TRACK__INIT;
	Perfetto__News news = PERFETTO__NEWS__INIT;

	news.n_name = ARRAY_SIZE(names);
	news.name = at;
	news.n_category = ARRAY_SIZE(states);
	news.category = at + ARRAY_SIZE(names);
	news.n_key = ARRAY_SIZE(keys);
	news.key = news.category + ARRAY_SIZE(states);
	fill_texts(v, news.name, names, ARRAY_SIZE(names));
	fill_texts(v + ARRAY_SIZE(names), news.category, states, ARRAY_SIZE(states));
	fill_texts(v + ARRAY_SIZE(names) + ARRAY_SIZE(states), news.key, keys, ARRAY_SIZE(keys));
	process.has_pid = true;
	process.pid = r->meta->pid;
	process.name = (char *)(uintptr_t)r->meta->comm;
	k.has_id = true;
	k.id = t->base + TRACK_PROGRAM;
	k.process = &process;
	p.track = &k;
	p.news = &news;
	put_packet(t, &p);
}

static void put_goroutine(struct proto_trace *t)
{
	const uint64_t place = TRACK_PLACES + t->k.site[t->i];
	const char *site = tracks__site(&t->k, t->i);

	if (site)
		put_track(t, place, TRACK_PROGRAM, site, false);
	put_track(t, TRACK_GOROUTINES + t->i, place,
		  timeline_words__goroutine(t->k.words, timeline__goroutine(t->k.timeline, t->i)),
		  false);
}

static void put_counts(struct proto_trace *t)
{
	scoped_mem struct timeline_count *v = calloc(TIMELINE_STEPS, sizeof(*v));
	char name[64];

	if (!v) {
		t->err = -ENOMEM;
		return;
	}
	timeline__counts(t->k.timeline, v);
	for (int s = 0; s < TIMELINE_STATES; s++) {
		snprintf(name, sizeof(name), "goroutines: %s",
			 tracks__state((enum timeline_state)s));
		put_track(t, TRACK_COUNTS + (uint64_t)s, TRACK_PROGRAM, name, true);
		for (size_t i = 0; i < TIMELINE_STEPS; i++) {
			Perfetto__Event e = PERFETTO__EVENT__INIT;

			e.has_count = true;
			e.count = v[i].nr[s];
			put_event(t, v[i].at_ns, TRACK_COUNTS + (uint64_t)s, COUNT, &e, NULL);
		}
	}
}

static void put_marks(struct proto_trace *t)
{
	char text[64];

	for (size_t i = 0; i < timeline__nr_marks(t->k.timeline); i++) {
		const struct timeline_mark *m = timeline__mark(t->k.timeline, i);
		Perfetto__Event e = PERFETTO__EVENT__INIT;

		if (m->end_ns < t->k.span.begin_ns)
			continue;
		tracks__mark(m, text, sizeof(text));
		e.name = text;
		put_event(t, m->begin_ns > t->k.span.begin_ns ? m->begin_ns : t->k.span.begin_ns,
			  TRACK_PROGRAM, MOMENT, &e, NULL);
	}
}

/* That it is less than was asked for, where it begins. */
static void put_note(struct proto_trace *t)
{
	Perfetto__Event e = PERFETTO__EVENT__INIT;

	e.name = (char *)(uintptr_t)tracks__full(&t->k);
	if (e.name[0])
		put_event(t, t->k.span.begin_ns, TRACK_PROGRAM, MOMENT, &e, NULL);
}

static void put_all(struct proto_trace *t, const struct report *r)
{
	put_clocks(t, r);
	put_program(t, r);
	for (t->i = 0; t->i < timeline__nr(t->k.timeline) && !t->err; t->i++)
		put_goroutine(t);
	for (t->i = 0; t->i < timeline__nr(t->k.timeline) && !t->err; t->i++)
		timeline__slices(t->k.timeline, t->i, put_slice, t);
	put_counts(t);
	put_marks(t);
	put_note(t);
}

int tracks__perfetto(const struct report *r, FILE *out, struct cause *why)
{
	struct proto_trace t = { .out = out, .base = ((uint64_t)r->meta->pid + 1) << 40 };
	int err = tracks__init(&t.k, r, why);

	if (err)
		return err;
	put_all(&t, r);
	err = t.err;
	free(t.buf);
	tracks__done(&t.k);
	return err ? cause__set(why, err, "cannot write a trace for Perfetto: %s", strerror(-err))
		   : 0;
}
