/* SPDX-License-Identifier: BSD-2-Clause */
/* clock: CLOCK_MONOTONIC in nanoseconds, the clock of every time in parkwatch (it is bpf_ktime_get_ns()'s). */
#ifndef PARKWATCH_BASE_CLOCK_H
#define PARKWATCH_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SEC 1000000000ULL
#define NS_PER_MS  1000000ULL
#define NS_PER_US  1000ULL

static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* CLOCK_PROCESS_CPUTIME_ID: what we ourselves took of the processors. */
static inline uint64_t clock_cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

#endif
