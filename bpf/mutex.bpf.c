// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* mutex: the queue of a semaphore. */
#include "mutex.bpf.h"

/*
 * Of a root's tree: one node for each semaphore that somebody waits for. There are 251 roots (Go runtime/sema.go semTabSize),
 * and the tree is balanced by chance: a million semaphores at once are 30 levels.
 */
#define PW_SEMA_LEVELS 48

__u64 pw_sema_first(__u64 root, __u64 addr)
{
	__u64 s = 0, of;

	if (pw_read_u64(root, pw_knobs.sema.root_treap, &s))
		s = 0;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < PW_SEMA_LEVELS && s; i++) {
		if (pw_read_u64(s, pw_knobs.lay.sudog_elem, &of))
			break;
		if (of == addr)
			return s;
		if (pw_read_u64(s, addr < of ? pw_knobs.sema.sudog_prev : pw_knobs.sema.sudog_next,
				&s))
			break;
	}
	return 0;
}
