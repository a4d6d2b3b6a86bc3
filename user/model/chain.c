// SPDX-License-Identifier: BSD-2-Clause
#include "model/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
	UT_hash_handle hh;
	uint32_t id; /* index in chainset.by_id, from 1 */
	struct key {
		uint32_t nr;
		uint32_t truncated;
		struct chain_link links[CHAIN_MAX];
	} key; /* hashed up to the last link in use */
};

struct chainset {
	struct entry *by_key;
	struct entry **by_id; /* [0] is not used */
	uint32_t nr, cap;
	uint64_t refused;
};

_Static_assert(sizeof(struct chain_link) == 24, "links are hashed as bytes");

int chainset__new(struct chainset **ret)
{
	struct chainset *cs = calloc(1, sizeof(*cs));

	if (!cs)
		return -ENOMEM;
	*ret = cs;
	return 0;
}

void chainset__free(struct chainset *cs)
{
	struct entry *e, *next;

	if (!cs)
		return;
	HASH_ITER(hh, cs->by_key, e, next)
	{
		HASH_DEL(cs->by_key, e);
		free(e);
	}
	free(cs->by_id);
	free(cs);
}

static size_t key_bytes(const struct key *k)
{
	return offsetof(struct key, links) + k->nr * sizeof(k->links[0]);
}

static int insert(struct chainset *cs, const struct key *k, uint32_t *ret)
{
	struct entry *e;

	if (cs->nr >= CHAINSET_MAX)
		return -ENOSPC;
	if (cs->nr + 2 > cs->cap) {
		uint32_t cap = cs->cap ? cs->cap * 2 : 64;
		struct entry **v = reallocarray(cs->by_id, cap, sizeof(*v));

		if (!v)
			return -ENOMEM;
		cs->by_id = v;
		cs->cap = cap;
	}
	e = malloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->key = *k;
	e->id = cs->nr + 1;
	HASH_ADD(hh, cs->by_key, key, key_bytes(k), e);
	if (HASH_COUNT(cs->by_key) == cs->nr) {
		free(e);
		return -ENOMEM;
	}
	cs->by_id[e->id] = e;
	cs->nr++;
	*ret = e->id;
	return 0;
}

uint32_t chainset__extend(struct chainset *cs, const struct chain_link *link, uint32_t parent)
{
	struct key k = { .nr = 1, .links = { *link } };
	struct chain up;
	struct entry *e;
	uint32_t id;

	if (!chainset__get(cs, parent, &up)) {
		uint32_t room = CHAIN_MAX - 1;
		uint32_t nr = up.nr < room ? up.nr : room;

		memcpy(k.links + 1, up.links, nr * sizeof(*up.links));
		k.nr += nr;
		k.truncated = up.truncated || up.nr > room;
	}
	HASH_FIND(hh, cs->by_key, &k, key_bytes(&k), e);
	if (e)
		return e->id;
	if (insert(cs, &k, &id)) {
		cs->refused++;
		return CHAIN_NONE;
	}
	return id;
}

int chainset__get(const struct chainset *cs, uint32_t id, struct chain *ret)
{
	const struct key *k;

	if (id == CHAIN_NONE || id > cs->nr)
		return -ENOENT;
	k = &cs->by_id[id]->key;
	*ret = (struct chain){ .nr = k->nr, .truncated = k->truncated, .links = k->links };
	return 0;
}

uint64_t chainset__refused(const struct chainset *cs)
{
	return cs->refused;
}
