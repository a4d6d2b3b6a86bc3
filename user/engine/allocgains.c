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
	size_t gain, interval; /* its last gain, from 1, and which one's that is */
};

struct gain {
	const struct known_sum *of;
	struct pw_alloc_sum before, after;
	size_t next; /* of its interval, from 1; 0: it is the last one */
};

/* Its gains: the first and the last one, from 1; 0: there are none. */
struct interval {
	size_t first, last;
	uint64_t end_ns; /* UINT64_MAX: it goes on */
};

struct allocgains {
	struct known_sum *sums;
	struct gain *gains;
	size_t nr_gains, gains_room;
	struct interval *intervals; /* those that ended, and behind them the one that goes on */
	size_t nr, room;
};

int allocgains__new(struct allocgains **ret)
{
	scoped(allocgains) g = calloc(1, sizeof(*g));
	int err = g ? vec__reserve(&g->intervals, &g->room, 1, sizeof(*g->intervals)) : -ENOMEM;

	if (err)
		return err;
	g->intervals[0] = (struct interval){ .end_ns = UINT64_MAX };
	*ret = steal(g);
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

/* A sum has grown, in that interval. */
static int allocgains__grow(struct allocgains *g, struct known_sum *k, size_t interval,
			    const struct pw_alloc_sum *to)
{
	struct interval *i = &g->intervals[interval];
	int err;

	if (k->gain && k->interval == interval) {
		g->gains[k->gain - 1].after = k->last = *to;
		return 0;
	}
	err = vec__reserve(&g->gains, &g->gains_room, g->nr_gains + 1, sizeof(*g->gains));
	if (err)
		return err;
	g->gains[g->nr_gains++] = (struct gain){ k, k->last, *to, 0 };
	if (i->last)
		g->gains[i->last - 1].next = g->nr_gains;
	else
		i->first = g->nr_gains;
	i->last = k->gain = g->nr_gains;
	k->interval = interval;
	k->last = *to;
	return 0;
}

int allocgains__add(struct allocgains *g, uint16_t rt, const struct pw_alloc_key *key,
		    const struct pw_alloc_sum *sum)
{
	struct known_sum *k = known_of(g, &(struct sum_id){ .key = *key, .rt = rt });

	if (!k)
		return -ENOMEM;
	/* objects and bytes are not added at one moment: one of them may have grown alone */
	if (sum->objects < k->last.objects || sum->bytes < k->last.bytes ||
	    (sum->objects == k->last.objects && sum->bytes == k->last.bytes))
		return 0;
	return allocgains__grow(g, k, g->nr, sum);
}

bool allocgains__knows(const struct allocgains *g, uint16_t rt, const struct pw_alloc_key *key)
{
	const struct sum_id id = { .key = *key, .rt = rt };
	struct known_sum *k;

	HASH_FIND(hh, g->sums, &id, sizeof(id), k);
	return k;
}

bool allocgains__may_part(const struct allocgains *g)
{
	return HASH_COUNT(g->sums) < ALLOCGAINS_MAX / 2;
}

int allocgains__more(struct allocgains *g, uint16_t rt, const struct pw_alloc_key *key,
		     const struct pw_alloc_sum *by, uint64_t at_ns)
{
	const bool full = HASH_COUNT(g->sums) >= ALLOCGAINS_MAX;
	struct known_sum *k;
	size_t interval = g->nr;

	if (full && !allocgains__knows(g, rt, key))
		return -ENOSPC;
	k = known_of(g, &(struct sum_id){ .key = *key, .rt = rt });
	if (!k)
		return -ENOMEM;
	while (interval && at_ns <= g->intervals[interval - 1].end_ns)
		interval--;
	return allocgains__grow(g, k, interval,
				&(struct pw_alloc_sum){ k->last.objects + by->objects,
							k->last.bytes + by->bytes });
}

int allocgains__interval(struct allocgains *g, uint64_t end_ns)
{
	int err = vec__reserve(&g->intervals, &g->room, g->nr + 2, sizeof(*g->intervals));

	if (err)
		return err;
	g->intervals[g->nr++].end_ns = end_ns;
	g->intervals[g->nr] = (struct interval){ .end_ns = UINT64_MAX };
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
	for (size_t i = g->intervals[interval].first; i; i = g->gains[i - 1].next) {
		const struct gain *gain = &g->gains[i - 1];

		if (gain->of->id.rt == rt)
			fn(ctx, &(struct allocgain){ &gain->of->id.key, gain->before, gain->after,
						     gain->of->last });
	}
}
