/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu_clock: a clock that runs a BPF program on each processor, so many times a second.
 *
 * One perf event a processor (PERF_COUNT_SW_CPU_CLOCK), whatever runs there: the program knows whose
 * threads it wants. An event a thread would be exact for how long each ran, but the kernel would stop and
 * start its timer whenever the thread comes and goes: 0.8 us, measured, where a program that wakes its
 * other threads does little else. This one costs a program that waits nothing. And it takes in threads as
 * they come. Processors that come later have no clock.
 *
 * The events go when this process does. Not thread-safe.
 */
#ifndef PARKWATCH_HOST_CPU_CLOCK_H
#define PARKWATCH_HOST_CPU_CLOCK_H

#include <stdint.h>

#include "base/cleanup.h"

#define CPU_CLOCK_HZ_MAX 10000

struct cpu_clock;
/* hz: 1 .. CPU_CLOCK_HZ_MAX. 0 or negative errno as the kernel gave it: -EACCES, -EPERM: no right to. */
int cpu_clock__open(int prog_fd, uint32_t hz, struct cpu_clock **ret);
void cpu_clock__free(struct cpu_clock *c);
DEFINE_SCOPED(cpu_clock)
/* From now on so many times. */
void cpu_clock__set(struct cpu_clock *c, uint32_t hz);

#endif
