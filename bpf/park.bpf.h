/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * park: goroutines wait, are woken, and run again.
 *
 * park and ready leave their facts in pw_gs, keyed by the g; run makes records of them. pw_parks has
 * only who parked last, and when: it and waits may be asked for at the same time, by two jobs. One
 * thread at a time deals with one g (Go's scheduler sees to it), so entries are written in place,
 * the time last.
 */
#ifndef PARKWATCH_PARK_BPF_H
#define PARKWATCH_PARK_BPF_H

#include "goregs.bpf.h"
#include "life.bpf.h"
#include "span.bpf.h"
#include "unwind.bpf.h"
#include "wake.bpf.h"
#include "wanted.bpf.h"

/* Who parked, for those who ask no more. */
static __always_inline void pw_note_park(__u64 g, __u64 goid, __u64 now)
{
	struct pw_parked *p = bpf_map_lookup_elem(&pw_parks, &g);

	if (!p) {
		bpf_map_update_elem(&pw_parks, &g, PW_ZEROS, BPF_NOEXIST);
		p = bpf_map_lookup_elem(&pw_parks, &g);
	}
	if (!p) {
		pw_count(PW_STAT_LOST_GMAP);
		return;
	}
	p->goid = goid;
	p->ns = now;
}

/* gopark: the current goroutine begins to wait. Its stack is walked only where waits are recorded. */
static __always_inline int pw_do_park(struct pt_regs *ctx, const struct pw_site *site)
{
	__u64 now = bpf_ktime_get_ns(), g = pw_value(ctx, &site->g), goid, id;
	__u32 want = pw_want, flags = 0;
	struct pw_gstate *st;
	struct pw_walk w;

	if (!g || pw_read_u64(g, pw_knobs.lay.g_goid, &goid))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_unwanted(goid))
		return pw_count(PW_STAT_FILTERED);
	if (want & PW_WANT_PARK)
		pw_note_park(g, goid, now);
	if (!(want & (PW_WANT_WAIT | PW_WANT_WAKE | PW_WANT_BLOCK)))
		return 0;
	if (want & PW_WANT_BLOCK && !pw_blocks(pw_value(ctx, &site->reason) & 0xff))
		return pw_count(PW_STAT_FILTERED);
	if (pw_g_unwanted(PW_WAIT, g, g, &flags))
		return pw_skip(g, goid, now);

	pw_walk_here(ctx, site, &w);
	id = pw_stack_id(ctx, &w, now);
	if (id == PW_STACK_ID_NONE)
		return 0;
	if (pw_stack_unwanted(PW_WAIT, id))
		return pw_skip(g, goid, now);
	st = pw_gstate_get(g);
	if (!st)
		return 0;
	st->flags = flags;
	st->ready_ns = 0;
	st->stack_id = id;
	st->goid = goid;
	st->reason = pw_value(ctx, &site->reason) & 0xff;
	st->start_ns = now;
	return 0;
}

/* Of which P is not known yet. */
static __always_inline bool pw_ready_unwanted(const struct pw_gpart *part, __u32 *flags)
{
	__u64 gopc = 0, labels = 0;

	if (pw_filters(PW_SCHED, PW_FILTER_SITES))
		pw_gpart_u64(part, pw_knobs.lay.g_gopc, &gopc);
	if (pw_filters(PW_SCHED, PW_FILTER_LABELS))
		pw_gpart_u64(part, pw_knobs.lay.g_labels, &labels);
	return pw_site_unwanted(PW_SCHED, gopc, 0) || pw_labels_unwanted(PW_SCHED, labels, flags);
}

/* ready: a waiting goroutine may run. Its stack is that of its park, by what the scheduler saved in
 * g.sched. */
static __always_inline int pw_do_ready(struct pt_regs *ctx, const struct pw_site *site)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 now = bpf_ktime_get_ns(), g = pw_value(ctx, &site->g), goid, id;
	struct pw_walk w = { .g = g };
	struct pw_gpart part;
	struct pw_gstate *st;
	__u64 reason = 0;
	__u32 flags = 0;

	if (pw_want & (PW_WANT_WAKE | PW_WANT_BLOCK))
		return pw_do_wake(ctx, site, g);
	if (!(pw_want & PW_WANT_SCHED))
		return pw_count(PW_STAT_FILTERED);
	pw_gpart_read(&part, g, lay->g_sched_pc);
	if (!g || pw_gpart_u64(&part, lay->g_goid, &goid))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_unwanted(goid))
		return pw_count(PW_STAT_FILTERED);
	if (pw_ready_unwanted(&part, &flags))
		return pw_skip(g, goid, now);
	if (pw_gpart_u64(&part, lay->g_sched_pc, &w.pc) ||
	    pw_gpart_u64(&part, lay->g_sched_bp, &w.bp) ||
	    pw_gpart_u64(&part, lay->g_waitreason, &reason))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_pc_kind(w.pc) == PW_PC_FOREIGN)
		return pw_count(PW_STAT_LOST_READ);

	id = pw_stack_id(ctx, &w, now);
	if (id == PW_STACK_ID_NONE)
		return 0;
	if (pw_stack_unwanted(PW_SCHED, id))
		return pw_skip(g, goid, now);
	st = pw_gstate_get(g);
	if (!st)
		return 0;
	st->flags = flags;
	st->ready_stack_id = id;
	st->ready_reason = reason & 0xff;
	st->goid = goid;
	st->ready_ns = now;
	return 0;
}

/*
 * Of a goroutine that runs nothing was seen since pw_begin_ns: if it goes on in gopark, it has
 * waited
 * (with PW_WANT_SCHED: was ready) since before. Its stack is that of its park, by what the
 * scheduler saved. One that does not had merely lost its thread. 0: e is filled in but for who it
 * is.
 */
static __always_inline int pw_run_first(struct pt_regs *ctx, __u64 g, const struct pw_gpart *part,
					struct pw_wait *e, __u64 now, __u32 *flags)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	const __u32 kind = pw_want & (PW_WANT_WAIT | PW_WANT_WAKE) ? PW_WAIT : PW_SCHED;
	struct pw_gstate *st;
	struct pw_walk w = { .g = g };
	__u64 reason = 0;

	if (pw_gpart_u64(part, lay->g_goid, &e->hdr.goid) ||
	    pw_gpart_u64(part, lay->g_sched_pc, &w.pc) ||
	    pw_gpart_u64(part, lay->g_sched_bp, &w.bp) ||
	    pw_gpart_u64(part, lay->g_waitreason, &reason)) {
		pw_count(PW_STAT_LOST_READ);
		return -1;
	}
	if (pw_unwanted(e->hdr.goid)) {
		pw_count(PW_STAT_FILTERED);
		return -1;
	}
	st = pw_gstate_get(g);
	if (!st)
		return -1;
	st->goid = e->hdr.goid;
	st->start_ns = 0;
	st->ready_ns = 0;
	st->ran_ns = now;
	if (pw_pc_kind(w.pc) != PW_PC_GOPARK) {
		pw_count(PW_STAT_NO_WAIT);
		return -1;
	}
	/* on which P it began to wait nobody knows */
	if (pw_site_unwanted(kind, e->gopc, 0) || pw_filters(PW_WAIT, PW_FILTER_PS) ||
	    pw_labels_unwanted(kind, e->labels, flags)) {
		pw_count(PW_STAT_FILTERED);
		return -1;
	}
	e->start_ns = pw_begin_ns;
	e->reason = reason & 0xff;
	e->stack_id = pw_stack_id(ctx, &w, now);
	if (e->stack_id == PW_STACK_ID_NONE)
		return -1;
	if (pw_stack_unwanted(kind, e->stack_id)) {
		pw_count(PW_STAT_FILTERED);
		return -1;
	}
	return 0;
}

/* execute: a goroutine runs. Ends its wait, and its time in the run queue. */
static __always_inline int pw_do_run(struct pt_regs *ctx, const struct pw_site *site)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 now = bpf_ktime_get_ns(), g = pw_value(ctx, &site->g), start = 0, ready = 0;
	__u32 want = pw_want, flags = 0;
	struct pw_gpart part;
	struct pw_gstate *st;
	bool first, woken = 0;
	struct pw_span *e;

	if (!(want & (PW_WANT_WAIT | PW_WANT_SCHED | PW_WANT_WAKE)))
		return pw_count(PW_STAT_FILTERED);
	if (!g)
		return pw_count(PW_STAT_LOST_READ);
	if (pw_filters(PW_SCHED, PW_FILTER_PS) &&
	    pw_p_unwanted(PW_SCHED, pw_value(ctx, &site->cur)))
		return pw_skip(g, 0, now);
	st = bpf_map_lookup_elem(&pw_gs, &g);
	first = pw_is_first(st);
	if (!first && !st)
		return pw_count(PW_STAT_NO_WAIT);
	if (!first) {
		start = want & (PW_WANT_WAIT | PW_WANT_WAKE) ? st->start_ns : 0;
		ready = want & PW_WANT_SCHED ? st->ready_ns : 0;
		woken = st->ready_ns;
		st->start_ns = 0;
		st->ready_ns = 0;
		st->ran_ns = now;
		if (!start && !ready)
			return pw_count(PW_STAT_NO_WAIT);
	}
	e = pw_span_begin();
	if (!e)
		return pw_count(PW_STAT_LOST_SCRATCH);
	pw_gpart_read(&part, g, first ? lay->g_sched_pc : lay->g_goid);
	if (pw_gpart_u64(&part, lay->g_gopc, &e->wait.gopc) ||
	    pw_gpart_u64(&part, lay->g_startpc, &e->wait.startpc))
		return pw_count(PW_STAT_LOST_READ);

	e->wait.labels = pw_labels(&part);
	if (first) {
		if (pw_run_first(ctx, g, &part, &e->wait, now, &flags))
			return 0;
		if (want & PW_WANT_WAKE)
			pw_send_wake(ctx, g, &e->wait, e->wait.hdr.goid, now, flags, 0);
		else
			pw_send_span(ctx, e, want & PW_WANT_WAIT ? PW_WAIT : PW_SCHED,
				     e->wait.hdr.goid, now, flags);
		return 0;
	}
	if (start) {
		e->wait.start_ns = start;
		e->wait.stack_id = st->stack_id;
		e->wait.reason = st->reason;
		if (want & PW_WANT_WAKE)
			pw_send_wake(ctx, g, &e->wait, st->goid, now, st->flags, woken);
		else
			pw_send_span(ctx, e, PW_WAIT, st->goid, now, st->flags);
	}
	if (ready) {
		e->wait.start_ns = ready;
		e->wait.stack_id = st->ready_stack_id;
		e->wait.reason = st->ready_reason;
		pw_send_span(ctx, e, PW_SCHED, st->goid, now, st->flags);
	}
	return 0;
}

#endif
