// SPDX-License-Identifier: BSD-2-Clause
#include "engine/endless.h"

#include <errno.h>
#include <stdlib.h>

#include "locks/wayout.h"

#define SAMPLE 2   /* goroutines of a group that are asked */
#define ASKED  128 /* in all */
#define FRAMES 32  /* of each, from the innermost on */

struct tally {
	uint8_t asked, endless, loops;
};

/* Some of its functions will not come to their end, or come by again. 0 or -ENOMEM. */
static int add(struct gofns *fns, const struct census *c, const struct census_g *g, struct tally *t)
{
	const struct census_stack *st = g->stack == CENSUS_NO_STACK ? NULL : &c->stacks[g->stack];

	bool endless = false, loops = false;

	for (uint32_t i = 0; st && i < st->nr_pcs && i < FRAMES; i++) {
		const int found = wayout_from(fns, c->pcs[st->pcs_at + i], i > 0);

		if (found < 0)
			return found;
		endless |= !(found & WAYOUT_OUT);
		loops |= (found & WAYOUT_AGAIN) != 0;
	}
	t->asked++;
	t->endless += endless;
	t->loops += loops;
	return 0;
}

/* It grows, and a timer wakes it. */
static bool may_be(const struct leaks *l, const struct leak_group *g)
{
	const size_t last = leakset__nr_looks(l->set) - 1;

	return (g->class == LEAK_SLEEP || g->timer) && g->role == LEAK_ROLE_NONE &&
	       g->count[last] > g->count[0];
}

static int ask(struct leaks *l, uint16_t rt, struct gofns *fns, struct tally *tallies)
{
	const struct census *c = l->d->in.censuses[rt];
	size_t left = ASKED;

	for (size_t i = 0; i < c->nr && left; i++) {
		const struct leak_g *g = leakset__get(l->set, rt, c->gs[i].who.goid);

		if (!g || tallies[g->group].asked == SAMPLE ||
		    !may_be(l, leakset__group(l->set, g->group)))
			continue;
		left--;
		if (add(fns, c, &c->gs[i], &tallies[g->group]))
			return -ENOMEM;
		gofns__trim(fns);
	}
	return 0;
}

int endless_note(struct leaks *l, const struct snapshot *t)
{
	const size_t nr = leakset__nr_groups(l->set);
	scoped_mem struct tally *tallies = calloc(nr + 1, sizeof(*tallies));
	int err = tallies ? 0 : -ENOMEM;

	for (uint16_t rt = 0; rt < t->target.nr && !err; rt++) {
		scoped(gofns) fns = NULL;

		err = gofns__new(proc__mem(t->target.proc), goproc__runtime(t->target.gp, rt),
				 &fns);
		if (err) /* its code cannot be had: nothing is known of it */
			err = err == -ENOMEM ? err : 0;
		else
			err = ask(l, rt, fns, tallies);
	}
	for (size_t i = 0; i < nr && !err; i++)
		if (tallies[i].asked)
			leakset__code(l->set, (uint32_t)i, tallies[i].asked == tallies[i].endless,
				      tallies[i].asked == tallies[i].loops);
	return err;
}
