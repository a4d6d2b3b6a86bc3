// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_setup.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

#define FIRST_GOID 1
#define FEW        64 /* goroutines of one kind that a program is set up with */
#define SLOW       40 /* a minute */

/* What was searched for is held by the first goroutine's stack, each time. */
static bool is_held_by_first(const struct leaks *l, size_t group)
{
	return group < l->nr_holders && l->holders[group].asked &&
	       l->holders[group].asked == l->holders[group].first;
}

static bool is_slow(const struct leaks *l, const struct leak_group *g)
{
	const size_t last = leakset__nr_looks(l->set) - 1;
	const uint64_t ns = leakset__look_ns(l->set, last) - leakset__look_ns(l->set, 0);

	return g->count[last] <= FEW && g->count[last] > g->count[0] &&
	       (double)(g->count[last] - g->count[0]) * 60 * NS_PER_SEC <= SLOW * (double)ns;
}

int leak_setup__note(struct leaks *l)
{
	const size_t nr = leakset__nr_groups(l->set);
	scoped_mem bool *others = calloc(nr + 1, sizeof(*others)); /* made some of it */

	if (!others)
		return -ENOMEM;
	for (size_t i = 0; i < l->d->nr; i++) {
		const struct dump_row *r = &l->d->rows[i];
		const struct census_g *cg = dump__g(l->d, r);
		const struct leak_g *g = leakset__get(l->set, r->rt, cg->who.goid);

		if (g && cg->who.parent_goid &&
		    cg->who.parent_goid != FIRST_GOID) /* 0: before Go 1.21 */
			others[g->group] = true;
	}
	for (size_t i = 0; i < nr; i++)
		if (!others[i] && is_held_by_first(l, i) && is_slow(l, leakset__group(l->set, i)))
			leakset__set_up(l->set, (uint32_t)i);
	return 0;
}
