/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deadline: until when something may take, whatever the target makes of it: asked between one batch and the next.
 *
 * When the user asks for the end, what goes on has DEADLINE_STOP_NS more. What is cut ends with -ETIMEDOUT. NULL: there is no end.
 */
#ifndef PARKWATCH_BASE_DEADLINE_H
#define PARKWATCH_BASE_DEADLINE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define DEADLINE_STOP_NS (500 * NS_PER_MS)

struct deadline {
	uint64_t at_ns; /* UINT64_MAX: none */
	const volatile sig_atomic_t *stop; /* borrowed; NULL: nobody asks */
	bool stopped;
};

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
	return now >= d->at_ns;
}

#endif
