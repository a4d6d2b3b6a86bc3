/* SPDX-License-Identifier: BSD-2-Clause */
/* pause: how long plans of the daemon wait: for one target after another time in vain, for all targets by what we used. Pure. */
#ifndef PARKWATCH_MODEL_PAUSE_H
#define PARKWATCH_MODEL_PAUSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

/* step: from 0. 1, 2, 5, 10, 20, then 60 minutes. */
static inline uint64_t pause_ns(size_t step)
{
	static const uint64_t minutes[] = { 1, 2, 5, 10, 20, 60 };
	const size_t last = sizeof(minutes) / sizeof(minutes[0]) - 1;

	return minutes[step < last ? step : last] * 60 * NS_PER_SEC;
}

/* All rest until *until_ns, or from from_ns on if that was over, and now longer: cpu_ns is to be this share of the time. */
static inline void pause_for_cpu(uint64_t *until_ns, uint64_t from_ns, uint64_t cpu_ns,
				 double share)
{
	if (*until_ns < from_ns)
		*until_ns = from_ns;
	*until_ns += (uint64_t)((double)cpu_ns / share);
}

#endif
