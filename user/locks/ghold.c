/* SPDX-License-Identifier: BSD-2-Clause */
#include "locks/ghold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "census/readv_batch.h"
#include "census/quiescence.h"
#include "locks/holds.h"
#include "census/pcfacts.h"

#define BATCH 1024 /* goroutines whose stacks are read together */

struct finder {
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct census *c;
	const struct glocks *ls;
	struct holds *holds; /* owned */
	struct gholds *hs;
	size_t room;
	struct readv_batch *reads; /* owned, as all that follows */
	bool *moved;               /* by g */
	bool *unsure;              /* by g: there may be more than was found */
	bool *may_give;            /* by stack */
	uint64_t *pcs;             /* as census.pcs, but each where the goroutine stands */
	uint64_t *wanted;          /* locks, by address */
	uint32_t batch[BATCH];     /* goroutines that are looked at */
	size_t nr_batch;
};

/* Do the lock's own words agree that somebody has it so? */
static bool lock_agrees(const struct glock *l, enum ghold_kind kind)
{
	if (!l || !l->settled)
		return false;
	switch (kind) {
	case GHOLD_MUTEX: return l->kind == CENSUS_WAIT_MUTEX && l->locked;
	case GHOLD_WRITE:
		return l->kind == CENSUS_WAIT_RWMUTEX && l->locked && l->writer &&
		       l->departing <= 0;
	case GHOLD_READ: return l->kind == CENSUS_WAIT_RWMUTEX && l->readers > 0;
	case GHOLD_GROUP: return l->kind == CENSUS_WAIT_WAITGROUP && l->counter > 0;
	}
	return false;
}

/* false: it only waits to have it. */
static bool kind_of(enum held_kind kind, enum ghold_kind *ret)
{
	*ret = kind == HELD_MUTEX   ? GHOLD_MUTEX
	       : kind == HELD_WRITE ? GHOLD_WRITE
	       : kind == HELD_GROUP ? GHOLD_GROUP
				    : GHOLD_READ;
	return kind != HELD_PENDING;
}

static int finder__add(struct finder *f, uint32_t g, const struct held *held)
{
	struct ghold h = {
		.lock = held->lock, .g = g, .frame = held->frame, .release_pc = held->release_pc
	};
	enum ghold_kind kind;

	if (!kind_of((enum held_kind)held->kind, &kind) ||
	    !lock_agrees(glocks__get(f->ls, h.lock), kind))
		return 0;
	h.kind = (uint8_t)kind;
	if (f->hs->nr == f->room) {
		size_t room = f->room ? f->room * 2 : 64;
		struct ghold *more = reallocarray(f->hs->v, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		f->hs->v = more;
		f->room = room;
	}
	f->hs->v[f->hs->nr++] = h;
	return 0;
}

/* The pieces of one are its stack, if it is not too large for one, and where its deferred calls
 * begin. */
static int finder__read_stacks(struct finder *f)
{
	int err = 0;

	readv_batch__clear(f->reads);
	for (size_t i = 0; i < f->nr_batch && err >= 0; i++) {
		const struct census_g *g = &f->c->gs[f->batch[i]];
		uint64_t len = g->stack_hi - g->sp;

		err = readv_batch__want(f->reads, g->sp,
					len < READV_PIECE_MAX ? (size_t)len : READV_PIECE_MAX);
		if (err >= 0)
			err = readv_batch__want(f->reads, holds_defer_addr(f->rt, g->addr), 8);
	}
	holds__forget(f->holds);
	return err < 0 ? err : readv_batch__read(f->reads);
}

/* That of the lock that it waits for; 0: it waits for none, or nobody knows. */
static uint64_t sema_of(const struct census *c, const struct census_g *g)
{
	const struct census_wait *w = &c->waits[g->waits_at];

	if (g->nr_waits != 1 || g->waits_cut ||
	    (w->kind != CENSUS_WAIT_MUTEX && w->kind != CENSUS_WAIT_RWMUTEX))
		return 0;
	return w->via;
}

/* Number i of the batch. What was read before serves only if it is all there. */
static int finder__ask(struct finder *f, size_t i)
{
	const struct census_g *g = &f->c->gs[f->batch[i]];
	const struct census_stack *cs = &f->c->stacks[g->stack];
	struct hold_stack s = { .pcs = f->pcs + cs->pcs_at,
				.nr = cs->nr_pcs,
				.sp = g->sp,
				.stack_hi = g->stack_hi,
				.g = g->addr,
				.sema = sema_of(f->c, g) };
	struct held held[GHOLDS_OF_ONE_MAX];
	bool complete = false;
	int err = 0, nr;

	if (g->stack_hi - g->sp <= READV_PIECE_MAX && readv_batch__piece(f->reads, 2 * i) &&
	    readv_batch__piece(f->reads, 2 * i + 1)) {
		s.bytes = readv_batch__piece(f->reads, 2 * i);
		s.nr_bytes = (size_t)(g->stack_hi - g->sp);
		s.defer = readv_batch__piece(f->reads, 2 * i + 1);
	}
	nr = holds__find(f->holds, &s, held, GHOLDS_OF_ONE_MAX, &complete);
	if (nr == -ESRCH || nr == -ENOMEM)
		return nr;
	f->unsure[f->batch[i]] = nr < 0 || !complete;
	for (int k = 0; k < nr && !err; k++)
		err = finder__add(f, f->batch[i], &held[k]);
	return err;
}

/* Those from `from` on count only if their goroutine stood still. */
static void finder__drop_moved(struct finder *f, size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < f->hs->nr; i++) {
		const struct ghold *h = &f->hs->v[i];

		if (f->moved[h->g])
			f->unsure[h->g] = true;
		else
			f->hs->v[kept++] = *h;
	}
	f->hs->nr = kept;
}

/* What is found counts if the goroutine stands where the census saw it from before to after. */
static int finder__batch(struct finder *f)
{
	size_t before = f->hs->nr;
	scoped(quiescence) still = NULL;
	int err = quiescence__new(f->as, f->rt, f->c, f->batch, f->nr_batch, &still);

	if (!err)
		err = finder__read_stacks(f);
	for (size_t i = 0; i < f->nr_batch && !err; i++)
		err = finder__ask(f, i);
	if (!err && f->hs->nr > before) {
		err = quiescence__compare(still, f->moved);
		finder__drop_moved(f, before);
	}
	f->nr_batch = 0;
	return err;
}

static int compare_holds(const void *a, const void *b)
{
	const struct ghold *x = a, *y = b;

	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	if (x->g != y->g)
		return x->g < y->g ? -1 : 1;
	return x->frame < y->frame ? -1 : x->frame > y->frame;
}

/*
 * The pcs of a census are return addresses: where the pc itself counts it is 1 higher. Here that is
 * taken back.
 */
static int finder__make_pcs(struct finder *f)
{
	scoped(pcfacts) facts = NULL;
	int err = pcfacts__new(f->rt->sym, f->rt->minor, &facts);

	f->pcs = calloc(f->c->nr_pcs + 1, sizeof(*f->pcs));
	if (err || !f->pcs)
		return -ENOMEM;
	for (size_t i = 0; i < f->c->nr_stacks; i++) {
		const struct census_stack *s = &f->c->stacks[i];
		uint64_t *pcs = f->pcs + s->pcs_at;
		bool exact = false;

		for (uint32_t k = 0; k < s->nr_pcs; k++) {
			uint64_t pc = f->c->pcs[s->pcs_at + k];

			pcs[k] = exact || pcfacts__get(facts, pc - 1)->is_entry ? pc - 1 : pc;
			exact = pcfacts__get(facts, pcs[k])->role == PC_INJECTED;
		}
	}
	return 0;
}

/* Most goroutines stand in stacks that give nothing back. */
static int finder__sift_stacks(struct finder *f)
{
	int err = 0;

	for (size_t i = 0; i < f->c->nr_stacks && !err; i++) {
		const struct census_stack *s = &f->c->stacks[i];

		err = holds__may_give(f->holds, f->pcs + s->pcs_at, s->nr_pcs, &f->may_give[i]);
		f->may_give[i] |= s->truncated;
	}
	return err;
}

/* The locks that somebody waits for. */
static size_t finder__make_wanted(struct finder *f)
{
	size_t nr = 0;

	for (size_t i = 0; i < f->ls->nr; i++)
		if (f->ls->v[i].kind == CENSUS_WAIT_MUTEX ||
		    f->ls->v[i].kind == CENSUS_WAIT_RWMUTEX ||
		    f->ls->v[i].kind == CENSUS_WAIT_WAITGROUP)
			f->wanted[nr++] = f->ls->v[i].addr;
	return nr;
}

static int finder__init(struct finder *f)
{
	int err = readv_batch__new(f->as, &f->reads);

	f->unsure = calloc(f->c->nr + 1, sizeof(*f->unsure));
	f->moved = calloc(f->c->nr + 1, sizeof(*f->moved));
	f->may_give = calloc(f->c->nr_stacks + 1, sizeof(*f->may_give));
	f->wanted = calloc(f->ls->nr + 1, sizeof(*f->wanted));
	return err || !f->unsure || !f->moved || !f->may_give || !f->wanted ? -ENOMEM : 0;
}

static void finder__done(struct finder *f)
{
	holds__free(f->holds);
	readv_batch__free(f->reads);
	free(f->unsure);
	free(f->moved);
	free(f->may_give);
	free(f->wanted);
	free(f->pcs);
}

static int finder__look_at_all(struct finder *f)
{
	int err = finder__sift_stacks(f);

	for (size_t i = 0; i < f->c->nr && !err; i++) {
		const struct census_g *g = &f->c->gs[i];

		if (g->stack == CENSUS_NO_STACK || !g->sp || !f->may_give[g->stack])
			continue;
		f->batch[f->nr_batch++] = (uint32_t)i;
		if (f->nr_batch == BATCH)
			err = finder__batch(f);
	}
	if (!err && f->nr_batch)
		err = finder__batch(f);
	for (size_t i = 0; i < f->c->nr; i++)
		f->hs->unknown += f->unsure[i];
	if (f->hs->nr)
		qsort(f->hs->v, f->hs->nr, sizeof(*f->hs->v), compare_holds);
	return err;
}

static int finder__run(struct finder *f)
{
	size_t nr_wanted = finder__make_wanted(f);
	int err;

	if (!nr_wanted)
		return 0;
	err = finder__make_pcs(f);
	if (!err)
		err = holds__new(f->as, f->rt, &f->holds);
	if (err)
		return err;
	holds__want(f->holds, f->wanted, nr_wanted);
	return finder__look_at_all(f);
}

int gholds__read(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		 const struct glocks *ls, struct gholds **ret)
{
	scoped(gholds) hs = calloc(1, sizeof(*hs));
	struct finder f = { .as = as, .rt = rt, .c = c, .ls = ls, .hs = hs };
	int err = hs ? finder__init(&f) : -ENOMEM;

	if (!err)
		err = finder__run(&f);
	finder__done(&f);
	if (err)
		return err;
	*ret = steal(hs);
	return 0;
}
