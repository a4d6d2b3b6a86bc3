/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * allocgains: how much each sum of allocations grew in each interval of a recording. engine/allocs
 * keeps one.
 *
 * The sums in the map pw_allocs only grow, so the difference of two readings is what was added in
 * between. Others are kept here: what is added says when it was. Memory: 48 bytes for each sum that grew
 * in an interval, at most ALLOCGAINS_MAX of these and one of each sum more. Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_ALLOCGAINS_H
#define PARKWATCH_ENGINE_ALLOCGAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "parkwatch/event.h"

#define ALLOCGAINS_MAX 131072

struct allocgains;
int allocgains__new(struct allocgains **ret);
void allocgains__free(struct allocgains *g);
DEFINE_SCOPED(allocgains)

/* One sum of a reading. 0 or -ENOMEM. */
int allocgains__add(struct allocgains *g, uint16_t rt, const struct pw_alloc_key *key,
		    const struct pw_alloc_sum *sum);
/*
 * A sum that is kept here alone grew by that; at_ns: when, in an interval that may have ended. 0,
 * -ENOSPC: there are ALLOCGAINS_MAX others; -ENOMEM.
 */
int allocgains__more(struct allocgains *g, uint16_t rt, const struct pw_alloc_key *key,
		     const struct pw_alloc_sum *by, uint64_t at_ns);
bool allocgains__knows(const struct allocgains *g, uint16_t rt, const struct pw_alloc_key *key);
bool allocgains__may_part(const struct allocgains *g); /* half of that room is left for new ones */
/* All were read: the interval ends. 0 or -ENOMEM. */
int allocgains__interval(struct allocgains *g, uint64_t end_ns);
/* There may be another reading before the last one. */
bool allocgains__has_room(const struct allocgains *g);

struct allocgain {
	const struct pw_alloc_key *key;
	struct pw_alloc_sum before, after; /* the interval */
	struct pw_alloc_sum last;          /* at the end of the recording */
};
size_t allocgains__nr(const struct allocgains *g); /* of intervals */
uint64_t allocgains__end_ns(const struct allocgains *g, size_t interval);
/* Each sum of this runtime that grew in it. */
void allocgains__each(const struct allocgains *g, size_t interval, uint16_t rt,
		      void (*fn)(void *ctx, const struct allocgain *gain), void *ctx);

#endif
