/* SPDX-License-Identifier: BSD-2-Clause */
/* life: goroutines are born and end. */
#ifndef PARKWATCH_LIFE_BPF_H
#define PARKWATCH_LIFE_BPF_H

#include "goregs.bpf.h"
#include "unwind.bpf.h"
#include "wanted.bpf.h"

/* The goroutine that the thread of g is running; 0: none, or not known. */
static __always_inline __u64 pw_running_g(__u64 g)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 m;

	if (!g || pw_read_u64(g, lay->g_m, &m) || pw_read_u64(m, lay->m_curg, &g))
		return 0;
	return g;
}

/*
 * Its number. Before Go 1.21 it is the parent of one that is being made; from then on g.parentGoid
 * says so.
 */
static __always_inline __u64 pw_running_goid(__u64 g)
{
	__u64 goid = 0;

	g = pw_running_g(g);
	if (g)
		pw_read_u64(g, pw_knobs.lay.g_goid, &goid);
	return goid;
}

static __always_inline __u64 pw_labels(const struct pw_gpart *part)
{
	__u64 labels = 0;

	if (pw_want & PW_WANT_LABELS)
		pw_gpart_u64(part, pw_knobs.lay.g_labels, &labels);
	return labels;
}

/* p_g: as of pw_p_unwanted() */
static __always_inline bool pw_life_unwanted(__u32 kind, __u64 gopc, __u64 labels, __u64 p_g,
					     __u32 *flags)
{
	return pw_site_unwanted(kind, gopc, 0) || pw_p_unwanted(kind, p_g) ||
	       pw_labels_unwanted(kind, labels, flags);
}

/* newproc.func1 and newcoro.func1: the new goroutine has its goid and is in no run queue yet. */
static __always_inline int pw_do_birth(struct pt_regs *ctx, const struct pw_site *site)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 now = bpf_ktime_get_ns(), g = pw_value(ctx, &site->g), goid;
	struct pw_birth e = {};
	struct pw_gpart part;
	struct pw_walk w;
	__u32 flags = 0;
	__u64 cur = 0;

	pw_gpart_read(&part, g, lay->g_goid);
	if (!g || pw_gpart_u64(&part, lay->g_goid, &goid))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_unwanted(goid))
		return pw_count(PW_STAT_FILTERED);
	if (pw_gpart_u64(&part, lay->g_gopc, &e.gopc) ||
	    pw_gpart_u64(&part, lay->g_startpc, &e.startpc))
		return pw_count(PW_STAT_LOST_READ);

	e.labels = pw_labels(&part);
	if (pw_filters(PW_BIRTH, PW_FILTER_PS))
		cur = pw_value(ctx, &site->cur);
	if (pw_life_unwanted(PW_BIRTH, e.gopc, e.labels, cur, &flags))
		return pw_count(PW_STAT_FILTERED);

	pw_walk_here(ctx, site, &w);
	e.stack_id = pw_stack_id(ctx, &w, now);
	if (e.stack_id == PW_STACK_ID_NONE)
		return 0;
	if (pw_stack_unwanted(PW_BIRTH, e.stack_id))
		return pw_count(PW_STAT_FILTERED);
	pw_fill_hdr(&e.hdr, PW_BIRTH, sizeof(e), goid, now);
	e.hdr.flags = flags;
	if (lay->g_parent_goid != PW_NO_FIELD)
		pw_gpart_u64(&part, lay->g_parent_goid, &e.parent_goid);
	else
		e.parent_goid = pw_running_goid(pw_value(ctx, &site->cur));
	return pw_send_event(ctx, &e, sizeof(e));
}

/* gdestroy, before Go 1.22 goexit0: the goroutine's facts are still in its g. */
static __always_inline int pw_do_exit(struct pt_regs *ctx, const struct pw_site *site)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 now = bpf_ktime_get_ns(), g = pw_value(ctx, &site->g), goid;
	struct pw_exit e = {};
	struct pw_gpart part;
	__u32 flags = 0;

	pw_gpart_read(&part, g, lay->g_goid);
	if (!g || pw_gpart_u64(&part, lay->g_goid, &goid))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_unwanted(goid))
		return pw_count(PW_STAT_FILTERED);
	if (pw_gpart_u64(&part, lay->g_gopc, &e.gopc) ||
	    pw_gpart_u64(&part, lay->g_startpc, &e.startpc))
		return pw_count(PW_STAT_LOST_READ);

	e.labels = pw_labels(&part);
	if (pw_life_unwanted(PW_EXIT, e.gopc, e.labels, g, &flags))
		return pw_count(PW_STAT_FILTERED);
	pw_fill_hdr(&e.hdr, PW_EXIT, sizeof(e), goid, now);
	e.hdr.flags = flags;
	if (lay->g_parent_goid != PW_NO_FIELD)
		pw_gpart_u64(&part, lay->g_parent_goid, &e.parent_goid);
	return pw_send_event(ctx, &e, sizeof(e));
}

#endif
