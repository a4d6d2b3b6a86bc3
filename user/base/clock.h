/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock: CLOCK_MONOTONIC in nanoseconds, the clock of every time in parkwatch (it is
 * bpf_ktime_get_ns()'s).
 */
#ifndef PARKWATCH_BASE_CLOCK_H
#define PARKWATCH_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SEC 1000000000ULL
#define NS_PER_MS  1000000ULL
#define NS_PER_US  1000ULL

/* 0: the clock cannot be read, as that of a process or thread that has ended. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	return clock_gettime(clock, &ts) ? 0
					 : (uint64_t)ts.tv_sec * NS_PER_SEC + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* CLOCK_PROCESS_CPUTIME_ID: what we ourselves took of the processors. */
static inline uint64_t clock_cpu_ns(void)
{
	return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

#define CLOCK_UTC_MAX 32

/* A time of CLOCK_REALTIME as "2024-05-01T03:10:00Z"; "": there is no such date. */
static inline void clock_utc(uint64_t unix_ns, char to[CLOCK_UTC_MAX])
{
	const time_t s = (time_t)(unix_ns / NS_PER_SEC);
	struct tm tm;

	if (!gmtime_r(&s, &tm) || !strftime(to, CLOCK_UTC_MAX, "%FT%TZ", &tm))
		to[0] = '\0';
}

#endif
