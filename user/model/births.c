// SPDX-License-Identifier: BSD-2-Clause
#include "model/births.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/radix.h"
#include "base/vec.h"

#define ANCESTORS_MAX 1024 /* looked at in one go: ends a circle that a target makes up */

struct birthplace { /* a stack at a `go` statement */
	struct birthplace_key {
		uint64_t gopc, stack_id, rt;
	} key;
	uint64_t nr, goid; /* the last */
	UT_hash_handle hh;
};

struct before { /* a goroutine of a census */
	struct goroutine who;
	uint64_t rt;
};
_Static_assert(offsetof(struct before, who.goid) == 0, "sorted by it as it is");

struct births {
	struct gtable *origins;
	struct before *before;
	size_t nr_before, before_room;
	bool ordered; /* before, by goid */
	struct stackset *stacks;
	struct birthplace *places;
};

int births__new(struct births **ret)
{
	scoped(births) b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	err = gtable__new(BIRTHS_MAX, &b->origins);
	if (!err)
		err = stackset__new(BIRTHS_BYTES_MAX, &b->stacks);
	if (err)
		return err;
	*ret = steal(b);
	return 0;
}

void births__free(struct births *b)
{
	struct birthplace *w, *next;

	if (!b)
		return;
	HASH_ITER(hh, b->places, w, next)
	{
		HASH_DEL(b->places, w);
		free(w);
	}
	gtable__free(b->origins);
	stackset__free(b->stacks);
	free(b->before);
	free(b);
}

static void births__count(struct births *b, const struct birthplace_key *key, uint64_t goid)
{
	const unsigned int before = HASH_COUNT(b->places);
	struct birthplace *w;

	HASH_FIND(hh, b->places, key, sizeof(*key), w);
	if (!w && before < BIRTHS_WAYS_MAX) {
		w = calloc(1, sizeof(*w));
		if (!w)
			return;
		w->key = *key;
		HASH_ADD(hh, b->places, key, sizeof(w->key), w);
		if (HASH_COUNT(b->places) == before) {
			free(w);
			return;
		}
	}
	if (w) {
		w->nr++;
		w->goid = goid;
	}
}

/* NULL: it is in no census, or there is no memory to look. */
static const struct before *births__noted(struct births *b, uint16_t rt, uint64_t goid)
{
	size_t lo = 0, hi = b->nr_before;

	if (!b->ordered &&
	    radix_sort((uint64_t *)b->before, b->nr_before, sizeof(*b->before) / sizeof(uint64_t)))
		return NULL;
	b->ordered = true;
	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (b->before[mid].who.goid < goid)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo < b->nr_before && b->before[lo].who.goid == goid && b->before[lo].rt != rt)
		lo++;
	return lo < b->nr_before && b->before[lo].who.goid == goid ? &b->before[lo] : NULL;
}

/*
 * It is asked for: what a census says of it, and of those it comes from. They make room as if they
 * had ended: they can be had again.
 */
static void births__fetch(struct births *b, uint16_t rt, uint64_t goid)
{
	for (int i = 0; i < ANCESTORS_MAX && goid && !gtable__get(b->origins, rt, goid); i++) {
		const struct before *g = births__noted(b, rt, goid);

		if (!g)
			return;
		const struct gorigin o = {
			.made = { .stack_id = PW_STACK_ID_NONE,
				  .gopc = g->who.gopc,
				  .startpc = g->who.startpc },
			.parent_goid = g->who.parent_goid,
		};

		if (gtable__put(b->origins, rt, goid, &o))
			return;
		gtable__ended(b->origins, rt, goid);
		goid = g->who.parent_goid;
	}
}

static void births__born(struct births *b, const struct pw_birth *r)
{
	const struct birthplace_key key = { .gopc = r->gopc,
					    .stack_id = r->stack_id,
					    .rt = r->hdr.rt };
	const struct gorigin o = {
		.made = { .stack_id = r->stack_id, .gopc = r->gopc, .startpc = r->startpc },
		.parent_goid = r->parent_goid,
	};

	births__fetch(b, r->hdr.rt, r->parent_goid);
	if (!gtable__put(b->origins, r->hdr.rt, r->hdr.goid, &o))
		births__count(b, &key, r->hdr.goid);
}

void births__record(struct births *b, const struct pw_hdr *h)
{
	const struct pw_stack *st = (const struct pw_stack *)h;

	if (h->kind == PW_STACK)
		(void)stackset__add(b->stacks, st->stack_id, (const uint64_t *)st->pcs, st->nr,
				    st->truncated);
	else if (h->kind == PW_BIRTH)
		births__born(b, (const struct pw_birth *)h);
	else if (h->kind == PW_EXIT)
		gtable__ended(b->origins, h->rt, h->goid);
}

void births__before(struct births *b, uint16_t rt, const struct goroutine *g)
{
	if (b->nr_before == BIRTHS_BEFORE_MAX ||
	    vec__reserve(&b->before, &b->before_room, b->nr_before + 1, sizeof(*b->before)))
		return;
	b->before[b->nr_before++] = (struct before){ *g, rt };
	b->ordered = false;
}

const struct gorigin *births__of(struct births *b, uint16_t rt, uint64_t goid)
{
	births__fetch(b, rt, goid);
	return gtable__get(b->origins, rt, goid);
}

int births__chain(struct births *b, uint16_t rt, uint64_t goid, struct chain *ret)
{
	births__fetch(b, rt, goid);
	return chainset__get(gtable__chains(b->origins), gtable__chain(b->origins, rt, goid), ret);
}

int births__stack(const struct births *b, uint64_t stack_id, struct stack *ret)
{
	return stackset__get(b->stacks, stack_id, ret);
}

uint64_t births__commonest(const struct births *b, uint16_t rt, uint64_t gopc)
{
	const struct birthplace *w, *most = NULL;

	for (w = b->places; w; w = w->hh.next)
		if (w->key.gopc == gopc && w->key.rt == rt && (!most || w->nr > most->nr))
			most = w;
	return most ? most->goid : 0;
}
