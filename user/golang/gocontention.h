/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gocontention: what Go's own block and mutex profiles count, and where their stacks begin.
 *
 * Source: Go runtime/mprof.go (blockevent, mutexevent, and what they skip), sema.go, chan.go, select.go, 1.15 to 1.27. Pure.
 */
#ifndef PARKWATCH_GOLANG_GOCONTENTION_H
#define PARKWATCH_GOLANG_GOCONTENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "golang/gowait.h"

enum gocontention { GOCONTENTION_BLOCK, GOCONTENTION_MUTEX };

/* The block profile counts it: channels, select, package sync; not what nothing can end. */
bool gocontention_waits(enum gowait wait);

/*
 * The function is one of the runtime's or of package sync by which a wait began, or a lock was given up: it lies below the
 * one that the program called, where Go's stacks begin.
 */
bool gocontention_leads(const char *func);

/*
 * The profile has such a stack. funcs: innermost first. Semaphores of the runtime's own are in neither; of what wakes
 * others only Mutex and RWMutex are in that of mutexes.
 */
bool gocontention_has(enum gocontention profile, const char *const *funcs, size_t nr);

#endif
