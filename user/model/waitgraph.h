/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waitgraph: goroutines that wait for locks which others hold, or for WaitGroups of which others
 * will call Done, and the cycles that they make: deadlocks.
 *
 * Pure: of a census, the words of its locks and who holds them. An edge goes from a goroutine that
 * waits to one that must go on before the wait can end: the one that holds the mutex; the writer
 * that has an RWMutex or keeps new readers out while it waits for the old ones to leave; each
 * reader that such a writer waits for; each that will call Done of a WaitGroup. Where it is not
 * certain who that is (nobody is known to hold it, or two claim what only one can have, or more
 * readers, or calls of Done, than the lock itself counts) there is no edge: a cycle is never a
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

#include "facts/waits.h"

#define WAITGRAPH_RINGS_MAX 1024
#define WAITGRAPH_STEPS_MAX (64u << 20) /* edges looked at in all */

/* All borrowed for the call. 0 or -ENOMEM. */
int waitgraph__new(const struct census *c, const struct glocks *ls, const struct gholds *hs,
		   struct waitgraph **ret);
/*
 * Adds edges of WAITGRAPH_KEEPS, of goroutines that have none yet, and looks for all cycles anew. c:
 * as before. 0 or -ENOMEM.
 */
int waitgraph__join(struct waitgraph *w, const struct census *c, const struct wait_edge *more,
		    size_t nr);

/*
 * Keeps the cycles, and the edges of WAITGRAPH_KEEPS, that stand in both: the same goroutines, each
 * waiting for the same lock through the same sudog or semaphore. c, later: what the two were made
 * of. 0 or -ENOMEM.
 */
int waitgraph__confirm(struct waitgraph *w, const struct census *c, const struct waitgraph *again,
		       const struct census *later);
/* Drops the cycles with a goroutine g for which moved[g] is true. */
void waitgraph__drop(struct waitgraph *w, const bool *moved);

#endif
