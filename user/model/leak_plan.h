/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_plan: when a target of the daemon is watched for leaks, and how many of them at once.
 *
 * The first watch comes LEAK_PLAN_FIRST_NS after a target was found: what leaks already is told. After
 * each watch that brought no news the next one comes later: 1, 2, 5, 10, 20, then 60 minutes. Two things
 * make a target due earlier:
 *
 *	asked	somebody has a reason (a storm, a slow leak): a minute after its last watch
 *	ground	at LEAK_PLAN_LOOKS looks in a row more goroutines waited for one reason than after the
 *		last watch: five minutes after that, at the latest
 *
 * Of those that are due, these come first. For all targets together: at most LEAK_PLAN_AT_ONCE watches at a time, and after the first watch of
 * each target our own CPU time bounds them (LEAK_PLAN_CPU). Pure: no clock.
 */
#ifndef PARKWATCH_MODEL_LEAK_PLAN_H
#define PARKWATCH_MODEL_LEAK_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "golang/gostate.h"

#define LEAK_PLAN_FIRST_NS (30 * NS_PER_SEC)
#define LEAK_PLAN_AT_ONCE  2
#define LEAK_PLAN_CPU      0.02 /* of one processor, for watches after the first one */
#define LEAK_PLAN_MORE     5    /* goroutines that wait for one reason are ground, and a tenth */
#define LEAK_PLAN_LOOKS    3    /* looks that have them */

struct leak_plan { /* of one target; a plain value */
	uint64_t found_ns;
	uint64_t last_ns; /* when the last watch began; 0: there was none */
	bool running, asked;
	bool leaks;       /* the last watch found some */
	uint32_t no_news; /* watches in a row that found as little, or as much, as the one before */
	/* goroutines by wait reason after the last watch; and looks in a row that had more */
	uint64_t waiting[GOSTATE_STATUS];
	uint8_t more[GOSTATE_STATUS];
	bool known; /* there was a look since that watch */
	bool ground;
};

/* by_state: GOSTATE_MAX counts of a look */
void leak_plan__look(struct leak_plan *p, const uint64_t *by_state);
void leak_plan__begin(struct leak_plan *p, uint64_t now_ns);
/* leaking: goroutines that it found */
void leak_plan__end(struct leak_plan *p, uint64_t leaking);
/* It brought nothing: its process died, or the target could not be watched. */
void leak_plan__fail(struct leak_plan *p);
uint64_t leak_plan__due_ns(const struct leak_plan *p); /* UINT64_MAX: it runs */

/* Of two that are due: a comes first. Reasons come before routine, then what waits for longer. */
bool leak_plan__before(const struct leak_plan *a, const struct leak_plan *b);

struct leak_turns { /* of all targets; a plain value */
	uint64_t rest_until_ns;
};

/* Whether a target may be watched now, while so many are. */
bool leak_turns__may(const struct leak_turns *t, size_t running, const struct leak_plan *p,
		     uint64_t now_ns);
/* One has ended that was not the first of its target; cpu_ns: that it took of us. */
void leak_turns__end(struct leak_turns *t, uint64_t cpu_ns, uint64_t now_ns);

#endif
