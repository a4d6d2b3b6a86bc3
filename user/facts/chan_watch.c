// SPDX-License-Identifier: BSD-2-Clause
#include "facts/chan_watch.h"

#include <stdlib.h>

void chan_watch__free(struct chan_watch *w)
{
	if (!w)
		return;
	free(w->lives);
	free(w->bursts);
	free(w->sites);
	free(w);
}

const struct chan_life *chan_watch__now(const struct chan_watch *w, uint16_t rt, uint64_t addr)
{
	size_t lo = 0, hi = w->nr;

	while (lo < hi) { /* the last of those at that address */
		const size_t mid = lo + (hi - lo) / 2;
		const struct chan_life *l = &w->lives[mid];

		if (l->rt < rt || (l->rt == rt && l->addr <= addr))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || w->lives[lo - 1].rt != rt || w->lives[lo - 1].addr != addr ||
	    w->lives[lo - 1].ended)
		return NULL;
	return &w->lives[lo - 1];
}
