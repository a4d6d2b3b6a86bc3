/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waits: who waits for whom in a look: at locks, and at channels that nobody else has. Found by
 * model/waitgraph; whoever tells of it reads this.
 *
 * Plain data: arrays with indexes. Not thread-safe.
 */
#ifndef PARKWATCH_FACTS_WAITS_H
#define PARKWATCH_FACTS_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "facts/channels.h"
#include "facts/goroutines.h"
#include "facts/locks.h"

#define WAITGRAPH_NO_HOLD UINT32_MAX
#define WAITGRAPH_KEEPS   0x80000000u

struct wait_edge {
	uint32_t g, to; /* indexes into census.gs */
	uint32_t wait;  /* of g: index into census.waits */
	/*
	 * Of `to`: index into gholds.v; WAITGRAPH_NO_HOLD: it waits to write and keeps others out;
	 * WAITGRAPH_KEEPS + n: it has the channel, Cond or WaitGroup. n others have it too, but wait
	 * in the same cycle or behind it; nobody else who could go on has it.
	 */
	uint32_t hold;
};

/* e->hold is the number of a hold. */
static inline bool wait_edge_holds(const struct wait_edge *e)
{
	return e->hold < WAITGRAPH_KEEPS;
}

static inline bool wait_edge_keeps(const struct wait_edge *e)
{
	return e->hold >= WAITGRAPH_KEEPS && e->hold != WAITGRAPH_NO_HOLD;
}

struct wait_cycle {
	/*
	 * index into waitgraph.steps; each leads to the g of the next, the last to that of the
	 * first
	 */
	uint32_t edges_at;
	uint32_t nr; /* 1: it waits for itself */
	/* goroutines outside of all cycles that wait, directly or not, for one of this */
	uint32_t behind;
};

struct waitgraph {
	struct wait_edge *edges; /* all there are, by g, then to; owned */
	size_t nr_edges;
	struct wait_edge *steps; /* of the cycles; owned */
	size_t nr_steps;
	/*
	 * Each goroutine of a cycle is in at least one of these, the shortest through one of them.
	 * By goid of the first.
	 */
	struct wait_cycle *cycles; /* owned */
	size_t nr_cycles;
	size_t unclear; /* waits for a mutex or RWMutex that have no edge */
	bool cut;       /* a bound was hit: there may be more */
	/*
	 * holders of locks wait for channels, and who else has these could not be looked at whole
	 */
	bool unproved;
};

void waitgraph__free(struct waitgraph *w);
DEFINE_SCOPED(waitgraph)

/* What is known of one runtime besides its goroutines. None may be NULL. */
struct chans_source {
	const struct gchans *chans;
	const struct glocks *locks;
	const struct gholds *holds;
	const struct waitgraph *graph;
};

#endif
