// SPDX-License-Identifier: BSD-2-Clause
#include "model/seen.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct sight {
	struct seen_g g; /* its goid is the key */
	uint64_t look;
	UT_hash_handle hh;
};
_Static_assert(sizeof(struct sight) <= SEEN_BYTES, "the header says so");

struct seen {
	struct sight *all;
	uint64_t look;
};

int seen__new(struct seen **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void seen__free(struct seen *s)
{
	struct sight *g, *next;

	if (!s)
		return;
	HASH_ITER(hh, s->all, g, next)
	{
		HASH_DEL(s->all, g);
		free(g);
	}
	free(s);
}

void seen__look(struct seen *s)
{
	s->look++;
}

static void seen__add(struct seen *s, const struct seen_g *g)
{
	const unsigned int nr = HASH_COUNT(s->all);
	struct sight *new = nr < SEEN_MAX ? malloc(sizeof(*new)) : NULL;

	if (!new)
		return;
	new->g = *g;
	new->look = s->look;
	HASH_ADD(hh, s->all, g.who.goid, sizeof(new->g.who.goid), new);
	if (HASH_COUNT(s->all) == nr)
		free(new);
}

enum seen_is seen__g(struct seen *s, const struct seen_g *g)
{
	struct sight *old;
	enum seen_is is;

	HASH_FIND(hh, s->all, &g->who.goid, sizeof(g->who.goid), old);
	if (!old) {
		seen__add(s, g);
		return SEEN_NEW;
	}
	is = old->g.wait == g->wait ? SEEN_AGAIN : SEEN_MOVED;
	old->g = *g;
	old->look = s->look;
	return is;
}

size_t seen__gone(struct seen *s, void (*gone)(void *ctx, const struct seen_g *g), void *ctx)
{
	struct sight *g, *next;
	size_t nr = 0;

	HASH_ITER(hh, s->all, g, next)
	{
		if (g->look == s->look)
			continue;
		if (gone)
			gone(ctx, &g->g);
		nr++;
		HASH_DEL(s->all, g);
		free(g);
	}
	return nr;
}
