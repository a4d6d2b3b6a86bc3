// SPDX-License-Identifier: BSD-2-Clause
#include "engine/cpupace.h"

#include "base/notes.h"
#include "model/governor.h"

#define BELOW 0.8 /* of what may be spent, so that the next look need not change it again */

static bool cpupace__slow(struct cpupace *p, double hz)
{
	if (hz >= p->hz)
		return false;
	p->hz = hz > 1 ? (uint32_t)hz : 1;
	note_info("%u samples a second: more would cost over %.3g %% of its CPU time", p->hz,
		  100 * p->max);
	return true;
}

void cpupace__init(struct cpupace *p, uint32_t hz, double max)
{
	*p = (struct cpupace){ .hz = hz, .max = max };
	if (max > 0)
		(void)cpupace__slow(p, max / CPUPACE_SAMPLE_NS * 1e9);
}

bool cpupace__look(struct cpupace *p, double cost_ns, double cpu_ns, uint64_t now_ns,
		   unsigned int sharers)
{
	const double time = (double)(now_ns - p->looked_ns), cost = cost_ns - p->cost_ns;
	const bool first = !p->looked_ns;
	double may;

	if (p->max <= 0 || now_ns - p->looked_ns < CPUPACE_LOOK_NS)
		return false;
	/* a target that hardly runs counts as one that uses a tenth of a processor */
	may = cpu_ns - p->cpu_ns > GOVERNOR_BUSY_MIN * time ? cpu_ns - p->cpu_ns
							    : GOVERNOR_BUSY_MIN * time;
	may *= p->max / sharers;
	p->looked_ns = now_ns;
	p->cost_ns = cost_ns;
	p->cpu_ns = cpu_ns;
	return !first && cost > may && p->hz > 1 && cpupace__slow(p, BELOW * p->hz * may / cost);
}
