/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/reach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/heart.h"
#include "base/order.h"
#include "census/gblocked.h"
#include "heap/reach_state.h"

#define ROUNDS 3 /* in which what was found is made sure of */

_Static_assert(REACH_FRAME_NONE == GLIVE_FRAME_ANY && REACH_FRAME_G == GLIVE_FRAME_G,
	       "frames are handed through");

void reach__free(struct reach *r)
{
	if (!r)
		return;
	goheap__free(r->heap);
	gospecials__free(r->specials);
	grefs__free(r->refs);
	refgraph__free(r->graph);
	wordscan__free(r->scan);
	free(r->c_memory);
	free(r->nodes);
	free(r->forever);
	free(r->is_goal);
	free(r->goals);
	free(r->objects);
	free(r->passed_over);
	free(r);
}

/* The first reason stays. */
static void reach__doubts(struct reach *r, const char *why)
{
	if (!r->doubt[0])
		snprintf(r->doubt, sizeof(r->doubt), "%s", why);
}

/* -ENOSPC of the graph is a doubt, no error: it counts what it refuses. */
static int unless_full(int err)
{
	return err == -ENOSPC ? 0 : err;
}

/* --- objects --- */

/* The node of the object at base, which is size bytes; new ones are looked up among the specials.
 */
static int reach__node(struct reach *r, uint64_t base, uint64_t size, uint8_t tiny_len,
		       uint32_t *ret)
{
	const struct refroot root = { .addr = base, .kind = REFROOT_SPECIAL };
	uint32_t nr = r->graph->nr_nodes;
	int err = refgraph__object(r->graph, base, tiny_len, ret);

	if (err || *ret < nr || !gospecials__revives(r->specials, base, size))
		return err;
	return refgraph__reach(r->graph, *ret, &root);
}

/*
 * The node of what is waited for, size bytes at addr. A block of the tiny allocator holds several:
 * what begins behind its end is another one. What begins before it may be the object that it is a
 * part of, also one that has the block for itself: 16 bytes without pointers are no tiny object,
 * but lie in the same spans (Go runtime/malloc.go, maxTinySize). -ENOENT: not in the heap.
 */
static int reach__target(struct reach *r, uint64_t addr, uint32_t size, uint32_t *ret)
{
	struct goobject o;
	int err = goheap__object(r->heap, addr, &o);

	if (err || addr + size > o.base + o.size)
		return -ENOENT;
	if (!o.span->tiny || !size)
		return reach__node(r, o.base, o.size, 0, ret);
	return reach__node(r, o.base, o.size, (uint8_t)(addr + size - o.base), ret);
}

static bool reach__passes_over(const struct reach *r, uint64_t addr)
{
	return r->in.nr_passed_over &&
	       bsearch(&addr, r->passed_over, r->in.nr_passed_over, sizeof(addr), order_u64);
}

static int compare_behind(const void *key, const void *b)
{
	const uint32_t g = *(const uint32_t *)key, other = ((const struct reach_behind *)b)->g;

	return g < other ? -1 : g > other;
}

const struct reach_behind *reach__behind(const struct reach *r, uint32_t g, size_t *ret_nr)
{
	const struct reach_behind *first = r->in.behind, *end, *b, *e;

	*ret_nr = 0;
	b = r->in.nr_behind ? bsearch(&g, first, r->in.nr_behind, sizeof(*b), compare_behind)
			    : NULL;
	if (!b)
		return NULL;
	end = first + r->in.nr_behind;
	for (e = b; e < end && e->g == g;)
		e++;
	while (b > first && b[-1].g == g)
		b--;
	*ret_nr = (size_t)(e - b);
	return b;
}

/*
 * It goes on only after all of these. So it is enough that one of them never does: those that may
 * run count only if no other is there.
 */
static int reach__waits_behind(struct reach *r, uint32_t i, const struct reach_behind *b, size_t nr)
{
	const struct refroot root = { .goid = r->in.census->gs[b->to].who.goid,
				      .frame = REACH_FRAME_NONE,
				      .kind = REFROOT_STACK };
	bool blocked = false;
	int err = 0;

	for (size_t k = 0; k < nr && !err; k++) {
		if (r->nodes[b[k].to] == REFGRAPH_NONE)
			continue;
		blocked = true;
		err = refgraph__edge(r->graph, r->nodes[b[k].to], r->nodes[i], REACH_FRAME_NONE);
	}
	return err || blocked ? err : refgraph__reach(r->graph, r->nodes[i], &root);
}

/* What a blocked goroutine waits for leads to it. */
static int reach__waits(struct reach *r, uint32_t i)
{
	const struct census *c = r->in.census;
	const struct census_g *g = &c->gs[i];
	size_t nr_behind;
	const struct reach_behind *behind = reach__behind(r, i, &nr_behind);

	if (nr_behind)
		return reach__waits_behind(r, i, behind, nr_behind);
	for (uint32_t k = 0; k < g->nr_waits; k++) {
		const struct census_wait *w = &c->waits[g->waits_at + k];
		const struct refroot root = { .addr = w->addr, .kind = REFROOT_OUTSIDE };
		uint32_t size, node;
		uint64_t addr;
		int err;

		if (!gblocked_object(r->in.rt->minor, w, &addr, &size))
			return -EBADMSG;
		if (reach__passes_over(r, w->addr))
			continue;
		err = reach__target(r, addr, size, &node);
		if (err == -ENOENT) /* a variable of the program, or we do not know */
			err = refgraph__reach(r->graph, r->nodes[i], &root);
		else if (!err)
			err = refgraph__edge(r->graph, node, r->nodes[i], addr);
		if (err)
			return err;
	}
	return 0;
}

static enum gblocked reach__blocked(const struct reach *r, uint32_t i)
{
	const struct census *c = r->in.census;

	if (r->refs->moved[i])
		return GBLOCKED_NOT;
	return r->in.main_waits ? gblocked_even_main(r->in.rt, c, &c->gs[i])
				: gblocked_of(r->in.rt, c, &c->gs[i]);
}

/*
 * All of them first: one may wait behind another. What finds no room is counted: then nothing is
 * proved.
 */
static int reach__goroutines(struct reach *r)
{
	const size_t nr = r->in.census->nr;
	int err = 0;

	for (uint32_t i = 0; i < nr && !err; i++) {
		const enum gblocked b = reach__blocked(r, i);

		heart__beat();
		r->nodes[i] = REFGRAPH_NONE;
		if (b == GBLOCKED_NOT)
			continue;
		err = unless_full(refgraph__goroutine(r->graph, i, &r->nodes[i]));
		r->forever[i] = b == GBLOCKED_FOREVER && r->nodes[i] != REFGRAPH_NONE;
	}
	for (uint32_t i = 0; i < nr && !err; i++)
		if (r->nodes[i] != REFGRAPH_NONE && !r->forever[i])
			err = unless_full(reach__waits(r, i));
	return err;
}

static int reach__set_goals(struct reach *r)
{
	size_t nr = r->in.goals ? r->in.nr_goals : r->in.census->nr;

	r->goals = reallocarray(NULL, nr + r->in.nr_objects + 1, sizeof(*r->goals));
	r->objects = reallocarray(NULL, r->in.nr_objects + 1, sizeof(*r->objects));
	if (!r->goals || !r->objects)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		uint32_t g = r->in.goals ? r->in.goals[i] : (uint32_t)i;

		if (g >= r->in.census->nr || r->nodes[g] == REFGRAPH_NONE || r->forever[g])
			continue;
		r->is_goal[g] = true;
		r->goals[r->nr_goals++] = r->nodes[g];
	}
	for (size_t i = 0; i < r->in.nr_objects; i++) {
		int err = reach__target(r, r->in.objects[i], 0, &r->objects[i]);

		if (err == -ENOENT)
			r->objects[i] = REFGRAPH_NONE;
		else if (err)
			return err;
		else
			r->goals[r->nr_goals++] = r->objects[i];
	}
	return 0;
}

/* --- a word that may refer to something --- */

/* What refers: a root, or a node with the offset of the word in it. */
struct referrer {
	const struct refroot *root;
	uint32_t node; /* if root is NULL */
	uint64_t offset;
	bool all; /* also to what is not looked for in this pass */
};

/* The base of the object that value points into, if it is one of the graph. */
static uint32_t reach__meant(const struct reach *r, uint64_t value)
{
	const struct gospan *s = goheap__span(r->heap, value);
	uint64_t base;

	return s && gospan_object(s, value, &base) ? refgraph__find(r->graph, base) : REFGRAPH_NONE;
}

static bool is_sought(const struct refnode *n, uint64_t value, bool all)
{
	return !n->reached && (n->wanted || all) && refnode_is_meant(n, value);
}

static int reach__refers(struct reach *r, const struct referrer *from, uint64_t value)
{
	for (uint32_t i = reach__meant(r, value); i != REFGRAPH_NONE; i = r->graph->nodes[i].same) {
		int err;

		if (!is_sought(&r->graph->nodes[i], value, from->all))
			continue;
		err = from->root ? refgraph__reach(r->graph, i, from->root)
				 : refgraph__edge(r->graph, from->node, i, from->offset);
		if (unless_full(err))
			return err;
	}
	return 0;
}

/* --- one pass: goroutines and specials --- */

static int reach__goroutine_words(struct reach *r, uint32_t i)
{
	const struct glive_words *w = &r->refs->words;
	uint32_t node = r->nodes[i];

	if (r->in.muted && r->in.muted[i])
		return 0;
	for (uint32_t k = r->refs->first[i]; k < r->refs->first[i + 1]; k++) {
		const struct refroot root = { .goid = r->in.census->gs[i].who.goid,
					      .frame = w->frames[k],
					      .kind = REFROOT_STACK };
		const struct referrer from = { .root = node == REFGRAPH_NONE ? &root : NULL,
					       .node = node,
					       .offset = w->frames[k] };
		int err;

		if (!wordscan__passes(r->scan, w->values[k]))
			continue;
		err = reach__refers(r, &from, w->values[k]);
		if (err)
			return err;
	}
	return 0;
}

static int reach__special_words(struct reach *r)
{
	for (size_t i = 0; i < r->specials->nr_words; i++) {
		const struct gospecial_word *w = &r->specials->words[i];
		const struct refroot root = { .addr = w->object, .kind = REFROOT_SPECIAL };
		int err = reach__refers(r, &(struct referrer){ .root = &root }, w->value);

		if (err)
			return err;
	}
	return 0;
}

/* --- one pass: memory --- */

/* Of what module, and of what span, a stretch of the first and the last says. */
enum stretch { OF_VARIABLES, OF_C, OF_HEAP };

/* Nothing told that the object at base refers to what is looked for. So what refers to it now is not
 * known either. */
static int reach__refers_only_now(struct reach *r, uint64_t base, uint64_t value, uint64_t at)
{
	const struct refroot root = { .addr = at, .kind = REFROOT_CHANGED };
	struct referrer from = { .root = &root, .offset = at - base };
	uint32_t node = refgraph__find(r->graph, base);

	if (node != REFGRAPH_NONE &&
	    (r->graph->nodes[node].reached || refgraph__serves(r->graph, node))) {
		from.root = NULL;
		from.node = node;
	}
	return reach__refers(r, &from, value);
}

static int reach__object_refers(struct reach *r, const struct gospan *s, const struct wordpiece *p,
				uint64_t value, uint64_t at)
{
	struct referrer from = { .root = NULL };
	uint64_t base;
	uint32_t to = reach__meant(r, value);
	bool sought = false;
	int err;

	for (uint32_t i = to; i != REFGRAPH_NONE && !sought; i = r->graph->nodes[i].same)
		sought = is_sought(&r->graph->nodes[i], value, false);
	if (!sought || !gospan_object(s, at, &base) || base == r->graph->nodes[to].base ||
	    runtime_words_is_in_heap(&r->own, s, base, at, p))
		return 0;
	if (r->last_round)
		return reach__refers_only_now(r, base, value, at);
	from.offset = at - base - s->header;
	err = reach__node(r, base, s->elem_bytes, 0, &from.node);
	return err ? unless_full(err) : reach__refers(r, &from, value);
}

static int on_hit(void *ctx, const struct wordpiece *p, uint64_t value, uint64_t at)
{
	struct reach *r = ctx;
	struct refroot root = { .addr = at, .kind = REFROOT_GLOBAL };

	switch ((enum stretch)p->kind) {
	case OF_HEAP: return reach__object_refers(r, p->what, p, value, at);
	case OF_VARIABLES:
		if (runtime_words_is_number(&r->own, p->what, at))
			return 0;
		break;
	case OF_C:
		if (goheap__is_record(r->heap, at))
			return 0;
		root.kind = REFROOT_C;
		break;
	}
	return reach__refers(r, &(struct referrer){ .root = &root }, value);
}

static int reach__variables(struct reach *r)
{
	const struct goruntime *rt = r->in.rt;
	int err = 0;

	for (uint32_t i = 0; i < rt->nr_modules && !err; i++) {
		const struct tabspan *spans[] = { &rt->modules[i].data, &rt->modules[i].bss };

		for (size_t k = 0; k < ARRAY_SIZE(spans) && !err; k++)
			if (spans[k]->addr % 8 == 0)
				err = wordscan__add(r->scan, spans[k]->addr,
						    spans[k]->addr + (spans[k]->len & ~7ull),
						    OF_VARIABLES, &rt->modules[i]);
	}
	return err ? err : wordscan__end(r->scan);
}

static int reach__c_memory(struct reach *r)
{
	int err = 0;

	for (size_t i = 0; i < r->nr_c_memory && !err; i++)
		err = wordscan__add(r->scan, r->c_memory[i].from, r->c_memory[i].to, OF_C, NULL);
	return err ? err : wordscan__end(r->scan);
}

static int reach__heap(struct reach *r)
{
	int err = 0;

	for (size_t i = 0; i < r->heap->nr && !err; i++) {
		const struct gospan *s = &r->heap->spans[i];

		if (!s->noscan && !runtime_words_has_only_gs(&r->own, s))
			err = wordscan__add(r->scan, s->start, s->start + s->nelems * s->elem_bytes,
					    OF_HEAP, s);
	}
	return err ? err : wordscan__end(r->scan);
}

/* --- passes --- */

static void reach__look_for(struct reach *r, const uint32_t *nodes, size_t nr)
{
	wordscan__clear(r->scan);
	for (size_t i = 0; i < nr; i++) {
		const struct refnode *n = &r->graph->nodes[nodes[i]];
		struct goobject o;

		if (n->tiny_len)
			wordscan__look_for(r->scan, n->base, n->base + n->tiny_len);
		else if (!goheap__object(r->heap, n->base, &o))
			wordscan__look_for(r->scan, o.base, o.base + o.size);
	}
}

static uint64_t reach__max_bytes(const struct reach *r)
{
	return r->in.budget_bytes ? r->in.budget_bytes : UINT64_MAX;
}

static bool reach__has_all(const struct reach *r, const uint32_t *nodes, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!r->graph->nodes[nodes[i]].reached)
			return false;
	return true;
}

/* Roots first: what they reach needs no search in the heap. */
static int reach__pass(struct reach *r, const uint32_t *nodes, size_t nr)
{
	int err = reach__variables(r);

	if (wordscan__unread(r->scan))
		reach__doubts(r, "some of its variables could not be read");
	if (!err)
		err = reach__special_words(r);
	for (uint32_t i = 0; i < r->in.census->nr && !err; i++)
		err = reach__goroutine_words(r, i);
	if (!err)
		err = reach__c_memory(r);
	if (err || reach__has_all(r, nodes, nr))
		return err;
	wordscan__begin(r->scan, on_hit, r, r->deadline_ns, reach__max_bytes(r));
	err = reach__heap(r);
	if (wordscan__unread(r->scan))
		reach__doubts(r, "a part of the heap could not be read");
	return err;
}

/* One pass for these. -ETIME: it was not whole. */
static int reach__search(struct reach *r, const uint32_t *nodes, size_t nr)
{
	int err;

	r->stats.passes++;
	reach__look_for(r, nodes, nr);
	wordscan__begin(r->scan, on_hit, r, r->deadline_ns, reach__max_bytes(r));
	err = reach__pass(r, nodes, nr);
	refgraph__searched(r->graph, nodes, nr);
	return err;
}

/* Until nothing new refers to what may serve a goal. -ETIME as above. */
static int reach__passes(struct reach *r)
{
	for (;;) {
		scoped_mem uint32_t *nodes = NULL;
		size_t nr;
		int err = refgraph__frontier(r->graph, r->goals, r->nr_goals, false, &nodes, &nr);

		if (err || !nr)
			return err;
		if (r->stats.passes >= REACH_PASSES_MAX)
			return -ETIME;
		err = reach__search(r, nodes, nr);
		if (err)
			return err;
	}
}

/* All that is unreached is looked for once more, in the heap as it is now. */
static int reach__verify(struct reach *r)
{
	scoped_mem uint32_t *nodes = NULL;
	size_t nr;
	int err = refgraph__frontier(r->graph, r->goals, r->nr_goals, true, &nodes, &nr);

	if (err || !nr)
		return err;
	goheap__free(steal(r->heap));
	err = goheap__read(r->in.as, r->in.rt, &r->heap, r->why);
	if (err)
		return err;
	r->own.heap = r->heap;
	if (r->heap->refused)
		reach__doubts(r, "a part of the list of the heap could not be read");
	return reach__search(r, nodes, nr);
}

/* Time, passes or bytes were used up. */
static void reach__doubts_rest(struct reach *r)
{
	char text[sizeof(r->doubt)];
	size_t rest = 0;

	for (size_t i = 0; i < r->nr_goals; i++)
		rest += !r->graph->nodes[r->goals[i]].reached;
	snprintf(text, sizeof(text),
		 "the budget was used up after %.3g s: %zu of %zu are not decided",
		 (double)(clock_now_ns() - r->start_ns) / NS_PER_SEC, rest, r->nr_goals);
	reach__doubts(r, text);
}

/*
 * The program runs on: a table that is copied and replaced refers to what it holds from somewhere
 * else in each pass. So what is unreached when nothing new is found is looked for again, and only
 * what is unreached itself may refer to it. Else the search goes on, and in the last round what
 * refers to it newly counts as reached.
 */
static int reach__rounds(struct reach *r)
{
	int err = reach__passes(r);

	for (unsigned int round = 1; round <= ROUNDS && !err; round++) {
		uint32_t known = r->graph->nr_nodes, edges = r->graph->nr_edges;

		r->last_round = round == ROUNDS;
		err = reach__verify(r);
		if (err || (r->graph->nr_nodes == known && r->graph->nr_edges == edges))
			break;
		err = reach__passes(r);
	}
	if (err == -ETIME) {
		reach__doubts_rest(r);
		return 0;
	}
	return err;
}

/* --- who ran meanwhile --- */

static int on_ran(void *ctx, uint32_t number, uint64_t goid, const struct glive_words *w)
{
	struct reach *r = ctx;
	struct refroot root = { .goid = goid, .kind = REFROOT_RAN };
	int err = 0;

	r->stats.ran++;
	if (number < r->in.census->nr && r->in.muted && r->in.muted[number])
		return 0;
	if (r->in.nr_passed_over && number < r->in.census->nr && r->is_goal[number])
		return 0; /* what is passed over has woken it */
	if (number < r->in.census->nr && r->nodes[number] != REFGRAPH_NONE)
		err = refgraph__reach(r->graph, r->nodes[number], &root);
	root.kind = REFROOT_STACK;
	for (size_t i = 0; i < w->nr && !err; i++) {
		root.frame = w->frames[i];
		err = reach__refers(r, &(struct referrer){ .root = &root, .all = true },
				    w->values[i]);
	}
	return err;
}

/* --- all of it --- */

static int reach__read(struct reach *r)
{
	const struct reach_in *in = &r->in;
	int err = goheap__read(in->as, in->rt, &r->heap, r->why);

	if (!err)
		err = gospecials__read(in->as, in->rt, r->heap, &r->specials);
	if (!err)
		err = grefs__read(in->as, in->rt, in->census, r->heap->lo, r->heap->hi, &r->refs);
	if (!err && in->rt->cgo && in->maps)
		err = cmemory_ranges(in->as, in->maps, in->rt, r->heap, &r->c_memory,
				     &r->nr_c_memory);
	if (err && err != -ESRCH && err != -ENOMEM)
		return cause__set(r->why, err, "the goroutines of %s cannot be read",
				  in->rt->version);
	if (err)
		return err;
	r->own = (struct runtime_words){ .as = in->as,
					 .rt = in->rt,
					 .heap = r->heap,
					 .refs = r->refs,
					 .no_timers = in->no_timers };
	r->stats.heap_bytes = r->heap->scan_bytes;
	if (r->heap->refused)
		reach__doubts(r, "a part of the list of the heap could not be read");
	if (r->specials->lost)
		reach__doubts(r, "too many finalizers");
	return 0;
}

static int reach__init(struct reach *r)
{
	size_t nr = r->in.census->nr;
	int err = refgraph__new(&r->graph);

	if (!err)
		err = wordscan__new(r->in.as, &r->scan);
	r->nodes = reallocarray(NULL, nr + 1, sizeof(*r->nodes));
	r->forever = calloc(nr + 1, sizeof(*r->forever));
	r->is_goal = calloc(nr + 1, sizeof(*r->is_goal));
	r->passed_over = calloc(r->in.nr_passed_over + 1, sizeof(*r->passed_over));
	if (!err && (!r->nodes || !r->forever || !r->is_goal || !r->passed_over))
		err = -ENOMEM;
	if (err || !r->in.nr_passed_over)
		return err;
	memcpy(r->passed_over, r->in.passed_over, r->in.nr_passed_over * sizeof(*r->passed_over));
	qsort(r->passed_over, r->in.nr_passed_over, sizeof(*r->passed_over), order_u64);
	return 0;
}

struct grefs *reach__take_refs(struct reach *r)
{
	return steal(r->refs);
}

static void reach__settle(struct reach *r)
{
	if (r->refs->unread)
		reach__doubts(r, "the stack of a goroutine could not be read");
	if (r->refs->words.lost)
		reach__doubts(r, "the goroutines refer to too much");
	if (r->graph->lost)
		reach__doubts(r, "too much refers to it");
	r->stats.objects = r->graph->nr_nodes;
	r->stats.edges = r->graph->nr_edges;
	r->stats.bytes = wordscan__bytes(r->scan);
}

int reach__run(const struct reach_in *in, struct reach **ret, struct cause *why)
{
	scoped(reach) r = calloc(1, sizeof(*r));
	uint64_t start = clock_now_ns();
	int err;

	if (!r)
		return -ENOMEM;
	r->in = *in;
	r->why = why;
	r->start_ns = start;
	r->deadline_ns = in->budget_ns ? start + in->budget_ns : UINT64_MAX;
	err = reach__init(r);
	if (!err)
		err = reach__read(r);
	if (!err)
		err = reach__goroutines(r);
	if (!err)
		err = reach__set_goals(r);
	if (!err)
		err = reach__rounds(r);
	if (!err)
		err = grefs__again(r->refs, on_ran, r);
	if (err)
		return err;
	reach__settle(r);
	r->stats.ns = clock_now_ns() - start;
	r->why = NULL;
	*ret = steal(r);
	return 0;
}
