/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random: random moments. A program that repeats itself must not be met in the same phase each
 * time. Not for secrets.
 */
#ifndef PARKWATCH_BASE_RANDOM_H
#define PARKWATCH_BASE_RANDOM_H

#include <stdint.h>
#include <sys/random.h>

#include "base/clock.h"

/* A state to begin with, never 0: from the kernel, or the clock where that has none yet. */
static inline uint64_t random_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != sizeof(seed))
		seed = clock_now_ns();
	return seed | 1;
}

/* 0 to just below 1. state: not 0 (xorshift64*, Vigna). */
static inline double random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (double)(*state * 0x2545f4914f6cdd1dULL >> 11) / (double)(1ULL << 53);
}

#endif
