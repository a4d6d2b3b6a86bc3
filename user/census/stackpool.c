/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/stackpool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
	UT_hash_handle hh;
	uint32_t number, nr_gs;
	bool truncated;
	size_t nr;
	uint64_t key[]; /* the pcs, then whether it is truncated */
};

struct stackpool {
	struct entry *entries; /* uthash keeps the order of insertion */
	struct entry *last;    /* goroutines that were made together often stand together */
	size_t nr_pcs;
	uint64_t key[CENSUS_DEPTH_MAX + 1];
};

int stackpool__new(struct stackpool **ret)
{
	struct stackpool *sp = calloc(1, sizeof(*sp));

	if (!sp)
		return -ENOMEM;
	*ret = sp;
	return 0;
}

void stackpool__free(struct stackpool *sp)
{
	struct entry *e, *next;

	if (!sp)
		return;
	HASH_ITER(hh, sp->entries, e, next)
	{
		HASH_DEL(sp->entries, e);
		free(e);
	}
	free(sp);
}

static int stackpool__insert(struct stackpool *sp, size_t nr, size_t bytes, struct entry **ret)
{
	struct entry *e;

	if (sp->nr_pcs + nr > CENSUS_PCS_MAX)
		return -ENOSPC;
	e = calloc(1, sizeof(*e) + bytes);
	if (!e)
		return -ENOMEM;
	e->number = HASH_COUNT(sp->entries);
	e->truncated = sp->key[nr];
	e->nr = nr;
	memcpy(e->key, sp->key, bytes);
	HASH_ADD(hh, sp->entries, key, bytes, e);
	if (!e->hh.tbl) {
		free(e);
		return -ENOMEM;
	}
	sp->nr_pcs += nr;
	*ret = e;
	return 0;
}

int stackpool__add(struct stackpool *sp, const uint64_t *pcs, size_t nr, bool truncated,
		   uint32_t *ret)
{
	size_t bytes = (nr + 1) * sizeof(*pcs);
	struct entry *e = sp->last;
	int err = 0;

	memcpy(sp->key, pcs, nr * sizeof(*pcs));
	sp->key[nr] = truncated;
	if (!e || e->nr != nr || memcmp(e->key, sp->key, bytes)) {
		HASH_FIND(hh, sp->entries, sp->key, bytes, e);
		if (!e)
			err = stackpool__insert(sp, nr, bytes, &e);
		if (err)
			return err;
	}
	sp->last = e;
	e->nr_gs++;
	*ret = e->number;
	return 0;
}

int stackpool__take(struct stackpool *sp, struct census *c)
{
	size_t nr = HASH_COUNT(sp->entries);
	struct entry *e, *next;

	c->stacks = calloc(nr ? nr : 1, sizeof(*c->stacks));
	c->pcs = calloc(sp->nr_pcs ? sp->nr_pcs : 1, sizeof(*c->pcs));
	if (!c->stacks || !c->pcs)
		return -ENOMEM;
	HASH_ITER(hh, sp->entries, e, next)
	{
		c->stacks[c->nr_stacks++] =
			(struct census_stack){ (uint32_t)c->nr_pcs, (uint32_t)e->nr, e->nr_gs,
					       e->truncated };
		memcpy(c->pcs + c->nr_pcs, e->key, e->nr * sizeof(*c->pcs));
		c->nr_pcs += e->nr;
		HASH_DEL(sp->entries, e);
		free(e);
	}
	sp->last = NULL;
	return 0;
}
