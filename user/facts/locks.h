/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * locks: what is known of the locks of package sync that the goroutines of a census wait for, and
 * of who holds them. locks/glock and locks/ghold read them from a target; whoever tells of them
 * reads this.
 *
 * Plain data: arrays with indexes. Not thread-safe.
 */
#ifndef PARKWATCH_FACTS_LOCKS_H
#define PARKWATCH_FACTS_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

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

void glocks__free(struct glocks *ls);
DEFINE_SCOPED(glocks)

/* NULL: nobody waits for it */
const struct glock *glocks__get(const struct glocks *ls, uint64_t addr);

enum ghold_kind {
	GHOLD_MUTEX,
	GHOLD_WRITE, /* an RWMutex, as a writer */
	GHOLD_READ,  /* as a reader */
	GHOLD_GROUP, /* a WaitGroup: it will call Done */
};

struct ghold {
	uint64_t lock;       /* as glock.addr */
	uint32_t g;          /* index into census.gs */
	uint32_t frame;      /* of its stack, which will release it: index of the pc */
	uint64_t release_pc; /* the instruction that will */
	uint8_t kind;        /* enum ghold_kind */
};

struct gholds {
	struct ghold *v; /* by lock, then g, then frame; owned */
	size_t nr;
	size_t unknown; /* goroutines of which not all could be made out */
};

void gholds__free(struct gholds *hs);
DEFINE_SCOPED(gholds)

/* Those of one lock: the first and how many. */
const struct ghold *gholds__of(const struct gholds *hs, uint64_t lock, size_t *ret_nr);

#endif
