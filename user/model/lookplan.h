/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lookplan: when a process is looked at in a watch, and after which looks its heap is searched.
 *
 * Looks are spread evenly, and searches over the second half. What takes long has its price: of a
 * program with a million goroutines a look takes seconds. If it is more than half of the time
 * between two, some are left out rather than done one after the other, so that the watch ends on
 * time. Pure: no clock.
 */
#ifndef PARKWATCH_MODEL_LOOKPLAN_H
#define PARKWATCH_MODEL_LOOKPLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOOKPLAN_LOOKS    13 /* from the start to the end, both included */
#define LOOKPLAN_SEARCHES 3  /* one of them at the end */

struct lookplan {
	uint64_t start_ns, duration_ns;
	uint64_t look_ns; /* that the longest look so far took */
	size_t at;        /* the number of the last look, from 0 */
	size_t searched;  /* of those that are asked for */
};

/* When look nr is due. */
uint64_t lookplan__due_ns(const struct lookplan *p, size_t nr);
/*
 * The number of the look that comes next; LOOKPLAN_LOOKS: there is none, the last was at the end.
 * One is made in between, unless a look takes longer than the whole watch.
 */
size_t lookplan__next(const struct lookplan *p, uint64_t now_ns);
/*
 * How many searches there are to be before look next: if it is more than were made, there is one
 * now. None after the first look: it takes two to tell who waits. That after the last is the
 * caller's, when all else is read.
 */
size_t lookplan__searches(const struct lookplan *p, size_t next);

#endif
