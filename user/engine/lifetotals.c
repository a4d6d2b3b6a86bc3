// SPDX-License-Identifier: BSD-2-Clause
#include "engine/lifetotals.h"

void lifetotals__find(struct lifetotals *l, const struct snapshot *t)
{
	l->known = true;
	for (size_t i = 0; i < t->target.nr && l->known; i++)
		l->known = !gborn__find(proc__mem(t->target.proc), goproc__runtime(t->target.gp, i),
					&l->born[i]);
}

/* Those that are there were read first: one that is made meanwhile counts as ended, for this look. */
bool lifetotals__read(const struct lifetotals *l, const struct snapshot *t, uint64_t *ret_created,
		      uint64_t *ret_ended)
{
	uint64_t made = 0, alive = 0, one = 0;

	for (size_t i = 0; i < t->target.nr; i++) {
		const struct census *c = t->censuses[i];

		if (!l->known || c->cut ||
		    gborn__made(proc__mem(t->target.proc), &l->born[i], &one))
			return false;
		made += one;
		alive += c->nr + c->unsettled + c->refused;
	}
	*ret_created = made;
	*ret_ended = made > alive ? made - alive : 0;
	return true;
}

bool lifetotals__latencies(const struct lifetotals *l, const struct snapshot *t,
			   struct gschedlat *ret)
{
	*ret = (struct gschedlat){ .sum_ns = 0 };
	for (size_t i = 0; i < t->target.nr; i++)
		if (!l->known || gschedlat__add(proc__mem(t->target.proc),
						goproc__runtime(t->target.gp, i), &l->born[i], ret))
			return false;
	return true;
}
