/* SPDX-License-Identifier: BSD-2-Clause */
/* life: goroutines are born and end. */
#ifndef PARKWATCH_LIFE_BPF_H
#define PARKWATCH_LIFE_BPF_H

#include "goregs.bpf.h"
#include "unwind.bpf.h"

/*
 * The goroutine that the thread of g is running. Before Go 1.21 it is the parent of one that is
 * being made; from then on g.parentGoid says so.
 */
static __always_inline __u64 pw_running_goid(__u64 g)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 m, goid = 0;

	if (!g || pw_read_u64(g, lay->g_m, &m) || pw_read_u64(m, lay->m_curg, &g) || !g)
		return 0;
	pw_read_u64(g, lay->g_goid, &goid);
	return goid;
}

static __always_inline __u64 pw_labels(const struct pw_gpart *part)
{
	__u64 labels = 0;

	if (pw_want & PW_WANT_LABELS)
		pw_gpart_u64(part, pw_knobs.lay.g_labels, &labels);
	return labels;
}

/* newproc.func1 and newcoro.func1: the new goroutine has its goid and is in no run queue yet. */
static __always_inline int pw_do_birth(struct pt_regs *ctx, const struct pw_site *site)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 now = bpf_ktime_get_ns(), g = pw_value(ctx, &site->g), goid;
	struct pw_birth e = {};
	struct pw_gpart part;
	struct pw_walk w;

	pw_gpart_read(&part, g, lay->g_goid);
	if (!g || pw_gpart_u64(&part, lay->g_goid, &goid))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_unwanted(goid))
		return pw_count(PW_STAT_FILTERED);
	if (pw_gpart_u64(&part, lay->g_gopc, &e.gopc) ||
	    pw_gpart_u64(&part, lay->g_startpc, &e.startpc))
		return pw_count(PW_STAT_LOST_READ);

	pw_walk_here(ctx, site, &w);
	e.stack_id = pw_stack_id(ctx, &w, now);
	if (e.stack_id == PW_STACK_ID_NONE)
		return 0;
	pw_fill_hdr(&e.hdr, PW_BIRTH, sizeof(e), goid, now);
	if (lay->g_parent_goid != PW_NO_FIELD)
		pw_gpart_u64(&part, lay->g_parent_goid, &e.parent_goid);
	else
		e.parent_goid = pw_running_goid(pw_value(ctx, &site->cur));
	e.labels = pw_labels(&part);
	return pw_send_event(ctx, &e, sizeof(e));
}

/* gdestroy, before Go 1.22 goexit0: the goroutine's facts are still in its g. */
static __always_inline int pw_do_exit(struct pt_regs *ctx, const struct pw_site *site)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 now = bpf_ktime_get_ns(), g = pw_value(ctx, &site->g), goid;
	struct pw_exit e = {};
	struct pw_gpart part;

	pw_gpart_read(&part, g, lay->g_goid);
	if (!g || pw_gpart_u64(&part, lay->g_goid, &goid))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_unwanted(goid))
		return pw_count(PW_STAT_FILTERED);
	if (pw_gpart_u64(&part, lay->g_gopc, &e.gopc) ||
	    pw_gpart_u64(&part, lay->g_startpc, &e.startpc))
		return pw_count(PW_STAT_LOST_READ);

	pw_fill_hdr(&e.hdr, PW_EXIT, sizeof(e), goid, now);
	if (lay->g_parent_goid != PW_NO_FIELD)
		pw_gpart_u64(&part, lay->g_parent_goid, &e.parent_goid);
	e.labels = pw_labels(&part);
	return pw_send_event(ctx, &e, sizeof(e));
}

#endif
