/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_cycle: what is wrong with goroutines that wait for each other in a cycle, by the waits that
 * make it.
 *
 * A wait for a channel, a Cond or a WaitGroup is kept if only the next of the cycle, and those
 * behind it, have that object: nobody else could end the wait. Of these only those count whose
 * goroutine others of the cycle wait for at a lock, or for its Done. Pure.
 */
#ifndef PARKWATCH_VIEW_LEAK_CYCLE_H
#define PARKWATCH_VIEW_LEAK_CYCLE_H

#include <stdint.h>

#include "facts/goroutines.h"
#include "view/leak_pattern.h"

enum leak_cycle {
	LEAK_CYCLE_LOCK = 1, /* a wait for a lock */
	LEAK_CYCLE_DONE = 2, /* for a WaitGroup: the next will call Done */
	LEAK_CYCLE_SEND = 4, /* from here on: kept */
	LEAK_CYCLE_RECEIVE = 8,
	LEAK_CYCLE_SELECT = 16,
	LEAK_CYCLE_COND = 32,
	LEAK_CYCLE_GROUP = 64,
};
#define LEAK_CYCLE_KEPT                                                                            \
	(LEAK_CYCLE_SEND | LEAK_CYCLE_RECEIVE | LEAK_CYCLE_SELECT | LEAK_CYCLE_COND |              \
	 LEAK_CYCLE_GROUP)

enum leak_cycle leak_cycle_of_wait(const struct census_wait *w); /* of a wait that is kept */
/* cycle_waits: all that the cycle has, enum leak_cycle. NULL: the rules for locks say it. */
const struct leak_pattern *leak_cycle_pattern(unsigned int cycle_waits);

#endif
