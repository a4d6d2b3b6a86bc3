/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ghold: which goroutines of a census hold the locks that others wait for.
 *
 * Go's locks do not say who has them. A parked goroutine holds what its own code will release when
 * it goes on (locks/holds). That is found for goroutines that stand still; of a running one nothing
 * is known. A hold counts only if the goroutine stands where the census saw it, after its stack was
 * read too, and if the lock's own words say that somebody has it. Not thread-safe.
 */
#ifndef PARKWATCH_LOCKS_GHOLD_H
#define PARKWATCH_LOCKS_GHOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "census/census.h"
#include "facts/locks.h"
#include "golang/goruntime.h"

#define GHOLDS_OF_ONE_MAX 64 /* locks that one goroutine is seen to hold at most */

/* Of the mutexes, RWMutexes and WaitGroups in ls only. -ESRCH: the process has ended; -ENOMEM. */
int gholds__read(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		 const struct glocks *ls, struct gholds **ret);
#endif
