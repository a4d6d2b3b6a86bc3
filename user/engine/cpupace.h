/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpupace: how often what runs is sampled: as often as is asked for, less where that costs too much.
 *
 * A sample costs the same however much the target runs, so what samples take of its CPU time depends on
 * how many there are a second. It never becomes faster again. Pure: no clock.
 */
#ifndef PARKWATCH_ENGINE_CPUPACE_H
#define PARKWATCH_ENGINE_CPUPACE_H

#include <stdbool.h>
#include <stdint.h>

#define CPUPACE_SAMPLE_NS 6000.0 /* that one may cost, before any was seen */
#define CPUPACE_LOOK_NS   500000000ULL

struct cpupace {
	uint32_t hz;
	double max; /* of the target's CPU time; 0: no limit */
	uint64_t looked_ns;
	double cost_ns, cpu_ns; /* then */
};

void cpupace__init(struct cpupace *p, uint32_t hz, double max);
/*
 * cost_ns, cpu_ns: that samples have cost, and the target used, until now_ns. Each CPUPACE_LOOK_NS it is
 * seen what they were since. sharers: as governor__share(). True: there are fewer from now on.
 */
bool cpupace__look(struct cpupace *p, double cost_ns, double cpu_ns, uint64_t now_ns,
		   unsigned int sharers);

#endif
