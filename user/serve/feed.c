// SPDX-License-Identifier: BSD-2-Clause
#include "serve/feed.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "serve/hook.h"
#include "serve/otlp.h"
#include "serve/otlp_logs.h"
#include "serve/otlp_profiles.h"
#include "serve/otlp_spans.h"
#include "serve/pyroscope.h"
#include "serve/readers.h"

/* --- leaks --- */

/* FNV-1a */
static uint64_t add_to_hash(uint64_t hash, const char *text)
{
	do
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	while (*text++);
	return hash;
}

static bool leaks_sent__has(const struct leaks_sent *s, uint64_t hash)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->v[i] == hash)
			return true;
	return false;
}

/* Takes the places in. Returns those that were not told before, a bit for each of f->sites. */
static uint32_t leaks_sent__add(struct leaks_sent *s, const struct leak_figures *f)
{
	uint32_t fresh = 0;

	for (size_t i = 0; i < f->nr; i++) {
		const uint64_t hash =
			add_to_hash(add_to_hash(0xcbf29ce484222325 + f->sites[i].verdict,
						f->sites[i].created_by),
				    f->sites[i].blocked_at);

		if (leaks_sent__has(s, hash))
			continue;
		fresh |= 1u << i;
		if (s->nr == ARRAY_SIZE(s->v))
			s->nr = 0;
		s->v[s->nr++] = hash;
	}
	return fresh;
}

/* body: taken over; err: of making it. */
static void put(struct sinks *sinks, enum post what, const struct watched *t, struct textbuf *body,
		int err)
{
	if (err || body->err)
		log_warn("%s: what happened to it cannot be told: %s", t->id,
			 strerror(err ? -err : -body->err));
	else
		sinks__put(sinks, what, steal(body->v), body->nr);
	textbuf__done(body);
}

static void post_report(struct sinks *sinks, struct readers *readers, const struct watched *t,
			enum reading_kind kind, enum post what, uint32_t sites)
{
	const struct reading r = { .kind = kind,
				   .target = t->id,
				   .pw = t->leaks.report,
				   .len = t->leaks.report_len,
				   .store = -1,
				   .about = t,
				   .sites = sites };

	if (sites && readers__post(readers, &r, sinks, what, false))
		log_warn("%s: what leaks there cannot be told: too much is read just now", t->id);
}

void feed__leaks(struct sinks *sinks, struct readers *readers, struct watched *t)
{
	const uint32_t hook = sinks__wants(sinks, POST_HOOK)
				      ? leaks_sent__add(&t->leaks_hooked, &t->leaks.figures)
				      : 0,
		       logs = sinks__wants(sinks, POST_LOGS)
				      ? leaks_sent__add(&t->leaks_logged, &t->leaks.figures)
				      : 0;

	post_report(sinks, readers, t, READING_HOOK, POST_HOOK, hook);
	post_report(sinks, readers, t, READING_OTLP_LOGS, POST_LOGS, logs);
}

/* --- storms, slow leaks --- */

void feed__alarms(struct sinks *sinks, const struct watched *t)
{
	const struct history_alarm *v;
	const size_t nr = history__alarms(t->history, &v);
	struct textbuf body;

	for (size_t i = 0; i < nr; i++) {
		textbuf__init(&body, NULL);
		if (sinks__wants(sinks, POST_HOOK))
			put(sinks, POST_HOOK, t, &body, hook__alarm(t, &v[i], &body));
		textbuf__init(&body, NULL);
		if (sinks__wants(sinks, POST_LOGS))
			put(sinks, POST_LOGS, t, &body,
			    otlp_logs__alarm(t, &v[i], clock_ns(CLOCK_REALTIME), &body));
	}
}

/* --- now and then --- */

static const struct push {
	enum post what;
	enum reading_kind kind;
	uint64_t every_ns;
	size_t last; /* when it was: a member of struct watched */
} pushes[] = {
	{ POST_PYROSCOPE, READING_PYROSCOPE, PYROSCOPE_NS, offsetof(struct watched, pushed_ns) },
	{ POST_PROFILES, READING_OTLP_PROFILE, OTLP_PROFILES_NS,
	  offsetof(struct watched, otlp_pushed_ns) },
};

static uint64_t *last_push(struct watched *t, const struct push *p)
{
	return (uint64_t *)((char *)t + p->last);
}

/* One target a turn: the one whose turn is longest ago. */
static void push_profile(const struct push *p, struct sinks *sinks, struct readers *readers,
			 struct watched *const *targets, size_t nr, uint64_t now_ns)
{
	struct watched *next = NULL;
	struct reading r = { .kind = p->kind, .store = -1 };

	for (size_t i = 0; i < nr && sinks__wants(sinks, p->what); i++) {
		struct watched *t = targets[i];
		const uint64_t last = *last_push(t, p);

		if (t->look && (!last || now_ns - last >= p->every_ns) &&
		    (!next || last < *last_push(next, p)))
			next = t;
	}
	if (!next)
		return;
	r.target = next->id;
	r.about = next;
	r.pw = next->look;
	r.len = next->look_len;
	if (!readers__post(readers, &r, sinks, p->what, true))
		*last_push(next, p) = now_ns;
}

/* Of these, if there is one that was not sent yet: the one that came first. One a turn, as above. */
static void push_recording(struct sinks *sinks, struct readers *readers,
			   struct watched *const *targets, size_t nr)
{
	static const enum profile_event events[] = { PROFILE_BLOCKED, PROFILE_ALLOC, PROFILE_CPU };
	struct watched *next = NULL;
	enum profile_event of = PROFILE_BLOCKED;
	struct reading r = { .kind = READING_OTLP_RECORDING, .store = -1 };

	for (size_t i = 0; i < nr * ARRAY_SIZE(events) && sinks__wants(sinks, POST_PROFILES); i++) {
		struct watched *t = targets[i / ARRAY_SIZE(events)];
		const enum profile_event event = events[i % ARRAY_SIZE(events)];
		const struct recorded *it = &t->recordings.newest[event];

		if (!it->pw || it->came_ns == t->otlp_recorded_ns[event] ||
		    (next && it->came_ns >= next->recordings.newest[of].came_ns))
			continue;
		next = t;
		of = event;
	}
	if (!next)
		return;
	r.target = next->id;
	r.about = next;
	r.pprof.event = of;
	r.pw = next->recordings.newest[of].pw;
	r.len = next->recordings.newest[of].len;
	if (!readers__post(readers, &r, sinks, POST_PROFILES, true))
		next->otlp_recorded_ns[of] = next->recordings.newest[of].came_ns;
}

/* Long waits that were not told. One target a turn, as above. */
static void push_spans(struct sinks *sinks, struct readers *readers, struct watched *const *targets,
		       size_t nr)
{
	for (size_t i = 0; i < nr && sinks__wants(sinks, POST_SPANS); i++) {
		struct watched *t = targets[i];
		const struct reading r = { .kind = READING_OTLP_SPANS,
					   .target = t->id,
					   .about = t,
					   .pw = t->look,
					   .len = t->look_len,
					   .store = -1 };

		if (!t->look || !otlp_spans__due(t))
			continue;
		if (!readers__post(readers, &r, sinks, POST_SPANS, true))
			t->spanned_ns = t->taken_ns;
		return;
	}
}

static void send_metrics(struct feed *f, struct sinks *sinks, struct watched *const *targets,
			 size_t nr, uint64_t now_ns)
{
	struct textbuf body;

	if (!sinks__wants(sinks, POST_METRICS) || now_ns < f->otlp_ns)
		return;
	textbuf__init(&body, NULL);
	if (otlp__metrics(targets, nr, clock_ns(CLOCK_REALTIME), &body)) {
		f->otlp_ns = now_ns + OTLP_NS;
		sinks__put(sinks, POST_METRICS, steal(body.v), body.nr);
	}
	textbuf__done(&body);
}

void feed__tick(struct feed *f, struct sinks *sinks, struct readers *readers,
		struct watched *const *targets, size_t nr, uint64_t now_ns)
{
	send_metrics(f, sinks, targets, nr, now_ns);
	for (size_t i = 0; i < ARRAY_SIZE(pushes); i++)
		push_profile(&pushes[i], sinks, readers, targets, nr, now_ns);
	push_recording(sinks, readers, targets, nr);
	push_spans(sinks, readers, targets, nr);
}
