/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * allocrun: what a recording of allocations does while it runs: says beforehand what counting each
 * one will cost, opens the windows in which they are counted, and looks at what the runtime counts.
 * A part of a job (engine/job): it never waits, and says when it is due. Opening a window or
 * closing it takes up to 100 ms.
 *
 *	allocrun__try()	    the probes are there, nothing is recorded yet: they count for a moment
 *	allocrun__init()    nothing is recorded yet
 *	allocrun__begin()   recording has just begun
 *	allocrun__tick()    now and then, and whenever it is due
 *	allocrun__end()	    recording is about to end
 *	allocrun__finish()  it has ended: into the profile
 */
#ifndef PARKWATCH_ENGINE_ALLOCRUN_H
#define PARKWATCH_ENGINE_ALLOCRUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/allocs.h"
#include "engine/allocwin.h"
#include "engine/probes.h"
#include "target/proc.h"

/* Where nobody says otherwise: of the CPU time that the program uses, what counting may cost. */
#define ALLOCRUN_OVERHEAD 0.01
/* Of that, what refills may cost; the rest is for windows. */
#define ALLOCRUN_REFILLS  0.2
#define ALLOCRUN_TRIAL_NS (100 * NS_PER_MS) /* from allocrun__try() to allocrun__init() */

struct allocrun_env { /* pointers are borrowed */
	const struct proc *proc;
	struct allocs *allocs;
	const struct probes *probes;
	size_t nr_rt;
	struct allocwin_limits windows;
	double refills; /* of the program's CPU time, as the budget of windows: for all sharers */
	struct rt_boost *pace;
};

struct allocrun_tally {            /* over all runtimes */
	uint64_t singles, refills; /* hits while they count */
	uint64_t idle;             /* traps that did nothing */
};

struct allocrun {
	struct allocrun_env env;
	struct allocwin windows;
	uint64_t seen_ns, seen_cpu_ns; /* when the last window closed */
	unsigned int sharers;          /* of the budget; 1 or more */
	bool none;                     /* no windows are wanted, or one could not be opened */
	bool tried;                    /* there was a trial, since start and seen_cpu_ns */
	bool open;                     /* a window is: what follows is of it */
	uint64_t looked_ns, end_ns;    /* when it was looked at last; when it ends */
	struct allocrun_tally before;
	bool refills;              /* their window is open */
	uint64_t learnt_ns;        /* when types were looked at last */
	uint64_t begin_ns, cut_ns; /* of the recording, of the interval that goes on */
	uint64_t foretold;         /* hits before the recording that said what it will cost */
	uint64_t start_cpu_ns;
	struct allocrun_tally start;
};

/*
 * Where each allocation will be counted: how often there is one, and so what that will cost, is
 * told by allocrun__init(), ALLOCRUN_TRIAL_NS later. False: that is not needed.
 */
bool allocrun__try(struct allocrun *r, const struct allocrun_env *env);
/* Refills are seen from here on; errors are those of attaching, with a cause. */
int allocrun__init(struct allocrun *r, const struct allocrun_env *env, struct cause *why);
void allocrun__begin(struct allocrun *r);
/* So many (1 or more) share the budget from this moment on. */
void allocrun__share(struct allocrun *r, unsigned int sharers);
/*
 * The next moment for allocrun__tick(): of a look at the window that is open, or of the next window.
 * UINT64_MAX: none.
 */
uint64_t allocrun__due_ns(const struct allocrun *r, uint64_t now_ns);
/* A window is shorter if only left_ns are left; 0: none now, and the one that is open is closed. */
void allocrun__tick(struct allocrun *r, uint64_t left_ns);
/*
 * Nobody counted since the last tick(): that is left out, and refills are seen again. Its links are
 * out. As init().
 */
int allocrun__again(struct allocrun *r, struct cause *why);
void allocrun__end(struct allocrun *r); /* closes a window, too */
void allocrun__finish(struct allocrun *r);

/*
 * What was counted so far, for the progress: hits that were single allocations, refills or samples.
 */
uint64_t allocrun__seen(const uint64_t *stats);

#endif
