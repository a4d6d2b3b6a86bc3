// SPDX-License-Identifier: BSD-2-Clause
#include "engine/gapcount.h"

/* Those that are there first: who is made meanwhile is an exit rather than overlooked. */
static int gapcount__read(const struct gapcount *g, const struct proc *proc, struct goproc *gp,
			  uint64_t *ret_made, uint64_t *ret_alive)
{
	uint64_t made = 0, alive = 0, one;
	int err = 0;

	for (size_t i = 0; i < g->nr && !err && g->exits; i++) {
		err = gborn__alive(proc__mem(proc), goproc__runtime(gp, i), &one);
		alive += err ? 0 : one;
	}
	for (size_t i = 0; i < g->nr && !err; i++) {
		err = gborn__made(proc__mem(proc), &g->born[i], &one);
		made += err ? 0 : one;
	}
	if (!err) {
		*ret_made = made;
		*ret_alive = alive;
	}
	return err;
}

void gapcount__find(struct gapcount *g, enum profile_event event, const struct proc *proc,
		    struct goproc *gp)
{
	*g = (struct gapcount){ .known = event == PROFILE_BIRTHS || event == PROFILE_EXITS,
				.exits = event == PROFILE_EXITS,
				.nr = goproc__nr_runtimes(gp) };
	for (size_t i = 0; i < g->nr && g->known; i++)
		g->known = !gborn__find(proc__mem(proc), goproc__runtime(gp, i), &g->born[i]);
}

void gapcount__begin(struct gapcount *g, const struct proc *proc, struct goproc *gp)
{
	g->known = g->known && !gapcount__read(g, proc, gp, &g->made, &g->alive);
}

int64_t gapcount__missing(const struct gapcount *g, const struct proc *proc, struct goproc *gp,
			  const struct probes *p)
{
	const uint32_t births = pw_points_for(PW_FOR_BIRTHS),
		       exits = pw_points_for(PW_FOR_LIVES) & ~births;
	uint64_t made, alive, happened, seen;

	if (!g->known)
		return -1;
	/* before: what is seen later is no reason to miss less */
	seen = probes__seen(p, g->exits ? exits : births);
	if (gapcount__read(g, proc, gp, &made, &alive) || made < g->made ||
	    g->alive + made - g->made < alive)
		return -1;
	happened = g->exits ? g->alive + made - g->made - alive : made - g->made;
	return happened > seen ? (int64_t)(happened - seen) : 0;
}
