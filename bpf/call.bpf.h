/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * call: goroutines go into system calls, or into C, and come back. That is a span as a wait is, from
 * runtime.reentersyscall to runtime.exitsyscall; its stack is as a look has it: from g.syscallpc on, where
 * runtime.entersyscall was called.
 */
#ifndef PARKWATCH_CALL_BPF_H
#define PARKWATCH_CALL_BPF_H

#include "goregs.bpf.h"
#include "life.bpf.h"
#include "span.bpf.h"
#include "unwind.bpf.h"

/* The frame pointer of who called the probed function; 0: it cannot be read. */
static __always_inline __u64 pw_callers_bp(struct pt_regs *ctx, const struct pw_site *site)
{
	__u64 bp = PW_REG(ctx, PW_BP);

	if (site->flags & PW_SITE_FRAMED && bpf_probe_read_user(&bp, sizeof(bp), (const void *)bp))
		return 0;
	return bp;
}

/*
 * Who called a function that has no frame, where it calls another with this stack pointer: assembler of package
 * syscall, up to Go 1.18. 0: it has one.
 */
static __always_inline __u64 pw_frameless(__u64 sp)
{
	__u64 ret;

	if (!sp || bpf_probe_read_user(&ret, sizeof(ret), (const void *)sp) || !ret)
		return 0;
	return pw_pc_kind(ret - 1) == PW_PC_CODE ? ret : 0;
}

/* reentersyscall(pc, sp, ...), called by entersyscall, whose caller pc lies in. */
static __always_inline int pw_do_call(struct pt_regs *ctx, const struct pw_site *site)
{
	__u64 now = bpf_ktime_get_ns(), g = pw_value(ctx, &site->g), goid, id;
	struct pw_walk w = { .pc = pw_value(ctx, &site->arg), .bp = pw_callers_bp(ctx, site) };
	struct pw_gstate *st;

	if (!(pw_want & PW_WANT_CALL))
		return pw_count(PW_STAT_FILTERED);
	if (!g || pw_read_u64(g, pw_knobs.lay.g_goid, &goid))
		return pw_count(PW_STAT_LOST_READ);
	if (bpf_probe_read_user(&w.bp, sizeof(w.bp), (const void *)w.bp))
		w.bp = 0;
	w.caller = pw_frameless(pw_value(ctx, &site->type));
	id = pw_stack_id(ctx, &w, now);
	if (id == PW_STACK_ID_NONE)
		return 0;
	st = pw_gstate_get(g);
	if (!st)
		return 0;
	st->stack_id = id;
	st->goid = goid;
	st->start_ns = now;
	return 0;
}

static __always_inline bool pw_call_has_sp(void)
{
	__u64 first = pw_knobs.first_site[PW_POINT_CALL];

	return first < PW_SITES_MAX && pw_knobs.sites[first].type.kind != PW_LOC_NONE;
}

/*
 * exitsyscall. One of which nothing was seen has been there since pw_begin_ns. Some of the runtime's own
 * go in elsewhere (entersyscallblock): of them that one alone counts.
 */
static __always_inline int pw_do_back(struct pt_regs *ctx, const struct pw_site *site)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 now = bpf_ktime_get_ns(), g = pw_value(ctx, &site->g), goid, start, sp = 0;
	struct pw_walk w = { .bp = pw_callers_bp(ctx, site) };
	struct pw_gpart part;
	struct pw_gstate *st;
	struct pw_span *e;
	bool first;

	if (!(pw_want & PW_WANT_CALL))
		return pw_count(PW_STAT_FILTERED);
	if (!g)
		return pw_count(PW_STAT_LOST_READ);
	st = bpf_map_lookup_elem(&pw_gs, &g);
	first = pw_is_first(st);
	start = first ? pw_begin_ns : st ? st->start_ns : 0;
	if (!start)
		return pw_count(PW_STAT_NO_WAIT);
	pw_gpart_read(&part, g, lay->g_goid);
	st = pw_gstate_get(g);
	e = pw_span_begin();
	if (!st || !e)
		return pw_count(PW_STAT_LOST_SCRATCH);
	st->start_ns = 0;
	st->ran_ns = now;
	if (pw_gpart_u64(&part, lay->g_goid, &goid) ||
	    pw_gpart_u64(&part, lay->g_gopc, &e->wait.gopc) ||
	    pw_gpart_u64(&part, lay->g_startpc, &e->wait.startpc) ||
	    (first && pw_read_u64(g, lay->g_syscallpc, &w.pc)))
		return pw_count(PW_STAT_LOST_READ);
	if (first && pw_call_has_sp() && !pw_read_u64(g, lay->g_syscallsp, &sp))
		w.caller = pw_frameless(sp);
	st->goid = goid;
	e->wait.start_ns = start;
	e->wait.stack_id = first ? pw_stack_id(ctx, &w, now) : st->stack_id;
	return pw_send_span(ctx, e, PW_CALL, goid, now, 0);
}

#endif
