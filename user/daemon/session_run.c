// SPDX-License-Identifier: BSD-2-Clause
/*
 * session_run: a recording from its first moment to its last: exact as long as the governor allows,
 * then windows and looks.
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/heart.h"
#include "base/log.h"
#include "base/rt_boost.h"
#include "daemon/owncost.h"
#include "daemon/session_parts.h"
#include "model/governor.h"

#define POLL_MS   100 /* the ring wakes us earlier when it fills */
#define GOVERN_MS 10  /* what hits cost is looked at so often */
/* or only with the rest, if the last hits might come so many times again: looking costs too */
#define CALM 20
/* times as long as a window took, with attaching and detaching, there is none */
#define WINDOW_REST 2
/* times a window's width, at least: the time that it stands for */
#define WINDOW_PERIOD 2
/* the sets of several runtimes are told one after the other */
#define GAP_SEEN_NS (100 * NS_PER_MS)
/* at least so many are dealt with between two looks at their cost */
#define LIMIT_HITS 1000

/* Ten times a second: reading the counters takes longer than a look at a small program. */
static void session_run__tell(struct session_run *r)
{
	const struct session *s = r->s;
	const uint64_t now = clock_now_ns();
	struct session_progress p = { .elapsed_ns = now - r->start_ns };
	struct losses lost = { 0 };
	uint64_t stats[PW_STAT_MAX];

	if (!r->progress || now - r->told_ns < POLL_MS * NS_PER_MS)
		return;
	r->told_ns = now;
	p.looks = sampling__stats(s->sampling)->looks;
	if (s->probes) {
		probes__stats(s->probes, stats);
		probes__losses(s->probes, stats, &lost);
		p.events = s->allocs ? allocrun__seen(stats) : ingest__events(s->intake, stats);
		p.lost = lost.nr;
	}
	r->progress(r->ctx, &p);
}

static void session_run__see_cpu(struct session_run *r)
{
	const uint64_t ns = proc__cpu_ns(r->s->target.proc);

	if (ns) {
		r->s->cpu_ns = ns;
		r->cpu_seen_ns = clock_now_ns();
	}
}

/* The target ended, or started another program. */
static bool session_run__ended(struct session_run *r)
{
	r->target_ended |= !proc__alive(r->s->target.proc) || proc__executed(r->s->target.proc);
	return r->target_ended;
}

/*
 * In which parkwatch was absent, from that moment on: no CPU time of the target counts. The probe
 * holder read it when it found us absent.
 */
static void session_run__leave_out_cpu(struct session_run *r, uint64_t from_ns, uint64_t absent_ns)
{
	const uint64_t seen_ns = r->cpu_seen_ns, seen_cpu_ns = r->s->cpu_ns,
		       cpu_ns = probes__absent_cpu_ns(r->s->probes);
	const bool known = cpu_ns && absent_ns > r->absent_ns && absent_ns < from_ns + GAP_SEEN_NS;
	double part;

	session_run__see_cpu(r);
	if (known) {
		r->cpu_start_ns += r->s->cpu_ns > cpu_ns ? r->s->cpu_ns - cpu_ns : 0;
	} else if (r->cpu_seen_ns >
		   seen_ns) { /* it was frozen too: recording had ended before that */
		part = (double)(r->cpu_seen_ns - from_ns) / (double)(r->cpu_seen_ns - seen_ns);
		r->cpu_start_ns +=
			(uint64_t)(fmax(0, fmin(1, part)) * (double)(r->s->cpu_ns - seen_cpu_ns));
	}
}

/* The time since then, in which parkwatch was absent, is no part of the recording. */
static void session_run__leave_out(struct session_run *r, uint64_t from_ns)
{
	bool stopped;
	const uint64_t now = clock_now_ns(), ns = now > from_ns ? now - from_ns : 0;
	const uint64_t absent = probes__absent_ns(r->s->probes, &stopped);

	session_run__leave_out_cpu(r, from_ns, absent);
	r->absent_ns = absent;
	r->gap_ns += ns;
	r->held_ns += stopped ? 0 : ns;
	r->start_ns += ns;
	r->counted_ns += ns;
	if (r->s->until.at_ns != UINT64_MAX)
		r->s->until.at_ns += ns;
}

/* Returns how long the one was that has just been found. */
static uint64_t session_run__see_gap(struct session_run *r)
{
	bool stopped;
	const uint64_t absent = r->s->probes ? probes__absent_ns(r->s->probes, &stopped) : 0,
		       before_ns = r->gap_ns;

	if (absent > r->absent_ns)
		session_run__leave_out(r, absent);
	return r->gap_ns - before_ns;
}

/* Until the moment, *stop, or the target's end. A pace: on time, and in a hurry from then on. */
static void session_run__wait(struct session_run *r, uint64_t until_ns, struct rt_boost *pace)
{
	uint64_t now;

	while (!*r->stop && proc__alive(r->s->target.proc) && (now = clock_now_ns()) < until_ns) {
		struct pollfd fd = { .fd = proc__pidfd(r->s->target.proc), .events = POLLIN };
		const uint64_t left =
			until_ns - now < POLL_MS * NS_PER_MS ? until_ns - now : POLL_MS * NS_PER_MS;
		const struct timespec most = { .tv_nsec = (long)left };

		session_run__tell(r);
		(void)rt_boost__poll(pace, &fd, 1, &most); /* a signal just ends the wait */
		until_ns += session_run__see_gap(r);
		session_run__see_cpu(r);
	}
}

static bool session_run__is_over(const struct session_run *r)
{
	if (r->s->probes && !probes__held(r->s->probes))
		return true;
	return *r->stop || r->target_ended || (r->duration_ns && r->covered_ns >= r->duration_ns);
}

/* CPU time that the target has used, and time that has gone by, since the start. */
static double session_run__cpu(const struct session_run *r)
{
	return (double)(r->s->cpu_ns - r->cpu_start_ns);
}

static double session_run__gone(const struct session_run *r)
{
	return (double)(clock_now_ns() - r->start_ns);
}

/* --- exact: every event --- */

/* Waits that began before count from the beginning on. */
static bool session_run__keeps_waits(const struct session_run *r)
{
	return r->s->o.profile.event == PROFILE_BLOCKED;
}

/* Census only where something that began before matters: waits, and whose child a goroutine is. */
static int session_run__census(struct session_run *r, struct cause *why)
{
	const struct session *s = r->s;
	const bool waits = session_run__keeps_waits(r);
	int err = 0;

	if (!waits && !s->o.profile.async)
		return 0;
	for (size_t i = 0; i < s->target.nr && !err; i++)
		err = ingest__census(s->intake, (uint16_t)i, waits, s->o.depth, why);
	r->cut |= err == -ETIMEDOUT;
	/* gone already: what was seen is written */
	return r->cut || err == -ESRCH || !proc__alive(s->target.proc) ? 0 : err;
}

/* What hits have cost so far; how many they were, and what one costs on average. */
static double session_run__cost(const struct session_run *r, uint64_t *ret_hits, double *ret_hit_ns)
{
	uint64_t stats[PW_STAT_MAX], hits;
	double cost;

	probes__stats(r->s->probes, stats);
	cost = probes__cost_ns(r->s->probes, stats);
	hits = probes__hits(stats) + stats[PW_STAT_OFF];
	*ret_hits = hits;
	*ret_hit_ns = hits ? cost / (double)hits : PROBES_HIT_NS;
	return cost;
}

/* Recording ended by itself because we were not in charge, not because its hits are used up. */
static bool session_run__was_absent(const struct session_run *r)
{
	return probes__cut_ns(r->s->probes) && !probes__spent(r->s->probes);
}

static void session_run__share(const struct session_run *r, struct governor *g)
{
	if (r->s->recorders)
		governor__share(g, recorders__sharers(r->s->recorders), session_run__cpu(r),
				session_run__gone(r));
}

/* Sets how many hits there may be until this is asked again. True: the limit is reached. */
static bool session_run__is_too_dear(struct session_run *r, struct governor *g)
{
	struct governor now;
	double hit_ns, left;
	uint64_t hits;

	session_run__share(r, g);
	now = *g;
	if (probes__cut_ns(r->s->probes))
		return true;
	if (g->max <= 0)
		return false;
	governor__spend(&now, session_run__cost(r, &hits, &hit_ns) +
				      owncost__ns(&r->own, r->s, false) - r->begun_ns);
	left = governor__left_ns(&now, session_run__cpu(r), session_run__gone(r)) / hit_ns /
	       (double)r->s->target.nr;
	r->calm = left > CALM * (double)(hits - r->hits);
	r->hits = hits;
	if (left > 0)
		probes__limit(r->s->probes, left > LIMIT_HITS ? (int64_t)left : LIMIT_HITS);
	return left <= 0;
}

/* Of the recording; UINT64_MAX: it has no end. */
static uint64_t session_run__left_ns(const struct session_run *r)
{
	const uint64_t gone = clock_now_ns() - r->start_ns;

	if (!r->duration_ns)
		return UINT64_MAX;
	return r->duration_ns > gone ? r->duration_ns - gone : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Until it becomes too dear, too, or parkwatch was absent. */
static void session_run__watch(struct session_run *r, struct governor *g)
{
	struct session *s = r->s;
	uint64_t left;

	while (!*r->stop && (left = session_run__left_ns(r)) > 0) {
		struct pollfd fds[] = {
			{ .fd = ring__fd(probes__ring(s->probes)), .events = POLLIN },
			{ .fd = proc__pidfd(s->target.proc), .events = POLLIN },
		};
		uint64_t wait =
			least((g->max > 0 && !r->calm ? GOVERN_MS : HEART_MS) * NS_PER_MS, left);

		if (s->allocs)
			wait = least(wait, allocrun__due_ns(&s->allocrun));
		session_run__tell(r);
		heart__beat();
		/* a signal just ends the wait */
		(void)poll(fds, ARRAY_SIZE(fds), (int)(wait / NS_PER_MS) + 1);
		(void)ring__drain(probes__ring(s->probes));
		if (session_run__ended(r) || !probes__held(s->probes) || session_run__was_absent(r))
			return;
		session_run__see_cpu(r);
		left = session_run__left_ns(r);
		if (s->allocs)
			allocrun__share(&s->allocrun, recorders__sharers(s->recorders));
		if (s->allocs && left && !*r->stop)
			allocrun__tend(&s->allocrun, left);
		if (session_run__is_too_dear(r, g))
			return;
	}
}

/* Recording ends. Returns the moment at which it did. */
static uint64_t session_run__finish(struct session_run *r, uint64_t begin_ns)
{
	struct session *s = r->s;
	const bool absent = session_run__was_absent(r);
	struct profile_stats before, after;
	uint64_t end;

	if (s->allocs && !absent) /* else what it saw before is the end */
		allocrun__end(&s->allocrun);
	end = probes__stop(s->probes);
	end = end > begin_ns ? end : begin_ns;
	profile__end(s->profile, end);
	probes__finish(s->probes);
	profile__stats(s->profile, &before);
	for (size_t i = 0; i < s->target.nr; i++)
		(void)ingest__open_waits(s->intake, (uint16_t)i, probes__attach(s->probes, i));
	profile__stats(s->profile, &after);
	r->gap_waits += absent ? after.in - before.in : 0;
	return end;
}

/* One stretch in which every event counts: the probes are there, and are taken down. */
static int session_run__stretch(struct session_run *r, struct governor *g, struct cause *why)
{
	const uint64_t begin_ns = r->start_ns + r->covered_ns;
	struct session *s = r->s;
	double own_ns;
	int err;

	r->stretches++;
	profile__begin(s->profile, begin_ns);
	probes__limit(s->probes, -1);
	(void)session_run__is_too_dear(r, g);
	for (size_t i = 0; i < s->target.nr; i++)
		attach__count_from(probes__attach(s->probes, i),
				   session_run__keeps_waits(r) ? begin_ns : 0, false);
	if (r->stretches == 1)
		gapcount__begin(&r->count, s->target.proc, s->target.gp);
	probes__start(s->probes);
	if (r->stretches > 1) {
		log_debug("recording goes on");
		r->gap_missing =
			gapcount__missing(&r->count, s->target.proc, s->target.gp, s->probes);
	}
	if (s->allocs && r->stretches == 1)
		allocrun__begin(&s->allocrun);
	own_ns = r->stretches > 1 ? owncost__ns(&r->own, s, true) : 0;
	err = session_run__census(r, why);
	session_run__see_cpu(r);
	/* it is needed: it does not end what is exact */
	r->begun_ns += owncost__ns(&r->own, s, true) - own_ns;
	if (!err) {
		session_run__watch(r, g);
		r->covered_ns = r->exact_ns = session_run__finish(r, begin_ns) - r->start_ns;
	}
	probes__off(s->probes);
	return err;
}

/* We are back: the probes go in again. Nobody knows what goroutines did meanwhile. */
static int session_run__go_on(struct session_run *r, struct cause *why)
{
	struct session *s = r->s;
	int err;

	probes__forget(s->probes);
	profile__again(s->profile);
	err = probes__on(s->probes, why);
	if (!err && s->allocs)
		err = allocrun__again(&s->allocrun, why);
	session_run__leave_out(r, r->start_ns + r->covered_ns);
	return err;
}

/* What was summed up where it happened. */
static void session_run__sum_up(struct session_run *r)
{
	struct session *s = r->s;

	if (s->allocs)
		allocrun__finish(&s->allocrun);
	for (size_t i = 0; i < s->target.nr; i++)
		(void)ingest__sums(s->intake, (uint16_t)i, probes__attach(s->probes, i));
}

/* Our own CPU time is cost too. */
static void session_run__pay(struct session_run *r, struct governor *g)
{
	const double cost = owncost__ns(&r->own, r->s, false);

	governor__spend(g, cost - r->own_spent_ns);
	r->own_spent_ns = cost;
}

static int session_run__exact(struct session_run *r, struct governor *g, struct cause *why)
{
	uint64_t stats[PW_STAT_MAX];
	double hits, around;
	int err;

	err = session_run__stretch(r, g, why);
	while (!err && session_run__was_absent(r) && !session_run__is_over(r)) {
		err = session_run__go_on(r, why);
		if (!err)
			err = session_run__stretch(r, g, why);
	}
	if (!err && session_run__was_absent(r))
		session_run__leave_out(r, r->start_ns + r->covered_ns);
	session_run__sum_up(r);
	probes__stats(r->s->probes, stats);
	around = probes__off_ns(r->s->probes, stats);
	hits = probes__cost_ns(r->s->probes, stats) - around;
	governor__spend(g, hits + around + r->stretches * GOVERNOR_LINKS_NS);
	session_run__pay(r, g);
	/* what came while the first probes were made says nothing of how long that takes later */
	governor__learn(g, r->exact_ns, hits, GOVERNOR_AROUND_NS * hits / (double)(r->exact_ns + 1),
			0);
	return err;
}

/* --- estimates: windows as often as they may be, looks in between --- */

/* The part of the time that is sampled next, and how. */
struct stratum {
	uint64_t length_ns, after_ns; /* where in it, at random */
	bool window;
};

/* Births and exits since the look before are known from looks, windows have nothing to add. */
static bool windows_tell_more(enum profile_event e)
{
	return e == PROFILE_BLOCKED || e == PROFILE_SCHED;
}

/* A window where what it will cost has been saved up. */
static void session_run__plan(const struct session_run *r, const struct governor *g,
			      struct stratum *ret)
{
	const uint64_t gone = clock_now_ns() - r->start_ns;
	const double cpu = session_run__cpu(r), time = session_run__gone(r);
	const bool window = r->s->probes && windows_tell_more(r->s->o.profile.event) &&
			    clock_now_ns() >= r->no_window_until_ns &&
			    governor__windows_pay(g, governor__rate(g, cpu, time)) &&
			    governor__left_ns(g, cpu, time) >= governor__window_ns(g);
	uint64_t period = (uint64_t)(NS_PER_SEC / r->s->o.rate);
	const uint64_t least_ns =
		(uint64_t)governor__look_period_ns(g, governor__rate(g, cpu, time));

	if (period < least_ns)
		period = least_ns;
	if (window && period < WINDOW_PERIOD * g->width_ns)
		period = WINDOW_PERIOD * g->width_ns;
	sampling__plan(r->s->sampling, period, gone > r->covered_ns ? gone - r->covered_ns : 0,
		       r->duration_ns ? r->duration_ns - r->covered_ns : UINT64_MAX,
		       &ret->length_ns, &ret->after_ns);
	ret->window = window && ret->length_ns > g->width_ns;
}

static int session_run__window(struct session_run *r, struct governor *g, double *ret_width_ns,
			       double *ret_count_factor, struct cause *why)
{
	const double most = 2 * governor__window_ns(g) / PROBES_HIT_NS;
	const uint64_t began = clock_now_ns();
	struct windows_seen seen;
	int err;

	err = windows__one(r->s->windows, g->width_ns,
			   most > LIMIT_HITS ? (int64_t)most : LIMIT_HITS, &seen, why);
	if (err)
		return err;
	r->windows++;
	(void)session_run__see_gap(r);
	session_run__see_cpu(r);
	governor__spend(g, seen.hits_ns + seen.around_ns + GOVERNOR_LINKS_NS);
	governor__learn(g, seen.end_ns - seen.begin_ns, seen.hits_ns, seen.around_ns, seen.look_ns);
	*ret_width_ns = (double)(seen.end_ns > seen.begin_ns ? seen.end_ns - seen.begin_ns : 1);
	*ret_count_factor = (double)(seen.end_ns - r->counted_ns) / *ret_width_ns;
	r->counted_ns = seen.end_ns;
	r->no_window_until_ns = clock_now_ns() + WINDOW_REST * (clock_now_ns() - began);
	return 0;
}

/*
 * What took longer than planned stands for the time that it took: it lies in it, and nothing else
 * does.
 */
static uint64_t session_run__real_length(const struct session_run *r, uint64_t planned_ns)
{
	const uint64_t gone = clock_now_ns() - r->start_ns,
		       late = gone > r->covered_ns ? gone - r->covered_ns : 0;
	const uint64_t left = r->duration_ns ? r->duration_ns - r->covered_ns : UINT64_MAX;
	const uint64_t length = late > planned_ns ? late : planned_ns;

	return length < left ? length : left;
}

static int session_run__sample(struct session_run *r, struct governor *g, const struct stratum *t,
			       struct cause *why)
{
	double stood_for = (double)t->length_ns, count_factor = 1;
	uint64_t length;
	int err;

	err = t->window ? session_run__window(r, g, &stood_for, &count_factor, why)
			: sampling__look(r->s->sampling, t->length_ns, !r->windows, why);
	if (err)
		return err;
	if (!r->windows)
		r->counted_ns = clock_now_ns();
	length = session_run__real_length(r, t->length_ns);
	/* births and exits are all those since the look before, however late this one is */
	if (!windows_tell_more(r->s->o.profile.event))
		stood_for = (double)length;
	profile__weigh(r->s->profile, (double)length / stood_for, count_factor, length);
	r->covered_ns += length;
	return 0;
}

static int session_run__estimate(struct session_run *r, struct governor *g, struct cause *why)
{
	int err = 0;

	r->counted_ns = clock_now_ns();
	while (!err && !session_run__is_over(r)) {
		const uint64_t cpu_began = clock_cpu_ns();
		struct stratum t;

		session_run__share(r, g);
		(void)session_run__see_gap(r);
		session_run__plan(r, g, &t);
		session_run__wait(r, r->start_ns + r->covered_ns + t.after_ns, r->s->pace);
		(void)session_run__see_gap(r);
		if (*r->stop) {
			const uint64_t gone = clock_now_ns() - r->start_ns;

			t.length_ns = gone > r->covered_ns ? gone - r->covered_ns : 1;
			t.window = false;
		}
		if (session_run__ended(r))
			return -ESRCH;
		if (sampling__look_ns(r->s->sampling) > rt_boost__limit_ns(r->s->pace))
			/* it began on time, and must let others run */
			rt_boost__restore(r->s->pace);
		err = session_run__sample(r, g, &t, why);
		r->cut |= err == -ETIMEDOUT;
		rt_boost__restore(r->s->pace);
		session_run__wait(r, r->start_ns + r->covered_ns, NULL);
		if (!t.window)
			governor__looked(g, r->own.part * (double)(clock_cpu_ns() - cpu_began));
		session_run__pay(r, g);
	}
	return err == -ETIMEDOUT ? 0 : err;
}

int session_run__record(struct session_run *r, struct cause *why)
{
	struct governor g;
	int err = 0;

	owncost__begin(&r->own, r->s);
	/* allocations keep to it by themselves */
	governor__init(&g, r->s->allocs ? 0 : r->s->o.max_overhead);
	if (r->s->probes)
		err = session_run__exact(r, &g, why);
	if (r->s->probes && !err && g.max <= 0)
		return 0;
	if (!err)
		err = session_run__estimate(r, &g, why);
	if (err && (session_run__ended(r) || (r->s->probes && !probes__held(r->s->probes))))
		return 0; /* what was seen until then is written */
	return err;
}
