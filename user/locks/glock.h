/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * glock: the locks of package sync that the goroutines of a census wait for, and what their own
 * words say.
 *
 * Each is read until two readings agree; one that never does is counted, and its words are not
 * told. Loop thread.
 * Source: Go sync/mutex.go, rwmutex.go, waitgroup.go, cond.go, runtime/sema.go (notifyList), Go
 * 1.15 to 1.27.
 */
#ifndef PARKWATCH_LOCKS_GLOCK_H
#define PARKWATCH_LOCKS_GLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "census/census.h"

struct glock {
	uint64_t addr; /* as in census_wait */
	/* enum census_wait_kind: MUTEX, RWMUTEX, WAITGROUP, COND or SEMAPHORE */
	uint8_t kind;
	bool settled; /* what follows is known */
	/* MUTEX, and that of the writers of an RWMUTEX */
	bool locked, woken, starving;
	uint32_t waiters; /* by its own count. WAITGROUP: of Wait; COND: of Wait */
	/* RWMUTEX */
	/* one has it, or waits for the readers to leave: new readers wait */
	bool writer;
	int32_t readers;   /* that have it or wait for it */
	int32_t departing; /* readers that the writer waits for; 0 or less: it has it */
	/* WAITGROUP */
	int32_t counter;
	/* COND: what its L points at, as a rule a sync.Mutex or sync.RWMutex. 0: not known */
	uint64_t locker;
	/* SEMAPHORE */
	uint32_t value;
};

struct glocks {
	struct glock *v; /* by address; owned */
	size_t nr;
	size_t unsettled;
};

/*
 * -ESRCH: the process has ended; -ENOMEM. A lock that a goroutine wants as a mutex and another as
 * an RWMutex is the RWMutex.
 */
int glocks__read(const struct addrspace *as, int go_minor, const struct census *c,
		 struct glocks **ret);
void glocks__free(struct glocks *ls);
DEFINE_SCOPED(glocks)

/* NULL: nobody waits for it */
const struct glock *glocks__get(const struct glocks *ls, uint64_t addr);
bool census_wait_is_lock(const struct census_wait *w);

#endif
