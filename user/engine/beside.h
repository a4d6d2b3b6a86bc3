/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * beside: what goes on beside the looks of event wall: samples of what runs, which a clock takes all the
 * while, and counts of the goroutines, for their number may change between two looks. Part of session_run.
 */
#ifndef PARKWATCH_ENGINE_BESIDE_H
#define PARKWATCH_ENGINE_BESIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/wall.h"

#define BESIDE_COUNTS_PART 0.05 /* of a processor, that counting may take */
#define BESIDE_COUNTS_LIMIT                                                                        \
	0.25 /* of what parkwatch may take from the target, where it takes something */
#define BESIDE_COUNT_NS 5000000ULL /* from one count to the next, at least */

struct beside {
	struct wall_number number;
	uint64_t due_ns;   /* of the next count */
	uint64_t random;   /* state of base/random */
	uint64_t paced_ns; /* when the cost of samples was read last */
	double taken_ns;   /* what it was then, with that of probes of system calls */
};

struct session_run;

bool beside__is_on(const struct session_run *r);
void beside__begin(struct session_run *r);
/*
 * Samples that came, and a count if it is due. Samples never end because they are too dear: they become
 * fewer.
 */
void beside__step(struct session_run *r);
void beside__end(struct session_run *r);
/* Parkwatch was absent, and the clock went out. Without it nobody knows where goroutines run. */
void beside__begin_again(struct session_run *r);

#endif
