/* SPDX-License-Identifier: BSD-2-Clause */
/* kcompat: where kernels differ, each with the commit that made the difference. */
#ifndef PARKWATCH_KCOMPAT_BPF_H
#define PARKWATCH_KCOMPAT_BPF_H

#include "parkwatch.bpf.h"

/*
 * The site that a probe of `point` hit. bpf_get_attach_cookie() is there since 5.15 (commit
 * 7adfc6c9b315); with the knob off the verifier never sees the call, so that 5.10 loads the
 * program. Then a point has one site only.
 */
static __always_inline __u64 pw_site_index(void *ctx, __u32 point)
{
	if (pw_knobs.cookies)
		return bpf_get_attach_cookie(ctx);
	return pw_knobs.first_site[point];
}

/*
 * Keeps the program on its thread's stack. From 6.13 (commit e00931c02568) the x86 JIT gives large
 * stacks of this program type a place per CPU instead, which only programs that cannot be preempted
 * may share: two threads' hits on one processor overwrote each other's variables, and the kernel
 * died (seen on 7.3, PREEMPT(lazy)). A program that has a tail call in it gets none
 * (kernel/bpf/verifier.c, check_max_stack_depth). The verifier removes this one as never reached.
 */
static __always_inline void pw_keep_stack(void *ctx)
{
	if (pw_knobs.nr_sites > PW_SITES_MAX)
		bpf_tail_call(ctx, &pw_never, 0);
}

/* The working memory of this processor's samples. */
static __always_inline struct pw_cpu_room *pw_cpu_room(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&pw_cpu_rooms, &zero);
}

/*
 * The calling thread's working memory. Not a per-CPU array: since 6.0 (commit
 * 8c7dcb84e3b7) a uprobe program can be preempted, and another thread's may run on the same
 * processor meanwhile. The program of a clock is not, and a non-maskable interrupt must not touch
 * an LRU map: it has the processor's.
 */
static __always_inline struct pw_scratch *pw_scratch_get(void)
{
	static const struct pw_scratch blank;
	struct pw_cpu_room *room = pw_knobs.cpu.is_on ? pw_cpu_room() : NULL;
	__u32 tid = (__u32)bpf_get_current_pid_tgid();
	struct pw_scratch *s;

	if (pw_knobs.cpu.is_on)
		return room ? &room->scratch : NULL;
	s = bpf_map_lookup_elem(&pw_scratch, &tid);
	if (s)
		return s;
	bpf_map_update_elem(&pw_scratch, &tid, &blank, BPF_NOEXIST);
	return bpf_map_lookup_elem(&pw_scratch, &tid);
}

#endif
