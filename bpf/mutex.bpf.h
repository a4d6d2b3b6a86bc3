/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutex: what Go's mutex profile charges an unlock with.
 *
 * Who waits for a semaphore joins its queue, and leaves it when another gives it up, both under the lock of the queue's root
 * (Go runtime/sema.go): so one thread at a time deals with one semaphore. How many wait the queue says by
 * itself; since when the first and the last of them do is in pw_semas. From Go 1.22 on an unlock is charged
 * with the time of all who wait, as far as no unlock before it was: runtime/sema.go semrelease1 and dequeue.
 */
#ifndef PARKWATCH_MUTEX_BPF_H
#define PARKWATCH_MUTEX_BPF_H

#include "goregs.bpf.h"
#include "life.bpf.h"
#include "span.bpf.h"
#include "unwind.bpf.h"
#include "wanted.bpf.h"

/*
 * The sudog of the first that waits for the semaphore at addr, in the tree of this root; 0: nobody does. Not inlined, as
 * pw_unwind().
 */
__u64 pw_sema_first(__u64 root, __u64 addr);

/*
 * Entry of a semaphore. Of one that is not of this recording nobody knows since when it is waited for, if it is: from the
 * beginning on. NULL and counted if the map is full.
 */
static __always_inline struct pw_sema *pw_sema_get(__u64 addr)
{
	struct pw_sema *q = bpf_map_lookup_elem(&pw_semas, &addr);
	__u64 begin = pw_begin_ns;

	if (!q) {
		bpf_map_update_elem(&pw_semas, &addr, PW_ZEROS, BPF_NOEXIST);
		q = bpf_map_lookup_elem(&pw_semas, &addr);
	}
	if (!q) {
		pw_count(PW_STAT_LOST_SEMAS);
		return NULL;
	}
	if (q->begin_ns != begin) {
		q->begin_ns = begin;
		q->head_ns = begin;
		q->tail_ns = begin;
	}
	return q;
}

/* queue: a goroutine begins to wait, at the end of the queue, or (lifo) before the first. */
static __always_inline int pw_do_queue(struct pt_regs *ctx, const struct pw_site *site)
{
	__u64 now = bpf_ktime_get_ns(), addr = pw_value(ctx, &site->arg), second = 0, first;
	struct pw_sema *q;

	if (!(pw_want & PW_WANT_MUTEX))
		return pw_count(PW_STAT_FILTERED);
	first = pw_sema_first(pw_value(ctx, &site->type), addr);
	q = pw_sema_get(addr);
	if (!q)
		return 0;
	if (!first) {
		q->head_ns = now;
		return 0;
	}
	if (!(pw_value(ctx, &site->reason) & 0xff)) {
		q->tail_ns = now;
		return 0;
	}
	/* it has the time of the first from now on, which becomes the last, if it was alone */
	if (pw_read_u64(first, pw_knobs.lay.sudog_waitlink, &second))
		return pw_count(PW_STAT_LOST_READ);
	if (!second)
		q->tail_ns = q->head_ns;
	return 0;
}

/* What the runtime charges the unlock with that lets the first go. */
static __always_inline __u64 pw_sema_charge(struct pw_sema *q, __u64 addr, __u64 first, __u64 now)
{
	__u64 delay = now - q->head_ns, second = 0, third = 0, waiters = 0, tail;

	if (pw_read_u64(first, pw_knobs.lay.sudog_waitlink, &second) ||
	    (second && pw_read_u64(second, pw_knobs.lay.sudog_waitlink, &third)))
		pw_count(PW_STAT_LOST_READ);
	if (pw_knobs.sema.sudog_waiters != PW_NO_FIELD &&
	    !pw_read_u64(first, pw_knobs.sema.sudog_waiters, &waiters)) {
		/* of two the runtime sets the second's time to now before it reads it */
		tail = third ? q->tail_ns : second ? now : q->head_ns;
		delay += (now - tail + delay) / 2 * (waiters & 0xffff); /* a u16 */
	}
	if (second)
		q->head_ns = q->tail_ns = now;
	else
		bpf_map_delete_elem(&pw_semas, &addr);
	return delay;
}

/* dequeue: the current goroutine gives up what others wait for. */
static __always_inline int pw_do_dequeue(struct pt_regs *ctx, const struct pw_site *site)
{
	const volatile struct pw_layout *lay = &pw_knobs.lay;
	__u64 now = bpf_ktime_get_ns(), addr = pw_value(ctx, &site->arg);
	__u64 g = pw_value(ctx, &site->g), goid, first, delay, id;
	struct pw_sema *q;
	struct pw_span *e;
	struct pw_walk w;
	__u32 flags = 0;

	if (!(pw_want & PW_WANT_MUTEX))
		return pw_count(PW_STAT_FILTERED);
	first = pw_sema_first(pw_value(ctx, &site->type), addr);
	if (!first)
		return pw_count(PW_STAT_NO_WAIT);
	q = pw_sema_get(addr);
	if (!q)
		return 0;
	delay = pw_sema_charge(q, addr, first, now);
	if (!g || pw_read_u64(g, lay->g_goid, &goid))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_unwanted(goid) || pw_g_unwanted(PW_MUTEX, g, g, &flags))
		return pw_count(PW_STAT_FILTERED);
	pw_walk_here(ctx, site, &w);
	id = pw_stack_id(ctx, &w, now);
	if (id == PW_STACK_ID_NONE)
		return 0;
	if (pw_stack_unwanted(PW_MUTEX, id))
		return pw_count(PW_STAT_FILTERED);
	e = pw_span_begin();
	if (!e)
		return pw_count(PW_STAT_LOST_SCRATCH);
	e->wait.start_ns = now - delay;
	e->wait.stack_id = id;
	if (pw_read_u64(g, lay->g_gopc, &e->wait.gopc) ||
	    pw_read_u64(g, lay->g_startpc, &e->wait.startpc))
		return pw_count(PW_STAT_LOST_READ);
	if (pw_want & PW_WANT_LABELS)
		pw_read_u64(g, lay->g_labels, &e->wait.labels);
	return pw_send_span(ctx, e, PW_MUTEX, goid, now, (__u16)flags);
}

#endif
