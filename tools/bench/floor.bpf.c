// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * floor: what any BPF program at a place costs: one that does nothing, one that does no more than a
 * stack id and a counter. And one that fills a ring buffer with waits, faster than probes could
 * (pwevents).
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include <parkwatch/event.h>

#define BPF_F_USER_STACK (1ULL << 8) /* linux/bpf.h */

struct {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 127 * sizeof(__u64));
	__uint(max_entries, 16384);
} stacks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 16384);
} counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); /* PW_RING_DEFAULT */
} events SEC(".maps");

__u64 lost;

#define GOROUTINES 1000
#define STACKS     20

/* A thousand waits, of some goroutines in some stacks. */
SEC("syscall")
int floor_events(void *ctx)
{
	__u64 now = bpf_ktime_get_ns();

	for (__u32 i = 0; i < 1000; i++) {
		struct pw_wait *w = bpf_ringbuf_reserve(&events, sizeof(*w), 0);

		if (!w) {
			lost++;
			continue;
		}
		__builtin_memset(w, 0, sizeof(*w));
		w->hdr.ts_ns = now;
		w->hdr.goid = 100 + i % GOROUTINES;
		w->hdr.kind = PW_WAIT;
		w->hdr.size = sizeof(*w);
		w->start_ns = now - 1000;
		w->stack_id = PW_STACK_ID_MIN + i % STACKS;
		w->reason = i % 2;
		bpf_ringbuf_submit(w, BPF_RB_NO_WAKEUP);
	}
	return 0;
}

SEC("uprobe.multi")
int floor_empty(struct pt_regs *ctx)
{
	return 0;
}

SEC("uprobe.multi")
int floor_stack(struct pt_regs *ctx)
{
	__u32 id = (__u32)bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK);
	__u64 *count = bpf_map_lookup_elem(&counts, &id), one = 1;

	if (count)
		__sync_fetch_and_add(count, 1);
	else
		bpf_map_update_elem(&counts, &id, &one, BPF_NOEXIST);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
