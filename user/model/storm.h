/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * storm: a program starts goroutines much faster than just before.
 *
 * The rule compares the births of a short time with those of the 60 s before it. Looks come every
 * 10 s or so, hence the short time is what lies between the last two looks. It is a storm if
 *	births in that time, as a rate, are over STORM_FACTOR times the rate of the 60 s before it,
 *	more than STORM_ALIVE goroutines are alive, and
 *	they are STORM_HIGH_PCT % more than at any look of the ten minutes before.
 * The last condition passes over what breathes: a pool that comes back to the size that it had.
 * Without looks over 50 s before, there is nothing to compare with, and no storm. Pure.
 */
#ifndef PARKWATCH_MODEL_STORM_H
#define PARKWATCH_MODEL_STORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORM_ALIVE     5000
#define STORM_FACTOR    3
#define STORM_HIGH_PCT  10
#define STORM_LOOKS_MAX 64 /* that are kept: ten minutes of looks */

struct storm_look {
	uint64_t at_ns;
	uint64_t births; /* since the look before */
	uint64_t alive;
};

/* v: nr looks, the oldest first; asked of the last one. */
bool storm__is(const struct storm_look *v, size_t nr);

#endif
