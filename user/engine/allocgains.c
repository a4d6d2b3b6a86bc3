// SPDX-License-Identifier: BSD-2-Clause
#include "engine/allocgains.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/vec.h"

struct sum_id { /* hashed as bytes: no padding */
	struct pw_alloc_key key;
	uint64_t rt;
};

struct known_sum {
	UT_hash_handle hh;
	struct sum_id id;
	struct pw_alloc_sum last;
};

struct gain {
	const struct known_sum *of;
	struct pw_alloc_sum before, after;
};

struct interval {
	size_t gains_end;
	uint64_t end_ns;
};

struct allocgains {
	struct known_sum *sums;
	struct gain *gains;
	size_t nr_gains, gains_room;
	struct interval *intervals;
	size_t nr, room;
};

int allocgains__new(struct allocgains **ret)
{
	struct allocgains *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	*ret = g;
	return 0;
}

void allocgains__free(struct allocgains *g)
{
	struct known_sum *k, *next;

	if (!g)
		return;
	HASH_ITER(hh, g->sums, k, next)
	{
		HASH_DEL(g->sums, k);
		free(k);
	}
	free(g->gains);
	free(g->intervals);
	free(g);
}

/* NULL: no memory. */
static struct known_sum *known_of(struct allocgains *g, const struct sum_id *id)
{
	const unsigned int count = HASH_COUNT(g->sums);
	struct known_sum *k;

	HASH_FIND(hh, g->sums, id, sizeof(*id), k);
	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->id = *id;
	HASH_ADD(hh, g->sums, id, sizeof(k->id), k);
	if (HASH_COUNT(g->sums) == count) {
		free(k);
		return NULL;
	}
	return k;
}

int allocgains__add(struct allocgains *g, uint16_t rt, const struct pw_alloc_key *key,
		    const struct pw_alloc_sum *sum)
{
	struct known_sum *k = known_of(g, &(struct sum_id){ .key = *key, .rt = rt });
	int err = k ? vec__reserve(&g->gains, &g->gains_room, g->nr_gains + 1, sizeof(*g->gains))
		    : -ENOMEM;

	if (err)
		return err;
	/* objects and bytes are not added at one moment: one of them may have grown alone */
	if (sum->objects < k->last.objects || sum->bytes < k->last.bytes ||
	    (sum->objects == k->last.objects && sum->bytes == k->last.bytes))
		return 0;
	g->gains[g->nr_gains++] = (struct gain){ k, k->last, *sum };
	k->last = *sum;
	return 0;
}

int allocgains__interval(struct allocgains *g, uint64_t end_ns)
{
	int err = vec__reserve(&g->intervals, &g->room, g->nr + 1, sizeof(*g->intervals));

	if (err)
		return err;
	g->intervals[g->nr++] = (struct interval){ g->nr_gains, end_ns };
	return 0;
}

bool allocgains__has_room(const struct allocgains *g)
{
	return g->nr_gains + HASH_COUNT(g->sums) <= ALLOCGAINS_MAX;
}

size_t allocgains__nr(const struct allocgains *g)
{
	return g->nr;
}

uint64_t allocgains__end_ns(const struct allocgains *g, size_t interval)
{
	return g->intervals[interval].end_ns;
}

void allocgains__each(const struct allocgains *g, size_t interval, uint16_t rt,
		      void (*fn)(void *ctx, const struct allocgain *gain), void *ctx)
{
	for (size_t i = interval ? g->intervals[interval - 1].gains_end : 0;
	     i < g->intervals[interval].gains_end; i++) {
		const struct gain *gain = &g->gains[i];

		if (gain->of->id.rt == rt)
			fn(ctx, &(struct allocgain){ &gain->of->id.key, gain->before, gain->after,
						     gain->of->last });
	}
}
