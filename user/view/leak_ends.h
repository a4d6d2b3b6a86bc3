/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_ends: loops that a timer wakes and that have a way to end: who could still use it?
 *
 * The timer's channel lives as long as the runtime, so the search reaches what such a goroutine
 * waits for, whatever its other cases are. Asked again without the timers, it tells whether anybody
 * but the goroutine itself refers to these.
 *	leak_ends__timer() leak_ends__goal()	while channels are looked at
 *	leak_ends__goals() leak_ends__found()	for each runtime, before that search and after it: of a census of its own, for they wake
 */
#ifndef PARKWATCH_VIEW_LEAK_ENDS_H
#define PARKWATCH_VIEW_LEAK_ENDS_H

#include <stddef.h>
#include <stdint.h>

#define LEAK_ENDS_MAX 65536 /* timers, and goroutines */

struct leak_ends {
	uint64_t *timers; /* addresses of their channels */
	size_t nr_timers, timers_room;
	struct leak_end {
		uint64_t goid;
		uint16_t rt;
	} * goals;
	size_t nr_goals, goals_room;
};
struct census;
struct leaks;
struct reach_answer;

void leak_ends__done(struct leak_ends *e);
/* What the bound refuses is not asked. 0 or -ENOMEM. */
int leak_ends__timer(struct leak_ends *e, uint64_t chan);
int leak_ends__goal(struct leak_ends *e, uint16_t rt, uint64_t goid);
/* Numbers in a census of runtime rt. *ret is the caller's. 0 or -ENOMEM. */
int leak_ends__goals(struct leak_ends *e, uint16_t rt, const struct census *c, uint32_t **ret,
		     size_t *ret_nr);
/* a: of the search for these goals without the timers, with all keepers. 0 or -ENOMEM. */
int leak_ends__found(struct leaks *l, uint16_t rt, const struct census *c,
		     const struct reach_answer *a);

#endif
