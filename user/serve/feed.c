// SPDX-License-Identifier: BSD-2-Clause
#include "serve/feed.h"

#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "serve/api.h"
#include "serve/look_pprof.h"
#include "serve/otlp.h"
#include "serve/otlp_profiles.h"
#include "serve/pyroscope.h"

/* --- leaks, for the webhook --- */

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

/* Takes the places in. True: there is one that was not told before. */
static bool leaks_sent__add(struct leaks_sent *s, const struct leak_figures *f)
{
	bool some = false;

	for (size_t i = 0; i < f->nr; i++) {
		const uint64_t hash =
			add_to_hash(add_to_hash(0xcbf29ce484222325 + f->sites[i].verdict,
						f->sites[i].created_by),
				    f->sites[i].blocked_at);

		if (leaks_sent__has(s, hash))
			continue;
		some = true;
		if (s->nr == ARRAY_SIZE(s->v))
			s->nr = 0;
		s->v[s->nr++] = hash;
	}
	return some;
}

static void put_time(struct json_writer *w)
{
	const time_t now = time(NULL);
	char text[32];
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(text, sizeof(text), "%FT%TZ", &tm);
	jsonw_string_field(w, "time", text);
}

static int put_leaks(struct json_writer *w, const struct watched *t)
{
	scoped_mem char *report = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&report, &len);
	int err = out ? leakwatch__write_json(&t->leaks, out, NULL) : -1;

	if (out && fclose(out))
		err = -1;
	if (err)
		return err;
	jsonw_start_object(w);
	put_time(w);
	jsonw_string_field(w, "kind", "leak");
	jsonw_name(w, "target");
	api_target(w, t);
	jsonw_name(w, "report");
	jsonw_again(w, report, len);
	jsonw_end_object(w);
	jsonw_end(w);
	return 0;
}

void feed__leaks(struct sinks *sinks, struct watched *t)
{
	scoped_mem struct json_writer *w = NULL;
	struct textbuf body;

	if (!sinks__wants(sinks, POST_HOOK) || !leaks_sent__add(&t->leaks_sent, &t->leaks.figures))
		return;
	w = malloc(sizeof(*w));
	textbuf__init(&body, NULL);
	if (w)
		jsonw_init(w, &body);
	if (w && !put_leaks(w, t) && !body.err)
		sinks__put(sinks, POST_HOOK, steal(body.v), body.nr);
	else
		log_warn("%s: no memory for the webhook's report", t->id);
	textbuf__done(&body);
}

/* --- now and then --- */

static int push_to_otlp(const struct watched *t, struct textbuf *to)
{
	return otlp_profiles__push(t, clock_ns(CLOCK_REALTIME), to);
}

static const struct push {
	enum post what;
	uint64_t every_ns;
	size_t last; /* when it was: a member of struct watched */
	int (*make)(const struct watched *t, struct textbuf *to);
} pushes[] = {
	{ POST_PYROSCOPE, PYROSCOPE_NS, offsetof(struct watched, pushed_ns), pyroscope__push },
	{ POST_PROFILES, OTLP_PROFILES_NS, offsetof(struct watched, otlp_pushed_ns), push_to_otlp },
};

static uint64_t *last_push(struct watched *t, const struct push *p)
{
	return (uint64_t *)((char *)t + p->last);
}

/* One target a turn, so that HTTP is answered in between: the one whose turn is longest ago. */
static void push_profile(const struct push *p, struct sinks *sinks, struct watched *const *targets,
			 size_t nr, uint64_t now_ns)
{
	struct watched *next = NULL;
	struct textbuf body;

	for (size_t i = 0; i < nr && sinks__wants(sinks, p->what); i++) {
		struct watched *t = targets[i];
		const uint64_t last = *last_push(t, p);

		if (t->look && t->look_len <= LOOK_PPROF_MAX &&
		    (!last || now_ns - last >= p->every_ns) &&
		    (!next || last < *last_push(next, p)))
			next = t;
	}
	if (!next)
		return;
	*last_push(next, p) = now_ns;
	textbuf__init(&body, NULL);
	if (!p->make(next, &body))
		sinks__put(sinks, p->what, steal(body.v), body.nr);
	textbuf__done(&body);
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

void feed__tick(struct feed *f, struct sinks *sinks, struct watched *const *targets, size_t nr,
		uint64_t now_ns)
{
	send_metrics(f, sinks, targets, nr, now_ns);
	for (size_t i = 0; i < ARRAY_SIZE(pushes); i++)
		push_profile(&pushes[i], sinks, targets, nr, now_ns);
}
