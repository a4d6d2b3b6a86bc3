// SPDX-License-Identifier: BSD-2-Clause
#include "engine/served.h"

#include <errno.h>
#include <stdlib.h>

#include "target/fds.h"

#define SAMPLE 16  /* connections of a group that are asked */
#define ASKED  512 /* in all */

struct tally {
	uint8_t asked, served;
};

/* It waits to read from one descriptor: that. -1: it does not. */
static int reads_from(const struct census *c, const struct census_g *g)
{
	const struct census_wait *w = &c->waits[g->waits_at];

	return g->nr_waits == 1 && w->kind == CENSUS_WAIT_FD && w->direction == CENSUS_DIR_READ
		       ? (int)(int32_t)w->via
		       : -1;
}

static void ask(struct leaks *l, uint16_t rt, struct fds *fds, struct tally *tallies)
{
	const struct census *c = l->d->in.censuses[rt];
	const size_t last = leakset__nr_looks(l->set) - 1;
	size_t left = ASKED;

	for (size_t i = 0; i < c->nr && left; i++) {
		const int fd = reads_from(c, &c->gs[i]);
		const struct leak_g *g =
			fd < 0 ? NULL : leakset__get(l->set, rt, c->gs[i].who.goid);
		const struct leak_group *gr = g ? leakset__group(l->set, g->group) : NULL;

		if (!gr || gr->class != LEAK_IO || gr->count[last] <= gr->count[0] ||
		    tallies[g->group].asked == SAMPLE)
			continue;
		left--;
		tallies[g->group].asked++;
		tallies[g->group].served += fds__serves(fds, fd);
	}
}

int served_note(struct leaks *l, const struct snapshot *t)
{
	const size_t nr = leakset__nr_groups(l->set);
	scoped_mem struct tally *tallies = calloc(nr + 1, sizeof(*tallies));
	scoped(fds) fds = NULL;

	if (!tallies || fds__new(t->target.proc, &fds))
		return -ENOMEM;
	for (uint16_t rt = 0; rt < t->target.nr; rt++)
		ask(l, rt, fds, tallies);
	for (size_t i = 0; i < nr; i++)
		if (tallies[i].asked && tallies[i].asked == tallies[i].served)
			leakset__served(l->set, (uint32_t)i);
	return 0;
}
