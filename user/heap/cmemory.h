/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmemory: the memory of a Go process in which C code may keep pointers: its heap and variables,
 * and those of its libraries.
 *
 * Go's collector does not look there. A pointer that only C has is against the rules of cgo, but
 * it works while a blocked goroutine keeps the object. The ranges are those of /proc/PID/maps that
 * can be written, without Go's own heap, variables and records (heap/gorecord), without memory
 * that is shared with other processes, and without the stacks of threads (heap/mstack). Those are
 * full of what Go's runtime left there, and what C has in a call its caller in Go has too.
 *
 * Two parts of stacks count: above the runtime's part of a stack lie variables of C of that
 * thread; and of threads that the runtime does not know, the part in use, where maps has their
 * stack pointers. In programs built with -race most memory without a name is left out: it is the
 * race detector's. What is in doubt counts as C's.
 */
#ifndef PARKWATCH_HEAP_CMEMORY_H
#define PARKWATCH_HEAP_CMEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "heap/gorecord.h"
#include "heap/goheap.h"
#include "golang/goruntime.h"
#include "target/maps.h"

/* *ret: the ranges by address, to be freed. 0; -ESRCH, -ENOMEM. */
int cmemory_ranges(const struct addrspace *as, const struct maps *maps, const struct goruntime *rt,
		   const struct goheap *heap, struct crange **ret, size_t *ret_nr);

#endif
