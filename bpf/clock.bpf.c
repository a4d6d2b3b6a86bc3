// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * clock: the program of the perf event that ticks on each processor. What it takes of the process's
 * time is counted, for that is its cost; of other processes it takes a look at who they are.
 */
#include "cpu.bpf.h"

SEC("perf_event")
int pw_clock(void *ctx)
{
	__u64 now = bpf_ktime_get_ns();
	__u32 tid;

	if (!pw_on)
		return 0;
	tid = pw_cpu_thread();
	if (!tid)
		return 0;
	if (pw_is_alone(now)) {
		pw_on = 0;
		pw_cut_ns = now;
		return 0;
	}
	pw_do_cpu(ctx, tid, now);
	pw_add(PW_STAT_CPU_NS, bpf_ktime_get_ns() - now);
	return 0;
}
