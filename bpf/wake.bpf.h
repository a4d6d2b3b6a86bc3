/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wake: who ends the waits of goroutines.
 *
 * The stack at ready is that of who does: from there through the system stack to the goroutine that
 * the thread runs, or down to the scheduler, where a timer or the poller ends it. It is kept in
 * pw_wakers, by the g that is woken, until run tells the wait with it; who woke the waker is there
 * already.
 */
#ifndef PARKWATCH_WAKE_BPF_H
#define PARKWATCH_WAKE_BPF_H

#include "goregs.bpf.h"
#include "life.bpf.h"
#include "span.bpf.h"
#include "unwind.bpf.h"
#include "wanted.bpf.h"

/* Entry of a g, made if it is missing; NULL and counted if the map is full. */
static __always_inline struct pw_wake *pw_wakers_get(__u64 g)
{
	struct pw_wake *wk = bpf_map_lookup_elem(&pw_wakers, &g);

	if (wk)
		return wk;
	bpf_map_update_elem(&pw_wakers, &g, PW_ZEROS, BPF_NOEXIST);
	wk = bpf_map_lookup_elem(&pw_wakers, &g);
	if (!wk)
		pw_count(PW_STAT_LOST_GMAP);
	return wk;
}

/* Who ended the last wait of the goroutine that this thread runs, and so on; NULL: not known. */
static __always_inline const struct pw_wake *pw_woken_before(struct pt_regs *ctx,
							     const struct pw_site *site)
{
	__u64 g = pw_knobs.wakers > 1 ? pw_running_g(pw_value(ctx, &site->cur)) : 0;

	return g ? bpf_map_lookup_elem(&pw_wakers, &g) : NULL;
}

/*
 * Nothing was seen of a goroutine since pw_begin_ns: if it goes on in gopark, it has waited since
 * before. 0: its wait is in st.
 */
static __always_inline int pw_wait_since_before(void *ctx, __u64 g, struct pw_gstate *st, __u64 now)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	struct pw_walk w = { .g = g };
	__u64 reason = 0, id;
	__u32 flags = 0;

	if (pw_read_u64(g, lay->g_sched_pc, &w.pc) || pw_read_u64(g, lay->g_sched_bp, &w.bp) ||
	    pw_read_u64(g, lay->g_waitreason, &reason)) {
		pw_count(PW_STAT_LOST_READ);
		return -1;
	}
	if (pw_pc_kind(w.pc) != PW_PC_GOPARK) {
		pw_count(PW_STAT_NO_WAIT);
		return -1;
	}
	if (pw_want & PW_WANT_BLOCK && !pw_blocks(reason & 0xff)) {
		pw_skip(g, st->goid, now);
		return -1;
	}
	/* on which P it began to wait nobody knows */
	if (pw_g_unwanted(PW_WAIT, g, 0, &flags)) {
		pw_skip(g, st->goid, now);
		return -1;
	}
	id = pw_stack_id(ctx, &w, now);
	if (id == PW_STACK_ID_NONE)
		return -1;
	if (pw_stack_unwanted(PW_WAIT, id)) {
		pw_skip(g, st->goid, now);
		return -1;
	}
	st->flags = flags;
	st->stack_id = id;
	st->reason = reason & 0xff;
	st->start_ns = pw_begin_ns;
	return 0;
}

/* The wait of g ends with its ready for those who ask no more: as Go's block profile has it. */
static __always_inline int pw_send_block(void *ctx, __u64 g, struct pw_gstate *st, __u64 now)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	struct pw_span *e = pw_span_begin();

	if (!e)
		return pw_count(PW_STAT_LOST_SCRATCH);
	e->wait.start_ns = st->start_ns;
	e->wait.stack_id = st->stack_id;
	e->wait.reason = st->reason;
	st->start_ns = 0;
	st->ran_ns = now;
	if (pw_read_u64(g, lay->g_gopc, &e->wait.gopc) ||
	    pw_read_u64(g, lay->g_startpc, &e->wait.startpc))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_want & PW_WANT_LABELS)
		pw_read_u64(g, lay->g_labels, &e->wait.labels);
	return pw_send_span(ctx, e, PW_BLOCK, st->goid, now, st->flags);
}

/* Entry of a g, as pw_wakers_get(). */
static __always_inline struct pw_round *pw_rounds_get(__u64 g)
{
	struct pw_round *r = bpf_map_lookup_elem(&pw_rounds, &g);

	if (r)
		return r;
	bpf_map_update_elem(&pw_rounds, &g, PW_ZEROS, BPF_NOEXIST);
	r = bpf_map_lookup_elem(&pw_rounds, &g);
	if (!r)
		pw_count(PW_STAT_LOST_GMAP);
	return r;
}

/* The wait of a goroutine, or before its first run nothing, is over: by whom. */
static __always_inline int pw_round_ready(__u64 g, struct pw_gstate *st, __u64 waker,
					  __u64 waker_goid, __u64 now)
{
	struct pw_round *r = pw_rounds_get(g);

	if (!r)
		return 0;
	r->waker = waker;
	r->waker_goid = waker_goid;
	st->ready_ns = now;
	return 0;
}

/* ready: this thread ends the wait of g. */
static __always_inline int pw_do_wake(struct pt_regs *ctx, const struct pw_site *site, __u64 g)
{
	__u64 now = bpf_ktime_get_ns(), goid, id;
	const struct pw_wake *before;
	struct pw_gstate *st;
	struct pw_wake *wk;
	struct pw_walk w;

	if (!g || pw_read_u64(g, pw_knobs.lay.g_goid, &goid))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_unwanted(goid))
		return pw_count(PW_STAT_FILTERED);
	st = pw_gstate_get(g);
	if (!st)
		return 0;
	st->goid = goid;
	if (pw_is_first(st) && pw_wait_since_before(ctx, g, st, now))
		return 0;
	if (!st->start_ns)
		return pw_count(PW_STAT_NO_WAIT);
	if (pw_want & PW_WANT_BLOCK)
		return pw_send_block(ctx, g, st, now);
	pw_walk_here(ctx, site, &w);
	id = pw_stack_id(ctx, &w, now);
	if (id == PW_STACK_ID_NONE)
		return 0;
	if (pw_want & PW_WANT_ROUND)
		return pw_round_ready(g, st, id, pw_running_goid(pw_value(ctx, &site->cur)), now);
	wk = pw_wakers_get(g);
	if (!wk)
		return 0;
	before = pw_woken_before(ctx, site);
	for (__u32 i = 1; i < PW_WAKERS_MAX; i++)
		wk->key.wakers[i] = before && i < pw_knobs.wakers ? before->key.wakers[i - 1]
								  : PW_STACK_ID_NONE;
	wk->key.wakers[0] = id;
	st->ready_ns = now;
	return 0;
}

/* run: the wait e of g has ended; woken: by a ready that was seen. */
static __always_inline int pw_send_wake(void *ctx, __u64 g, const struct pw_wait *e, __u64 goid,
					__u64 now, __u16 flags, bool woken)
{
	struct pw_wake *wk = pw_wakers_get(g);

	if (!wk)
		return 0;
	for (__u32 i = 0; i < PW_WAKERS_MAX; i++)
		if (!woken)
			wk->key.wakers[i] = PW_STACK_ID_NONE;
	if (now - e->start_ns < pw_min_wait_ns)
		return pw_count(PW_STAT_FILTERED);
	wk->start_ns = e->start_ns;
	wk->labels = e->labels;
	wk->key.stack_id = e->stack_id;
	wk->key.gopc = e->gopc;
	wk->key.startpc = e->startpc;
	wk->key.reason = e->reason;
	if (pw_sums && !pw_window && !flags && pw_sum(&pw_wakes, &wk->key, now - e->start_ns))
		return 0;
	pw_fill_hdr(&wk->hdr, PW_WAKE, sizeof(*wk), goid, now);
	wk->hdr.flags = flags;
	return pw_send_event(ctx, wk, sizeof(*wk));
}

#endif
