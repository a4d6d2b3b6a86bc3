/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mstack: where the threads of Go's runtime have the stacks that it schedules on, in programs with
 * cgo.
 *
 * They are full of addresses that the runtime left there. The kernel joins a stack, and the page
 * below it that nobody may touch, with what lies next to it, so /proc/PID/maps alone does not tell
 * where one ends. The runtime's records of its threads do (runtime.m, and its g0). They are found
 * from its variables without symbols: each leads to another, and each is known by that its g0 leads
 * back to it. Those that live are in one list, runtime.allm, which the first thread
 * began: that one's record is a variable. (Go runtime/proc.go mcommoninit, mexit; Go 1.15 to 1.27.)
 */
#ifndef PARKWATCH_HEAP_MSTACK_H
#define PARKWATCH_HEAP_MSTACK_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "heap/gorecord.h"
#include "heap/goheap.h"
#include "golang/goruntime.h"

#define MSTACK_THREADS_MAX 16384u /* Go's own limit is 10000 */
#define MSTACK_BYTES_MAX   (1ull << 33)

/*
 * *ret: the stacks by address, no two overlap; owned by the caller; none if there is no such list.
 * Their ends are exact; where Go only guesses how far down one reaches, the start may lie a little
 * below or above the truth. *ret_first: the end of the first thread's,
 * 0: not known. 0; -ESRCH, -ENOMEM.
 */
int mstack_ranges(const struct addrspace *as, const struct goruntime *rt, const struct goheap *heap,
		  struct crange **ret, size_t *ret_nr, uint64_t *ret_first);

#endif
