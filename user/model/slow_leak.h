/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slow_leak: do goroutines of one kind grow in number hour by hour, by a few each?
 *
 * The rule compares the slope of single hours with that of up to 24 h. It goes by floors, the lowest
 * number of each hour: what comes and goes within an hour is not in them. It is a leak if
 *	the floor rose by at least SLOW_LEAK_RISE over 11 to 24 h, up to now,
 *	in each of these hours at least half as fast as in all of them together, and
 *	at least half as many as the rise have waited for over an hour in one wait.
 * For what comes at random the same is asked of steps of 3 h over 15 to 24 h.
 *
 * Passed over: a start that ends (the last hour does not rise), what breathes (it falls), a daily wave
 * (a sine that rises for 12 h rises by less than half as fast in its first or last hour), and crowds
 * that work (no long waits). Pure.
 */
#ifndef PARKWATCH_MODEL_SLOW_LEAK_H
#define PARKWATCH_MODEL_SLOW_LEAK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOW_LEAK_RISE      20
#define SLOW_LEAK_HOURS_MAX 24

struct slow_leak {
	uint32_t hours, rise; /* the longest time for which the rule holds */
};

/* floor: nr of them, an hour apart, the last one is of now. long_waits: now. *ret only if true. */
bool slow_leak__is(const uint32_t *floor, size_t nr, uint32_t long_waits, struct slow_leak *ret);

#endif
