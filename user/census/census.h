/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * census: every goroutine of a Go runtime, read from outside with process_vm_readv, nothing
 * stopped.
 *
 * Also the proof that a layout is true: a wrong offset shows here, before anything is attached. The
 * target runs on while it is read: a goroutine that changed in between is read again, and one that
 * never holds still is counted in `unsettled`, never guessed. Every word read is hostile: each
 * list, length and pointer is bounded, and what a bound cuts is counted. Memory: CENSUS_G_BYTES a
 * goroutine, 24 a wait, and each stack once, however many stand in it.
 * Time: a microsecond a goroutine; bounded in frames walked, words looked at, and goroutines that
 * are read alone.
 */
#ifndef PARKWATCH_CENSUS_CENSUS_H
#define PARKWATCH_CENSUS_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cause.h"
#include "facts/goroutines.h"
#include "golang/goruntime.h"
#include "target/proc.h"

#define CENSUS_G_MAX     4194304  /* g structs read at most */
#define CENSUS_PCS_MAX   33554432 /* pcs kept at most: 256 MiB */
#define CENSUS_WAITS_MAX 16777216 /* waits kept at most */

/*
 * Step 1: the g addresses, dead ones included, for those who read more of them, or less.
 * Step 2: census__read() with stacks of at most depth (1 .. CENSUS_DEPTH_MAX) pcs, walked by pcsp
 * tables, of all that do not run, and what they wait for. -ESRCH: the process has ended; -EFAULT,
 * -EBADMSG: allgs makes no sense; -ENOMEM.
 */
int census__addrs(const struct addrspace *as, const struct goruntime *rt, uint64_t **ret_addrs,
		  size_t *ret_nr);
int census__read(const struct addrspace *as, const struct goruntime *rt, unsigned int depth,
		 struct census **ret);
/* The same, as far as it comes until then: see cut. until NULL: no end. */
struct deadline;
int census__read_until(const struct addrspace *as, const struct goruntime *rt, unsigned int depth,
		       struct deadline *until, struct census **ret);

/*
 * For one census after another: what is known of the code is kept, since when who waits, and where
 * the g structs are, so that all but the first begin with the goroutines themselves: on a machine
 * with few processors its own time before that is time in which some of them cannot run. A take that fails leaves the
 * reader as new. as, rt: borrowed.
 */
struct reader;
int reader__new(const struct addrspace *as, const struct goruntime *rt, unsigned int depth,
		struct reader **ret);
void reader__free(struct reader *r);
DEFINE_SCOPED(reader)
/* for each take from here on; borrowed */
void reader__limit(struct reader *r, struct deadline *until);
int reader__take(struct reader *r, struct census **ret); /* errors as above */

/*
 * Does rt->layout describe this process? A sample of the goroutines must agree with what holds in
 * every Go program: status, goid, stack bounds and wait reason in range, start, saved pc and
 * callers in code, saved sp and bp inside the stack, m and sudog that point back, and goid 1 runs
 * runtime.main (or, if it is over, the runtime's own goroutines are there). What disagrees is read
 * again, over some 100 ms, before it counts. Nothing proves labels, lockedm and waitsince; nor,
 * unless such a goroutine is in the sample, what only a running one (m) or one in a system call
 * has. 0, or -EBADMSG and the cause says what did not hold.
 */
int census_proof(const struct proc *p, const struct goruntime *rt, struct cause *why);

#endif
