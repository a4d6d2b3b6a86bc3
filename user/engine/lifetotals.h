/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lifetotals: how many goroutines a target has made since it started, and how many of them have ended,
 * as the runtimes themselves count (heap/gborn): exact, without a probe. The runtime's own goroutines
 * count, and so do ids that it gave to threads for C. And how long they waited for a thread.
 *
 * Plain value; not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_LIFETOTALS_H
#define PARKWATCH_ENGINE_LIFETOTALS_H

#include <stdbool.h>

#include "engine/snapshot.h"
#include "heap/gborn.h"
#include "heap/gschedlat.h"

struct lifetotals {
	bool known; /* the counts are found in all runtimes of the target */
	struct gborn born[GOPROC_RUNTIMES_MAX];
};

void lifetotals__find(struct lifetotals *l, const struct snapshot *t);
/* After a look of t: as of that moment. false: they are not known, and nothing is guessed. */
bool lifetotals__read(const struct lifetotals *l, const struct snapshot *t, uint64_t *ret_created,
		      uint64_t *ret_ended);

/* Since the target started. false: they are not known. */
bool lifetotals__latencies(const struct lifetotals *l, const struct snapshot *t,
			   struct gschedlat *ret);

#endif
