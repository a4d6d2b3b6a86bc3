/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * galloc: what the allocator of a Go runtime says of itself, from memory: how much it has handed
 * out so far, by size class, what the spans have left that its Ps allocate from, and how often it
 * samples.
 *
 * Each P has an mcache with one span for each span class; a span that is full or none has no free
 * slots. Nothing is stopped, so what is read of a P that runs is as of some moment during the call.
 * Source: Go runtime/mcache.go, mheap.go, mstats.go (consistentHeapStats), proc.go (procresize).
 */
#ifndef PARKWATCH_HEAP_GALLOC_H
#define PARKWATCH_HEAP_GALLOC_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "golang/goruntime.h"
#include "golang/gosizes.h"

#define GALLOC_PS_MAX 4096 /* Ps that are read */

struct galloc {
	uint64_t allp; /* address of the slice */
	uint64_t
		/* address of memstats.heapStats, in Go 1.15 of mheap_.central; 0: not found */
		stats;
	uint64_t profile_rate; /* address of runtime.MemProfileRate; 0: not found */
};

/*
 * Finds them. -EOPNOTSUPP: a Go whose layout of these structs is not known; -EBADMSG: the code is
 * not as known, or no candidate is a list of Ps with caches of spans of their span class, so that
 * the layout is proved too; others of reading.
 */
int galloc__find(const struct addrspace *as, const struct goruntime *rt, struct galloc *ret);
/* The Ps at allp, GALLOC_PS_MAX at most; ret: room for max. -EBADMSG: that is no list of them. */
int galloc__ps(const struct addrspace *as, uint64_t allp, uint64_t *ret, size_t max,
	       size_t *ret_nr);
/* Free slots in the caches of all Ps, by span class. */
int galloc__free_slots(const struct addrspace *as, const struct goruntime *rt,
		       const struct galloc *h, uint64_t ret[GOSIZES_SPAN_CLASSES]);
/*
 * Slots handed out since the program began, by size class; [0]: bytes of large objects. A reading of
 * a busy program is a little off: it may be behind an earlier one, and below 0 (modulo 2^64) of a
 * class that was just taken into use. -EOPNOTSUPP without heapStats.
 */
int galloc__handed_out(const struct addrspace *as, const struct goruntime *rt,
		       const struct galloc *h, uint64_t ret[GOSIZES_CLASSES]);
/* How far such a reading is beyond an earlier one, which becomes this one. 0 if it is not, and the
 * earlier one stays: so growths add up. */
uint64_t galloc__grown(uint64_t *mark, uint64_t now);
/* runtime.MemProfileRate: bytes between samples, 0: it takes none. -ENOENT: not found. */
int galloc__profile_rate(const struct addrspace *as, const struct galloc *h, uint64_t *ret);

#endif
