// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* floor: what any BPF program at a place costs: one that does nothing, one that does no more than a stack id and a counter. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#define BPF_F_USER_STACK (1ULL << 8)	/* linux/bpf.h */

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
