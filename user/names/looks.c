// SPDX-License-Identifier: BSD-2-Clause
#include "names/looks.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum { LOOK_WHOLE = 1, LOOK_TRUNCATED, LOOK_FIRST }; /* two roots, then the nodes */

struct look_key {                /* hashed as bytes: no padding */
	const char *name, *file; /* texts of the framer: equal ones are one */
	uint32_t line, parent;
	uint64_t inlined;
};

struct look {
	UT_hash_handle hh;
	struct look_key key;
	uint32_t id;
};

struct looks {
	struct look *by_key;
	uint32_t *counts; /* by id */
	uint32_t nr, cap; /* ids in use; room of counts */
};

int looks__new(struct looks **ret)
{
	struct looks *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->nr = LOOK_FIRST;
	*ret = l;
	return 0;
}

void looks__free(struct looks *l)
{
	struct look *k, *next;

	if (!l)
		return;
	HASH_ITER(hh, l->by_key, k, next)
	{
		HASH_DEL(l->by_key, k);
		free(k);
	}
	free(l->counts);
	free(l);
}

static int make_room(struct looks *l)
{
	const uint32_t cap = l->cap ? 2 * l->cap : 1024;
	uint32_t *counts;

	if (l->nr < l->cap)
		return 0;
	if (cap < l->cap)
		return -ENOMEM;
	counts = reallocarray(l->counts, cap, sizeof(*counts));
	if (!counts)
		return -ENOMEM;
	for (uint32_t i = l->cap; i < cap; i++)
		counts[i] = 0;
	l->counts = counts;
	l->cap = cap;
	return 0;
}

static int step(struct looks *l, const struct look_key *key, uint32_t *ret)
{
	unsigned int count = HASH_COUNT(l->by_key);
	struct look *k;

	HASH_FIND(hh, l->by_key, key, sizeof(*key), k);
	if (!k) {
		k = make_room(l) ? NULL : calloc(1, sizeof(*k));
		if (!k)
			return -ENOMEM;
		k->key = *key;
		k->id = l->nr;
		HASH_ADD(hh, l->by_key, key, sizeof(k->key), k);
		if (HASH_COUNT(l->by_key) == count) {
			free(k);
			return -ENOMEM;
		}
		l->nr++;
	}
	*ret = k->id;
	return 0;
}

int looks__of(struct looks *l, const struct frame *v, size_t nr, bool truncated, uint32_t *ret)
{
	uint32_t at = truncated ? LOOK_TRUNCATED : LOOK_WHOLE;
	int err = make_room(l); /* of the roots */

	while (nr-- && !err)
		err = step(l,
			   &(struct look_key){ .name = v[nr].name,
					       .file = v[nr].file,
					       .line = v[nr].line,
					       .parent = at,
					       .inlined = v[nr].inlined },
			   &at);
	if (!err)
		*ret = at;
	return err;
}

void looks__add(struct looks *l, uint32_t look)
{
	l->counts[look]++;
}

uint32_t looks__count(const struct looks *l, uint32_t look)
{
	return l->counts[look];
}
