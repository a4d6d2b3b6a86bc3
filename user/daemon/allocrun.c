/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/allocrun.h"

#include "base/clock.h"
#include "base/heart.h"
#include "base/log.h"
#include "base/rt_boost.h"
#include "base/random.h"
#include "model/governor.h"

#define LOOK_NS  NS_PER_MS /* from one look at an open window to the next */
#define TRIAL_NS (100 * NS_PER_MS)
#define FREE_NS  (1.0 * NS_PER_MS) /* that refills may cost before anything is known */
#define LEARN_NS NS_PER_SEC        /* from one look at new types to the next */

static void wait_ns(uint64_t ns)
{
	heart__sleep_until(clock_now_ns() + ns);
}

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

/* Before each allocation is counted: how often there is one while the probes are made and do
 * nothing, and so what it will cost. Returns the hits. */
static uint64_t allocrun__foretell(const struct allocrun_env *env)
{
	uint64_t cpu_ns = proc__cpu_ns(env->proc);
	struct allocrun_tally before = tally_now(env), after;
	double calls, own_ns;

	wait_ns(TRIAL_NS);
	after = tally_now(env);
	calls = (double)(after.idle - before.idle);
	/* the time that the probes took meanwhile is not the program's own */
	own_ns = (double)(proc__cpu_ns(env->proc) - cpu_ns) - calls * trap_ns(env);
	if (own_ns < (double)TRIAL_NS / 100)
		own_ns = (double)TRIAL_NS / 100;
	if (calls > 0)
		log_info("exact: %.3g allocations per second of its CPU time, each will cost "
			 "%.0f ns: the program will use about %.1f times as much",
			 calls / own_ns * NS_PER_SEC, hit_ns(env),
			 1 + calls * hit_ns(env) / own_ns);
	else
		log_info("exact: each allocation will cost the program %.0f ns; none in %d ms",
			 hit_ns(env), (int)(TRIAL_NS / NS_PER_MS));
	return after.idle - before.idle;
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
		log_debug("no window of refills: %s", why.text);
}

int allocrun__init(struct allocrun *r, const struct allocrun_env *env, struct cause *why)
{
	const bool windows = allocs__has(env->allocs, ALLOC_SOURCE_REFILL);
	uint64_t foretold = 0;

	if (allocs__has(env->allocs, ALLOC_SOURCE_EXACT))
		foretold = allocrun__foretell(env);
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

uint64_t allocrun__due_ns(const struct allocrun *r)
{
	return r->none ? UINT64_MAX : allocwin__due_ns(&r->windows, clock_now_ns());
}

static void allocrun__close(struct allocrun *r, const struct allocrun_tally *before)
{
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
}

/* Until the window has been open so long, or enough was seen: a program may do nothing for a while
 * and then all at once. */
static void allocrun__wait(const struct allocrun *r, uint64_t length_ns, uint64_t singles)
{
	uint64_t end_ns = clock_now_ns() + length_ns, now;

	while ((now = clock_now_ns()) < end_ns) {
		uint64_t left_ns = end_ns - now;

		wait_ns(left_ns < LOOK_NS ? left_ns : LOOK_NS);
		if (tally_now(&r->env).singles - singles >= 2 * ALLOCWIN_HITS ||
		    !proc__alive(r->env.proc))
			break;
	}
}

static void allocrun__window(struct allocrun *r, uint64_t left_ns)
{
	uint64_t length_ns = r->windows.length_ns < left_ns ? r->windows.length_ns : left_ns;
	struct allocrun_tally before = tally_now(&r->env);
	struct cause why = { "" };

	/* while it is open each allocation costs the program a trap */
	rt_boost__hurry(r->env.pace);
	for (size_t i = 0; i < r->env.nr_rt && !r->none; i++)
		r->none = attach__part_on(attach_of(r, i), ATTACH_SINGLES, &why) != 0;
	if (!r->none)
		allocrun__wait(r, length_ns, before.singles);
	allocrun__close(r, &before);
	rt_boost__restore(r->env.pace);
	if (r->none && proc__alive(r->env.proc))
		log_warn("no windows of single allocations: %s", why.text);
}

void allocrun__begin(struct allocrun *r)
{
	for (size_t i = 0; i < r->env.nr_rt; i++)
		allocs__begin(r->env.allocs, (uint16_t)i);
}

void allocrun__tend(struct allocrun *r, uint64_t left_ns)
{
	const uint64_t now = clock_now_ns();
	const bool learn = now - r->learnt_ns >= LEARN_NS;

	for (size_t i = 0; i < r->env.nr_rt; i++) {
		if (learn)
			(void)allocs__learn(r->env.allocs, (uint16_t)i, attach_of(r, i));
		allocs__look(r->env.allocs, (uint16_t)i);
	}
	if (learn)
		r->learnt_ns = now;
	allocrun__balance(r);
	if (left_ns && !allocrun__due_ns(r))
		allocrun__window(r, left_ns);
}

int allocrun__again(struct allocrun *r, struct cause *why)
{
	for (size_t i = 0; i < r->env.nr_rt; i++)
		allocs__skip(r->env.allocs, (uint16_t)i);
	return r->refills ? allocrun__see_refills(r, true, why) : 0;
}

void allocrun__end(struct allocrun *r)
{
	for (size_t i = 0; i < r->env.nr_rt; i++)
		allocs__end(r->env.allocs, (uint16_t)i);
}

void allocrun__finish(struct allocrun *r)
{
	for (size_t i = 0; i < r->env.nr_rt; i++)
		(void)allocs__finish(r->env.allocs, (uint16_t)i, attach_of(r, i));
}

uint64_t allocrun__seen(const uint64_t *stats)
{
	return probes__hits(stats) - stats[PW_STAT_NO_ALLOC];
}
