/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ghold: which goroutines of a census hold the locks that others wait for.
 *
 * Go's locks do not say who has them. A parked goroutine holds what its own code will release when
 * it goes on (locks/holds). That is found for goroutines that stand still; of a running one nothing
 * is known. A hold counts only if the goroutine stands where the census saw it, after its stack was
 * read too, and if the lock's own words say that somebody has it. Loop thread.
 */
#ifndef PARKWATCH_LOCKS_GHOLD_H
#define PARKWATCH_LOCKS_GHOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "census/census.h"
#include "locks/glock.h"
#include "golang/goruntime.h"

#define GHOLDS_OF_ONE_MAX 64 /* locks that one goroutine is seen to hold at most */

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

/* Of the mutexes, RWMutexes and WaitGroups in ls only. -ESRCH: the process has ended; -ENOMEM. */
int gholds__read(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		 const struct glocks *ls, struct gholds **ret);
void gholds__free(struct gholds *hs);
DEFINE_SCOPED(gholds)

/* Those of one lock: the first and how many. */
const struct ghold *gholds__of(const struct gholds *hs, uint64_t lock, size_t *ret_nr);

#endif
