// SPDX-License-Identifier: BSD-2-Clause
#include "view/watched_chans.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view/chans.h"

struct keyed {
	const struct chan_life *l;
	uint64_t shape;
	double score, fold_score;
};

void watched_chans__free(struct watched_chans *c)
{
	if (!c)
		return;
	free(c->v);
	free(c->folds);
	free(c);
}

static uint64_t mix_text(uint64_t h, const char *text)
{
	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * 0x100000001b3ull;
	return shape_mix(h, 0);
}

static uint64_t shape_of(const struct chan_watch *w, const struct chan_life *l)
{
	uint64_t h = mix_text(shape_mix(l->rt, l->cap), l->elem_name), sites = 0;

	h = shape_mix(h, l->elem_bytes | (uint64_t)l->timer << 32);
	for (uint32_t i = 0; i < l->nr_sites; i++) {
		const struct chan_site *s = &w->sites[l->sites_at + i];
		uint64_t site = mix_text(mix_text(s->direction, s->func), s->file);

		site = mix_text(mix_text(shape_mix(site, s->line), s->made_func), s->made_file);
		sites += shape_mix(site, s->made_line); /* in whatever order they come */
	}
	return shape_mix(h, sites);
}

/* For how large a part of the time it is surely in somebody's way: one look at it alone says little. */
static double score_of(const struct chan_life *l)
{
	const double blocks = fmax(chan_share_least(&l->full), chan_share_least(&l->sends));

	return l->looks ? blocks + l->fill.is / 1000 + l->receives.is / 1000000 : -1;
}

static int compare_shapes(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->shape != y->shape)
		return x->shape < y->shape ? -1 : 1;
	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->l < y->l ? -1 : x->l > y->l;
}

static int compare_folds(const void *a, const void *b)
{
	const struct keyed *x = a, *y = b;

	if (x->fold_score != y->fold_score)
		return x->fold_score > y->fold_score ? -1 : 1;
	return compare_shapes(a, b);
}

static bool is_waited_for(const struct chans *cs, const struct chan_life *l)
{
	for (size_t i = 0; i < cs->nr; i++)
		if (cs->objects[i].kind == OBJECT_CHAN && cs->objects[i].addr == l->addr &&
		    cs->objects[i].rt == l->rt)
			return !l->ended;
	return false;
}

static void fold(struct watched_chans *c, struct keyed *v, size_t nr)
{
	double score = 0;

	if (nr)
		qsort(v, nr, sizeof(*v), compare_shapes);
	for (size_t i = 0; i < nr; i++) {
		score = i && v[i].shape == v[i - 1].shape ? score : v[i].score;
		v[i].fold_score = score;
	}
	if (nr)
		qsort(v, nr, sizeof(*v), compare_folds);
	for (size_t i = 0; i < nr; i++) {
		if (!i || v[i].shape != v[i - 1].shape)
			c->folds[c->nr_folds++] = (struct watched_fold){ .first = (uint32_t)i };
		c->folds[c->nr_folds - 1].nr++;
		c->v[c->nr++] = v[i].l;
	}
}

int watched_chans__new(const struct chan_watch *w, const struct chans *only,
		       struct watched_chans **ret)
{
	scoped_mem struct keyed *v = calloc(w->nr + 1, sizeof(*v));
	scoped(watched_chans) c = calloc(1, sizeof(*c));
	size_t nr = 0;

	if (!c || !v)
		return -ENOMEM;
	c->w = w;
	c->v = calloc(w->nr + 1, sizeof(struct chan_life *));
	c->folds = calloc(w->nr + 1, sizeof(*c->folds));
	if (!c->v || !c->folds)
		return -ENOMEM;
	for (size_t i = 0; i < w->nr; i++)
		if (!only || is_waited_for(only, &w->lives[i]))
			v[nr++] = (struct keyed){ .l = &w->lives[i],
						  .shape = shape_of(w, &w->lives[i]),
						  .score = score_of(&w->lives[i]) };
	fold(c, v, nr);
	*ret = steal(c);
	return 0;
}
