/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reach_state: what heap/reach.c finds out and heap/reach_answer.c and reach_keep.c tell. For these
 * only.
 */
#ifndef PARKWATCH_HEAP_REACH_STATE_H
#define PARKWATCH_HEAP_REACH_STATE_H

#include "heap/cmemory.h"
#include "heap/runtime_words.h"
#include "heap/grefs.h"
#include "heap/reach.h"
#include "heap/refgraph.h"
#include "heap/wordscan.h"
#include "heap/goheap.h"
#include "heap/gospecial.h"

struct reach {
	struct reach_in in;
	struct goheap *heap;
	struct runtime_words own;
	bool last_round; /* what refers newly to the unreached counts as reached */
	struct gospecials *specials;
	struct grefs *refs;
	struct refgraph *graph;
	struct wordscan *scan;
	struct crange *c_memory;
	size_t nr_c_memory;
	uint32_t *nodes; /* of each goroutine of the census; REFGRAPH_NONE: not blocked */
	bool *forever;   /* blocked on nothing */
	bool *is_goal;   /* of these all is searched; of others that were met perhaps not */
	uint32_t *goals; /* nodes */
	size_t nr_goals;
	uint32_t *objects;     /* nodes of in.objects; REFGRAPH_NONE: not in the heap */
	uint64_t *passed_over; /* in.passed_over, sorted */
	uint64_t start_ns, deadline_ns;
	struct cause *why; /* borrowed while it runs */
	char doubt[96];
	struct reach_stats stats;
};

/* Of in.behind, those of goroutine g: the first, and how many. */
const struct reach_behind *reach__behind(const struct reach *r, uint32_t g, size_t *ret_nr);

#endif
