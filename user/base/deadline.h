/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deadline: until when a piece of work may take, whatever the target does; asked between one batch
 * and the next.
 *
 * When the user asks for the end, work that goes on has DEADLINE_STOP_NS more. Work that is cut
 * ends with -ETIMEDOUT; reads of a target's memory then fail as if the target had ended
 * (target/mem). NULL: there is no end.
 */
#ifndef PARKWATCH_BASE_DEADLINE_H
#define PARKWATCH_BASE_DEADLINE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define DEADLINE_STOP_NS (300 * NS_PER_MS) /* of a second that the whole command has */

struct deadline {
	uint64_t at_ns;                    /* UINT64_MAX: none */
	uint64_t most_ns;                  /* that it was, for words */
	const volatile sig_atomic_t *stop; /* borrowed; NULL: nobody asks */
	bool stopped;
	bool hit; /* somebody asked when it was over, and was cut */
};

static inline struct deadline deadline_in(uint64_t ns, const volatile sig_atomic_t *stop)
{
	return (struct deadline){ .at_ns = ns == UINT64_MAX ? ns : clock_now_ns() + ns,
				  .most_ns = ns,
				  .stop = stop };
}

static inline bool deadline__over(struct deadline *d)
{
	uint64_t now;

	if (!d)
		return false;
	now = clock_now_ns();
	if (d->stop && *d->stop && !d->stopped) {
		d->stopped = true;
		if (d->at_ns > now + DEADLINE_STOP_NS)
			d->at_ns = now + DEADLINE_STOP_NS;
	}
	d->hit |= now >= d->at_ns;
	return now >= d->at_ns;
}

/* So long from now on: not if the user asked for the end. */
static inline void deadline__move(struct deadline *d, uint64_t ns)
{
	if (d->stopped)
		return;
	d->at_ns = ns == UINT64_MAX ? ns : clock_now_ns() + ns;
	d->most_ns = ns;
	(void)deadline__over(d);
}

/* What is left; 0: nothing. */
static inline uint64_t deadline__left_ns(struct deadline *d)
{
	return deadline__over(d) ? 0 : d->at_ns - clock_now_ns();
}

#endif
