// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * probes: the programs: one for all places of a file (uprobe_multi), others for its system calls and its
 * allocations, and one a point (perf-event uprobes). User space loads only those that it attaches.
 */
#include "alloc.bpf.h"
#include "call.bpf.h"
#include "goregs.bpf.h"
#include "kcompat.bpf.h"
#include "life.bpf.h"
#include "mutex.bpf.h"
#include "park.bpf.h"
#include "round.bpf.h"

#define PW_HANDFUL 64 /* hits */

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The hits that one job may have are used up: it records no more. User space finds that, and tells it. */
static __always_inline void pw_end_limited(__u64 now)
{
	__u32 goes_on = pw_goes_on;

	pw_spent_ns = now;
	if (!goes_on) {
		pw_on = 0;
		return;
	}
	if (!(goes_on & (1u << PW_POINT_RUN | 1u << PW_POINT_READY)))
		pw_want &= ~(PW_WANT_WAIT | PW_WANT_SCHED | PW_WANT_WAKE | PW_WANT_BLOCK |
			     PW_WANT_ROUND);
	pw_muted = ~goes_on;
}

/*
 * Counts a hit. In handfuls, for all processors share the number, they are taken off where hits are
 * limited, and the sign of life is looked at. Recording ends when they are used up, or nobody is
 * there. It is taken off without an answer: kernels before 5.12 give none.
 */
static __always_inline void pw_take_hit(__u32 point)
{
	__u32 stat = PW_STAT_HIT + point;
	__u64 *n = bpf_map_lookup_elem(&pw_stats, &stat), now;

	if (!n)
		return;
	__sync_fetch_and_add(n, 1);
	if (*n % PW_HANDFUL)
		return;
	now = bpf_ktime_get_ns();
	if (pw_limited >> point & 1)
		__sync_fetch_and_add(&pw_left, -PW_HANDFUL);
	if (!pw_on)
		return;
	if (pw_is_alone(now)) {
		pw_on = 0;
		pw_cut_ns = now;
	} else if (pw_limited && pw_left <= 0 && !pw_spent_ns) {
		pw_end_limited(now);
	}
}

/* Park and ready are those of waits and wake-ups. */
static __always_inline int pw_dispatch_round(struct pt_regs *ctx, const struct pw_site *site,
					     __u32 point)
{
	switch (point) {
	case PW_POINT_BIRTH:
	case PW_POINT_COBIRTH: return pw_round_birth(ctx, site);
	case PW_POINT_EXIT: return pw_round_exit(ctx, site);
	case PW_POINT_RUN: return pw_round_run(ctx, site);
	default: return pw_count(PW_STAT_LOST_SITE);
	}
}

static __always_inline int pw_dispatch(struct pt_regs *ctx, const struct pw_site *site, __u32 point)
{
	if (pw_morestack(ctx, site))
		return pw_count(PW_STAT_MORESTACK);
	if (point >= PW_POINT_CALLS)
		return pw_count(PW_STAT_LOST_SITE);
	if (pw_muted >> point & 1)
		return pw_count(PW_STAT_OFF);
	pw_take_hit(point);
	if (pw_want & PW_WANT_ROUND && point != PW_POINT_PARK && point != PW_POINT_READY)
		return pw_dispatch_round(ctx, site, point);
	switch (point) {
	case PW_POINT_BIRTH:
	case PW_POINT_COBIRTH: return pw_do_birth(ctx, site);
	case PW_POINT_EXIT: return pw_do_exit(ctx, site);
	case PW_POINT_PARK: return pw_do_park(ctx, site);
	case PW_POINT_READY: return pw_do_ready(ctx, site);
	case PW_POINT_RUN: return pw_do_run(ctx, site);
	case PW_POINT_QUEUE: return pw_do_queue(ctx, site);
	case PW_POINT_DEQUEUE: return pw_do_dequeue(ctx, site);
	default: return pw_count(PW_STAT_LOST_SITE);
	}
}

static __always_inline int pw_dispatch_call(struct pt_regs *ctx, const struct pw_site *site,
					    __u32 point)
{
	if (pw_morestack(ctx, site))
		return pw_count(PW_STAT_MORESTACK);
	if (point != PW_POINT_CALL && point != PW_POINT_BACK)
		return pw_count(PW_STAT_LOST_SITE);
	pw_take_hit(point);
	return point == PW_POINT_CALL ? pw_do_call(ctx, site) : pw_do_back(ctx, site);
}

static __always_inline int pw_dispatch_alloc(struct pt_regs *ctx, const struct pw_site *site,
					     __u32 point)
{
	if (pw_morestack(ctx, site))
		return pw_count(PW_STAT_MORESTACK);
	if (point < PW_POINT_ALLOCS || point >= PW_POINT_MAX)
		return pw_count(PW_STAT_LOST_SITE);
	if (pw_points_for(PW_FOR_SINGLES) >> point & 1 && !pw_exact)
		return pw_count(PW_STAT_OFF);
	pw_take_hit(point);
	return pw_do_alloc(ctx, site, point);
}

static __always_inline const struct pw_site *pw_site(__u64 index)
{
	if (index >= PW_SITES_MAX || index >= pw_knobs.nr_sites) {
		pw_count(PW_STAT_LOST_SITE);
		return NULL;
	}
	return (const struct pw_site *)&pw_knobs.sites[index];
}

SEC("uprobe.multi")
int pw_multi(struct pt_regs *ctx)
{
	const struct pw_site *site;

	pw_keep_stack(ctx);
	if (!pw_on)
		return pw_count(PW_STAT_OFF);
	site = pw_site(bpf_get_attach_cookie(ctx));
	return site ? pw_dispatch(ctx, site, site->point) : 0;
}

SEC("uprobe.multi")
int pw_multi_call(struct pt_regs *ctx)
{
	const struct pw_site *site;

	pw_keep_stack(ctx);
	if (!pw_on)
		return pw_count(PW_STAT_OFF);
	site = pw_site(bpf_get_attach_cookie(ctx));
	return site ? pw_dispatch_call(ctx, site, site->point) : 0;
}

SEC("uprobe.multi")
int pw_multi_alloc(struct pt_regs *ctx)
{
	const struct pw_site *site;

	pw_keep_stack(ctx);
	if (!pw_on)
		return pw_count(PW_STAT_OFF);
	site = pw_site(bpf_get_attach_cookie(ctx));
	return site ? pw_dispatch_alloc(ctx, site, site->point) : 0;
}

#define PW_PROGRAM(name, point, dispatch)                                                          \
	SEC("uprobe")                                                                              \
	int name(struct pt_regs *ctx)                                                              \
	{                                                                                          \
		const struct pw_site *site;                                                        \
                                                                                                   \
		pw_keep_stack(ctx);                                                                \
		if (!pw_on)                                                                        \
			return pw_count(PW_STAT_OFF);                                              \
		site = pw_site(pw_site_index(ctx, point));                                         \
		return site ? dispatch(ctx, site, point) : 0;                                      \
	}

#define PW_POINT(NAME, name, ...) PW_PROGRAM(pw_##name, PW_POINT_##NAME, pw_dispatch)
PW_POINTS_OF_GOROUTINES(PW_POINT)
#undef PW_POINT
#define PW_POINT(NAME, name, ...) PW_PROGRAM(pw_##name, PW_POINT_##NAME, pw_dispatch_call)
PW_POINTS_OF_CALLS(PW_POINT)
#undef PW_POINT
#define PW_POINT(NAME, name, ...) PW_PROGRAM(pw_##name, PW_POINT_##NAME, pw_dispatch_alloc)
PW_POINTS_OF_ALLOCATIONS(PW_POINT)
#undef PW_POINT
