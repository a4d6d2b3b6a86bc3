// SPDX-License-Identifier: BSD-2-Clause
#include "engine/watch_parts.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/heart.h"
#include "base/notes.h"
#include "base/vec.h"
#include "heap/chanfeed.h"
#include "engine/endless.h"
#include "engine/holdnames.h"
#include "engine/leaklabels.h"
#include "engine/leakrequests.h"
#include "engine/leads.h"
#include "engine/peers.h"
#include "engine/served.h"
#include "golang/gofacts.h"

#define DRAIN_MS HEART_MS /* from one drain to the next; the ring wakes us earlier when it fills */
/* the program's own code is called from a library, not the other way round */
#define BIRTH_DEPTH 64
#define PARKS_RING  (64u << 10) /* they send nothing */
/* windows of allocations are so much shorter than the time between two looks */
#define ALLOC_PART 10
#define CODE_NS    (5 * NS_PER_SEC) /* that the last comparing of the code may take */
/* goroutines whose channels and locks can be read in DEADLINE_STOP_NS */
#define STOP_GS      160000
#define CODE_STOP_NS (200 * NS_PER_MS) /* when the end was asked for */
/* of the budget, for the parks: what goroutines allocate is worth less */
#define RESERVED 0.25

/* Ways in which a park is not noted. */
static const enum pw_stat park_losses[] = { PW_STAT_LOST_READ, PW_STAT_LOST_GMAP,
					    PW_STAT_LOST_SITE };

static void watch__forget_refs(struct watch *w)
{
	for (size_t i = 0; i < ARRAY_SIZE(w->refs); i++)
		grefs__free(steal(w->refs[i]));
}

void watch__free(struct watch *w)
{
	if (!w)
		return;
	watch__forget_refs(w);
	probes__free(w->lives.probes);
	probes__free(w->parks.probes);
	allocwatch__free(w->allocs);
	recorders__leave(w->recorders);
	contention__done(&w->contention);
	leaks__free(w->leaks);
	labelbook__free(w->labels);
	snapshot__free(w->t);
	free(w->later);
	free(w);
}

/* --- births and exits --- */

/* Others step in the middle of what this one does: it is dealt with afterwards. */
static void watch__keep(struct watch *w, const void *data, size_t len)
{
	const size_t nr = w->nr_later + 1 + (len + 7) / 8;

	if (nr > WATCH_LATER_MAX ||
	    vec__reserve(&w->later, &w->later_room, nr, sizeof(*w->later))) {
		w->dropped++;
		return;
	}
	w->later[w->nr_later] = len;
	memcpy(&w->later[w->nr_later + 1], data, len);
	w->nr_later = nr;
}

static void watch__record(void *ctx, const void *data, size_t len)
{
	struct watch *w = ctx;
	const struct pw_hdr *h;

	if (w->lends) {
		watch__keep(w, data, len);
		return;
	}
	if (pipe_stats__decode(&w->pipe, data, len, &h))
		return;
	if (h->rt >= w->t->target.nr) {
		w->pipe.out--;
		w->pipe.malformed++;
		return;
	}
	leaks__record(w->leaks, h);
	if (h->kind == PW_BIRTH) {
		const struct pw_birth *b = (const struct pw_birth *)h;

		leaks__life(w->leaks, h->rt, b->gopc, b->startpc, h->ts_ns, true);
	} else if (h->kind == PW_EXIT) {
		const struct pw_exit *e = (const struct pw_exit *)h;

		leaks__life(w->leaks, h->rt, e->gopc, e->startpc, h->ts_ns, false);
	}
}

/* A long reading begins, in which other jobs may step; or it is over. */
static void watch__lend(struct watch *w, bool lends)
{
	const size_t nr = lends ? 0 : w->nr_later;

	w->lends = lends;
	jobs__lend(lends);
	for (size_t i = 0; i < nr; i += 1 + (w->later[i] + 7) / 8)
		watch__record(w, &w->later[i + 1], w->later[i]);
	w->nr_later -= nr;
}

/* Each takes a tenth of a second to load: after a signal that asks for the end none is. */
static void watch__open_optional(struct watch *w, struct optional_probes *e,
				 const struct probes_opts *o)
{
	if (w->until.stop && *w->until.stop)
		optional_probes__give_up(e, "the end was asked for");
	else
		optional_probes__open(e, o, w->t, watch__record, w);
}

static void watch__open_all_optional(struct watch *w)
{
	struct probes_opts o = { .shared = w->o.shared,
				 .transport = -1,
				 .attach = ATTACH_AUTO,
				 .depth = BIRTH_DEPTH,
				 .deeper = true,
				 .no_cost = w->o.no_cost };

	if (w->o.no_probes) {
		optional_probes__give_up(&w->lives, "--no-probes");
		optional_probes__give_up(&w->parks, "--no-probes");
		return;
	}
	o.others = pw_points_for(PW_FOR_PARKS | PW_FOR_SINGLES | PW_FOR_REFILLS);
	o.points = pw_points_for(PW_FOR_LIVES);
	o.want.want = PW_WANT_BIRTH | PW_WANT_EXIT;
	o.ring_bytes = PW_RING_DEFAULT;
	watch__open_optional(w, &w->lives, &o);
	o.points = pw_points_for(PW_FOR_PARKS);
	o.want.want = PW_WANT_PARK;
	/* what others have from the same set may be records */
	o.ring_bytes = w->o.shared ? PW_RING_DEFAULT : PARKS_RING;
	watch__open_optional(w, &w->parks, &o);
}

/*
 * Before Go 1.17 only the parks tell who ran: there they are worth as much to a program that hardly
 * runs as to one that runs all the time.
 */
static double watch__allowed(struct watch *w)
{
	const bool parks_only = !gofacts_has(w->t->target.namers[0].go_minor, GO_RUNS_COUNTED);
	const double wall = (double)(clock_now_ns() - w->start_ns);
	double cpu = (double)(w->cpu_ns - w->cpu_start_ns);

	if (parks_only && cpu < wall)
		cpu = wall;
	if (w->recorders)
		governor__share(&w->governor, recorders__sharers(w->recorders), cpu, wall);
	return governor__left_ns(&w->governor, cpu, wall);
}

/* Takes the probes down that cost more than they may: those that are worth less first. */
static void watch__keep_budget(struct watch *w)
{
	const double allowed = watch__allowed(w);

	if (w->o.max_overhead <= 0)
		return;
	optional_probes__measure(&w->lives);
	optional_probes__measure(&w->parks);
	if (w->parks.probes && w->lives.cost_ns + w->parks.cost_ns + w->allocs_ns > allowed)
		optional_probes__give_up(&w->parks, OPTIONAL_PROBES_TOO_DEAR);
	if (w->lives.probes && w->lives.cost_ns + w->allocs_ns > allowed)
		optional_probes__give_up(&w->lives, OPTIONAL_PROBES_TOO_DEAR);
}

/* --- allocations --- */

static void watch__open_allocs(struct watch *w)
{
	const struct allocwatch_opts o = {
		.proc = w->t->target.proc,
		.gp = w->t->target.gp,
		.max_overhead = w->o.max_overhead,
		.longest_ns = w->o.duration_ns / (LOOKPLAN_LOOKS - 1) / ALLOC_PART,
		.no_cost = w->o.no_cost,
	};

	if (w->o.no_probes)
		(void)cause__set(&w->allocs_why, 0, "--no-probes");
	else if (w->until.stop && *w->until.stop)
		(void)cause__set(&w->allocs_why, 0, "the end was asked for");
	else
		(void)allocwatch__new(&o, &w->allocs, &w->allocs_why);
}

/* What a window may cost now: of its own share, and of what the other probes leave. */
static double watch__left_for_allocs(struct watch *w)
{
	const double cpu = (double)(w->cpu_ns - w->cpu_start_ns),
		     all = (w->parks.probes ? 1 - RESERVED : 1) * watch__allowed(w);

	if (w->o.max_overhead <= 0)
		return HUGE_VAL;
	return fmin(ALLOCWATCH_FREE_NS + ALLOCWATCH_SHARE * w->o.max_overhead * cpu,
		    all - w->lives.cost_ns - w->parks.cost_ns) -
	       w->allocs_ns;
}

/*
 * A window now, if it is due, if there is time for it until the next look, and if it may cost what
 * it will.
 */
static void watch__tick_allocs(struct watch *w, uint64_t until_ns)
{
	const uint64_t now = clock_now_ns(), left = until_ns > now ? until_ns - now : 0;

	if (!w->allocs)
		return;
	allocwatch__tick(w->allocs, left > ALLOCWATCH_AROUND_NS ? left - ALLOCWATCH_AROUND_NS : 0,
			 watch__left_for_allocs(w));
	if (!allocwatch__is_open(w->allocs))
		w->allocs_ns = allocwatch__cost_ns(w->allocs);
}

static void watch__take_allocs(struct watch *w)
{
	struct leak_allocs seen = { 0 };
	int err;

	if (!w->allocs)
		return;
	err = allocwatch__finish(w->allocs, &seen, &w->allocs_why);
	if (!err)
		err = leaks__allocated(w->leaks, &seen);
	free(seen.parts);
	w->allocs_ns = allocwatch__cost_ns(w->allocs);
	w->end.hits += allocwatch__hits(w->allocs);
	w->end.cost_ns += w->allocs_ns;
}

const char *watch__allocs_why(const struct watch *w)
{
	return w->leaks->allocated ? NULL : w->allocs_why.text;
}

const char *watch__requests_why(const struct watch *w)
{
	return w->requests_why.text[0] ? w->requests_why.text : NULL;
}

const char *watch__lives_why(const struct watch *w)
{
	return leakset__lives_known(w->leaks->set) ? NULL : w->lives.why.text;
}

int watch__open(const struct watch_opts *o, const volatile sig_atomic_t *stop, struct watch **ret,
		struct cause *why)
{
	scoped(watch) w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->o = *o;
	w->until = deadline_in(SNAPSHOT_MOST_NS, stop);
	err = snapshot__new(o->pid, SNAPSHOT_NO_CENSUS, &w->until, &w->t, why);
	if (!err)
		err = leaks__new(w->t->target.namers, w->t->target.nr, &w->leaks);
	if (!err)
		err = labelbook__new(&w->labels);
	if (err)
		return cause__set(why, err, "cannot watch pid %d: %s", (int)o->pid, strerror(-err));
	watch__open_all_optional(w);
	watch__open_allocs(w);
	*ret = steal(w);
	return 0;
}

/* --- looks --- */

/* From now on, for the next that is read. */
static void watch__allow(struct watch *w, uint64_t ns)
{
	deadline__move(&w->until, ns);
}

/* -ESRCH: the target has ended, or the time was over; then the look before is the last. */
static int watch__look(struct watch *w, struct cause *why)
{
	const uint64_t began = clock_now_ns();
	struct dump_input in;
	int err;

	watch__allow(w, WATCH_LOOK_NS);
	watch__forget_refs(w);
	watch__lend(w, true);
	err = snapshot__again(w->t, w->o.depth, why);
	if (err)
		return err;
	in = (struct dump_input){
		.censuses = (const struct census *const *)w->t->censuses,
		.namers = w->t->target.namers,
		.nr = w->t->target.nr,
	};
	err = leaks__look(w->leaks, &in, w->t->censuses[0]->taken_ns);
	if (err)
		return cause__set(why, err, "cannot put the goroutines together: %s",
				  strerror(-err));
	if (!w->looks++) {
		w->start_ns = w->t->censuses[0]->taken_ns;
		if (w->o.began)
			w->o.began(w->o.ctx, w);
	}
	if (clock_now_ns() - began > w->plan.look_ns)
		w->plan.look_ns = clock_now_ns() - began;
	return 0;
}

static void watch__see_cpu(struct watch *w)
{
	uint64_t ns = proc__cpu_ns(w->t->target.proc);

	if (ns)
		w->cpu_ns = ns;
}

void watch__progress(const struct watch *w, struct watch_progress *ret)
{
	*ret = (struct watch_progress){
		.elapsed_ns = clock_now_ns() - w->start_ns,
		.looks = w->looks,
		.goroutines = w->leaks->nr_last,
	};
}

static void watch__drain(struct watch *w)
{
	optional_probes__check(&w->lives);
	optional_probes__check(&w->parks);
	if (w->lives.probes)
		(void)ring__drain(probes__ring(w->lives.probes));
	if (w->parks.probes)
		(void)ring__drain(probes__ring(w->parks.probes));
	watch__see_cpu(w);
	watch__keep_budget(w);
}

static bool watch__stops(const struct watch *w)
{
	return w->stopping || (w->until.stop && *w->until.stop);
}

/* Searches, if it is time for that, and tells which look comes next. */
static size_t watch__next(struct watch *w)
{
	size_t searches;

	watch__allow(w, w->o.proof_ns + WATCH_LOOK_NS);
	w->plan.start_ns = w->start_ns;
	w->plan.duration_ns = w->o.duration_ns;
	watch__lend(w, true);
	searches = lookplan__searches(&w->plan, lookplan__next(&w->plan, clock_now_ns()));
	if (searches > w->plan.searched)
		watch__search(w);
	w->plan.searched = searches > w->plan.searched ? searches : w->plan.searched;
	return lookplan__next(&w->plan, clock_now_ns());
}

/* For each of two looks that take long; the search for what is leaked comes after them. */
static uint64_t watch__contention_budget(struct watch *w)
{
	return watch__proof_left(w) / 4;
}

/* i: the runtime that source is of. */
static int watch__facts(struct watch *w, size_t i, const struct chans_source *source)
{
	scoped_mem uint32_t *gs = NULL;
	scoped(chanfeeds) feeds = NULL;
	size_t nr;
	int err = leaks__asks(w->leaks, (uint16_t)i, &gs, &nr);

	if (!err)
		err = chanfeeds__read(proc__mem(w->t->target.proc),
				      goproc__runtime(w->t->target.gp, i), w->t->censuses[i],
				      source->chans, gs, nr, w->t->censuses[0]->taken_ns, &feeds);
	return err ? err : leaks__facts(w->leaks, (uint16_t)i, source, feeds);
}

struct parked_walk {
	struct leaks *l;
	uint16_t rt;
};

static void watch__parked(void *ctx, const struct pw_parked *p)
{
	const struct parked_walk *w = ctx;

	leaks__parked(w->l, w->rt, p->goid, p->ns);
}

static void watch__take_parks(struct watch *w)
{
	uint64_t stats[PW_STAT_MAX];
	int err = 0;

	for (size_t i = 0; i < w->t->target.nr && !err; i++) {
		struct parked_walk walk = { .l = w->leaks, .rt = (uint16_t)i };

		err = attach__parks_each(probes__attach(w->parks.probes, i), watch__parked, &walk);
	}
	probes__stats(w->parks.probes, stats);
	for (size_t i = 0; i < ARRAY_SIZE(park_losses); i++)
		err = stats[park_losses[i]] ? -ENOBUFS : err;
	if (!err)
		leaks__parks(w->leaks);
}

/* Recording ends: what the probes know. */
static void watch__close_optional(struct watch *w)
{
	uint64_t stats[PW_STAT_MAX];

	optional_probes__close(&w->lives);
	optional_probes__close(&w->parks);
	watch__take_allocs(w);
	watch__see_cpu(w);
	if (w->lives.probes) {
		probes__stats(w->lives.probes, stats);
		probes__losses(w->lives.probes, stats, &w->lost);
		losses__add(&w->lost, w->pipe.malformed + w->pipe.unknown, "not understood");
		losses__add(&w->lost, w->dropped, "too many during a look");
		if (!w->lost.nr)
			leaks__lives(w->leaks);
		else
			cause__set(&w->lives.why, -ENOBUFS, "some were lost");
	}
	if (w->parks.probes)
		watch__take_parks(w);
}

static void watch__start(struct watch *w)
{
	if (!w->o.no_probes) {
		/* else nobody knows of us, and we of nobody */
		(void)recorders__join(w->t->target.proc, &w->recorders);
		codecheck__begin(&w->code, w->t->target.gp, w->t->target.proc,
				 !w->recorders || recorders__sharers(w->recorders) == 1);
	}
	optional_probes__start(&w->lives);
	optional_probes__start(&w->parks);
	if (w->allocs && allocwatch__start(w->allocs, &w->allocs_why)) {
		allocwatch__free(w->allocs);
		w->allocs = NULL;
	}
	w->start_ns = clock_now_ns();
	watch__see_cpu(w);
	w->cpu_start_ns = w->cpu_ns;
	governor__init(&w->governor, w->o.max_overhead);
}

/* The code is compared whatever was cut. */
static void watch__check_code(struct watch *w)
{
	struct deadline late = deadline_in(w->until.stopped ? CODE_STOP_NS : CODE_NS, NULL);
	struct cause why = { "" };

	if (w->o.no_probes)
		return;
	proc__limit(w->t->target.proc, &late);
	if (codecheck__end(&w->code, w->t->target.gp, w->t->target.proc, w->recorders, &why))
		memcpy(w->end.code_left, why.text, sizeof(w->end.code_left));
	if (late.hit)
		note_warn("the code of '%s' (pid %d) could not be compared with its file in time",
			  proc__comm(w->t->target.proc), (int)w->o.pid);
	proc__limit(w->t->target.proc, &w->until);
}

/* All that moves is read: what else is read once, the last search, and the report's numbers. */
static int watch__finish(struct watch *w)
{
	int err = 0;

	if (!w->ended)
		err = served_note(w->leaks, w->t);
	if (!err && !w->ended)
		err = peers_note(w->leaks, w->t);
	if (!err && !w->ended)
		err = leads_note(w->leaks, w->t);
	if (!err && !w->ended)
		err = endless_note(w->leaks, w->t);
	if (!err && !w->ended)
		watch__search(w);
	if (!err && !w->ended)
		err = watch__search_ends(w);
	watch__lend(w, false);
	if (w->lives.probes)
		probes__off(w->lives.probes);
	if (w->parks.probes)
		probes__off(w->parks.probes);
	if (err)
		return err;
	w->end.cut = proc__cut(w->t->target.proc);
	watch__check_code(w);
	w->end.target_ended = w->ended && !w->end.cut;
	w->end.hits += w->lives.hits + w->parks.hits;
	w->end.lost = w->lost.nr;
	w->end.cpu_ns = w->cpu_ns - w->cpu_start_ns;
	w->end.cost_ns += w->lives.cost_ns + w->parks.cost_ns;
	memcpy(w->end.losses, w->lost.text, sizeof(w->end.losses));
	return JOB_OVER;
}

/* What the channels and locks of one runtime say, or why they could not be read. */
static int watch__take_contention(struct watch *w, int state, const struct cause *c,
				  struct cause *why)
{
	const struct chans_source source = contention__source(&w->contention);

	w->end.proof_ns += w->contention.proof_ns;
	if (state == JOB_OVER)
		state = watch__facts(w, w->contention_rt, &source);
	contention__done(&w->contention);
	w->contention_rt++;
	w->ended = state == -ESRCH || !proc__alive(w->t->target.proc);
	if (w->ended)
		return 0;
	return state ? cause__set(why, state, "%s", c->text[0] ? c->text : strerror(-state)) : 0;
}

/*
 * Of all runtimes, as at the last look, as far as that goes without waiting. A target that has ended
 * says nothing any more.
 */
static int watch__read_contention(struct watch *w, struct cause *why)
{
	watch__lend(w, true);
	while (!w->ended && w->contention_rt < w->t->target.nr) {
		const struct contention_opts o = { .t = w->t,
						   .rt = w->contention_rt,
						   .depth = w->o.depth,
						   .proof_ns = watch__contention_budget(w) };
		struct cause c = { "" };
		int err, state = w->contention.phase ? contention__step(&w->contention, &c)
						     : contention__begin(&w->contention, &o, &c);

		if (state == JOB_GOES_ON)
			return state;
		err = watch__take_contention(w, state, &c, why);
		if (err)
			return err;
	}
	return watch__finish(w);
}

/* The looks are over: channels and locks first, they move on. */
static int watch__end_looks(struct watch *w, struct cause *why)
{
	watch__lend(w, false);
	watch__close_optional(w);
	watch__allow(w, w->o.proof_ns + WATCH_LOOK_NS);
	if (deadline__over(&w->until) || (w->until.stopped && w->leaks->nr_last > STOP_GS))
		w->ended = w->until.hit = true;
	w->phase = WATCH_KNOTS;
	return watch__read_contention(w, why);
}

/* --- the job --- */

/* After a look: when the next one is, if there is one. */
static int watch__go_on(struct watch *w, struct cause *why)
{
	if (w->ended || watch__stops(w) || (w->next = watch__next(w)) >= LOOKPLAN_LOOKS)
		return watch__end_looks(w, why);
	w->drained_ns = clock_now_ns();
	return JOB_GOES_ON;
}

static int watch__begin(void *self, struct cause *why)
{
	struct watch *w = self;
	int state;

	if (watch__stops(w)) /* nothing was seen that could be told */
		return cause__set(why, -EINTR,
				  "cannot read the goroutines of '%s' (pid %d): ended by a signal",
				  proc__comm(w->t->target.proc), (int)proc__pid(w->t->target.proc));
	watch__start(w);
	state = watch__look(w, why);
	if (!state)
		state = watch__go_on(w, why);
	watch__lend(w, false);
	return state;
}

static bool watch__has_window(const struct watch *w)
{
	return w->allocs && allocwatch__is_open(w->allocs);
}

static struct job_due watch__due(const void *self)
{
	const struct watch *w = self;
	const uint64_t now = clock_now_ns(), next_ns = lookplan__due_ns(&w->plan, w->next);
	const uint64_t window_ns = w->allocs ? allocwatch__due_ns(w->allocs, now) : UINT64_MAX;
	uint64_t at_ns = w->drained_ns + DRAIN_MS * NS_PER_MS;

	if (w->phase == WATCH_KNOTS)
		return (struct job_due){ .at_ns = contention__due_ns(&w->contention) };
	if (next_ns < at_ns)
		at_ns = next_ns;
	/* one that is due already may not cost yet what it will: no hurry */
	if (watch__has_window(w) || (window_ns > now && window_ns < at_ns))
		at_ns = window_ns;
	return (struct job_due){ .at_ns = at_ns };
}

static size_t watch__fds(const void *self, struct pollfd *ret, size_t most)
{
	const struct watch *w = self;
	size_t nr = 0;

	(void)most; /* two are fewer than any job may have */
	/* both look themselves whether the target is there */
	if (watch__has_window(w) || w->phase == WATCH_KNOTS)
		return 0;
	ret[nr++] = (struct pollfd){ .fd = proc__pidfd(w->t->target.proc), .events = POLLIN };
	if (w->lives.probes)
		ret[nr++] = (struct pollfd){ .fd = ring__fd(probes__ring(w->lives.probes)),
					     .events = POLLIN };
	return nr;
}

static int watch__go(struct watch *w, struct cause *why)
{
	struct cause c = { "" };
	int err;

	if (w->phase == WATCH_KNOTS)
		return watch__read_contention(w, why);
	watch__allow(w, WATCH_LOOK_NS);
	if (!watch__has_window(w))
		watch__drain(w);
	watch__tick_allocs(w, watch__stops(w) ? 0 : lookplan__due_ns(&w->plan, w->next));
	if (watch__has_window(w))
		return JOB_GOES_ON;
	w->drained_ns = clock_now_ns();
	w->ended = !proc__alive(w->t->target.proc) || proc__executed(w->t->target.proc);
	if (w->ended)
		return watch__end_looks(w, why);
	/* the look that is taken when the end is asked for is the last */
	if (!watch__stops(w) && w->drained_ns < lookplan__due_ns(&w->plan, w->next))
		return JOB_GOES_ON;
	err = watch__look(w, &c);
	w->plan.at = w->next;
	w->ended = err == -ESRCH || !proc__alive(w->t->target.proc);
	if (err && !w->ended)
		return cause__set(why, err, "%s", c.text);
	return watch__go_on(w, why);
}

static int watch__step(void *self, struct cause *why)
{
	struct watch *w = self;
	const int state = watch__go(w, why);

	watch__lend(w, false);
	return state;
}

static void watch__stop(void *self)
{
	struct watch *w = self;

	w->stopping = true;
}

struct job watch__job(struct watch *w)
{
	static const struct job_ops ops = { .start = watch__begin,
					    .due = watch__due,
					    .fds = watch__fds,
					    .step = watch__step,
					    .stop = watch__stop };

	return (struct job){ .ops = &ops, .self = w };
}

void watch__ended(const struct watch *w, struct watch_end *ret)
{
	*ret = w->end;
}

int watch__name_holders(struct watch *w, bool suspects)
{
	int err = w->ended ? 0 : leaklabels_note(w->leaks, w->t, w->labels);

	return w->ended || err ? err : holdnames_note(w->leaks, w->t, suspects);
}

int watch__requests(struct watch *w)
{
	bool any = false;

	for (size_t i = 0; i < w->leaks->nr; i++)
		any |= verdict_is_leak(w->leaks->entries[i].verdict.kind);
	if (any && w->ended)
		(void)cause__set(&w->requests_why, -ESRCH, "%s",
				 w->end.cut ? "reading was cut short" : "the program had ended");
	return !any || w->ended
		       ? 0
		       : leakrequests_note(w->leaks, w->t, &w->until,
					   (enum grequest_detail)w->o.detail, &w->requests_why);
}

struct leaks *watch__leaks(struct watch *w)
{
	return w->leaks;
}

const struct target *watch__target(const struct watch *w)
{
	return &w->t->target;
}

const struct labelbook *watch__labels(const struct watch *w)
{
	return w->labels;
}

void watch__meta(const struct watch *w, const struct watch_end *end, struct report_meta *ret)
{
	snapshot__meta(w->t, ret);
	ret->duration_ns = clock_now_ns() - w->start_ns;
	ret->seen = w->leaks->nr_last;
	ret->lost = end->lost;
}
