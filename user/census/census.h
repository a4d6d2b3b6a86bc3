/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * census: every goroutine of a Go runtime, read from outside with process_vm_readv, nothing stopped.
 *
 * Also the proof that a layout is true: a wrong offset shows here, before anything is attached. The target runs
 * on while it is read: a goroutine that changed in between is read again, and one that never holds still is counted
 * in `unsettled`, never guessed.
 */
#ifndef PARKWATCH_CENSUS_CENSUS_H
#define PARKWATCH_CENSUS_CENSUS_H

#include <stddef.h>
#include <stdint.h>

#include <parkwatch/event.h>

#include "base/cause.h"
#include "golang/goruntime.h"
#include "target/proc.h"

#define CENSUS_G_MAX   4194304	 /* g structs read at most */
#define CENSUS_PCS_MAX 134217728 /* pcs kept at most: 1 GiB */

struct census_g {
	uint64_t addr;		/* of the g */
	uint64_t goid;
	uint64_t parent_goid;	/* 0 unknown */
	uint64_t gopc, startpc;
	uint64_t labels;	/* pointer, for golabels_read() */
	uint32_t status;	/* enum gostatus, scan bit off */
	uint32_t reason;	/* valid while waiting */
	uint32_t nr_pcs;	/* 0: not waiting, or it has no saved context: it runs on a system stack */
	uint32_t truncated;	/* 1: there are more frames than depth, or the walk ended in frames that are not Go's */
	uint32_t pcs_at;	/* index into census.pcs */
	uint32_t pad;
};

struct census {
	struct census_g *gs;	/* live goroutines (no dead ones), in allgs order; owned */
	size_t nr;
	uint64_t *pcs;		/* stacks of the waiting ones, innermost first: [0] is the pc itself, the rest return addresses; owned */
	size_t nr_pcs;
	size_t allglen;		/* g structs there are, dead ones included */
	size_t unsettled;	/* changed each time it was read */
	size_t refused;		/* over CENSUS_G_MAX or CENSUS_PCS_MAX */
};

/*
 * Step 1: the g addresses, dead ones included, for those that mark them in a BPF map before their stacks are read.
 * Step 2: census__read() with stacks of at most depth (1 .. PW_STACK_MAX) pcs for waiting goroutines, walked by
 * saved frame pointers, to runtime.goexit. -ESRCH: the process has ended; -EFAULT, -EBADMSG: allgs makes no sense.
 */
int census__addrs(const struct proc *p, const struct goruntime *rt, uint64_t **ret_addrs, size_t *ret_nr);
int census__read(const struct proc *p, const struct goruntime *rt, unsigned int depth, struct census **ret, struct cause *why);
void census__free(struct census *c);
DEFINE_SCOPED(census)

/*
 * Does rt->layout describe this process? A sample of the goroutines must agree with what holds in every Go program: status,
 * goid, stack bounds and wait reason in range, start, saved pc and callers in code, saved sp and bp inside the stack, m and sudog
 * that point back, and goid 1 runs runtime.main (or, if it is over, the runtime's own goroutines are there). What disagrees is
 * read again, over some 100 ms, before it counts. Nothing proves labels, lockedm and waitsince; nor, unless such a goroutine is in the
 * sample, what only a running one (m) or one in a system call has. 0, or -EBADMSG and the cause says what did not hold.
 */
int census_proof(const struct proc *p, const struct goruntime *rt, struct cause *why);

#endif
