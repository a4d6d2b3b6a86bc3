// SPDX-License-Identifier: BSD-2-Clause
#include "model/gtable.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* looked at in one go: ends a circle that a target makes up */
#define ANCESTORS_MAX 1024

struct key { /* hashed as bytes: no padding */
	uint64_t goid;
	uint64_t rt;
};

struct entry {
	UT_hash_handle hh;
	struct key key;
	struct gorigin origin;
	uint32_t chain; /* CHAIN_NONE: not worked out yet */
	bool ended;
};

struct gtable {
	struct entry *by_goid;
	struct chainset *chains;
	size_t max, nr_ended;
	uint64_t refused;
};

int gtable__new(size_t max, struct gtable **ret)
{
	scoped(gtable) t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->max = max;
	err = chainset__new(&t->chains);
	if (err)
		return err;
	*ret = steal(t);
	return 0;
}

static void drop(struct gtable *t, struct entry *e)
{
	HASH_DEL(t->by_goid, e);
	free(e);
}

void gtable__free(struct gtable *t)
{
	struct entry *e, *next;

	if (!t)
		return;
	HASH_ITER(hh, t->by_goid, e, next)
	drop(t, e);
	chainset__free(t->chains);
	free(t);
}

static struct entry *find(const struct gtable *t, uint16_t rt, uint64_t goid)
{
	struct key k = { .goid = goid, .rt = rt };
	struct entry *e;

	HASH_FIND(hh, t->by_goid, &k, sizeof(k), e);
	return e;
}

/* Walks up to the nearest ancestor whose chain is known, then builds the chains on the way down. */
static uint32_t resolve(struct gtable *t, struct entry *e)
{
	struct entry *path[ANCESTORS_MAX];
	uint32_t chain = CHAIN_NONE;
	size_t nr = 0;

	while (e && nr < ANCESTORS_MAX) {
		chain = e->chain;
		if (chain != CHAIN_NONE)
			break;
		path[nr++] = e;
		e = e->origin.parent_goid ? find(t, (uint16_t)e->key.rt, e->origin.parent_goid)
					  : NULL;
	}
	while (nr > 0) {
		e = path[--nr];
		chain = chainset__extend(t->chains, &e->origin.made, chain);
		e->chain = chain;
	}
	return chain;
}

/* Before the ended ones go, those that live take their ancestry from them. */
static void sweep(struct gtable *t)
{
	struct entry *e, *next;

	HASH_ITER(hh, t->by_goid, e, next)
	if (!e->ended)
		resolve(t, e);
	HASH_ITER(hh, t->by_goid, e, next)
	if (e->ended)
		drop(t, e);
	t->nr_ended = 0;
}

static int insert(struct gtable *t, uint16_t rt, uint64_t goid, const struct gorigin *o)
{
	struct entry *e;
	size_t count;

	/* A sweep looks at everything: only worth it when it makes much room. */
	if (HASH_COUNT(t->by_goid) >= t->max && t->nr_ended * 4 >= t->max)
		sweep(t);
	count = HASH_COUNT(t->by_goid);
	if (count >= t->max)
		return -ENOSPC;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->key = (struct key){ .goid = goid, .rt = rt };
	e->origin = *o;
	HASH_ADD(hh, t->by_goid, key, sizeof(e->key), e);
	if (HASH_COUNT(t->by_goid) == count) {
		free(e);
		return -ENOMEM;
	}
	return 0;
}

int gtable__put(struct gtable *t, uint16_t rt, uint64_t goid, const struct gorigin *o)
{
	struct entry *e = find(t, rt, goid);
	int err;

	if (e) {
		if (e->origin.made.stack_id != PW_STACK_ID_NONE &&
		    o->made.stack_id == PW_STACK_ID_NONE)
			return 0;
		e->origin = *o;
		e->chain = CHAIN_NONE;
		return 0;
	}
	err = insert(t, rt, goid, o);
	if (err)
		t->refused++;
	return err;
}

void gtable__ended(struct gtable *t, uint16_t rt, uint64_t goid)
{
	struct entry *e = find(t, rt, goid);

	if (e && !e->ended) {
		e->ended = true;
		t->nr_ended++;
	}
}

const struct gorigin *gtable__get(const struct gtable *t, uint16_t rt, uint64_t goid)
{
	const struct entry *e = find(t, rt, goid);

	return e ? &e->origin : NULL;
}

uint32_t gtable__chain(struct gtable *t, uint16_t rt, uint64_t goid)
{
	struct entry *e = find(t, rt, goid);

	return e ? resolve(t, e) : CHAIN_NONE;
}

const struct chainset *gtable__chains(const struct gtable *t)
{
	return t->chains;
}

size_t gtable__nr(const struct gtable *t)
{
	return HASH_COUNT(t->by_goid);
}

uint64_t gtable__refused(const struct gtable *t)
{
	return t->refused + chainset__refused(t->chains);
}
