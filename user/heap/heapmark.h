/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heapmark: what can be reached in a heap, forwards: mark some objects, and all that they lead to
 * is marked too.
 *
 * It marks as a garbage collector does, but from outside. Spans with objects that are marked and
 * were not looked into yet are read whole, in one sweep up the heap, then one down, until there
 * are none. So memory is read in long stretches, in whichever direction lists lie in it. Words
 * that look like pointers count as pointers. The runtime's records of goroutines, threads and
 * processors lead nowhere (heap/runtime_words). A bit or two for each object: 16 MB for each GB of
 * the smallest. Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_HEAPMARK_H
#define PARKWATCH_HEAP_HEAPMARK_H

#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "heap/runtime_words.h"
#include "heap/goheap.h"

/* objects that have room in the heap: 64 MB of bits */
#define HEAPMARK_SLOTS_MAX (1u << 28)

struct heapmark;

/*
 * own: as is all in it, borrowed until free. deadline_ns: CLOCK_MONOTONIC. -E2BIG: over
 * HEAPMARK_SLOTS_MAX; -ENOMEM.
 */
int heapmark__new(const struct runtime_words *own, uint64_t deadline_ns, struct heapmark **ret);
void heapmark__free(struct heapmark *m);
DEFINE_SCOPED(heapmark)

/* The object that value points into, if it does. */
void heapmark__value(struct heapmark *m, uint64_t value);
/* All that was marked leads to. 0; -ETIME: it is not whole; -ESRCH. */
int heapmark__follow(struct heapmark *m);
/*
 * Bytes of the objects that were marked so far, in the sizes of their classes; after
 * heapmark__follow().
 */
uint64_t heapmark__bytes(const struct heapmark *m);

#endif
