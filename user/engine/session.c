/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/owncost.h"
#include "engine/session_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rt_boost.h"
#include "census/census.h"
#include "model/governor.h"
#include "names/namer.h"
#include "probe/probe_set.h"
#include "requests/requests.h"
#include "target/resource_read.h"

#define CREATORS_MOST_NS (5 * NS_PER_SEC) /* that looking at them may take */

void session__free(struct session *s)
{
	if (!s)
		return;
	windows__free(s->windows);
	probes__free(s->probes);
	rt_boost__free(s->pace);
	recorders__leave(s->recorders);
	sampling__free(s->sampling);
	allocs__free(s->allocs);
	ingest__free(s->intake);
	reqlooks__free(s->requests);
	wanted__free(s->wanted);
	cpustack__free(s->cpustack);
	probes__free(s->calls);
	callsites__free(s->callsites);
	for (size_t i = 0; i < GOPROC_RUNTIMES_MAX; i++)
		census__free(s->before[i]);
	profile__free(s->profile);
	resource__done(&s->resource);
	target__close(&s->target);
	free(s);
}

/* Points that must be probed, and records wanted, for an event. */
static void session__needs(const struct session_opts *o, uint32_t *ret_points, uint32_t *ret_want)
{
	uint32_t points = 0, want = 0;

	switch (o->profile.event) {
	case PROFILE_BLOCKED:
		points = pw_points_for(PW_FOR_WAITS);
		want = PW_WANT_WAIT;
		break;
	case PROFILE_BIRTHS:
		points = pw_points_for(PW_FOR_BIRTHS);
		want = PW_WANT_BIRTH;
		break;
	case PROFILE_EXITS: /* counted by creation stack: births say which */
		points = pw_points_for(PW_FOR_LIVES);
		want = PW_WANT_BIRTH | PW_WANT_EXIT;
		break;
	case PROFILE_SCHED:
		points = pw_points_for(PW_FOR_SCHED);
		want = PW_WANT_SCHED;
		break;
	case PROFILE_WAKEUPS:
		points = pw_points_for(PW_FOR_WAKES);
		want = PW_WANT_WAKE;
		if (o->timeline) {
			points |= pw_points_for(PW_FOR_LIVES);
			want |= PW_WANT_ROUND;
		}
		break;
	case PROFILE_BLOCK:
		points = pw_points_for(PW_FOR_BLOCKS);
		want = PW_WANT_BLOCK;
		break;
	case PROFILE_MUTEX:
		points = pw_points_for(PW_FOR_MUTEXES);
		want = PW_WANT_MUTEX;
		break;
	case PROFILE_ALLOC: /* allocs says which, by runtime */
	case PROFILE_CPU:   /* a clock, no point */
	case PROFILE_WALL:  /* the same, and looks */
	case PROFILE_GOROUTINES: /* nothing is recorded */ break;
	}
	if (o->profile.async) {
		points |= pw_points_for(PW_FOR_LIVES);
		want |= PW_WANT_BIRTH | PW_WANT_EXIT;
	}
	if (o->profile.root == PROFILE_ROOT_CREATED_BY && points)
		want |= PW_WANT_BIRTH;
	if (o->profile.root == PROFILE_ROOT_LABEL ||
	    (o->filter && filter__asks(o->filter, FILTER_LABEL)))
		want |= PW_WANT_LABELS;
	*ret_points = points;
	*ret_want = want;
}

/*
 * By creation site: births say who called the libraries; where they cannot be probed, one can do
 * without.
 */
static int session__choose(void *ctx, uint16_t rt, const struct plan *plan,
			   struct probes_points *ret, struct cause *why)
{
	uint32_t all = ret->all | pw_points_for(PW_FOR_BIRTHS);

	(void)ctx, (void)rt, (void)why;
	if (!plan__check_points(plan, &all, NULL))
		ret->all = all;
	return 0;
}

/* Nobody asks for waits one by one: what their rows are made of is what sums are kept apart by. */
static bool session__sums(const struct session *s)
{
	const struct session_opts *o = &s->o;
	const enum profile_event event = o->profile.event;
	const enum profile_root root = o->profile.root;

	return profile_event_is_time(event) && event != PROFILE_CPU && event != PROFILE_WALL &&
	       !o->profile.async && !o->single_events && !o->timeline &&
	       (!s->wanted || !wanted__asks(s->wanted, FILTER_LABEL) ||
		wanted__labels_are_told(s->wanted)) &&
	       root != PROFILE_ROOT_GOID && !profile_root_is_of_labels(root);
}

static int session__build_allocs(struct session *s)
{
	const struct allocs_opts o = {
		.proc = s->target.proc,
		.gp = s->target.gp,
		.profile = s->profile,
		.intake = s->intake,
		.source = s->o.alloc,
		.some = s->o.nr_goids || s->wanted,
	};

	int err = s->o.profile.event == PROFILE_ALLOC ? allocs__new(&o, &s->allocs) : 0;

	if (s->allocs && s->requests)
		reqlooks__allocs(s->requests, allocs__one, s->allocs);
	return err;
}

static bool session__samples(const struct session *s)
{
	return s->o.profile.event == PROFILE_CPU ||
	       (s->o.profile.event == PROFILE_WALL && !s->o.no_probes);
}

static int session__build_probes(struct session *s, struct cause *why)
{
	struct probes_opts po = {
		.shared = s->o.profile.event == PROFILE_ALLOC || session__samples(s) ? NULL
										     : s->o.shared,
		.transport = s->o.transport,
		.attach = s->o.attach,
		.goids = s->o.goids,
		.nr_goids = s->o.nr_goids,
		.filters = s->wanted ? wanted__filters(s->wanted) : NULL,
		.depth = s->o.depth,
		.ring_bytes = s->o.ring_bytes,
		.no_cost = s->o.no_cost,
		.want = { .sums = session__sums(s),
			  .min_wait_ns = s->o.min_wait_ns,
			  .wakers = s->o.profile.wakers },
	};
	int err = session__build_allocs(s);

	if (err)
		return err;
	err = recorders__join(s->target.proc, &s->recorders);
	if (err == -ENOSPC)
		return cause__set(why, err, "cannot record pid %d: %d recorders are there already",
				  (int)s->o.pid, RECORDERS_MAX);
	if (err)
		return err;
	session__needs(&s->o, &po.points, &po.want.want);
	if (session__samples(s)) {
		cpupace__init(&s->cpupace, s->o.cpu_hz, s->o.max_overhead);
		po.cpu_hz = s->cpupace.hz;
	}
	if (s->callsites && !session__samples(s))
		po.choose = session__choose;
	if (s->allocs) {
		po.choose = allocs__choose;
		po.choose_ctx = s->allocs;
		po.alloc_root = allocs__root(s->profile);
	}
	err = probes__new(&po, s->target.proc, s->target.gp, ingest__record, s->intake, &s->probes,
			  why);
	if (!err && s->wanted)
		wanted__tell(s->wanted, s->probes);
	return err ? err
		   : windows__new(&(struct windows_opts){ s->target.proc, s->target.gp, s->profile,
							  s->intake, s->probes, s->o.depth,
							  &s->until },
				  &s->windows);
}

/* Before it began: there is nothing to write. */
static int session__asked_to_end(const struct session *s, struct cause *why)
{
	return *s->o.stop ? cause__set(why, -ECANCELED, "a signal ended it before recording began")
			  : 0;
}

static int session__build_wanted(struct session *s, struct cause *why)
{
	const struct wanted_opts o = {
		.filter = s->o.filter,
		.proc = s->target.proc,
		.gp = s->target.gp,
		.namers = s->target.namers,
		.profile = s->profile,
	};

	return s->o.filter ? wanted__new(&o, &s->wanted, why) : 0;
}

static bool session__knows_requests(const struct session *s)
{
	bool known = false;

	for (size_t i = 0; i < s->target.nr && !known; i++) {
		scoped(requests_reader) rr = NULL;

		known = !requests_reader__new(proc__mem(s->target.proc),
					      goproc__runtime(s->target.gp, i), &rr) &&
			requests_reader__knows_a_server(rr);
	}
	return known;
}

/* It can be told of allocations without another source of them: who refills is (engine/allocs). */
static bool session__knows_whose(const struct session *s)
{
	bool known = true;

	for (size_t i = 0; i < s->target.nr && s->o.profile.event == PROFILE_ALLOC; i++)
		known = known && goproc__runtime(s->target.gp, i)->regabi;
	return known;
}

static int session__build(struct session *s, struct cause *why)
{
	struct ingest_opts io = {
		.labels = s->o.profile.root == PROFILE_ROOT_LABEL,
		.system = s->o.system,
		.goids = s->o.goids,
		.nr_goids = s->o.nr_goids,
		.until = &s->until,
	};
	int err;

	err = target__open(&s->target, s->o.pid, &s->until, why);
	if (!err)
		err = resource_read(s->target.proc, &s->resource);
	if (!err && s->o.requests_if_known &&
	    !(session__knows_requests(s) && session__knows_whose(s)))
		s->o.profile.root = PROFILE_ROOT_NONE;
	if (!err && s->o.profile.root == PROFILE_ROOT_CREATED_BY)
		err = callsites__new(s->target.namers, s->target.nr, &s->callsites);
	if (!err)
		err = profile__new(&s->o.profile, &s->profile);
	if (!err && session__samples(s))
		err = cpustack__new(s->target.proc, s->target.gp, &s->cpustack);
	if (!err && profile_root_is_of_requests(s->o.profile.root))
		err = reqlooks__new(&(struct reqlooks_opts){ s->target.proc, s->target.gp,
							     s->profile, s->o.stop,
							     s->o.requests_apart },
				    &s->requests);
	io.cpu = s->cpustack;
	io.timeline = s->o.timeline;
	io.requests = s->requests;
	if (!err)
		err = session__build_wanted(s, why);
	io.wanted = s->wanted;
	if (!err)
		err = ingest__new(s->target.proc, s->target.gp, s->profile, &io, &s->intake);
	if (!err)
		err = sampling__new(&(struct sampling_opts){ s->target.proc, s->target.gp,
							     s->profile, s->intake, s->o.depth,
							     &s->until, s->requests },
				    &s->sampling);
	if (!err)
		err = session__asked_to_end(s, why);
	if (!err && !s->o.no_probes)
		err = session__build_probes(s, why);
	if (!err)
		calls__open(s);
	return err ? err : session__asked_to_end(s, why);
}

int session__open(const struct session_opts *o, struct session **ret, struct cause *why)
{
	scoped(session) s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->o = *o;
	s->o.profile.min_ns = o->min_wait_ns;
	if (o->rate <= 0)
		s->o.rate = o->profile.event == PROFILE_WALL ? SESSION_RATE_WALL : SESSION_RATE;
	s->until = deadline_in(SESSION_OPEN_NS, o->stop);
	err = session__build(s, why);
	if (err)
		return cause__set(why, err, "cannot record pid %d: %s", o->pid, strerror(-err));
	proc__limit(s->target.proc, NULL); /* each look has its own from here on */
	*ret = steal(s);
	return 0;
}

static void session__end_of_probes(const struct session *s, struct session_end *e,
				   struct losses *lost)
{
	const struct ingest_stats *in = ingest__stats(s->intake);
	uint64_t stats[PW_STAT_MAX];

	probes__stats(s->probes, stats);
	stats[PW_STAT_OFF] -= s->allocrun.foretold;
	e->probes_killed = !probes__held(s->probes);
	e->hits = session__samples(s) ? probes__samples(stats)
				      : probes__hits(stats) + stats[PW_STAT_OFF];
	if (session__samples(s)) /* a clock that starts costs nothing to speak of */
		e->attached = s->run.calls.linked;
	e->call_hits = calls__hits(s);
	e->attached += e->windows + (s->allocs ? (uint32_t)s->allocrun.windows.windows : 0);
	e->events = s->allocs ? allocs__objects(s->allocs) : ingest__events(s->intake, stats);
	e->filtered = stats[PW_STAT_FILTERED];
	/* of samples a frame says it */
	e->stacks_cut = session__samples(s) ? 0 : stats[PW_STAT_LOST_CODE];
	probes__losses(s->probes, stats, lost);
	losses__add(lost, in->pipe.malformed + in->pipe.unknown, "not understood");
	e->cost_ns = probes__calibrated(s->probes)
			     ? probes__cost_ns(s->probes, stats) + calls__cost_ns(s)
			     : -1;
}

static void session__end(const struct session *s, struct session_end *e)
{
	const struct sampling_stats *looks = sampling__stats(s->sampling);
	struct losses lost = { 0 };
	struct profile_stats ps;

	profile__stats(s->profile, &ps);
	e->looks = looks->looks;
	if (s->requests) {
		e->request_looks = reqlooks__stats(s->requests)->looks;
		e->requests_ns = reqlooks__stats(s->requests)->cpu_ns;
	}
	e->unwanted = ingest__stats(s->intake)->unwanted;
	if (s->probes)
		session__end_of_probes(s, e, &lost);
	else
		e->events = ps.out;
	losses__add(&lost, ps.refused, "too many different stacks");
	losses__add(&lost, s->allocs ? allocs__refused(s->allocs) : 0,
		    "too many different allocations");
	losses__add(&lost, looks->unsettled, "moved while they were read");
	e->lost = lost.nr;
	memcpy(e->losses, lost.text, sizeof(e->losses));
}

/*
 * Who has called libraries that made goroutines, as far as their stacks say before recording. Not
 * in time: it is not known.
 */
static int session__ask_creators(struct session *s)
{
	struct deadline until = { .at_ns = clock_now_ns() + CREATORS_MOST_NS, .stop = s->o.stop };
	struct census *censuses[GOPROC_RUNTIMES_MAX] = { NULL };
	int err = 0;

	for (size_t i = 0; i < s->target.nr && !err; i++)
		err = census__read_until(proc__mem(s->target.proc),
					 goproc__runtime(s->target.gp, i), s->o.depth, &until,
					 &censuses[i]);
	if (!err)
		err = callsites__census(s->callsites, (const struct census *const *)censuses);
	for (size_t i = 0; i < s->target.nr; i++)
		if (s->o.keep_before && !err)
			s->before[i] = steal(censuses[i]);
		else
			census__free(censuses[i]);
	return err == -ENOMEM ? err : 0;
}

uint64_t session__own_ns(const struct session *s)
{
	return clock_cpu_ns() - s->others_cpu_ns + (s->probes ? probe_set_cpu_ns() : 0);
}

/* --- the job --- */

static struct allocrun_env session__alloc_env(const struct session *s)
{
	const double budget = s->o.max_overhead > 0 ? s->o.max_overhead : ALLOCRUN_OVERHEAD;

	return (struct allocrun_env){
		.proc = s->target.proc,
		.allocs = s->allocs,
		.probes = s->probes,
		.nr_rt = s->target.nr,
		.windows = ALLOCWIN_RECORDING((1 - ALLOCRUN_REFILLS) * budget),
		.refills = ALLOCRUN_REFILLS * budget,
		.pace = s->pace,
	};
}

/* What was not told yet; an interval is never empty. */
static void session__cut_last(struct session *s)
{
	const uint64_t end_ns = s->run.start_ns + s->run.covered_ns,
		       least_ns = profile__cut_ns(s->profile) + 1;

	profile__cut(s->profile, end_ns > least_ns ? end_ns : least_ns);
}

/* The recording is over: its numbers, and whether the code is as it was. */
static void session__sum(struct session *s)
{
	struct session_run *r = &s->run;
	struct session_end *e = &s->end;
	struct cause code_why = { "" };
	uint64_t own_end_ns;

	if (s->requests)
		reqlooks__end(s->requests);
	profile__begin(s->profile, r->start_ns);
	profile__end(s->profile, r->start_ns + r->covered_ns);
	if (r->exact_ns < r->covered_ns || s->allocs)
		session__cut_last(s);
	e->target_ended = r->target_ended;
	e->cut = r->cut;
	e->over_budget = r->over_budget;
	e->target_stopped = !r->target_ended && proc__stopped(s->target.proc);
	e->duration_ns = r->covered_ns;
	e->exact_ns = r->exact_ns;
	e->exact_until_ns = r->start_ns + r->exact_ns;
	e->gap_ns = r->gap_ns;
	e->held_ns = r->held_ns;
	e->gap_waits = r->gap_waits;
	e->gap_missing = r->gap_ns && r->count.known ? r->gap_missing : -1;
	e->attached = r->stretches;
	e->windows = r->windows;
	e->cpu_ns = s->cpu_ns - r->cpu_start_ns;
	own_end_ns = session__own_ns(s);
	e->taken_ns = owncost__ns(&r->own, s, true);
	/* a probe holder that was killed has taken its own along */
	e->own_ns = own_end_ns > s->own_start_ns ? own_end_ns - s->own_start_ns : 0;
	session__end(s, e);
	if (s->probes && (!session__samples(s) || s->calls) && /* samples leave the code as it is */
	    codecheck__end(&s->code, s->target.gp, s->target.proc, s->recorders, &code_why))
		memcpy(e->code_left, code_why.text, sizeof(e->code_left));
}

static int session__state(struct session *s, int state)
{
	if (state == JOB_OVER)
		session__sum(s);
	return state;
}

/* The probes are there, and what they will cost is known: time zero. */
static int session__record(struct session *s, struct cause *why)
{
	const struct allocrun_env env = session__alloc_env(s);
	struct session_run *r = &s->run;
	int err = s->allocs ? allocrun__init(&s->allocrun, &env, why) : 0;

	if (err)
		return err;
	s->wall_start_ns = clock_ns(CLOCK_REALTIME);
	s->cpu_ns = r->cpu_start_ns = proc__cpu_ns(s->target.proc);
	s->own_start_ns = session__own_ns(s);
	r->start_ns = r->cpu_seen_ns = clock_now_ns();
	s->until = (struct deadline){
		.at_ns = r->duration_ns ? r->start_ns + r->duration_ns + SESSION_LATE_NS
					: UINT64_MAX,
		.stop = s->o.stop,
	};
	return session__state(s, session_run__begin(r, why));
}

static int session__start(void *self, struct cause *why)
{
	struct session *s = self;
	struct allocrun_env env;
	int err = s->pace ? 0 : rt_boost__new(rt_boost_limit_ns(s->o.pid), &s->pace);

	if (err)
		return err;
	err = s->callsites ? session__ask_creators(s) : 0;
	if (err)
		return cause__set(why, err, "cannot read the goroutines of pid %d: %s",
				  (int)s->o.pid, strerror(-err));
	if (s->probes) {
		if (!session__samples(s) || s->calls)
			codecheck__begin(&s->code, s->target.gp, s->target.proc,
					 recorders__sharers(s->recorders) == 1);
		gapcount__find(&s->run.count, s->o.profile.event, s->target.proc, s->target.gp);
		err = probes__on(s->probes, why);
	}
	if (err)
		return err;
	calls__link(&s->run);
	env = session__alloc_env(s);
	s->run.stepped_ns = clock_now_ns();
	if (s->allocs && allocrun__try(&s->allocrun, &env))
		return JOB_GOES_ON;
	return session__record(s, why);
}

static struct job_due session__due(const void *self)
{
	const struct session *s = self;

	return s->run.phase == SESSION_TRIAL
		       ? (struct job_due){ s->run.stepped_ns + ALLOCRUN_TRIAL_NS, NULL }
		       : session_run__due(&s->run);
}

static size_t session__fds(const void *self, struct pollfd *ret, size_t most)
{
	const struct session *s = self;

	(void)most; /* it has two at most */
	return s->run.phase == SESSION_TRIAL ? 0 : session_run__fds(&s->run, ret);
}

static int session__step(void *self, struct cause *why)
{
	struct session *s = self;

	return s->run.phase == SESSION_TRIAL ? session__record(s, why)
					     : session__state(s, session_run__step(&s->run, why));
}

static void session__others(void *self, uint64_t cpu_ns)
{
	struct session *s = self;

	s->others_cpu_ns = cpu_ns;
}

static void session__stop(void *self)
{
	struct session *s = self;

	s->run.stopping = true;
}

struct job session__job(struct session *s, uint64_t duration_ns)
{
	static const struct job_ops ops = { .start = session__start,
					    .due = session__due,
					    .fds = session__fds,
					    .step = session__step,
					    .others = session__others,
					    .stop = session__stop };

	s->run = (struct session_run){ .s = s, .duration_ns = duration_ns };
	return (struct job){ .ops = &ops, .self = s };
}

void session__ended(const struct session *s, struct session_end *ret)
{
	*ret = s->end;
}

void session__tap(struct session *s, const struct profile_tap *tap)
{
	profile__tap(s->profile, tap);
}

const struct profile *session__profile(const struct session *s)
{
	return s->profile;
}

int session__snap(struct session *s, struct snap **ret)
{
	scoped(snap) snap = NULL;
	int err = snap__take(s->profile, &snap);

	if (!err && s->callsites)
		err = callsites__births(s->callsites, snap);
	if (!err)
		*ret = steal(snap);
	return err;
}

const struct target *session__target(const struct session *s)
{
	return &s->target;
}

const struct census *const *session__before(const struct session *s)
{
	return s->before[0] ? (const struct census *const *)s->before : NULL;
}

size_t session__namers(const struct session *s, struct namer *namers)
{
	for (size_t i = 0; i < s->target.nr; i++) {
		namers[i] = s->target.namers[i];
		namers[i].calls = s->callsites;
	}
	return s->target.nr;
}

void session__meta(const struct session *s, const struct session_end *end, struct report_meta *ret)
{
	const struct goruntime *rt = goproc__runtime(s->target.gp, 0);

	*ret = (struct report_meta){
		.pid = s->o.pid,
		.comm = proc__comm(s->target.proc),
		.exe = rt->path,
		.build_id = rt->build_id,
		.go_version = rt->version,
		.text_start = rt->modules[0].text,
		.text_end = rt->modules[0].etext,
		.wall_start_ns = s->wall_start_ns,
		.duration_ns = end->duration_ns,
		.gap_ns = end->gap_ns,
		.gap_waits = end->gap_waits,
		.gap_missing = end->gap_missing,
		.seen = end->events,
		.lost = end->lost,
		.cost = "",
		.resource = &s->resource,
	};
}
