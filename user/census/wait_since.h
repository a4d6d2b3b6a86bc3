/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wait_since: since when goroutines wait, at least.
 *
 * The runtime notes no such time, but a garbage collection that finds a goroutine waiting sets
 * g.waitsince, which is cleared when it runs again. Not to its own time: to work.tstart, which is
 * when marking ended in the collection *before* (Go runtime/mgcmark.go markroot, mgc.go gcMark;
 * 1.15 to 1.27), and 0 in the first. The goroutine may have begun to wait after that. But it did
 * wait before the marking that found it ended, which is the next value that tstart had: no later
 * than the next larger waitsince of any goroutine, or than what tstart is now.
 *
 * In a program that collects all the time that moves on with each look: those that were noted next run
 * again, and tstart is always the last one. So what an earlier look knew of a collection stays known:
 * who looks again sees a wait grow, and can tell it from another one.
 */
#ifndef PARKWATCH_CENSUS_WAIT_SINCE_H
#define PARKWATCH_CENSUS_WAIT_SINCE_H

#include <stddef.h>
#include <stdint.h>

#include "census/census.h"

/*
 * Whom a collection noted so waits since since_ns, or longer; 0: not known. Ascending; all zero:
 * nothing is known.
 */
struct wait_bounds {
	struct wait_bound {
		uint64_t noted_ns, since_ns;
	} * v; /* owned */
	size_t nr, room;
};
void wait_bounds__done(struct wait_bounds *b);

/*
 * gs[i].waitsince_ns: as the runtime has it; becomes what facts/goroutines says. tstart: read after the
 * goroutines; 0 not known. Values that cannot be (later than now_ns) say nothing. known: by the last
 * look at this runtime; becomes what this one knows. 0; -ENOMEM: known is as before.
 */
int wait_since_date(struct census_g *gs, size_t nr, uint64_t tstart_ns, uint64_t now_ns,
		    struct wait_bounds *known);

#endif
