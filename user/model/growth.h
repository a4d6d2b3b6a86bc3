/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * growth: does a number that was counted at several looks grow, and does it grow still?
 *
 * Warming up grows and then stops; what comes and goes grows for a while and then falls; a leak
 * does not stop. So it is the end that counts, not the sum. How long a silence must be before it
 * means that growth has stopped is taken from the silences
 * before: what came in bursts may pause, what came all the time may not. Pure; plain value.
 */
#ifndef PARKWATCH_MODEL_GROWTH_H
#define PARKWATCH_MODEL_GROWTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct growth {
	int64_t net;      /* the last level less the first */
	uint64_t fell;    /* sum of all that it went down in between */
	uint32_t windows; /* from one look to the next */
	uint32_t grew;    /* windows that ended higher than any before */
	uint32_t silence; /* longest run of windows without growth between two with */
	uint32_t tail;    /* windows at the end in which nothing came any more */
	/* it grew in each third, and in the last no less than a quarter of the first */
	bool steady;
	bool going; /* and it has not stopped */
};

/*
 * level: nr of them, one a look. births: how many came in each of the nr - 1 windows. lag: a
 * goroutine counts in level that number of windows after its birth.
 */
void growth_of(const uint32_t *level, const uint32_t *births, size_t nr, uint32_t lag,
	       struct growth *ret);

#endif
