/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * allocwatch: how much each goroutine allocates while a process is watched for something else.
 *
 * An estimate that costs next to nothing: the runtime itself says how much was handed out, by size
 * class; whose it was is known of the allocations that fall into short windows, and the rest is
 * split as they are (engine/allocs). No probe is there in between.
 *
 *	allocwatch__new()	the source is settled on, the programs are loaded; nothing is probed
 *	allocwatch__start()	counting begins
 *	allocwatch__tick()	now and then, and whenever it is due: a window, if it may cost what it will
 *	allocwatch__finish()	counting ends
 * A part of a job (engine/job). Making the probes of a window and taking them down keeps the thread
 * for up to ALLOCWATCH_AROUND_NS.
 */
#ifndef PARKWATCH_ENGINE_ALLOCWATCH_H
#define PARKWATCH_ENGINE_ALLOCWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "view/leaks.h"
#include "target/goproc.h"

#define ALLOCWATCH_AROUND_NS 100000000
/* that the first window may cost before the program has done anything */
#define ALLOCWATCH_FREE_NS 4e6
/* of the budget: windows are so far apart that they cost no more */
#define ALLOCWATCH_SHARE 0.5

struct allocwatch_opts {
	struct proc *proc; /* borrowed, as the next */
	struct goproc *gp;
	/*
	 * of the target's CPU time, of all probes; 0: no limit, but windows come no more often than
	 * in a recording
	 */
	double max_overhead;
	uint64_t longest_ns; /* of a window, unless that is longer than one of a recording */
	bool no_cost;        /* no calibration */
};

struct allocwatch;
/* Errors with a cause: of probes__new(); -EOPNOTSUPP: it cannot be estimated of this program. */
int allocwatch__new(const struct allocwatch_opts *o, struct allocwatch **ret, struct cause *why);
void allocwatch__free(struct allocwatch *a);
DEFINE_SCOPED(allocwatch)

int allocwatch__start(struct allocwatch *a, struct cause *why);
/*
 * parkwatch was stopped or held up, if it was: counting goes on, without what was handed out
 * meanwhile. What was seen in windows before stays as good as it was: windows are at moments of
 * chance, and none was to be in that time.
 */
void allocwatch__again(struct allocwatch *a);
bool allocwatch__is_open(const struct allocwatch *a); /* a window is */
/*
 * The next moment for allocwatch__tick(). One that is past, while no window is open: the next window
 * waits until it may cost what it will.
 */
uint64_t allocwatch__due_ns(const struct allocwatch *a, uint64_t now_ns);
/*
 * A window takes left_ns at most; 0: none now, and the one that is open is closed. There is none that
 * may cost more than may_ns.
 */
void allocwatch__tick(struct allocwatch *a, uint64_t left_ns, double may_ns);
double allocwatch__cost_ns(const struct allocwatch *a); /* so far, of hits and of making probes */
uint64_t allocwatch__hits(const struct allocwatch *a);
/*
 * ret->parts is the caller's to free. -ENODATA: there was no window; -EIO: one could not be opened;
 * -ENOBUFS: some were lost.
 */
int allocwatch__finish(struct allocwatch *a, struct leak_allocs *ret, struct cause *why);

#endif
