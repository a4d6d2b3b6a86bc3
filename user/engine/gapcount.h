/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gapcount: how many births, or exits, a recording has not seen because its probes were out: what
 * the runtimes count (heap/gborn), without what the probes saw. For a moment in which recording is
 * on again; as many at most, since what happens while they are read counts.
 *
 * Plain value of the run; not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_GAPCOUNT_H
#define PARKWATCH_ENGINE_GAPCOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "heap/gborn.h"
#include "engine/probes.h"
#include "model/profile.h"

struct gapcount {
	bool known; /* the runtimes' counts are found, and they are what is recorded */
	bool exits; /* else births */
	size_t nr;
	struct gborn born[GOPROC_RUNTIMES_MAX];
	uint64_t made, alive; /* of all runtimes, when recording began */
};

/* While no probe is in: of other events, or where it cannot be known, nothing is. */
void gapcount__find(struct gapcount *g, enum profile_event event, const struct proc *proc,
		    struct goproc *gp);
/* Just before recording begins. */
void gapcount__begin(struct gapcount *g, const struct proc *proc, struct goproc *gp);
/* Missing so far; < 0: not known. */
int64_t gapcount__missing(const struct gapcount *g, const struct proc *proc, struct goproc *gp,
			  const struct probes *p);

#endif
