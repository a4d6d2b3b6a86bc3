/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/allocwin.h"

#include "base/clock.h"
#include "base/random.h"

#define FIRST_NS      (100 * NS_PER_MS)
#define LENGTH_MIN_NS NS_PER_MS
/* To make and to take down probes is work for the kernel, too. */
#define PAUSE_MIN_NS (100 * NS_PER_MS)
#define PAUSE_MAX_NS (60 * NS_PER_SEC)
#define GROWTH_MAX   4.0

static double within(double x, double least, double most)
{
	return x < least ? least : x > most ? most : x;
}

void allocwin__init(struct allocwin *w, const struct allocwin_limits *limits, uint64_t now_ns,
		    uint64_t seed)
{
	*w = (struct allocwin){ .limits = *limits,
				.length_ns = limits->first_ns,
				.random = seed ? seed : 1 };
	w->next_ns = now_ns + (uint64_t)(random_next(&w->random) * FIRST_NS);
}

uint64_t allocwin__due_ns(const struct allocwin *w, uint64_t now_ns)
{
	return w->next_ns > now_ns ? w->next_ns - now_ns : 0;
}

void allocwin__closed(struct allocwin *w, uint64_t now_ns, uint64_t hits, double cost_ns,
		      double cpus)
{
	double grow = within((double)ALLOCWIN_HITS / (double)(hits ? hits : 1), 1 / GROWTH_MAX,
			     GROWTH_MAX);
	double pause = cost_ns / (w->limits.budget * within(cpus, w->limits.cpus_min, 1e6));

	pause = within(pause * (0.5 + random_next(&w->random)),
		       PAUSE_MIN_NS * (0.5 + random_next(&w->random)), PAUSE_MAX_NS);
	w->length_ns = (uint64_t)within((double)w->length_ns * grow, LENGTH_MIN_NS,
					(double)w->limits.longest_ns);
	w->next_ns = now_ns + (uint64_t)pause;
	w->windows++;
}
