/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * allocwin: when single allocations are counted, and how long: short windows at random times,
 * within a budget.
 *
 * Pure policy: the caller opens and closes the window, and says what it cost. Random, because a
 * program that repeats itself must not meet windows that do, too. After a window that cost c comes
 * a pause. It lasts until c is the budget's part of the CPU time that the program used, times a
 * random number from 0.5 to 1.5. Windows grow until ALLOCWIN_HITS allocations fall into one: a
 * program that allocates little is watched nearly all the time.
 */
#ifndef PARKWATCH_ENGINE_ALLOCWIN_H
#define PARKWATCH_ENGINE_ALLOCWIN_H

#include <stdint.h>

#define ALLOCWIN_HITS 1500

struct allocwin_limits {
	double budget;   /* of the CPU time that the program uses */
	double cpus_min; /* processors that one counts as using that uses less */
	/* the first window, and the longest there may be; at least 1 ms */
	uint64_t first_ns, longest_ns;
};
/* Of a recording, for this budget. */
#define ALLOCWIN_RECORDING(part) ((struct allocwin_limits){ part, 0.01, 1000000, 500000000 })

struct allocwin {
	struct allocwin_limits limits;
	uint64_t next_ns;   /* when the next window is due */
	uint64_t length_ns; /* of the next one */
	uint64_t random;    /* state of the generator, not 0 */
	uint64_t windows;   /* closed so far */
};

void allocwin__init(struct allocwin *w, const struct allocwin_limits *limits, uint64_t now_ns,
		    uint64_t seed);
/* ns until the next window is due; 0: now. */
uint64_t allocwin__due_ns(const struct allocwin *w, uint64_t now_ns);
/* A window was closed now. It saw hits allocations and cost the program cost_ns. cpus: CPU seconds
 * that the program uses a second. */
void allocwin__closed(struct allocwin *w, uint64_t now_ns, uint64_t hits, double cost_ns,
		      double cpus);

#endif
