/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * allocrun: what a recording of allocations does while it runs: says beforehand what counting each
 * one will cost, opens the windows in which they are counted, and looks at what the runtime counts.
 * Loop thread; a window keeps it for as long as it is open, and some 100 ms more.
 *
 *	allocrun__init()    the probes are there, nothing is recorded yet
 *	allocrun__begin()   recording has just begun
 *	allocrun__tend()    now and then, and whenever it is due
 *	allocrun__end()	    recording is about to end
 *	allocrun__finish()  it has ended: into the profile
 */
#ifndef PARKWATCH_DAEMON_ALLOCRUN_H
#define PARKWATCH_DAEMON_ALLOCRUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/allocs.h"
#include "daemon/allocwin.h"
#include "daemon/probes.h"
#include "target/proc.h"

/* Where nobody says otherwise: of the CPU time that the program uses, what counting may cost. */
#define ALLOCRUN_OVERHEAD 0.01
/* Of that, what refills may cost; the rest is for windows. */
#define ALLOCRUN_REFILLS 0.2

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
	bool refills;                  /* their window is open */
	uint64_t learnt_ns;            /* when types were looked at last */
	uint64_t foretold;             /* hits before the recording that said what it will cost */
	uint64_t start_cpu_ns;
	struct allocrun_tally start;
};

/* Refills are seen from here on; errors are those of attaching, with a cause. */
int allocrun__init(struct allocrun *r, const struct allocrun_env *env, struct cause *why);
void allocrun__begin(struct allocrun *r);
/* So many (1 or more) share the budget from this moment on. */
void allocrun__share(struct allocrun *r, unsigned int sharers);
uint64_t allocrun__due_ns(const struct allocrun *r); /* until the next window; UINT64_MAX: none */
/* A window is shorter if only left_ns are left; 0: none now. */
void allocrun__tend(struct allocrun *r, uint64_t left_ns);
/*
 * Nobody counted since the last tend(): that is left out, and refills are seen again. Its links are
 * out. As init().
 */
int allocrun__again(struct allocrun *r, struct cause *why);
void allocrun__end(struct allocrun *r);
void allocrun__finish(struct allocrun *r);

/*
 * What was counted so far, for the progress: hits that were single allocations, refills or samples.
 */
uint64_t allocrun__seen(const uint64_t *stats);

#endif
