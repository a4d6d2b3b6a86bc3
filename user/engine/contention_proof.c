/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/contention_proof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/notes.h"
#include "base/cleanup.h"
#include "heap/chanops.h"
#include "census/gblocked.h"
#include "census/quiescence.h"
#include "heap/reach.h"
#include "model/waitkeep.h"
#include "target/maps.h"

#define GOALS_MAX 1024 /* holders that are asked for */
/* of those that wait for the same thing: it is the same for all of them */
#define OF_ONE 2

struct holder {
	uint64_t object; /* that it waits for, the first one */
	uint32_t g;
};

static int compare_holders(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return x->g < y->g ? -1 : x->g > y->g;
}

/* g waits for nobody as far as the graph knows, but for something that others may have. */
static bool may_be_proved(const struct contention_proof_in *in, uint32_t g)
{
	const struct census_g *cg = &in->census->gs[g];
	const struct census_wait *w = &in->census->waits[cg->waits_at];

	return cg->nr_waits &&
	       (w->kind == CENSUS_WAIT_CHAN || w->kind == CENSUS_WAIT_COND ||
		w->kind == CENSUS_WAIT_WAITGROUP) &&
	       gblocked_even_main(in->rt, in->census, cg) == GBLOCKED_ON;
}

/* Those for whom others wait. ret_goals has room for GOALS_MAX. */
static int find_goals(const struct contention_proof_in *in, const struct waitgraph *w,
		      uint32_t *ret_goals, size_t *ret_nr)
{
	scoped_mem bool *waits = calloc(in->census->nr + 1, sizeof(*waits));
	scoped_mem struct holder *v = calloc(w->nr_edges + 1, sizeof(*v));
	size_t nr = 0, of_one = 0;

	*ret_nr = 0;
	if (!waits || !v)
		return -ENOMEM;
	for (size_t i = 0; i < w->nr_edges; i++)
		waits[w->edges[i].g] = true;
	for (size_t i = 0; i < w->nr_edges; i++) {
		const uint32_t to = w->edges[i].to;

		if (waits[to] || !may_be_proved(in, to))
			continue;
		waits[to] = true; /* once is enough */
		v[nr++] =
			(struct holder){ in->census->waits[in->census->gs[to].waits_at].addr, to };
	}
	if (nr)
		qsort(v, nr, sizeof(*v), compare_holders);
	for (size_t i = 0; i < nr && *ret_nr < GOALS_MAX; i++) {
		of_one = i && v[i].object == v[i - 1].object ? of_one + 1 : 0;
		if (of_one < OF_ONE)
			ret_goals[(*ret_nr)++] = v[i].g;
	}
	return 0;
}

/* Those that went on since the beginning are no goals. */
static int contention_proof__drop_moving(struct contention_proof *p)
{
	scoped_mem bool *moved = calloc(p->in.census->nr + 1, sizeof(*moved));
	size_t kept = 0;
	int err = moved ? quiescence__compare(p->still, moved) : -ENOMEM;

	for (size_t i = 0; i < p->nr_goals && !err; i++)
		if (!moved[p->goals[i]])
			p->goals[kept++] = p->goals[i];
	p->nr_goals = kept;
	return err;
}

static struct reach_behind *behind_of(const struct waitgraph *w)
{
	struct reach_behind *b = calloc(w->nr_edges + 1, sizeof(*b));

	for (size_t i = 0; b && i < w->nr_edges; i++)
		b[i] = (struct reach_behind){ w->edges[i].g, w->edges[i].to };
	return b;
}

static int search(const struct contention_proof_in *in, const struct waitgraph *w,
		  const uint32_t *goals, size_t nr, struct reach_keeping **ret, size_t *ret_nr,
		  bool *ret_unproved)
{
	scoped_mem struct reach_behind *behind = behind_of(w);
	scoped(maps) maps = NULL;
	scoped(reach) r = NULL;
	struct reach_in ri = { .as = proc__mem(in->proc),
			       .rt = in->rt,
			       .census = in->census,
			       .goals = goals,
			       .nr_goals = nr,
			       .behind = behind,
			       .nr_behind = w->nr_edges,
			       .main_waits = true,
			       .budget_ns = in->budget_ns };
	struct cause why = { "" };
	int err = behind ? 0 : -ENOMEM;

	if (!err && in->rt->cgo)
		err = maps__read_with_stacks(proc__dirfd(in->proc), &maps);
	ri.maps = maps;
	if (!err)
		err = reach__run(&ri, &r, &why);
	if (!err)
		err = reach__keepings(r, goals, nr, ret, ret_nr);
	if (!err && !reach__doubt(r)[0])
		return 0;
	note_debug("deadlocks by channels are not known: %s",
		   err ? (why.text[0] ? why.text : strerror(-err)) : reach__doubt(r));
	*ret_unproved = true;
	return err == -ESRCH || err == -ENOMEM ? err : 0;
}

int contention_proof__begin(struct contention_proof *p, const struct contention_proof_in *in,
			    struct waitgraph *w, bool settles)
{
	int err;

	*p = (struct contention_proof){ .in = *in, .w = w };
	p->goals = calloc(GOALS_MAX, sizeof(*p->goals));
	err = p->goals ? find_goals(in, w, p->goals, &p->nr_goals) : -ENOMEM;
	if (!err && p->nr_goals && settles)
		err = quiescence__new(proc__mem(in->proc), in->rt, in->census, p->goals,
				      p->nr_goals, &p->still);
	return err;
}

int contention_proof__end(struct contention_proof *p)
{
	const struct contention_proof_in *in = &p->in;
	scoped_mem struct reach_keeping *keeps = NULL;
	scoped_mem struct wait_edge *edges = NULL;
	size_t nr_keeps = 0, nr_edges = 0;
	uint64_t began;
	int err = p->still ? contention_proof__drop_moving(p) : 0;

	if (err || !p->nr_goals)
		return err;
	began = clock_now_ns();
	err = search(in, p->w, p->goals, p->nr_goals, &keeps, &nr_keeps, &p->w->unproved);
	*in->spent_ns += clock_now_ns() - began;
	if (!err && nr_keeps)
		err = chanops_mark(proc__mem(in->proc), in->rt, in->census, keeps, nr_keeps);
	if (!err && nr_keeps)
		err = waitkeep_edges(in->census, p->w, keeps, nr_keeps, &edges, &nr_edges);
	return err || !nr_edges ? err : waitgraph__join(p->w, in->census, edges, nr_edges);
}

void contention_proof__done(struct contention_proof *p)
{
	quiescence__free(p->still);
	free(p->goals);
	*p = (struct contention_proof){ 0 };
}
