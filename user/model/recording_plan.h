/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recording_plan: when a target of the daemon is recorded in its regular turn, and how many at once.
 *
 * A turn comes every_ns after the last one began; 0: at once after its end. After a failure the next one
 * comes later: 1, 2, 5, 10, 20, then 60 minutes. For all targets together: at most RECORDINGS_AT_ONCE at
 * a time, and our own CPU time bounds them (RECORDINGS_CPU): after each one all rest for as long as it
 * took, divided by that. Of those that are due, the one whose last turn is longest ago comes first. What
 * somebody asked for needs no turn, and is bounded by RECORDINGS_AT_ONCE alone. Pure: no clock.
 */
#ifndef PARKWATCH_MODEL_RECORDING_PLAN_H
#define PARKWATCH_MODEL_RECORDING_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define RECORDINGS_AT_ONCE 2
#define RECORDINGS_CPU     0.025 /* of one processor */

struct recording_plan {   /* of one target; a plain value */
	uint64_t last_ns; /* when the last one began; 0: there was none */
	bool running;
	uint32_t failed; /* in a row */
};

void recording_plan__begin(struct recording_plan *p, uint64_t now_ns);
void recording_plan__end(struct recording_plan *p, bool failed);
uint64_t recording_plan__due_ns(const struct recording_plan *p,
				uint64_t every_ns); /* UINT64_MAX: it runs */

struct recording_turns { /* of all targets; a plain value */
	uint64_t rest_until_ns;
};

/* Whether a regular turn may begin now, while so many recordings run. */
bool recording_turns__may(const struct recording_turns *t, size_t running,
			  const struct recording_plan *p, uint64_t every_ns, uint64_t now_ns);
/* A regular one has ended, that began at began_ns and took cpu_ns of us. */
void recording_turns__end(struct recording_turns *t, uint64_t began_ns, uint64_t cpu_ns);

#endif
