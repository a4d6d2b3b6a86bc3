/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * retained_heap: the heap that only some goroutines keep in use: it would be garbage if they were
 * gone.
 *
 * First everything is marked that variables, finalizers, memory of C and all other goroutines lead
 * to (heap/heapmark). Then the groups are taken one after the other: what the goroutines of a
 * group lead to, from their stacks and from what they wait for, is marked and counted. So an
 * object that several groups keep counts for the first of them, and an object that anybody else
 * keeps counts for none. Objects count with the size of their class, stacks not at all. The
 * program runs on meanwhile: if it changes its heap fast, the figure is wrong by what moved. Not
 * thread-safe.
 */
#ifndef PARKWATCH_HEAP_RETAINED_HEAP_H
#define PARKWATCH_HEAP_RETAINED_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cause.h"
#include "census/census.h"
#include "golang/goruntime.h"
#include "target/maps.h"

struct grefs;

#define GKEPT_NONE UINT32_MAX /* a goroutine of no group */

struct retained_heap_in { /* all but refs borrowed for the call */
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct census *census; /* taken just now */
	const struct maps *maps;     /* as in heap/reach.h */
	/* what that census's goroutines refer to, read a while ago; taken; NULL: it is read now */
	struct grefs *refs;
	/* of each goroutine of the census: number of its group, or GKEPT_NONE */
	const uint32_t *groups;
	size_t nr_groups;
	uint64_t budget_ns; /* 0: no limit */
};

/*
 * ret: nr_groups numbers. -ETIME: it takes longer than the budget; -E2BIG: too large a heap;
 * -EFAULT: a part could not be read;
 * -EBADMSG: there is no heap as we know it; -ESRCH, -ENOMEM. Each but the last two with a cause.
 */
int retained_heap_bytes(const struct retained_heap_in *in, uint64_t *ret, struct cause *why);

#endif
