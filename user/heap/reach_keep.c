/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/reach.h"

#include <errno.h>
#include <string.h>

#include "census/gblocked.h"
#include "heap/reach_state.h"

#define LOOKED_MAX (16u << 20) /* edges looked at in all */

/* Goroutines, each once, and what they wait for. */
struct keeper {
	const struct reach *r;
	uint32_t *todo; /* numbers of goroutines; owned, as all that follows */
	size_t nr_todo;
	bool *met;               /* by goroutine */
	uint32_t *stamp;         /* by node: in which walk it was seen */
	uint32_t *nodes, *steps; /* of one walk, in the order of their distance */
	uint32_t walk;
	size_t looked;
	struct reach_keeping *v;
	size_t nr, room;
};

static void keeper__meet(struct keeper *k, uint32_t g)
{
	if (k->met[g] || k->r->nodes[g] == REFGRAPH_NONE)
		return;
	k->met[g] = true;
	k->todo[k->nr_todo++] = g;
}

static int keeper__add(struct keeper *k, const struct reach_keeping *one)
{
	if (k->nr == REACH_KEEPINGS_MAX)
		return -E2BIG;
	if (k->nr == k->room) {
		const size_t room = k->room ? k->room * 2 : 64;
		struct reach_keeping *more = reallocarray(k->v, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		k->v = more;
		k->room = room;
	}
	k->v[k->nr++] = *one;
	keeper__meet(k, one->by);
	return 0;
}

static void keeper__visit(struct keeper *k, uint32_t node, uint32_t steps, size_t *nr)
{
	if (k->stamp[node] == k->walk)
		return;
	k->stamp[node] = k->walk;
	k->nodes[*nr] = node;
	k->steps[(*nr)++] = steps;
}

/* Back from the object `node`, through objects, as far as to goroutines. */
static int keeper__walk(struct keeper *k, uint32_t g, uint32_t wait, uint32_t node)
{
	const struct refgraph *graph = k->r->graph;
	size_t nr = 0;
	int err = 0;

	k->walk++;
	keeper__visit(k, node, 0, &nr);
	for (size_t i = 0; i < nr && !err; i++) {
		const struct refnode *n = &graph->nodes[k->nodes[i]];

		if (n->goroutine) {
			const struct reach_keeping one = {
				.g = g, .by = (uint32_t)n->base, .wait = wait, .steps = k->steps[i]
			};

			err = one.by == g ? 0 : keeper__add(k, &one);
			continue;
		}
		for (uint32_t e = n->in; e != REFGRAPH_NONE; e = graph->edges[e].next_in) {
			if (k->looked++ == LOOKED_MAX)
				return -E2BIG;
			keeper__visit(k, graph->edges[e].from, k->steps[i] + 1, &nr);
		}
	}
	return err;
}

static bool may_be_kept(const struct census_wait *w)
{
	return w->kind == CENSUS_WAIT_CHAN || w->kind == CENSUS_WAIT_COND ||
	       w->kind == CENSUS_WAIT_WAITGROUP;
}

/* An edge that leads to a goroutine from an object has the address that it waits for (reach.c). */
static int keeper__waits(struct keeper *k, uint32_t g)
{
	const struct reach *r = k->r;
	const struct census_g *cg = &r->in.census->gs[g];
	int err = 0;

	for (uint32_t e = r->graph->nodes[r->nodes[g]].in; e != REFGRAPH_NONE && !err;
	     e = r->graph->edges[e].next_in) {
		const struct refedge *edge = &r->graph->edges[e];

		for (uint32_t i = cg->waits_at; i < cg->waits_at + cg->nr_waits && !err; i++) {
			const struct census_wait *w = &r->in.census->waits[i];

			if (k->looked++ == LOOKED_MAX)
				return -E2BIG;
			if (!may_be_kept(w) || w->addr != edge->offset)
				continue;
			err = keeper__walk(k, g, i, edge->from);
			break;
		}
	}
	return err;
}

static int keeper__run(struct keeper *k)
{
	int err = 0;

	for (size_t i = 0; i < k->nr_todo && !err; i++) {
		size_t nr;
		const struct reach_behind *b = reach__behind(k->r, k->todo[i], &nr);

		for (size_t at = 0; at < nr; at++)
			keeper__meet(k, b[at].to);
		if (!nr)
			err = keeper__waits(k, k->todo[i]);
	}
	return err;
}

static int keeper__init(struct keeper *k, const struct reach *r)
{
	const size_t nr_gs = r->in.census->nr + 1, nr_nodes = r->graph->nr_nodes + 1ull;

	k->r = r;
	k->todo = calloc(nr_gs, sizeof(*k->todo));
	k->met = calloc(nr_gs, sizeof(*k->met));
	k->stamp = calloc(nr_nodes, sizeof(*k->stamp));
	k->nodes = calloc(nr_nodes, sizeof(*k->nodes));
	k->steps = calloc(nr_nodes, sizeof(*k->steps));
	return k->todo && k->met && k->stamp && k->nodes && k->steps ? 0 : -ENOMEM;
}

static void keeper__done(struct keeper *k)
{
	free(k->todo);
	free(k->met);
	free(k->stamp);
	free(k->nodes);
	free(k->steps);
	free(k->v);
}

int reach__keepings(const struct reach *r, const uint32_t *goals, size_t nr,
		    struct reach_keeping **ret, size_t *ret_nr)
{
	struct keeper k = { 0 };
	int err = keeper__init(&k, r);

	for (size_t i = 0; i < nr && !err; i++)
		if (reach__verdict(r, goals[i]) == REACH_LEAKED)
			keeper__meet(&k, goals[i]);
	if (!err)
		err = keeper__run(&k);
	if (!err) {
		*ret = steal(k.v);
		*ret_nr = k.nr;
	}
	keeper__done(&k);
	return err;
}
