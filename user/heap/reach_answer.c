/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/reach.h"

#include <errno.h>

#include "base/vec.h"
#include "census/gtimer.h"
#include "heap/reach_state.h"

/* That from which it is reached. */
static const struct refroot *root_of(const struct reach *r, uint32_t node)
{
	while (r->graph->nodes[node].via != REFGRAPH_NONE)
		node = r->graph->edges[r->graph->nodes[node].via].from;
	return &r->graph->roots[r->graph->nodes[node].root];
}

static enum reach_verdict verdict_of(const struct reach *r, uint32_t node)
{
	const struct refnode *n = &r->graph->nodes[node];

	if (n->reached && n->root != REFGRAPH_NONE && r->graph->roots[n->root].kind == REFROOT_RAN)
		return REACH_NOT_BLOCKED;
	if (n->reached)
		return root_of(r, node)->kind == REFROOT_CHANGED ? REACH_UNKNOWN : REACH_HELD;
	return r->doubt[0] || (n->goroutine && !r->is_goal[n->base]) ? REACH_UNKNOWN : REACH_LEAKED;
}

enum reach_verdict reach__verdict(const struct reach *r, uint32_t i)
{
	if (i >= r->in.census->nr || r->nodes[i] == REFGRAPH_NONE)
		return REACH_NOT_BLOCKED;
	if (r->forever[i] && !r->graph->nodes[r->nodes[i]].reached)
		return REACH_LEAKED;
	return verdict_of(r, r->nodes[i]);
}

enum reach_verdict reach__object_verdict(const struct reach *r, size_t i)
{
	if (i >= r->in.nr_objects)
		return REACH_UNKNOWN;
	return r->objects[i] == REFGRAPH_NONE ? REACH_HELD : verdict_of(r, r->objects[i]);
}

const char *reach__doubt(const struct reach *r)
{
	return r->doubt;
}

const struct reach_stats *reach__stats(const struct reach *r)
{
	return &r->stats;
}

/* --- paths --- */

static struct reach_step root_step(const struct refroot *root)
{
	static const uint8_t kinds[] = {
		[REFROOT_GLOBAL] = REACH_GLOBAL,   [REFROOT_STACK] = REACH_STACK,
		[REFROOT_SPECIAL] = REACH_SPECIAL, [REFROOT_C] = REACH_C,
		[REFROOT_OUTSIDE] = REACH_GLOBAL,  [REFROOT_RAN] = REACH_RAN,
		[REFROOT_CHANGED] = REACH_GLOBAL, /* of what is unknown no way is told */
	};

	return (struct reach_step){ .addr = root->addr,
				    .goid = root->goid,
				    .frame = root->frame,
				    .kind = kinds[root->kind] };
}

/* It leads to a goroutine that waits for it. */
static bool edge_waits(const struct reach *r, const struct refedge *edge)
{
	return r->graph->nodes[edge->to].goroutine;
}

/* As it stands before the step that `edge` leads to; NULL: it is the last. */
static struct reach_step node_step(const struct reach *r, uint32_t node, const struct refedge *edge)
{
	const struct refnode *n = &r->graph->nodes[node];
	struct reach_step s = { .kind = REACH_OBJECT, .addr = n->base };
	struct goobject o;

	if (n->goroutine) {
		s.kind = REACH_WAITER;
		s.goid = r->in.census->gs[n->base].who.goid;
		s.addr = r->in.census->gs[n->base].addr;
		s.frame = edge ? (uint32_t)edge->offset : REACH_FRAME_NONE;
		return s;
	}
	if (!goheap__object(r->heap, n->base, &o)) {
		s.addr += o.span->header;
		s.size = o.size - o.span->header;
		s.typed = o.span->header;
		s.processor = runtime_words_is_processor(&r->own, o.span, s.addr);
	}
	s.offset = edge && !edge_waits(r, edge) ? edge->offset : 0;
	return s;
}

/* From `node` up to the root, then turned round. */
static size_t path_of(const struct reach *r, uint32_t node, const struct refedge *edge,
		      struct reach_step *steps, size_t max)
{
	size_t nr = 0;

	for (;;) {
		const struct refnode *n = &r->graph->nodes[node];

		if (nr < max)
			steps[nr++] = node_step(r, node, edge);
		if (n->via == REFGRAPH_NONE)
			break;
		edge = &r->graph->edges[n->via];
		node = edge->from;
	}
	if (nr < max)
		steps[nr++] = root_step(&r->graph->roots[r->graph->nodes[node].root]);
	for (size_t i = 0; i < nr / 2; i++) {
		struct reach_step t = steps[i];

		steps[i] = steps[nr - 1 - i];
		steps[nr - 1 - i] = t;
	}
	return nr;
}

size_t reach__path(const struct reach *r, uint32_t i, struct reach_step *steps, size_t max)
{
	const struct refnode *n;

	if (i >= r->in.census->nr || r->nodes[i] == REFGRAPH_NONE || !max)
		return 0;
	n = &r->graph->nodes[r->nodes[i]];
	if (!n->reached)
		return 0;
	if (n->via !=
	    REFGRAPH_NONE) /* the goroutine itself is no step of the way to what it waits for */
		return path_of(r, r->graph->edges[n->via].from, NULL, steps, max);
	steps[0] = root_step(&r->graph->roots[n->root]);
	return 1;
}

size_t reach__object_path(const struct reach *r, size_t i, struct reach_step *steps, size_t max)
{
	if (i >= r->in.nr_objects || r->objects[i] == REFGRAPH_NONE || !max ||
	    !r->graph->nodes[r->objects[i]].reached)
		return 0;
	return path_of(r, r->objects[i], NULL, steps, max);
}

/* --- who refers to what nothing reaches --- */

#define KEEPERS_LOOKED 512 /* objects on the way to them */

/* Nodes in the order in which they are met, each once. */
struct walk {
	uint32_t nodes[KEEPERS_LOOKED];
	size_t nr;
};

static void walk__visit(struct walk *w, uint32_t node)
{
	for (size_t i = 0; i < w->nr; i++)
		if (w->nodes[i] == node)
			return;
	if (w->nr < KEEPERS_LOOKED)
		w->nodes[w->nr++] = node;
}

static void walk__visit_referrers(struct walk *w, const struct refgraph *g, uint32_t node)
{
	for (uint32_t e = g->nodes[node].in; e != REFGRAPH_NONE && w->nr < KEEPERS_LOOKED;
	     e = g->edges[e].next_in)
		walk__visit(w, g->edges[e].from);
}

/* Back from what is at w->nodes, through objects, as far as to the first goroutines. */
static size_t walk__keepers(struct walk *w, const struct refgraph *g, uint32_t *numbers, size_t max)
{
	size_t nr = 0;

	for (size_t i = 0; i < w->nr && nr < max; i++) {
		const struct refnode *n = &g->nodes[w->nodes[i]];

		if (n->goroutine)
			numbers[nr++] = (uint32_t)n->base;
		else
			walk__visit_referrers(w, g, w->nodes[i]);
	}
	return nr;
}

size_t reach__keepers(const struct reach *r, uint32_t i, uint32_t *numbers, size_t max)
{
	scoped_mem struct walk *w = NULL;

	if (reach__verdict(r, i) != REACH_LEAKED)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return 0;
	walk__visit_referrers(w, r->graph, r->nodes[i]);
	return walk__keepers(w, r->graph, numbers, max);
}

size_t reach__object_keepers(const struct reach *r, size_t i, uint32_t *numbers, size_t max)
{
	scoped_mem struct walk *w = NULL;

	if (reach__object_verdict(r, i) != REACH_LEAKED)
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return 0;
	walk__visit(w, r->objects[i]);
	return walk__keepers(w, r->graph, numbers, max);
}

static bool waits_for_group(const struct census *c, uint32_t i)
{
	const struct census_g *g = &c->gs[i];

	return g->nr_waits == 1 && c->waits[g->waits_at].kind == CENSUS_WAIT_WAITGROUP;
}

uint64_t reach_timer(const struct addrspace *as, const struct reach_step *steps, size_t nr,
		     size_t *ret_before)
{
	uint64_t timer;
	size_t at = nr;

	for (size_t i = 0; i + 2 < nr; i++)
		at = steps[i].processor ? i : at;
	if (at == nr ||
	    addrspace__read(as, steps[at + 1].addr + steps[at + 1].offset, &timer, sizeof(timer)))
		return 0;
	*ret_before = at + 2;
	return timer;
}

/* When the timer calls its function which holds what i waits for. */
static uint64_t due_of(const struct reach *r, uint32_t i)
{
	struct reach_step steps[REACH_PATH_MAX];
	const size_t nr = reach__path(r, i, steps, REACH_PATH_MAX);
	struct gtimer t;
	size_t before;

	return gtimer_read(r->in.as, r->in.rt, reach_timer(r->in.as, steps, nr, &before), &t) &&
			       !t.period_ns
		       ? (uint64_t)t.when_ns
		       : 0;
}

static struct reach_goal goal_of(const struct reach *r, uint32_t i)
{
	struct reach_goal goal = { .g = i, .verdict = (uint8_t)reach__verdict(r, i) };

	if (goal.verdict == REACH_HELD) {
		const struct reach_step root = root_step(root_of(r, r->nodes[i]));

		goal.root = root.kind;
		goal.root_addr = root.addr;
		goal.root_goid = root.goid;
		goal.due_ns = due_of(r, i);
	}
	return goal;
}

int reach__answer(const struct reach *r, const uint32_t *goals, size_t nr, bool all_keepers,
		  struct reach_answer **ret)
{
	scoped(reach_answer) a = calloc(1, sizeof(*a));
	size_t room = 0;

	if (a)
		a->goals = calloc(nr + 1, sizeof(*a->goals));
	if (!a || !a->goals)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		struct reach_goal *goal = &a->goals[a->nr++];

		*goal = goal_of(r, goals[i]);
		goal->keepers_at = (uint32_t)a->nr_keepers;
		if (goal->verdict != REACH_LEAKED ||
		    !(all_keepers || waits_for_group(r->in.census, goals[i])))
			continue;
		if (vec__reserve(&a->keepers, &room, a->nr_keepers + REACH_KEEPERS_MAX,
				 sizeof(*a->keepers)))
			return -ENOMEM;
		goal->nr_keepers = (uint8_t)reach__keepers(r, goals[i], a->keepers + a->nr_keepers,
							   REACH_KEEPERS_MAX);
		a->nr_keepers += goal->nr_keepers;
	}
	*ret = steal(a);
	return 0;
}

int reach__object_at(const struct reach *r, size_t i, uint64_t *ret_base, uint64_t *ret_size)
{
	struct goobject o;

	if (i >= r->in.nr_objects || goheap__object(r->heap, r->in.objects[i], &o))
		return -ENOENT;
	*ret_base = o.base + o.span->header;
	*ret_size = o.size - o.span->header;
	return 0;
}
