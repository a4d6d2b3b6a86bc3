// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_ends.h"

#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"
#include "view/leaks.h"

void leak_ends__done(struct leak_ends *e)
{
	free(e->timers);
	free(e->goals);
}

int leak_ends__timer(struct leak_ends *e, uint64_t chan)
{
	int err;

	if (e->nr_timers == LEAK_ENDS_MAX)
		return 0;
	err = vec__reserve(&e->timers, &e->timers_room, e->nr_timers + 1, sizeof(*e->timers));
	if (!err)
		e->timers[e->nr_timers++] = chan;
	return err;
}

int leak_ends__goal(struct leak_ends *e, uint16_t rt, uint64_t goid)
{
	int err;

	if (e->nr_goals == LEAK_ENDS_MAX)
		return 0;
	err = vec__reserve(&e->goals, &e->goals_room, e->nr_goals + 1, sizeof(*e->goals));
	if (!err)
		e->goals[e->nr_goals++] = (struct leak_end){ .goid = goid, .rt = rt };
	return err;
}

static int compare_ends(const void *a, const void *b)
{
	const struct leak_end *x = a, *y = b;

	if (x->rt != y->rt)
		return x->rt < y->rt ? -1 : 1;
	return x->goid < y->goid ? -1 : x->goid > y->goid;
}

int leak_ends__goals(struct leak_ends *e, uint16_t rt, const struct census *c, uint32_t **ret,
		     size_t *ret_nr)
{
	uint32_t *goals = calloc(c->nr + 1, sizeof(*goals));
	size_t nr = 0;

	if (!goals)
		return -ENOMEM;
	if (e->nr_goals)
		qsort(e->goals, e->nr_goals, sizeof(*e->goals), compare_ends);
	for (size_t i = 0; i < c->nr && e->nr_goals; i++) {
		const struct leak_end key = { .goid = c->gs[i].who.goid, .rt = rt };

		if (bsearch(&key, e->goals, e->nr_goals, sizeof(key), compare_ends))
			goals[nr++] = (uint32_t)i;
	}
	*ret = goals;
	*ret_nr = nr;
	return 0;
}

/* Nobody but the goroutine itself refers to what would end it. */
static bool is_its_own_only(const struct reach_answer *a, const struct reach_goal *goal)
{
	return goal->nr_keepers == 1 && a->keepers[goal->keepers_at] == goal->g;
}

int leak_ends__found(struct leaks *l, uint16_t rt, const struct census *c,
		     const struct reach_answer *a)
{
	const size_t nr_groups = leakset__nr_groups(l->set);
	scoped_mem bool *begun = calloc(nr_groups + 1, sizeof(*begun));
	int err = begun ? 0 : -ENOMEM;

	for (size_t i = 0; i < a->nr && !err; i++) {
		const struct reach_goal *goal = &a->goals[i];
		const struct leak_g *g = leakset__get(l->set, rt, c->gs[goal->g].who.goid);

		if (!g)
			continue;
		if (goal->verdict == REACH_LEAKED && is_its_own_only(a, goal))
			leakset__unended(l->set, g->group);
		if (goal->verdict != REACH_HELD)
			continue;
		/* By what else than the timer: the way that counts. */
		err = leaks__held(l, g->group, goal, !begun[g->group]);
		begun[g->group] = true;
	}
	return err;
}
