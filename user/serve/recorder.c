// SPDX-License-Identifier: BSD-2-Clause
#include "serve/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "serve/api.h"
#include "serve/readers.h"
#include "serve/stored_look.h"

unsigned int recorder__ask(struct recorder *r, const struct watched *w, bool allow_jobs,
			   const struct recorder_asked *of, struct http_later *later,
			   const char **ret_why)
{
	struct recorder_wait *to = &r->waits[r->nr];

	if (!allow_jobs && w->level < LEVEL_PROFILE) {
		*ret_why = "a recording needs 'parkwatch serve --allow-jobs', or the level "
			   "profile or full for this target";
		return 403;
	}
	if (!w->look) {
		*ret_why = "no look at it yet: try again in some seconds";
		return 503;
	}
	if (r->nr == ARRAY_SIZE(r->waits)) {
		*ret_why = "too many wait for a recording: try again later";
		return 503;
	}
	*to = (struct recorder_wait){ .of = *of, .later = later };
	snprintf(to->target, sizeof(to->target), "%s", w->id);
	r->nr++;
	http_later__wait(later);
	return 0;
}

/* --- answers --- */

/* One that waits for what came; NULL: nobody does. */
static struct recorder_wait *find(struct recorder *r, const struct watched *w,
				  enum profile_event event)
{
	for (size_t i = 0; i < r->nr; i++)
		if (r->waits[i].begun && r->waits[i].of.pprof.event == event &&
		    !strcmp(r->waits[i].target, w->id))
			return &r->waits[i];
	return NULL;
}

static void answer(struct recorder *r, struct recorder_wait *to, struct http_answer *a)
{
	http_later__tell(to->later, a);
	*to = r->waits[--r->nr];
}

static void answer_all(struct recorder *r, const struct watched *w, enum profile_event event,
		       struct readers *readers)
{
	const struct frame_bytes pw = frame_reader__part(&w->recordings.from, FRAME_RECORDING);
	struct recorder_wait *to;

	while ((to = find(r, w, event))) {
		readers__tell(readers,
			      &(struct reading){ .kind = to->of.kind,
						 .target = w->id,
						 .pw = pw.v,
						 .len = pw.len,
						 .store = -1,
						 .pprof = to->of.pprof,
						 .format = to->of.format },
			      to->later);
		*to = r->waits[--r->nr];
	}
}

/* only_begun: those whose recording is over. */
static void refuse(struct recorder *r, const struct watched *w, bool only_begun, const char *text)
{
	for (size_t i = r->nr; i-- > 0;) {
		struct http_answer a = { .status = 503 };

		if (strcmp(r->waits[i].target, w->id) != 0 || (only_begun && !r->waits[i].begun))
			continue;
		textbuf__init(&a.body, NULL);
		if (r->waits[i].of.kind == READING_GO_RECORDING)
			debug_pprof_refuse(&a, 503, text);
		else
			api_error(&a, 503, text);
		answer(r, &r->waits[i], &a);
	}
}

void recorder__forget(struct recorder *r, const struct watched *w)
{
	refuse(r, w, false, "the target ended, or is watched no more");
}

/* --- a recording --- */

static void recorder__over(struct recorder *r, struct watched *w)
{
	struct recordings *of = &w->recordings;

	if (!of->asked)
		recording_turns__end(&r->turns, of->plan.last_ns, of->cpu_now_ns);
	if (recordings__end(of))
		log_debug("%s: its recording brought nothing", w->id);
	refuse(r, w, true, "the recording failed: the log of parkwatch says why");
}

void recorder__attach(struct recorder *r, struct watched *w, int fd)
{
	if (fd < 0 && w->recordings.plan.running)
		recorder__over(r, w);
	else if (fd >= 0)
		frame_reader__open(&w->recordings.from, fd, RECORDING_BYTES_MAX);
}

void recorder__read(struct recorder *r, struct watched *w, struct store *s, struct readers *readers,
		    uint64_t now_ns)
{
	struct recordings *of = &w->recordings;
	enum profile_event event;
	int got;

	while ((got = recordings__read(of, w->id, &event)) > 0) {
		answer_all(r, w, event, readers);
		if (of->asked || w->level < LEVEL_PROFILE)
			continue;
		if (s)
			stored_look__keep_recording(s, w);
		recordings__keep(of, event, now_ns);
	}
	if (!got)
		return;
	if (got != -EPIPE)
		log_warn("%s: what its recording worker sends is no recording (%s)", w->id,
			 strerror(-got));
	recorder__over(r, w);
}

/* --- turns --- */

/* With the events that one recording has already. */
static bool has_room(uint32_t events, const struct recorder_wait *w)
{
	return events >> w->of.pprof.event & 1 || __builtin_popcount(events) < RECORDER_EVENTS_MAX;
}

/* All that is waited for of this target and for as long as the first who waits: 1 << enum profile_event. */
static uint32_t wanted(struct recorder *r, const struct watched *w, bool begin,
		       uint32_t *ret_seconds)
{
	uint32_t events = 0;

	for (size_t i = 0; i < r->nr; i++) {
		struct recorder_wait *to = &r->waits[i];

		if (to->begun || strcmp(to->target, w->id) != 0 ||
		    (events && to->of.seconds != *ret_seconds) || !has_room(events, to))
			continue;
		*ret_seconds = to->of.seconds;
		events |= 1U << to->of.pprof.event;
		to->begun = begin;
	}
	return events;
}

/* One that somebody waits for. The first who asked is the first who gets it. */
static bool recorder__begin_asked(struct recorder *r, struct watched *w,
				  const struct recorder_start *start, uint64_t now_ns)
{
	uint32_t seconds = 0, events;

	if (w->recordings.plan.running)
		return false;
	events = wanted(r, w, false, &seconds);
	if (!events || !start->ask(start->ctx, w, seconds, events))
		return false;
	(void)wanted(r, w, true, &seconds);
	recordings__begin(&w->recordings, seconds, true, now_ns);
	return true;
}

static bool recorder__may(const struct recorder *r, const struct watched *w, size_t running,
			  const struct leak_turns *leaks, uint64_t now_ns)
{
	uint32_t seconds;
	uint64_t every_ns;

	return w->look && recordings_regular(w->level, &seconds, &every_ns) &&
	       recording_turns__may(&r->turns, running, &w->recordings.plan, every_ns, now_ns) &&
	       !w->leaks.plan.running && !leak_turns__may(leaks, 0, &w->leaks.plan, now_ns);
}

static void recorder__begin_regular(struct watched *w, const struct recorder_start *start,
				    uint64_t now_ns)
{
	uint32_t seconds;
	uint64_t every_ns;
	const uint32_t events = recordings_regular(w->level, &seconds, &every_ns);

	if (start->ask(start->ctx, w, seconds, events))
		recordings__begin(&w->recordings, seconds, false, now_ns);
}

void recorder__tick(struct recorder *r, struct watched *const *targets, size_t nr,
		    const struct leak_turns *leaks, const struct recorder_start *start,
		    uint64_t now_ns)
{
	struct watched *next = NULL;
	size_t running = 0;

	for (size_t i = 0; i < nr; i++) {
		const struct recordings *of = &targets[i]->recordings;

		if (of->plan.running &&
		    now_ns - of->plan.last_ns > of->seconds * NS_PER_SEC + RECORDER_LATE_NS)
			recorder__over(r, targets[i]);
		running += of->plan.running;
	}
	for (size_t i = 0; i < nr && r->nr && running < RECORDINGS_AT_ONCE; i++)
		running += recorder__begin_asked(r, targets[i], start, now_ns);
	for (size_t i = 0; i < nr; i++)
		if (recorder__may(r, targets[i], running, leaks, now_ns) &&
		    (!next || targets[i]->recordings.plan.last_ns < next->recordings.plan.last_ns))
			next = targets[i];
	if (next)
		recorder__begin_regular(next, start, now_ns);
}
