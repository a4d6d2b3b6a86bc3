// SPDX-License-Identifier: BSD-2-Clause
#include "heap/chanlead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "heap/chanops.h"
#include "locks/wayout.h"

#define LEVELS  2  /* objects on the way to the one that refers to the channel */
#define CALLERS 4  /* of the function that has it */
#define FUNCS   64 /* functions that are remembered */
#define SEVERAL (UINT32_MAX - 1)

struct hit {
	struct chanlead *lead;
	uint32_t frame;
};

struct known { /* what the code at a pc does */
	uint64_t pc;
	unsigned int ops;
	bool again;
};

struct finder {
	const struct chanlead_in *in;
	struct chanlead *v;
	size_t nr;
	struct chanops *ops;
	struct known known[FUNCS]; /* the oldest is forgotten first */
	size_t nr_known;
	/* of the goroutine that is asked */
	struct hit *hits; /* channels that it has near: room for nr */
	uint32_t *met;    /* of each channel: the goroutine that had it last, from 1 on */
	size_t nr_hits;
	uint32_t now;
};

static int compare(const void *key, const void *at)
{
	const uint64_t x = *(const uint64_t *)key, y = ((const struct chanlead *)at)->chan;

	return x < y ? -1 : x > y;
}

/* The first time that it is met: that is the nearest. */
static void see(void *ctx, const uint64_t *words, size_t nr, uint32_t frame)
{
	struct finder *f = ctx;

	for (size_t i = 0; i < nr; i++) {
		const uint64_t value = words[i];
		struct chanlead *lead =
			value < f->v[0].chan || value > f->v[f->nr - 1].chan
				? NULL
				: bsearch(&value, f->v, f->nr, sizeof(*f->v), compare);

		if (!lead || f->met[lead - f->v] == f->now)
			continue;
		f->met[lead - f->v] = f->now;
		f->hits[f->nr_hits++] = (struct hit){ lead, frame };
	}
}

static bool is_runtimes(const struct goruntime *rt, uint64_t pc)
{
	struct goframe frames[GOSYM_INLINE_MAX];
	const int nr = gosym__frames(rt->sym, pc, false, frames, ARRAY_SIZE(frames));

	return nr <= 0 || !strncmp(frames[nr - 1].func, "runtime.", strlen("runtime."));
}

static const struct known *finder__code(struct finder *f, uint64_t pc, bool is_return)
{
	struct known *k;
	int again;

	for (size_t i = 0; i < f->nr_known && i < FUNCS; i++)
		if (f->known[i].pc == pc)
			return &f->known[i];
	k = &f->known[f->nr_known++ % FUNCS];
	*k = (struct known){ .pc = pc };
	if (is_runtimes(f->in->rt, pc - 1))
		return k;
	k->ops = chanops__at(f->ops, pc - 1, true);
	again = wayout_from(chanops__fns(f->ops), pc, is_return);
	k->again = again < 0 || again & WAYOUT_AGAIN;
	return k;
}

/* It will, when it goes on, and this once. */
static bool finder__ends(struct finder *f, const struct census_g *g, const struct hit *h)
{
	const struct census *c = f->in->census;
	const struct census_stack *s = g->stack == CENSUS_NO_STACK ? NULL : &c->stacks[g->stack];
	const unsigned int wanted = h->lead->shared ? CHANOP_CLOSES : CHANOP_SENDS | CHANOP_CLOSES;

	for (uint32_t i = h->frame; s && i < s->nr_pcs && i - h->frame < CALLERS; i++) {
		const struct known *k = finder__code(f, c->pcs[s->pcs_at + i], i > 0);

		if (k->ops & wanted)
			return !k->again;
	}
	return false;
}

static bool waits_for(const struct census *c, const struct census_g *g, uint64_t chan)
{
	for (uint32_t i = 0; i < g->nr_waits; i++)
		if (c->waits[g->waits_at + i].addr == chan)
			return true;
	return false;
}

static int finder__ask(struct finder *f, struct nearby *near, size_t i)
{
	const struct census_g *g = &f->in->census->gs[f->in->gs[i]];
	int err = nearby__begin(near, i);

	f->nr_hits = 0;
	f->now++;
	for (int level = 0; level <= LEVELS && !err; level++)
		err = nearby__level(near, level == LEVELS, see, f);
	if (err && err != -ENOENT)
		return err;
	for (size_t k = 0; k < f->nr_hits; k++) {
		struct chanlead *lead = f->hits[k].lead;

		if (!waits_for(f->in->census, g, lead->chan) && finder__ends(f, g, &f->hits[k]))
			lead->by = lead->by == CHANLEAD_NONE ? f->in->gs[i] : SEVERAL;
	}
	return 0;
}

static int finder__ask_all(struct finder *f)
{
	const struct chanlead_in *in = f->in;
	int err = nearby__ask(in->near, in->census, in->gs, in->nr);

	for (size_t i = 0; i < in->nr && !err; i++)
		err = finder__ask(f, in->near, i);
	return err;
}

int chanleads_find(const struct chanlead_in *in, struct chanlead *v, size_t nr)
{
	scoped(chanops) ops = NULL;
	scoped_mem struct hit *hits = calloc(nr + 1, sizeof(*hits));
	scoped_mem uint32_t *met = calloc(nr + 1, sizeof(*met));
	struct finder f = { .in = in, .v = v, .nr = nr, .hits = hits, .met = met };
	int err = hits && met ? 0 : -ENOMEM;

	for (size_t i = 0; i < nr; i++)
		v[i].by = CHANLEAD_NONE;
	if (err || !nr)
		return err;
	err = chanops__new(in->as, in->rt, &ops);
	f.ops = ops;
	if (!err)
		err = finder__ask_all(&f);
	for (size_t i = 0; i < nr; i++)
		if (err || v[i].by == SEVERAL)
			v[i].by = CHANLEAD_NONE;
	return err == -ETIME ? 0 : err;
}
