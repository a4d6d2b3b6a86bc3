/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * round: the whole time of goroutines, one record a round (struct pw_round).
 *
 * park is that of waits, ready that of wake-ups: they leave their facts in pw_gs and pw_rounds. run
 * makes a record of them, whether there was a wait or not; a goroutine that was made and one that
 * ends have their part. A goroutine loses its thread without a probe: the next run on that thread
 * tells it, which the scheduler comes to at once.
 */
#ifndef PARKWATCH_ROUND_BPF_H
#define PARKWATCH_ROUND_BPF_H

#include "goregs.bpf.h"
#include "span.bpf.h"
#include "wake.bpf.h"
#include "wanted.bpf.h"

/* This thread runs g now, or nobody (0); the one that it ran before has left it. */
static __always_inline void pw_round_leave(__u32 tid, __u64 g, __u64 now)
{
	__u64 *last = bpf_map_lookup_elem(&pw_threads, &tid), before;
	struct pw_gstate *st;

	if (!last) {
		bpf_map_update_elem(&pw_threads, &tid, &g, BPF_ANY);
		return;
	}
	before = *last;
	if (before == g)
		return;
	*last = g;
	st = bpf_map_lookup_elem(&pw_gs, &before);
	if (st && st->tid == tid)
		st->left_ns = now;
}

/* A goroutine that did not wait: nobody knows a stack of it, nor where it lost its P. */
static __always_inline bool pw_round_unwanted(__u64 g, __u32 *flags)
{
	return pw_filters(PW_WAIT, PW_FILTER_STACKS | PW_FILTER_PS) ||
	       pw_g_unwanted(PW_WAIT, g, 0, flags);
}

/* Its g says who it is. Negative: it cannot be read. */
static __always_inline int pw_round_who(__u64 g, struct pw_round *r)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;

	r->labels = 0;
	if (pw_want & PW_WANT_LABELS)
		pw_read_u64(g, lay->g_labels, &r->labels);
	return pw_read_u64(g, lay->g_gopc, &r->gopc) || pw_read_u64(g, lay->g_startpc, &r->startpc)
		       ? -1
		       : 0;
}

/* birth: it is ready, by who made it. What pw_gs has is of another that had this g. */
static __always_inline int pw_round_birth(struct pt_regs *ctx, const struct pw_site *site)
{
	__u64 now = bpf_ktime_get_ns(), g = pw_value(ctx, &site->g), goid, parent = 0;
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	struct pw_gstate *st;
	__u32 flags = 0;

	if (!g || pw_read_u64(g, lay->g_goid, &goid))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_unwanted(goid) || pw_round_unwanted(g, &flags))
		return pw_skip(g, goid, now);
	if (pw_read_u64(g, lay->g_parent_goid, &parent))
		parent = pw_running_goid(pw_value(ctx, &site->cur));
	st = pw_gstate_get(g);
	if (!st)
		return 0;
	st->start_ns = 0;
	st->ran_ns = 0;
	st->left_ns = 0;
	st->stack_id = PW_STACK_ID_NONE;
	st->goid = goid;
	st->flags = 0;
	st->tid = 0;
	return pw_round_ready(g, st, PW_STACK_ID_NONE, parent, now);
}

/* What is known of the round that ends now; the next one begins. */
static __always_inline void pw_round_take(struct pw_round *r, struct pw_gstate *st, __u64 now)
{
	const bool waited = st->start_ns;

	r->ran_ns = st->ran_ns;
	r->start_ns = st->start_ns;
	r->left_ns = waited ? 0 : st->left_ns;
	r->ready_ns = st->ready_ns;
	r->stack_id = waited ? st->stack_id : PW_STACK_ID_NONE;
	r->reason = waited ? st->reason : 0;
	if (!st->ready_ns) {
		r->waker = PW_STACK_ID_NONE;
		r->waker_goid = 0;
	}
	st->start_ns = 0;
	st->ready_ns = 0;
	st->left_ns = 0;
	st->ran_ns = now;
}

static __always_inline int pw_round_send(void *ctx, struct pw_round *r, __u64 goid, __u64 now,
					 __u16 flags)
{
	pw_fill_hdr(&r->hdr, PW_ROUND, sizeof(*r), goid, now);
	r->hdr.flags = flags;
	return pw_send_event(ctx, r, sizeof(*r));
}

/* How long it did not run, as far as that is known. */
static __always_inline __u64 pw_round_pause(const struct pw_round *r, __u64 now)
{
	__u64 from = r->start_ns;

	if (!from)
		from = r->left_ns;
	if (!from)
		from = r->ready_ns;
	return from ? now - from : 0;
}

/* run: a goroutine runs, whatever it did before. */
static __always_inline int pw_round_run(struct pt_regs *ctx, const struct pw_site *site)
{
	__u64 now = bpf_ktime_get_ns(), g = pw_value(ctx, &site->g), goid;
	__u32 tid = bpf_get_current_pid_tgid(), flags = 0;
	struct pw_gstate *st;
	struct pw_round *r;

	if (!g)
		return pw_count(PW_STAT_LOST_READ);
	pw_round_leave(tid, g, now);
	st = pw_gstate_get(g);
	r = pw_rounds_get(g);
	if (!st || !r)
		return 0;
	if (pw_read_u64(g, pw_knobs.lay.g_goid, &goid))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_unwanted(goid))
		return pw_count(PW_STAT_FILTERED);
	st->goid = goid;
	if (pw_is_first(st))
		pw_wait_since_before(ctx, g, st, now);
	if (!st->start_ns && pw_round_unwanted(g, &flags))
		return pw_skip(g, goid, now);
	if (!st->start_ns && !st->ready_ns && !st->left_ns && st->tid == tid)
		return pw_count(PW_STAT_NO_WAIT); /* its thread found nobody else: it runs on */
	if (st->start_ns)
		flags = st->flags;
	st->tid = tid;
	pw_round_take(r, st, now);
	r->is_ended = 0;
	if (pw_round_who(g, r))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_round_pause(r, now) < pw_min_wait_ns)
		return pw_count(PW_STAT_FILTERED);
	return pw_round_send(ctx, r, goid, now, flags);
}

/* exit: it ran until now, and its g is free. */
static __always_inline int pw_round_exit(struct pt_regs *ctx, const struct pw_site *site)
{
	__u64 now = bpf_ktime_get_ns(), g = pw_value(ctx, &site->g), goid;
	struct pw_gstate *st;
	struct pw_round *r;
	__u32 flags = 0;

	if (!g || pw_read_u64(g, pw_knobs.lay.g_goid, &goid))
		return pw_count(PW_STAT_LOST_READ);
	st = pw_gstate_get(g);
	r = pw_rounds_get(g);
	if (!st || !r)
		return 0;
	if (pw_unwanted(goid) || pw_round_unwanted(g, &flags))
		return pw_skip(g, goid, now);
	st->start_ns = 0;
	st->ready_ns = 0;
	st->left_ns = 0;
	st->goid = goid;
	st->tid = 0;
	pw_round_take(r, st, now);
	r->is_ended = 1;
	if (pw_round_who(g, r))
		return pw_count(PW_STAT_LOST_READ);
	return pw_round_send(ctx, r, goid, now, flags);
}

#endif
