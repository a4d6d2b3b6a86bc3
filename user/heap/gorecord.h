/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gorecord: the memory outside its heap that Go's runtime keeps its own records in, where no C code
 * writes.
 *
 * The runtime cuts its records (spans, caches, queues, buckets of profiles, scratch pages of the
 * collector) from chunks of 256 KiB, and each chunk begins with the address of the one before it
 * (Go runtime/malloc.go persistentalloc1, Go 1.15 to 1.27). One variable of the runtime,
 * persistentChunks, refers to the newest. It is found without symbols: the list that begins there
 * ends, and every runtime.mspan lies in one of its chunks, which is true of no other. From Go 1.26
 * on the queues of the collector are pages of their own; the records in the chunks tell where (Go
 * runtime/mgcmark_greenteagc.go spanSPMC).
 *
 * The kernel puts such memory and memory of C into one mapping, so /proc/PID/maps alone cannot tell
 * them apart.
 */
#ifndef PARKWATCH_HEAP_GORECORD_H
#define PARKWATCH_HEAP_GORECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "heap/goheap.h"
#include "golang/goruntime.h"
#include "target/maps.h"

#define GORECORD_CHUNK      (256u << 10)
#define GORECORD_CHUNKS_MAX (64u << 10) /* 16 GiB */

struct crange {
	uint64_t from, to;
};

/*
 * *ret: the ranges by address, no two overlap; owned by the caller, none where they cannot be told.
 * heap: with its records. 0; -ESRCH, -ENOMEM.
 */
int gorecord_ranges(const struct addrspace *as, const struct maps *maps, const struct goruntime *rt,
		    const struct goheap *heap, struct crange **ret, size_t *ret_nr);

#endif
