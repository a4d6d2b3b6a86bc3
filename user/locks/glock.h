/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * glock: the locks of package sync that the goroutines of a census wait for, and what their own
 * words say.
 *
 * Each is read until two readings agree; one that never does is counted, and its words are not
 * told. Not thread-safe.
 * Source: Go sync/mutex.go, rwmutex.go, waitgroup.go, cond.go, runtime/sema.go (notifyList), Go
 * 1.15 to 1.27.
 */
#ifndef PARKWATCH_LOCKS_GLOCK_H
#define PARKWATCH_LOCKS_GLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "census/census.h"
#include "facts/locks.h"

/*
 * -ESRCH: the process has ended; -ENOMEM. A lock that a goroutine wants as a mutex and another as
 * an RWMutex is the RWMutex.
 */
int glocks__read(const struct addrspace *as, int go_minor, const struct census *c,
		 struct glocks **ret);
#endif
