/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpu_knobs: what the program that samples what runs (bpf/cpu) must know of one process and this kernel.
 */
#ifndef PARKWATCH_PROBE_CPU_KNOBS_H
#define PARKWATCH_PROBE_CPU_KNOBS_H

#include <stdbool.h>

#include "probe/plan.h"
#include "target/proc.h"

/*
 * is_first: of several runtimes in a process the one that counts threads of none. An error, with a cause:
 * nothing can be sampled here.
 */
int cpu_knobs__fill(const struct plan *plan, const struct proc *p, bool is_first,
		    struct pw_cpu_knobs *ret, struct cause *why);

#endif
