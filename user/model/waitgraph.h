/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waitgraph: goroutines that wait for locks which others hold, or for WaitGroups of which others
 * will call Done, and the rings that they make: deadlocks.
 *
 * Pure: of a census, the words of its locks and who holds them. An edge goes from a goroutine that
 * waits to one that must go on before the wait can end: the one that holds the mutex; the writer
 * that has an RWMutex or keeps new readers out while it waits for the old ones to leave; each
 * reader that such a writer waits for; each that will call Done of a WaitGroup. Where it is not
 * certain who that is (nobody is known to hold it, or two claim what only one can have, or more
 * readers, or calls of Done, than the lock itself counts) there is no edge: a ring is never a
 * guess. Channels and Conds make no edges by themselves: whoever comes along may end these waits.
 * Where it is proved that nobody can (model/waitkeep), waitgraph__join() adds them. Locks may also
 * be released by another goroutine than the one that took them; edges name who will release them by
 * its own code.
 */
#ifndef PARKWATCH_MODEL_WAITGRAPH_H
#define PARKWATCH_MODEL_WAITGRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "facts/goroutines.h"
#include "facts/locks.h"

#define WAITGRAPH_RINGS_MAX 1024
#define WAITGRAPH_STEPS_MAX (64u << 20) /* edges looked at in all */
#define WAITGRAPH_NO_HOLD   UINT32_MAX
#define WAITGRAPH_KEEPS     0x80000000u

struct wait_edge {
	uint32_t g, to; /* indexes into census.gs */
	uint32_t wait;  /* of g: index into census.waits */
	/*
	 * Of `to`: index into gholds.v; WAITGRAPH_NO_HOLD: it waits to write and keeps others out;
	 * WAITGRAPH_KEEPS or more: it has the channel, Cond or WaitGroup, and nobody else has who
	 * could go on; so many others have it too, and wait in the same ring or behind it.
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

struct wait_ring {
	/*
	 * index into waitgraph.steps; each leads to the g of the next, the last to that of the
	 * first
	 */
	uint32_t edges_at;
	uint32_t nr; /* 1: it waits for itself */
	/* goroutines outside of all rings that wait, directly or not, for one of this */
	uint32_t behind;
};

struct waitgraph {
	struct wait_edge *edges; /* all there are, by g, then to; owned */
	size_t nr_edges;
	struct wait_edge *steps; /* of the rings; owned */
	size_t nr_steps;
	/*
	 * Each goroutine of a ring is in at least one of these, the shortest through one of them.
	 * By goid of the first.
	 */
	struct wait_ring *rings; /* owned */
	size_t nr_rings;
	size_t unclear; /* waits for a mutex or RWMutex that have no edge */
	bool cut;       /* a bound was hit: there may be more */
	/*
	 * holders of locks wait for channels, and who else has these could not be looked at whole
	 */
	bool unproved;
};

/* All borrowed for the call. 0 or -ENOMEM. */
int waitgraph__new(const struct census *c, const struct glocks *ls, const struct gholds *hs,
		   struct waitgraph **ret);
/*
 * Adds edges of WAITGRAPH_KEEPS, of goroutines that have none yet, and looks for all rings anew. c:
 * as before. 0 or -ENOMEM.
 */
int waitgraph__join(struct waitgraph *w, const struct census *c, const struct wait_edge *more,
		    size_t nr);
void waitgraph__free(struct waitgraph *w);
DEFINE_SCOPED(waitgraph)

/*
 * Keeps the rings, and the edges of WAITGRAPH_KEEPS, that stand in both: the same goroutines, each
 * waiting for the same lock through the same sudog or semaphore. c, later: what the two were made
 * of. 0 or -ENOMEM.
 */
int waitgraph__confirm(struct waitgraph *w, const struct census *c, const struct waitgraph *again,
		       const struct census *later);
/* Drops the rings with a goroutine g for which moved[g] is true. */
void waitgraph__drop(struct waitgraph *w, const bool *moved);

#endif
