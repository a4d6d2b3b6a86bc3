/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fact_stacks: the fact Stacks (facts.proto) as it is read: of a look, of sums, or of events. Who
 * keeps them knows which it has already. From outside: everything is checked. Not thread-safe.
 */
#ifndef PARKWATCH_FACTS_FACT_STACKS_H
#define PARKWATCH_FACTS_FACT_STACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "facts/facts.pb-c.h"

struct fact_stack {
	uint32_t id;
	uint32_t nr;         /* pcs, 1 .. CENSUS_DEPTH_MAX */
	uint32_t goroutines; /* that stand in it; 0: nobody counts them */
	bool truncated;
	const int64_t *deltas; /* borrowed: see fact_stack__pcs() */
};

/* Calls fn for each stack, in their order. 0; -EBADMSG: it is malformed; or fn's error, which ends it.
 * With a cause. */
int fact_stacks__each(const Pw__Stacks *f,
		      int (*fn)(void *ctx, const struct fact_stack *s, struct cause *why),
		      void *ctx, struct cause *why);
void fact_stack__pcs(const struct fact_stack *s, uint64_t *ret); /* nr of them */

#endif
