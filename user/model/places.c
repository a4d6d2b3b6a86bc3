// SPDX-License-Identifier: BSD-2-Clause
#include "model/places.h"

#include <errno.h>
#include <stdlib.h>

#include <parkwatch/event.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

_Static_assert(sizeof(struct place) == 40, "no hole: it is hashed as it is");

struct known {
	struct place at; /* the key */
	struct {
		uint64_t id, seen;
	} stacks[PLACES_ALIKE];
	UT_hash_handle hh;
};

struct places {
	struct known *all;
};

int places__new(struct places **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void places__free(struct places *p)
{
	struct known *k, *next;

	if (!p)
		return;
	HASH_ITER(hh, p->all, k, next)
	{
		HASH_DEL(p->all, k);
		free(k);
	}
	free(p);
}

static struct known *places__get(const struct places *p, const struct place *at)
{
	struct known *k;

	HASH_FIND(hh, p->all, at, sizeof(*at), k);
	return k;
}

static struct known *places__add(struct places *p, const struct place *at)
{
	const unsigned int nr = HASH_COUNT(p->all);
	struct known *k = nr < PLACES_MAX ? calloc(1, sizeof(*k)) : NULL;

	if (!k)
		return NULL;
	k->at = *at;
	HASH_ADD(hh, p->all, at, sizeof(k->at), k);
	if (HASH_COUNT(p->all) > nr)
		return k;
	free(k);
	return NULL;
}

void places__learn(struct places *p, const struct place *at, uint64_t stack_id)
{
	struct known *k = places__get(p, at);

	if (!k)
		k = places__add(p, at);
	for (int i = 0; k && i < PLACES_ALIKE; i++) {
		if (k->stacks[i].seen && k->stacks[i].id != stack_id)
			continue;
		k->stacks[i].id = stack_id;
		k->stacks[i].seen++;
		return;
	}
}

uint64_t places__find(const struct places *p, const struct place *at, double chance)
{
	const struct known *k = places__get(p, at);
	uint64_t all = 0, upto = 0;

	for (int i = 0; k && i < PLACES_ALIKE; i++)
		all += k->stacks[i].seen;
	for (int i = 0; k && i < PLACES_ALIKE; i++) {
		upto += k->stacks[i].seen;
		if (chance * (double)all < (double)upto)
			return k->stacks[i].id;
	}
	return PW_STACK_ID_NONE;
}
