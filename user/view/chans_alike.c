/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chans_alike: who holds the locks, and what deadlocks are like: what makes two of them one for a
 * person.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/chans.h"

/* --- holders --- */

static int compare_places(const struct place *x, const struct place *y)
{
	/* By their texts, not where these lie: a recording shows the same order. */
	const int func = x->func == y->func ? 0 : strcmp(x->func, y->func),
		  file = x->file == y->file ? 0 : strcmp(x->file, y->file);

	if (func || file)
		return func ? func : file;
	return (x->line > y->line) - (x->line < y->line);
}

static int compare_kinds(const struct object_holder *x, const struct object_holder *y)
{
	int places = compare_places(&x->release, &y->release);

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return places ? places : compare_places(&x->stand, &y->stand);
}

static int compare_holders(const void *a, const void *b)
{
	const struct object_holder *x = a, *y = b;
	int kinds = compare_kinds(x, y);

	return kinds ? kinds : (x->hold > y->hold) - (x->hold < y->hold);
}

static int chans__hold_lock(struct chans *cs, struct object *o)
{
	const struct gholds *hs = cs->sources[o->rt].holds;
	struct object_holder *v = cs->holders + cs->nr_holders;
	size_t nr = 0;
	const struct ghold *h = gholds__of(hs, o->addr, &nr);
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++) {
		v[i] = (struct object_holder){ .hold = (uint32_t)(h + i - hs->v),
					       .g = h[i].g,
					       .kind = h[i].kind };
		err = place_of_release(cs->d, o->rt, &h[i], &v[i].release);
		if (!err)
			err = place_of_goroutine(cs->d, o->rt, h[i].g, &v[i].stand);
	}
	if (nr && !err)
		qsort(v, nr, sizeof(*v), compare_holders);
	o->holders_at = (uint32_t)cs->nr_holder_groups;
	for (size_t i = 0; i < nr && !err; i++) {
		if (!i || compare_kinds(&v[i - 1], &v[i]))
			cs->holder_groups[cs->nr_holder_groups++] =
				(struct holder_group){ .first = (uint32_t)(cs->nr_holders + i) };
		cs->holder_groups[cs->nr_holder_groups - 1].nr++;
	}
	o->nr_holders = (uint32_t)(cs->nr_holder_groups - o->holders_at);
	cs->nr_holders += nr;
	return err;
}

int chans__find_holders(struct chans *cs)
{
	size_t most = 0;
	int err = 0;

	for (size_t rt = 0; rt < cs->d->in.nr; rt++)
		most += cs->sources[rt].holds->nr;
	cs->holders = calloc(most + 1, sizeof(*cs->holders));
	cs->holder_groups = calloc(most + 1, sizeof(*cs->holder_groups));
	if (!cs->holders || !cs->holder_groups)
		return -ENOMEM;
	for (size_t i = 0; i < cs->nr && !err; i++)
		if (cs->objects[i].kind == OBJECT_LOCK)
			err = chans__hold_lock(cs, &cs->objects[i]);
	return err;
}

/* --- deadlocks --- */

/* One goroutine of a cycle: what it waits for, where, and where what it waits for is released. */
static int shape_of_step(const struct chans *cs, uint16_t rt, const struct wait_edge *e,
			 uint64_t *ret)
{
	const struct chans_source *s = &cs->sources[rt];
	const struct census_wait *wait = &cs->d->in.censuses[rt]->waits[e->wait];
	const struct ghold *h = wait_edge_holds(e) ? &s->holds->v[e->hold] : NULL;
	const struct glock *l = glocks__get(s->locks, wait->addr);
	struct place p;
	int err = place_of_goroutine(cs->d, rt, e->g, &p);

	if (err)
		return err;
	*ret = shape_mix(shape_mix(l ? l->kind : wait->kind, wait->direction),
			 h ? h->kind + 2u : wait_edge_keeps(e));
	*ret = shape_of_place(*ret, &p);
	if (!h)
		return 0;
	err = place_of_release(cs->d, rt, h, &p);
	*ret = shape_of_place(*ret, &p);
	return err;
}

/* A cycle has no beginning: where its least turn starts, in linear time. */
static size_t least_turn(const uint64_t *v, size_t nr)
{
	size_t i = 0, j = 1, k = 0;

	while (i < nr && j < nr && k < nr) {
		const uint64_t x = v[(i + k) % nr], y = v[(j + k) % nr];

		if (x == y) {
			k++;
			continue;
		}
		if (x > y)
			i += k + 1;
		else
			j += k + 1;
		if (i == j)
			j++;
		k = 0;
	}
	return i < j ? i : j;
}

/* steps: room for all of the cycle. */
static int shape_of_cycle(const struct chans *cs, struct cycle *r, uint64_t *steps)
{
	const struct waitgraph *g = cs->sources[r->rt].graph;
	const struct wait_cycle *w = &g->cycles[r->index];
	size_t from;
	int err = 0;

	for (uint32_t i = 0; i < w->nr && !err; i++)
		err = shape_of_step(cs, r->rt, &g->steps[w->edges_at + i], &steps[i]);
	if (err)
		return err;
	from = least_turn(steps, w->nr);
	r->shape = shape_mix(w->nr, r->rt);
	for (uint32_t i = 0; i < w->nr; i++)
		r->shape = shape_mix(r->shape, steps[(from + i) % w->nr]);
	return 0;
}

static int compare_cycles(const void *a, const void *b)
{
	const struct cycle *x = a, *y = b;

	if (x->shape != y->shape)
		return x->shape < y->shape ? -1 : 1;
	if (x->rt != y->rt)
		return x->rt < y->rt ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* As the graph has the first of each. */
static int compare_cycle_folds(const void *a, const void *b, void *context)
{
	const struct chans *cs = context;
	const struct cycle *x = &cs->cycles[((const struct cycle_fold *)a)->first];
	const struct cycle *y = &cs->cycles[((const struct cycle_fold *)b)->first];

	if (x->rt != y->rt)
		return x->rt < y->rt ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

static int chans__shape_cycles(struct chans *cs, size_t longest)
{
	uint64_t *steps = calloc(longest + 1, sizeof(*steps));
	int err = steps ? 0 : -ENOMEM;

	for (size_t i = 0; i < cs->nr_cycles && !err; i++)
		err = shape_of_cycle(cs, &cs->cycles[i], steps);
	free(steps);
	return err;
}

int chans__fold_cycles(struct chans *cs)
{
	size_t nr = 0, longest = 0;
	int err;

	for (size_t rt = 0; rt < cs->d->in.nr; rt++)
		nr += cs->sources[rt].graph->nr_cycles;
	cs->cycles = calloc(nr + 1, sizeof(*cs->cycles));
	cs->cycle_folds = calloc(nr + 1, sizeof(*cs->cycle_folds));
	if (!cs->cycles || !cs->cycle_folds)
		return -ENOMEM;
	for (uint16_t rt = 0; rt < cs->d->in.nr; rt++) {
		const struct waitgraph *g = cs->sources[rt].graph;

		for (size_t i = 0; i < g->nr_cycles; i++) {
			longest = g->cycles[i].nr > longest ? g->cycles[i].nr : longest;
			cs->cycles[cs->nr_cycles++] =
				(struct cycle){ .index = (uint32_t)i, .rt = rt };
		}
	}
	err = chans__shape_cycles(cs, longest);
	if (err)
		return err;
	qsort(cs->cycles, nr, sizeof(*cs->cycles), compare_cycles);
	for (size_t i = 0; i < nr; i++) {
		struct cycle_fold *f = i ? &cs->cycle_folds[cs->nr_cycle_folds - 1] : NULL;

		if (!i || cs->cycles[i].shape != cs->cycles[i - 1].shape) {
			f = &cs->cycle_folds[cs->nr_cycle_folds++];
			*f = (struct cycle_fold){ .first = (uint32_t)i };
		}
		f->nr++;
		f->behind +=
			cs->sources[cs->cycles[i].rt].graph->cycles[cs->cycles[i].index].behind;
	}
	qsort_r(cs->cycle_folds, cs->nr_cycle_folds, sizeof(*cs->cycle_folds), compare_cycle_folds,
		cs);
	return 0;
}
