// SPDX-License-Identifier: BSD-2-Clause
#include "engine/owncost.h"

#include <sched.h>
#include <unistd.h>

#include "model/governor.h"

unsigned int owncost_processors(void)
{
	const long online = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	if (!sched_getaffinity(0, sizeof(set), &set))
		return (unsigned int)CPU_COUNT(&set);
	return online > 0 ? (unsigned int)online : 1; /* too many for the set */
}

static void owncost__look(struct owncost *o, const struct session *s)
{
	o->looked_ns = clock_now_ns();
	o->own_ns = session__own_ns(s);
	o->target_ns = s->cpu_ns;
}

void owncost__begin(struct owncost *o, const struct session *s)
{
	*o = (struct owncost){ .processors = owncost_processors() };
	owncost__look(o, s);
}

double owncost__ns(struct owncost *o, const struct session *s, bool now)
{
	const struct owncost was = *o;

	if (!now && clock_now_ns() - o->looked_ns < OWNCOST_EVERY_NS)
		return o->cost_ns;
	owncost__look(o, s);
	if (o->looked_ns <= was.looked_ns || o->own_ns < was.own_ns || o->target_ns < was.target_ns)
		return o->cost_ns;
	o->part = governor_taken_part((double)(o->target_ns - was.target_ns),
				      (double)(o->looked_ns - was.looked_ns), o->processors);
	o->cost_ns += o->part * (double)(o->own_ns - was.own_ns);
	return o->cost_ns;
}
