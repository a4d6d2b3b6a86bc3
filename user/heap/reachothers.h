/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reachothers: what else refers to what goroutines wait for, besides themselves and the runtime's
 * timers.
 *
 * The search of heap/reach ends when it has found one path, and that path may help nobody: it may
 * lead through the timer that feeds a channel, or through the goroutine whose select waits for it.
 * So the search is done once more for each thing that such a goroutine waits for, with the words
 * of these goroutines and the timers left out. Bounded; not thread-safe.
 */
#ifndef PARKWATCH_HEAP_REACHOTHERS_H
#define PARKWATCH_HEAP_REACHOTHERS_H

#include "heap/reach.h"

/* of goroutines that come after, nothing is asked */
#define REACHOTHERS_OBJECTS_MAX 8192

struct reachothers;

/*
 * in: as of the search that gave `first`, which is borrowed for the call; goals may not be NULL.
 * *ret is NULL if there is nothing to ask. Errors as of reach__run().
 */
int reachothers__run(const struct reach_in *in, const struct reach *first, struct reachothers **ret,
		     struct cause *why);
void reachothers__free(struct reachothers *o);
DEFINE_SCOPED(reachothers)

/* Goroutine g of the census was asked for. o: may be NULL. */
bool reachothers__knows(const struct reachothers *o, uint32_t g);
/*
 * Of the wait of this number of goroutine g, which is known: as reach__object_verdict() and
 * reach__object_path().
 */
enum reach_verdict reachothers__verdict(const struct reachothers *o, uint32_t g, uint32_t wait);
size_t reachothers__path(const struct reachothers *o, uint32_t g, uint32_t wait,
			 struct reach_step *steps, size_t max);

#endif
