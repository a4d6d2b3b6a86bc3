// SPDX-License-Identifier: BSD-2-Clause
#include "model/governor.h"

#define NEW_SHARE 0.3 /* of the last window in what is known of them */

void governor__init(struct governor *g, double max)
{
	*g = (struct governor){ .max = max, .sharers = 1, .width_ns = GOVERNOR_WIDTH_MIN };
}

void governor__spend(struct governor *g, double cost_ns)
{
	g->spent_ns += cost_ns;
}

static double counted(double cpu_ns, double time_ns)
{
	return cpu_ns > GOVERNOR_BUSY_MIN * time_ns ? cpu_ns : GOVERNOR_BUSY_MIN * time_ns;
}

/* What may be spent in all until the target has used counted_ns. */
static double earned(const struct governor *g, double counted_ns)
{
	return g->earned_ns + g->max * (counted_ns - g->counted_ns) / g->sharers;
}

double governor__left_ns(const struct governor *g, double cpu_ns, double time_ns)
{
	const double may = earned(g, counted(cpu_ns, time_ns)),
		     grace = GOVERNOR_GRACE_NS / g->sharers;

	return (may > grace ? may : grace) - g->spent_ns;
}

void governor__share(struct governor *g, unsigned int sharers, double cpu_ns, double time_ns)
{
	const double now_ns = counted(cpu_ns, time_ns);

	g->earned_ns = earned(g, now_ns);
	g->counted_ns = now_ns;
	g->sharers = sharers ? sharers : 1;
}

double governor__rate(const struct governor *g, double cpu_ns, double time_ns)
{
	return time_ns > 0 ? g->max * counted(cpu_ns, time_ns) / time_ns / g->sharers : 0;
}

/*
 * A window as wide as what its hits cost is what attaching costs: then neither is paid for in vain.
 */
static double smooth(double old, double new)
{
	return old > 0 ? (1 - NEW_SHARE) * old + NEW_SHARE * new : new;
}

void governor__learn(struct governor *g, uint64_t width_ns, double hits_ns, double around_ns,
		     uint64_t least_ns)
{
	double width = GOVERNOR_WIDTH_MAX;

	g->busy = smooth(g->busy, width_ns ? hits_ns / (double)width_ns : 0);
	g->around_ns = smooth(g->around_ns, around_ns);
	if (g->busy * width > GOVERNOR_LINKS_NS)
		width = GOVERNOR_LINKS_NS / g->busy;
	if (width < GOVERNOR_WIDTH_MIN)
		width = GOVERNOR_WIDTH_MIN;
	g->width_ns = width < (double)least_ns ? least_ns : (uint64_t)width;
}

double governor__window_ns(const struct governor *g)
{
	return GOVERNOR_LINKS_NS + g->around_ns + g->busy * (double)g->width_ns;
}

double governor__period_ns(const struct governor *g, double rate)
{
	return rate > 0 ? governor__window_ns(g) / rate : 1e18;
}

bool governor__windows_pay(const struct governor *g, double rate)
{
	return governor__period_ns(g, rate) <= GOVERNOR_PERIOD_MAX;
}

double governor_taken_part(double target_ns, double time_ns, unsigned int processors)
{
	const double others = time_ns * (processors ? processors - 1 : 0);

	if (target_ns >= others + time_ns)
		return 1;
	return target_ns > others ? (target_ns - others) / time_ns : 0;
}

double governor_own_rate(double max, double rate, double part, double own_max)
{
	double may;

	if (max <= 0 || part <= 0)
		return own_max;
	may = max * (rate > GOVERNOR_BUSY_MIN ? rate : GOVERNOR_BUSY_MIN) / part;
	return may < own_max ? may : own_max;
}

void governor__looked(struct governor *g, double taken_ns)
{
	g->look_ns = smooth(g->look_ns, taken_ns);
}

double governor__look_period_ns(const struct governor *g, double rate)
{
	const double period = rate > 0 ? g->look_ns / (GOVERNOR_LOOKS_PART * rate) : 0;

	return period < GOVERNOR_PERIOD_MAX ? period : GOVERNOR_PERIOD_MAX;
}
