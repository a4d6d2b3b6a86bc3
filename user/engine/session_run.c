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

#include "base/clock.h"
#include "base/heart.h"
#include "base/notes.h"
#include "base/rt_boost.h"
#include "engine/beside.h"
#include "engine/owncost.h"
#include "engine/reqpace.h"
#include "engine/session_parts.h"
#include "model/governor.h"
#include "model/timeline.h"

#define POLL_MS   100 /* the target's CPU time is read so often, at least */
#define GOVERN_MS 10  /* what hits cost is looked at so often */
/* or only with the rest, if the last hits might come so many times again: looking costs too */
#define CALM 20
/* from one cut to the next, at least */
#define CUT_NS NS_PER_SEC
/* times as long as a window took, with attaching and detaching, there is none */
#define WINDOW_REST 2
/* times a window's width, at least: the time that it stands for */
#define WINDOW_PERIOD 2
/* the sets of several runtimes are told one after the other */
#define GAP_SEEN_NS (100 * NS_PER_MS)
/* at least so many are dealt with between two looks at their cost */
#define LIMIT_HITS 1000

void session__progress(const struct session *s, struct session_progress *ret)
{
	struct losses lost = { 0 };
	uint64_t stats[PW_STAT_MAX];

	*ret = (struct session_progress){
		.elapsed_ns = s->run.start_ns ? clock_now_ns() - s->run.start_ns : 0,
		.looks = sampling__stats(s->sampling)->looks,
	};
	if (!s->probes)
		return;
	probes__stats(s->probes, stats);
	probes__losses(s->probes, stats, &lost);
	ret->events = s->allocs ? allocrun__seen(stats) : ingest__events(s->intake, stats);
	ret->lost = lost.nr;
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

/* Looks tell it from the first moment on. */
static bool session_run__is_of_looks(const struct session_run *r)
{
	return !r->s->probes || beside__is_on(r);
}

/* An absence that nobody has left out yet. */
static void session_run__see_gap(struct session_run *r)
{
	bool stopped;
	const uint64_t absent = r->s->probes ? probes__absent_ns(r->s->probes, &stopped) : 0;

	if (absent <= r->absent_ns)
		return;
	session_run__leave_out(r, absent);
	if (beside__is_on(r))
		beside__begin_again(r);
}

/* The end is asked for. */
static bool session_run__stops(const struct session_run *r)
{
	return r->stopping || *r->s->o.stop;
}

static bool session_run__is_over(const struct session_run *r)
{
	if (r->s->probes && !probes__held(r->s->probes))
		return true;
	return session_run__stops(r) || r->target_ended ||
	       (r->duration_ns && r->covered_ns >= r->duration_ns);
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
	return profile_event_is_wait(r->s->o.profile.event);
}

/* Of contention too, though what is open at the end is none of it. */
static bool session_run__clips_waits(const struct session_run *r)
{
	return session_run__keeps_waits(r) || profile_event_is_contention(r->s->o.profile.event);
}

static void session_run__take_ring(void *ctx)
{
	const struct session_run *r = ctx;

	(void)ring__drain(probes__ring(r->s->probes));
}

/*
 * Census only where something that began before matters: waits, and whose child a goroutine is. Of a
 * million goroutines it takes a second, in which the ring fills. Where children matter it is needed
 * before what is in the ring.
 */
static int session_run__census(struct session_run *r, struct cause *why)
{
	const struct session *s = r->s;
	const bool waits = session_run__keeps_waits(r);
	int err = 0;

	if (!waits && !s->o.profile.async)
		return 0;
	heart__lend(s->o.profile.async ? NULL : session_run__take_ring, r);
	for (size_t i = 0; i < s->target.nr && !err; i++)
		err = ingest__census(s->intake, (uint16_t)i, waits, s->o.depth, why);
	heart__lend(NULL, NULL);
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
	*ret_hit_ns = cost > 0 ? cost / (double)hits : PROBES_HIT_NS;
	return cost;
}

/* Recording ended by itself because we were not in charge, not because its hits are used up. */
static bool session_run__was_absent(const struct session_run *r)
{
	return probes__cut(r->s->probes) == PROBES_CUT_ABSENT;
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

/* Samples never end because they are too dear: they become fewer. */
static void session_run__pace(struct session_run *r)
{
	struct session *s = r->s;
	double hit_ns;
	uint64_t hits;
	const double cost =
		session_run__cost(r, &hits, &hit_ns) + owncost__ns(&r->own, s, false) - r->begun_ns;

	if (cpupace__look(&s->cpupace, cost, session_run__cpu(r), clock_now_ns(),
			  recorders__sharers(s->recorders)))
		probes__sample(s->probes, s->cpupace.hz);
}

/* Of a timeline: since when events are missing. */
static void session_run__tell_lost(const struct session_run *r)
{
	struct losses lost = { 0 };
	uint64_t stats[PW_STAT_MAX];

	probes__stats(r->s->probes, stats);
	probes__losses(r->s->probes, stats, &lost);
	timeline__lost(r->s->o.timeline, clock_now_ns(), lost.nr);
}

/* What came is taken. True: the stretch goes on; it is not too dear, and parkwatch was not absent. */
static bool session_run__drain(struct session_run *r)
{
	struct session *s = r->s;
	uint64_t left;

	(void)ring__drain(probes__ring(s->probes));
	if (s->o.timeline)
		session_run__tell_lost(r);
	if (session_run__ended(r) || !probes__held(s->probes) || session_run__was_absent(r))
		return false;
	session_run__see_cpu(r);
	left = session_run__left_ns(r);
	if (s->cpustack)
		session_run__pace(r);
	if (s->allocs)
		allocrun__share(&s->allocrun, recorders__sharers(s->recorders));
	if (s->allocs && left && !session_run__stops(r))
		allocrun__tick(&s->allocrun, left);
	return !session_run__is_too_dear(r, &r->governor) && left && !session_run__stops(r);
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
	if (s->o.timeline) {
		session_run__tell_lost(r);
		timeline__end(s->o.timeline, end);
	}
	profile__stats(s->profile, &before);
	for (size_t i = 0; i < s->target.nr && probes__have_waits(s->probes); i++)
		(void)ingest__open_waits(s->intake, (uint16_t)i, probes__attach(s->probes, i));
	profile__stats(s->profile, &after);
	r->gap_waits += absent ? after.in - before.in : 0;
	return end;
}

/* A stretch in which every event counts begins: the probes are there. After an error they are not. */
static int session_run__begin_stretch(struct session_run *r, struct cause *why)
{
	const uint64_t begin_ns = r->start_ns + r->covered_ns;
	struct session *s = r->s;
	double own_ns;
	int err;

	r->stretches++;
	profile__begin(s->profile, begin_ns);
	if (s->o.timeline)
		timeline__begin(s->o.timeline, begin_ns);
	probes__limit(s->probes, -1);
	(void)session_run__is_too_dear(r, &r->governor);
	probes__count_from(s->probes, session_run__clips_waits(r) ? begin_ns : 0, false);
	if (r->stretches == 1)
		gapcount__begin(&r->count, s->target.proc, s->target.gp);
	probes__start(s->probes);
	if (r->stretches > 1) {
		note_debug("recording goes on");
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
	if (err)
		probes__off(s->probes);
	r->phase = SESSION_EXACT;
	r->stepped_ns = clock_now_ns();
	return err ? err : JOB_GOES_ON;
}

static void session_run__end_stretch(struct session_run *r)
{
	const uint64_t begin_ns = r->start_ns + r->covered_ns;

	r->covered_ns = r->exact_ns = session_run__finish(r, begin_ns) - r->start_ns;
	probes__off(r->s->probes);
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

	if (s->allocs && s->requests)
		reqlooks__end(s->requests);
	if (s->allocs)
		allocrun__finish(&s->allocrun);
	for (size_t i = 0; i < s->target.nr && probes__have_waits(s->probes); i++)
		(void)ingest__sums(s->intake, (uint16_t)i, probes__attach(s->probes, i));
}

/* Our own CPU time is cost too. */
static void session_run__pay(struct session_run *r, struct governor *g)
{
	const double cost = owncost__ns(&r->own, r->s, false) + r->beside.taken_ns;

	governor__spend(g, cost - r->own_spent_ns);
	r->own_spent_ns = cost;
}

/* What every event has cost, for what follows. */
static void session_run__learn(struct session_run *r)
{
	struct governor *g = &r->governor;
	uint64_t stats[PW_STAT_MAX];
	double hits, around;

	session_run__sum_up(r);
	probes__stats(r->s->probes, stats);
	around = probes__off_ns(r->s->probes, stats);
	hits = probes__cost_ns(r->s->probes, stats) - around;
	governor__spend(g, hits + around + r->stretches * GOVERNOR_LINKS_NS);
	session_run__pay(r, g);
	/* what came while the first probes were made says nothing of how long that takes later */
	governor__learn(g, r->exact_ns, hits, GOVERNOR_AROUND_NS * hits / (double)(r->exact_ns + 1),
			0);
}

static int session_run__begin_estimate(struct session_run *r);

/* No stretch goes on. It has no limit, or is one of moments: that was all. */
static int session_run__end_exact(struct session_run *r)
{
	if (session_run__was_absent(r))
		session_run__leave_out(r, r->start_ns + r->covered_ns);
	session_run__learn(r);
	r->over_budget = r->s->o.timeline && !session_run__is_over(r);
	return r->governor.max <= 0 || r->s->o.timeline ? JOB_OVER : session_run__begin_estimate(r);
}

static int session_run__step_exact(struct session_run *r, struct cause *why)
{
	struct session *s = r->s;
	int err;

	if (s->allocs && s->allocrun.open) {
		allocrun__tick(&s->allocrun, session_run__stops(r) ? 0 : session_run__left_ns(r));
		if (s->requests) /* collections do not wait for its end */
			reqpace__follow(r);
		if (s->allocrun.open)
			return JOB_GOES_ON;
	}
	if (session_run__drain(r)) {
		if (s->requests)
			reqpace__step(r);
		r->stepped_ns = clock_now_ns();
		return JOB_GOES_ON;
	}
	session_run__end_stretch(r);
	if (!session_run__was_absent(r) || session_run__is_over(r))
		return session_run__end_exact(r);
	err = session_run__go_on(r, why);
	return err ? err : session_run__begin_stretch(r, why);
}

/* --- estimates: windows as often as they may be, looks in between --- */

/* Births and exits since the look before are known from looks, windows have nothing to add. */
static bool windows_tell_more(enum profile_event e)
{
	return profile_event_is_time(e);
}

/* A window where what it will cost has been saved up. */
static void session_run__plan(const struct session_run *r, struct stratum *ret)
{
	const struct governor *g = &r->governor;
	const uint64_t gone = clock_now_ns() - r->start_ns;
	const double cpu = session_run__cpu(r), time = session_run__gone(r);
	const bool window = !session_run__is_of_looks(r) && !r->s->requests &&
			    windows_tell_more(r->s->o.profile.event) &&
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

static int session_run__open_window(struct session_run *r, struct cause *why)
{
	const double most = 2 * governor__window_ns(&r->governor) / PROBES_HIT_NS;

	r->window_began_ns = clock_now_ns();
	r->phase = SESSION_WINDOW;
	return windows__begin(r->s->windows, r->governor.width_ns,
			      most > LIMIT_HITS ? (int64_t)most : LIMIT_HITS, why);
}

static int session_run__close_window(struct session_run *r, double *ret_width_ns,
				     double *ret_count_factor, struct cause *why)
{
	struct governor *g = &r->governor;
	struct windows_seen seen;
	int err = windows__end(r->s->windows, &seen, why);

	if (err)
		return err;
	r->windows++;
	session_run__see_gap(r);
	session_run__see_cpu(r);
	governor__spend(g, seen.hits_ns + seen.around_ns + GOVERNOR_LINKS_NS);
	governor__learn(g, seen.end_ns - seen.begin_ns, seen.hits_ns, seen.around_ns, seen.look_ns);
	*ret_width_ns = (double)(seen.end_ns > seen.begin_ns ? seen.end_ns - seen.begin_ns : 1);
	*ret_count_factor = (double)(seen.end_ns - r->counted_ns) / *ret_width_ns;
	r->counted_ns = seen.end_ns;
	r->no_window_until_ns =
		clock_now_ns() + WINDOW_REST * (clock_now_ns() - r->window_began_ns);
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

/*
 * What rows gained until then is told, about once a second. Ends of cuts are whole milliseconds: a
 * report names them, and can be asked for what follows.
 */
static void session_run__cut(struct session_run *r)
{
	/* of births and exits a look tells what was before it */
	uint64_t ns = windows_tell_more(r->s->o.profile.event) ? r->start_ns + r->covered_ns
							       : r->stepped_ns;

	ns -= (ns - profile__first_ns(r->s->profile)) % NS_PER_MS;
	if (ns >= profile__cut_ns(r->s->profile) + CUT_NS)
		profile__cut(r->s->profile, ns);
}

/* The part of the time has its sample: how much that stands for. Then the rest of it goes by. One
 * that was cut is the end: what was seen before is written. */
static int session_run__sampled(struct session_run *r, int err, double stood_for,
				double count_factor)
{
	uint64_t length;

	rt_boost__restore(r->s->pace);
	r->cut |= err == -ETIMEDOUT;
	if (err)
		return err == -ETIMEDOUT ? JOB_OVER : err;
	if (!r->windows)
		r->counted_ns = clock_now_ns();
	length = session_run__real_length(r, r->stratum.length_ns);
	/* births and exits are all those since the look before, however late this one is */
	if (!windows_tell_more(r->s->o.profile.event))
		stood_for = (double)length;
	profile__weigh(r->s->profile, (double)length / stood_for, count_factor, length);
	r->covered_ns += length;
	session_run__cut(r);
	r->phase = SESSION_REST;
	return JOB_GOES_ON;
}

static int session_run__next(struct session_run *r)
{
	if (session_run__is_over(r))
		return JOB_OVER;
	r->cpu_began_ns = clock_cpu_ns();
	session_run__share(r, &r->governor);
	session_run__see_gap(r);
	session_run__plan(r, &r->stratum);
	r->phase = SESSION_MOMENT;
	r->stepped_ns = clock_now_ns();
	return JOB_GOES_ON;
}

static int session_run__begin_estimate(struct session_run *r)
{
	r->counted_ns = clock_now_ns();
	if (session_run__is_of_looks(r)) /* nothing was exact: time begins here */
		profile__begin(r->s->profile, r->start_ns);
	if (!session_run__is_over(r)) /* estimates follow */
		profile__cut(r->s->profile, r->start_ns + r->exact_ns);
	return session_run__next(r);
}

/* Where in it the part of the time is sampled, or where it ends. */
static uint64_t session_run__moment_ns(const struct session_run *r)
{
	return r->start_ns + r->covered_ns + (r->phase == SESSION_MOMENT ? r->stratum.after_ns : 0);
}

/* In between it is seen whether parkwatch was absent. False: the moment is still to come. */
static bool session_run__is_due(struct session_run *r)
{
	r->stepped_ns = clock_now_ns();
	session_run__see_gap(r);
	session_run__see_cpu(r);
	if (beside__is_on(r))
		beside__step(r);
	return session_run__stops(r) || !proc__alive(r->s->target.proc) ||
	       r->stepped_ns >= session_run__moment_ns(r);
}

static int session_run__step_moment(struct session_run *r, struct cause *why)
{
	struct session *s = r->s;

	if (!session_run__is_due(r))
		return JOB_GOES_ON;
	if (session_run__stops(r)) {
		const uint64_t gone = clock_now_ns() - r->start_ns;

		r->stratum.length_ns = gone > r->covered_ns ? gone - r->covered_ns : 1;
		r->stratum.window = false;
	}
	if (session_run__ended(r))
		return -ESRCH;
	if (sampling__look_ns(s->sampling) > rt_boost__limit_ns(s->pace))
		rt_boost__restore(s->pace); /* it began on time, and must let others run */
	if (r->stratum.window) {
		int err = session_run__open_window(r, why);

		return err ? session_run__sampled(r, err, 0, 0) : JOB_GOES_ON;
	}
	return session_run__sampled(r,
				    sampling__look(s->sampling, r->stratum.length_ns, !r->windows,
						   why),
				    (double)r->stratum.length_ns, 1);
}

static int session_run__step_window(struct session_run *r, struct cause *why)
{
	double width_ns = 1, count_factor = 1;
	int err;

	if (!session_run__stops(r) && clock_now_ns() < windows__due_ns(r->s->windows))
		return JOB_GOES_ON;
	err = session_run__close_window(r, &width_ns, &count_factor, why);
	return session_run__sampled(r, err, width_ns, count_factor);
}

static int session_run__step_rest(struct session_run *r)
{
	if (!session_run__is_due(r))
		return JOB_GOES_ON;
	if (!r->stratum.window)
		governor__looked(&r->governor,
				 r->own.part * (double)(clock_cpu_ns() - r->cpu_began_ns));
	session_run__pay(r, &r->governor);
	return session_run__next(r);
}

/* --- from the first moment to the last --- */

/* What was seen until the target ended is written. */
static int session_run__outcome(struct session_run *r, int state)
{
	if (state >= 0)
		return state;
	return session_run__ended(r) || (r->s->probes && !probes__held(r->s->probes)) ? JOB_OVER
										      : state;
}

int session_run__begin(struct session_run *r, struct cause *why)
{
	const bool of_looks = session_run__is_of_looks(r);

	owncost__begin(&r->own, r->s);
	if (r->s->requests)
		reqpace__begin(r);
	/* allocations and samples keep to it by themselves */
	governor__init(&r->governor,
		       !of_looks && (r->s->allocs || r->s->cpustack) ? 0 : r->s->o.max_overhead);
	if (beside__is_on(r))
		beside__begin(r);
	return session_run__outcome(r, of_looks ? session_run__begin_estimate(r)
						: session_run__begin_stretch(r, why));
}

int session_run__step(struct session_run *r, struct cause *why)
{
	int state = JOB_OVER;

	switch (r->phase) {
	case SESSION_TRIAL: break; /* the session's */
	case SESSION_EXACT: state = session_run__step_exact(r, why); break;
	case SESSION_MOMENT: state = session_run__step_moment(r, why); break;
	case SESSION_WINDOW: state = session_run__step_window(r, why); break;
	case SESSION_REST: state = session_run__step_rest(r); break;
	}
	state = session_run__outcome(r, state);
	if (state == JOB_OVER && beside__is_on(r))
		beside__end(r);
	return state;
}

static uint64_t session_run__due_exact(const struct session_run *r)
{
	const struct allocrun *a = r->s->allocs ? &r->s->allocrun : NULL;
	const uint64_t now = clock_now_ns(), left = session_run__left_ns(r),
		       every_ns =
			       (r->governor.max > 0 && !r->calm ? GOVERN_MS : HEART_MS) * NS_PER_MS;
	uint64_t at = r->stepped_ns + every_ns;

	if (a && a->open)
		return allocrun__due_ns(a, now);
	if (left < UINT64_MAX - now)
		at = least(at, now + left);
	if (r->s->requests)
		at = least(at, reqlooks__due_ns(r->s->requests));
	return a ? least(at, allocrun__due_ns(a, now)) : at;
}

struct job_due session_run__due(const struct session_run *r)
{
	const uint64_t moment_ns = session_run__moment_ns(r),
		       poll_ns = r->stepped_ns + POLL_MS * NS_PER_MS,
		       tick_ns = beside__is_on(r) ? least(poll_ns, r->beside.due_ns) : poll_ns;

	switch (r->phase) {
	case SESSION_EXACT: return (struct job_due){ session_run__due_exact(r), NULL };
	/* in a hurry still, as far as that goes */
	case SESSION_WINDOW: return (struct job_due){ windows__due_ns(r->s->windows), NULL };
	case SESSION_MOMENT:
		if (moment_ns <= tick_ns)
			return (struct job_due){ moment_ns, r->s->pace };
		break;
	default: break;
	}
	return (struct job_due){ least(moment_ns, tick_ns), NULL };
}

size_t session_run__fds(const struct session_run *r, struct pollfd *ret)
{
	const struct session *s = r->s;
	size_t nr = 0;

	/* what is open for some milliseconds is closed on time, whatever comes */
	if (r->phase == SESSION_WINDOW || (s->allocs && s->allocrun.open))
		return 0;
	ret[nr++] = (struct pollfd){ .fd = proc__pidfd(s->target.proc), .events = POLLIN };
	if (r->phase == SESSION_EXACT)
		ret[nr++] = (struct pollfd){ .fd = ring__fd(probes__ring(s->probes)),
					     .events = POLLIN };
	return nr;
}
