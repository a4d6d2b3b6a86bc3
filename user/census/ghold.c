/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/ghold.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "census/gstill.h"
#include "census/holds.h"
#include "census/pcfacts.h"

struct finder {
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct census *c;
	const struct glocks *ls;
	struct holds *holds; /* owned */
	struct gholds *hs;
	size_t room;
	bool *moved;   /* by g; owned */
	uint64_t *pcs; /* as census.pcs, but each where the goroutine stands; owned */
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
	}
	return false;
}

/* false: it only waits to have it. */
static bool kind_of(enum held_kind kind, enum ghold_kind *ret)
{
	*ret = kind == HELD_MUTEX ? GHOLD_MUTEX : kind == HELD_WRITE ? GHOLD_WRITE : GHOLD_READ;
	return kind != HELD_PENDING;
}

static int finder__ask(struct finder *f, const struct census_g *g, struct held *held,
		       bool *ret_complete)
{
	const struct census_stack *cs = &f->c->stacks[g->stack];
	const struct hold_stack s = { .pcs = f->pcs + cs->pcs_at,
				      .nr = cs->nr_pcs,
				      .sp = g->sp,
				      .stack_hi = g->stack_hi,
				      .g = g->addr };

	return holds__find(f->holds, &s, held, GHOLDS_OF_ONE_MAX, ret_complete);
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

/*
 * Asks again, and takes the answer only if the goroutine stands where the census saw it from before
 * to after.
 */
static int finder__ask_again(struct finder *f, uint32_t g, struct held *held, bool *ret_complete)
{
	scoped(gstill) still = NULL;
	int nr, err = gstill__new(f->as, f->rt, f->c, &g, 1, &still);

	if (err)
		return err;
	nr = finder__ask(f, &f->c->gs[g], held, ret_complete);
	f->moved[g] = false;
	err = gstill__compare(still, f->moved);
	if (err)
		return err;
	*ret_complete &= !f->moved[g];
	return f->moved[g] ? 0 : nr;
}

/* Most goroutines hold nothing: only for the others it matters that they stood still meanwhile. */
static int finder__goroutine(struct finder *f, uint32_t g)
{
	struct held held[GHOLDS_OF_ONE_MAX];
	bool complete = true;
	int err = 0, nr = finder__ask(f, &f->c->gs[g], held, &complete);

	if (nr > 0)
		nr = finder__ask_again(f, g, held, &complete);
	if (nr == -ESRCH || nr == -ENOMEM)
		return nr;
	f->hs->unknown += nr < 0 || !complete;
	for (int i = 0; i < nr && !err; i++)
		err = finder__add(f, g, &held[i]);
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

static bool anything_to_hold(const struct glocks *ls)
{
	for (size_t i = 0; i < ls->nr; i++)
		if (ls->v[i].kind == CENSUS_WAIT_MUTEX || ls->v[i].kind == CENSUS_WAIT_RWMUTEX)
			return true;
	return false;
}

static int finder__run(struct finder *f)
{
	int err = 0;

	for (size_t i = 0; i < f->c->nr && !err; i++)
		if (f->c->gs[i].stack != CENSUS_NO_STACK && f->c->gs[i].sp)
			err = finder__goroutine(f, (uint32_t)i);
	if (f->hs->nr)
		qsort(f->hs->v, f->hs->nr, sizeof(*f->hs->v), compare_holds);
	return err;
}

int gholds__read(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		 const struct glocks *ls, struct gholds **ret)
{
	scoped(gholds) hs = calloc(1, sizeof(*hs));
	struct finder f = { .as = as, .rt = rt, .c = c, .ls = ls, .hs = hs };
	int err = 0;

	if (!hs)
		return -ENOMEM;
	if (anything_to_hold(ls)) {
		f.moved = calloc(c->nr + 1, sizeof(*f.moved));
		err = f.moved ? finder__make_pcs(&f) : -ENOMEM;
		if (!err)
			err = holds__new(as, rt, &f.holds);
		if (!err)
			err = finder__run(&f);
		holds__free(f.holds);
		free(f.moved);
		free(f.pcs);
	}
	if (err)
		return err;
	*ret = steal(hs);
	return 0;
}

void gholds__free(struct gholds *hs)
{
	if (!hs)
		return;
	free(hs->v);
	free(hs);
}

const struct ghold *gholds__of(const struct gholds *hs, uint64_t lock, size_t *ret_nr)
{
	size_t lo = 0, hi = hs->nr, end;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (hs->v[mid].lock < lock)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (end = lo; end < hs->nr && hs->v[end].lock == lock;)
		end++;
	*ret_nr = end - lo;
	return hs->v + lo;
}
