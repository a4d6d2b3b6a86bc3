/* SPDX-License-Identifier: BSD-2-Clause */
/* span: what is known of a goroutine's wait while it goes on, its entry in pw_gs; and what becomes of it
 * when it ends. */
#ifndef PARKWATCH_SPAN_BPF_H
#define PARKWATCH_SPAN_BPF_H

#include "kcompat.bpf.h"

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
		st->tid = 0;
	}
	return pw_count(PW_STAT_FILTERED);
}

/* Room for a span, zeroed, in the thread's working memory: the BPF stack has none. NULL: there is none. */
static __always_inline struct pw_span *pw_span_begin(void)
{
	struct pw_scratch *s = pw_scratch_get();

	if (!s)
		return NULL;
	__builtin_memset(&s->span, 0, sizeof(s->span));
	return &s->span;
}

/* Adds one that took so long to a sum of the map. False: there is no room for a new one. */
static __always_inline bool pw_sum(void *map, const void *key, __u64 ns)
{
	struct pw_wait_sum *sum = bpf_map_lookup_elem(map, key);

	if (!sum) {
		bpf_map_update_elem(map, key, PW_ZEROS, BPF_NOEXIST);
		sum = bpf_map_lookup_elem(map, key);
	}
	if (!sum)
		return 0;
	__sync_fetch_and_add(&sum->count, 1);
	__sync_fetch_and_add(&sum->ns, ns);
	pw_count(PW_STAT_SUMMED);
	return 1;
}

/* Of the sums of waits: that of its kind. */
static __always_inline bool pw_sum_span(struct pw_span *e, __u32 kind, __u64 ns)
{
	e->key.stack_id = e->wait.stack_id;
	e->key.gopc = e->wait.gopc;
	e->key.startpc = e->wait.startpc;
	e->key.reason = e->wait.reason;
	e->key.kind = kind;
	return pw_sum(&pw_waits, &e->key, ns);
}

/* One span from start to now. */
static __always_inline int pw_send_span(void *ctx, struct pw_span *e, __u16 kind, __u64 goid,
					__u64 now, __u16 flags)
{
	const __u64 ns = now - e->wait.start_ns;

	if (ns < pw_min_wait_ns)
		return pw_count(PW_STAT_FILTERED);
	if (pw_sums && !pw_window && !flags && pw_sum_span(e, kind, ns))
		return 0;
	pw_fill_hdr(&e->wait.hdr, kind, sizeof(e->wait), goid, now);
	e->wait.hdr.flags = flags;
	return pw_send_event(ctx, &e->wait, sizeof(e->wait));
}

/* Go's block profile has waits for this reason. */
static __always_inline bool pw_blocks(__u64 reason)
{
	return reason < 64 && pw_knobs.blocks >> reason & 1;
}

#endif
