/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/allocrun.h"

#include "base/clock.h"
#include "base/notes.h"
#include "base/rt_boost.h"
#include "base/random.h"
#include "model/governor.h"

#define LOOK_NS  NS_PER_MS         /* from one look at an open window to the next */
#define FREE_NS  (1.0 * NS_PER_MS) /* that refills may cost before anything is known */
#define LEARN_NS NS_PER_SEC        /* from one look at new types to the next */
#define CUTS     60 /* an interval is a second, later on this part of the time so far */

static struct allocrun_tally tally_now(const struct allocrun_env *env)
{
	uint64_t stats[PW_STAT_MAX];

	probes__stats(env->probes, stats);
	return (struct allocrun_tally){
		.singles = probes__hits_of(stats, pw_points_for(PW_FOR_SINGLES)),
		.refills = probes__hits_of(stats, pw_points_for(PW_FOR_REFILLS)),
		.idle = stats[PW_STAT_OFF],
	};
}

static double hit_ns(const struct allocrun_env *env)
{
	return probes__hit_ns(env->probes, PW_POINT_MALLOC);
}

static double trap_ns(const struct allocrun_env *env)
{
	return probes__trap_ns(env->probes, PW_POINT_MALLOC);
}

bool allocrun__try(struct allocrun *r, const struct allocrun_env *env)
{
	*r = (struct allocrun){ .env = *env };
	if (!allocs__has(env->allocs, ALLOC_SOURCE_EXACT))
		return false;
	r->tried = true;
	r->seen_cpu_ns = proc__cpu_ns(env->proc);
	r->start = tally_now(env);
	return true;
}

/* What the trial showed: how often it allocates, and so what counting will cost. Returns the hits. */
static uint64_t allocrun__predict(const struct allocrun *r)
{
	const struct allocrun_env *env = &r->env;
	const struct allocrun_tally after = tally_now(env);
	const double calls = (double)(after.idle - r->start.idle);
	/* the time that the probes took meanwhile is not the program's own */
	double own_ns = (double)(proc__cpu_ns(env->proc) - r->seen_cpu_ns) - calls * trap_ns(env);

	if (own_ns < (double)ALLOCRUN_TRIAL_NS / 100)
		own_ns = (double)ALLOCRUN_TRIAL_NS / 100;
	if (calls > 0)
		note_info("exact: %.3g allocations per second of its CPU time, each will cost "
			  "%.0f ns: the program will use about %.1f times as much",
			  calls / own_ns * NS_PER_SEC, hit_ns(env),
			  1 + calls * hit_ns(env) / own_ns);
	else
		note_info("exact: each allocation will cost the program %.0f ns; none in %d ms",
			  hit_ns(env), (int)(ALLOCRUN_TRIAL_NS / NS_PER_MS));
	return after.idle - r->start.idle;
}

static struct attach *attach_of(const struct allocrun *r, size_t rt)
{
	return probes__attach(r->env.probes, rt);
}

static int allocrun__see_refills(struct allocrun *r, bool see, struct cause *why)
{
	int err = 0;

	r->refills = see;
	for (size_t i = 0; i < r->env.nr_rt && !err; i++)
		if (!see)
			attach__part_off(attach_of(r, i), ATTACH_REFILLS);
		else
			err = attach__part_on(attach_of(r, i), ATTACH_REFILLS, why);
	return err;
}

/* Sees refills, or does not, so that they cost no more than they may. Opens at half of that and
 * closes above it, so that it does not do so all the time. */
static void allocrun__balance(struct allocrun *r)
{
	struct allocrun_tally now = tally_now(&r->env);
	double spent = (double)(now.refills - r->start.refills) * hit_ns(&r->env);
	double cpu_ns = (double)(proc__cpu_ns(r->env.proc) - r->start_cpu_ns);
	double may = (r->env.refills * cpu_ns + FREE_NS) / r->sharers;
	struct cause why = { "" };

	if (r->none || (r->refills ? spent <= may : spent > may / 2))
		return;
	if (allocrun__see_refills(r, !r->refills, &why))
		note_debug("no window of refills: %s", why.text);
}

int allocrun__init(struct allocrun *r, const struct allocrun_env *env, struct cause *why)
{
	const bool windows = allocs__has(env->allocs, ALLOC_SOURCE_REFILL);
	const uint64_t foretold = r->tried ? allocrun__predict(r) : 0;

	for (size_t i = 0; i < env->nr_rt; i++)
		attach__exact(probes__attach(env->probes, i),
			      allocs__source(env->allocs, (uint16_t)i) == ALLOC_SOURCE_EXACT);
	*r = (struct allocrun){ .env = *env,
				.sharers = 1,
				.none = !windows,
				.foretold = foretold,
				.seen_ns = clock_now_ns(),
				.seen_cpu_ns = proc__cpu_ns(env->proc) };
	r->learnt_ns = r->seen_ns;
	r->start_cpu_ns = r->seen_cpu_ns;
	r->start = tally_now(env);
	allocwin__init(&r->windows, &env->windows, r->seen_ns, random_seed());
	return windows ? allocrun__see_refills(r, true, why) : 0;
}

void allocrun__share(struct allocrun *r, unsigned int sharers)
{
	r->sharers = sharers;
	r->windows.limits.budget = r->env.windows.budget / sharers;
}

uint64_t allocrun__due_ns(const struct allocrun *r, uint64_t now_ns)
{
	if (r->open)
		return r->looked_ns + LOOK_NS < r->end_ns ? r->looked_ns + LOOK_NS : r->end_ns;
	return r->none ? UINT64_MAX : now_ns + allocwin__due_ns(&r->windows, now_ns);
}

static void allocrun__close(struct allocrun *r)
{
	const struct allocrun_tally *before = &r->before;
	uint64_t cpu_ns, now;
	struct allocrun_tally after;
	double cpus;

	for (size_t i = 0; i < r->env.nr_rt; i++)
		attach__part_off(attach_of(r, i), ATTACH_SINGLES);
	after = tally_now(&r->env);
	now = clock_now_ns();
	cpu_ns = proc__cpu_ns(r->env.proc);
	cpus = (double)(cpu_ns - r->seen_cpu_ns) / (double)(now - r->seen_ns);
	allocwin__closed(&r->windows, now, after.singles - before->singles,
			 GOVERNOR_LINKS_NS +
				 (double)(after.singles - before->singles) * hit_ns(&r->env) +
				 (double)(after.idle - before->idle) * trap_ns(&r->env),
			 cpus);
	r->seen_ns = now;
	r->seen_cpu_ns = cpu_ns;
	r->open = false;
	rt_boost__restore(r->env.pace);
}

static void allocrun__open(struct allocrun *r, uint64_t left_ns)
{
	const uint64_t length_ns = r->windows.length_ns < left_ns ? r->windows.length_ns : left_ns;
	struct cause why = { "" };

	r->before = tally_now(&r->env);
	/* while it is open each allocation costs the program a trap */
	rt_boost__hurry(r->env.pace);
	for (size_t i = 0; i < r->env.nr_rt && !r->none; i++)
		r->none = attach__part_on(attach_of(r, i), ATTACH_SINGLES, &why) != 0;
	r->looked_ns = clock_now_ns();
	r->end_ns = r->looked_ns + length_ns;
	r->open = true;
	if (!r->none)
		return;
	allocrun__close(r);
	if (proc__alive(r->env.proc))
		note_warn("no windows of single allocations: %s", why.text);
}

/* Closes it if it has been open so long, or if enough was seen: a program may do nothing for a while
 * and then all at once. */
static void allocrun__look(struct allocrun *r, uint64_t left_ns)
{
	const uint64_t now = clock_now_ns();

	if (left_ns && now < allocrun__due_ns(r, now))
		return;
	r->looked_ns = now;
	if (!left_ns || now >= r->end_ns || !proc__alive(r->env.proc) ||
	    tally_now(&r->env).singles - r->before.singles >= 2 * ALLOCWIN_HITS)
		allocrun__close(r);
}

void allocrun__begin(struct allocrun *r)
{
	for (size_t i = 0; i < r->env.nr_rt; i++)
		allocs__begin(r->env.allocs, (uint16_t)i);
	r->begin_ns = r->cut_ns = clock_now_ns();
}

static bool allocrun__cut_is_due(const struct allocrun *r, uint64_t now)
{
	return now - r->cut_ns >= LEARN_NS && now - r->cut_ns >= (now - r->begin_ns) / CUTS &&
	       allocs__may_cut(r->env.allocs);
}

void allocrun__tick(struct allocrun *r, uint64_t left_ns)
{
	const uint64_t now = clock_now_ns();
	const bool cut = !r->open && allocrun__cut_is_due(r, now),
		   learn = cut || now - r->learnt_ns >= LEARN_NS;

	if (r->open) {
		allocrun__look(r, left_ns);
		return;
	}
	for (size_t i = 0; i < r->env.nr_rt; i++) {
		if (cut)
			(void)allocs__read(r->env.allocs, (uint16_t)i, attach_of(r, i));
		else if (learn)
			(void)allocs__learn(r->env.allocs, (uint16_t)i, attach_of(r, i));
		allocs__look(r->env.allocs, (uint16_t)i);
	}
	if (learn)
		r->learnt_ns = now;
	if (cut) {
		r->cut_ns = clock_now_ns();
		allocs__cut(r->env.allocs, r->cut_ns);
	}
	allocrun__balance(r);
	if (left_ns && allocrun__due_ns(r, now) <= now)
		allocrun__open(r, left_ns);
}

int allocrun__again(struct allocrun *r, struct cause *why)
{
	for (size_t i = 0; i < r->env.nr_rt; i++)
		allocs__skip(r->env.allocs, (uint16_t)i);
	return r->refills ? allocrun__see_refills(r, true, why) : 0;
}

void allocrun__end(struct allocrun *r)
{
	if (r->open)
		allocrun__close(r);
	for (size_t i = 0; i < r->env.nr_rt; i++)
		allocs__end(r->env.allocs, (uint16_t)i);
}

void allocrun__finish(struct allocrun *r)
{
	for (size_t i = 0; i < r->env.nr_rt; i++)
		(void)allocs__last(r->env.allocs, (uint16_t)i, attach_of(r, i));
	(void)allocs__finish(r->env.allocs);
}

uint64_t allocrun__seen(const uint64_t *stats)
{
	return probes__hits(stats) - stats[PW_STAT_NO_ALLOC];
}
