/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sweeps: which sweep of the garbage collector the memory of an object has been through last, and whether that
 * found it in use. So it is known whether it is the same object as in a look before (facts/requests, struct
 * gsweep), though addresses are used again and again.
 *
 * Source: Go runtime/mheap.go mspan.sweepgen, mgcsweep.go, mcache.go, 1.15 to 1.27. Pure reads.
 */
#ifndef PARKWATCH_REQUESTS_SWEEPS_H
#define PARKWATCH_REQUESTS_SWEEPS_H

#include <stddef.h>

#include "base/addrspace.h"
#include "facts/requests.h"
#include "golang/goruntime.h"
#include "heap/goheap.h"

/* Where the object at addr lies; the rest is not known yet. All zero: no object begins there. */
struct gsweep sweeps__find(const struct goheap *heap, uint64_t addr);
/* Of each as it is now; what cannot be read, or is being swept, is not known. -ENOMEM. */
int sweeps__read(const struct addrspace *as, const struct goruntime *rt, struct gsweep *v,
		 size_t nr);

#endif
