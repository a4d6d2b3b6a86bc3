/* SPDX-License-Identifier: BSD-2-Clause */
/* span: what is known of a goroutine's wait while it goes on: its entry in pw_gs. */
#ifndef PARKWATCH_SPAN_BPF_H
#define PARKWATCH_SPAN_BPF_H

#include "parkwatch.bpf.h"

/* Entry of a g, made if it is missing; NULL and counted if the map is full. */
static __always_inline struct pw_gstate *pw_gstate_get(__u64 g)
{
	struct pw_gstate *st = bpf_map_lookup_elem(&pw_gs, &g);

	if (st)
		return st;
	bpf_map_update_elem(&pw_gs, &g, PW_ZEROS, BPF_NOEXIST);
	st = bpf_map_lookup_elem(&pw_gs, &g);
	if (!st)
		pw_count(PW_STAT_LOST_GMAP);
	return st;
}

/* Nothing was seen of it since pw_begin_ns, if that counts. */
static __always_inline bool pw_is_first(const struct pw_gstate *st)
{
	__u64 begin = pw_begin_ns;

	return begin &&
	       (!st || (st->start_ns < begin && st->ready_ns < begin && st->ran_ns < begin));
}

/* Nobody wants what it waits for, or was woken for: so much is known of it, when it runs. */
static __always_inline int pw_skip(__u64 g, __u64 goid, __u64 now)
{
	struct pw_gstate *st = pw_gstate_get(g);

	if (st) {
		st->start_ns = 0;
		st->ready_ns = 0;
		st->goid = goid;
		st->ran_ns = now;
	}
	return pw_count(PW_STAT_FILTERED);
}

#endif
