/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmemory: the memory of a Go process that C code may keep pointers in: its heap and variables, and
 * those of its libraries.
 *
 * Go's collector does not look there; a pointer that only C has is against the rules of cgo, but it
 * works as long as a blocked goroutine keeps the object. From /proc/PID/maps: what can be written,
 * but for Go's own heap, variables and records (heap/gorecord), what is shared with other
 * processes, and the stacks of threads (heap/mstack): they are full of what Go's runtime left
 * there, and what C has in a call its caller in Go has too. What lies above the runtime's part of a
 * stack counts: C's variables of that thread. So does what is in use of the stacks of threads that
 * the runtime does not know, where maps has their stack pointers. In programs built with -race also
 * but for most memory without a name: it is the race detector's. What is in doubt counts as C's.
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
