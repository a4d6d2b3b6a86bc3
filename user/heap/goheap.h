/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goheap: the heap of a Go runtime: which objects there are and which of them hold pointers.
 *
 * Go's heap is cut into spans of pages of 8 KiB; a span holds objects of one size, and all or none
 * of them may hold pointers. The list of spans is read at one moment while the program runs on:
 * spans that are made later are not in it. Found without symbols (goglobals); what is read is
 * proved: if what the list leads to are no spans, nothing is told. Source: Go runtime/mheap.go.
 * Not thread-safe.
 */
#ifndef PARKWATCH_HEAP_GOHEAP_H
#define PARKWATCH_HEAP_GOHEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cause.h"
#include "base/cleanup.h"
#include "golang/goruntime.h"

#define GOHEAP_PAGE      8192u
#define GOHEAP_SPANS_MAX (2u << 20) /* in use; a heap of 16 GiB at least */
#define GOHEAP_LIST_MAX  (8u << 20) /* all that were ever made */
/* pages between lo and hi for which spans are looked up by index: 32 GiB */
#define GOHEAP_INDEX_MAX (4u << 20)
/* bytes of a block that holds several objects without pointers */
#define GOHEAP_TINY 16u

struct gospan { /* that holds objects */
	uint64_t start;
	uint64_t elem_bytes; /* of one object */
	uint64_t specials;   /* address of the first runtime.special, 0: none */
	uint64_t record;     /* address of its runtime.mspan */
	uint32_t npages;
	uint16_t nelems; /* objects that have room in it */
	/*
	 * bytes at the start of each object that are the runtime's: its type, in Go 1.22 and later
	 */
	uint8_t header;
	bool noscan; /* its objects hold no pointers */
	/* its objects may be blocks of several (Go runtime/malloc.go, tiny allocator) */
	bool tiny;
};

static inline uint64_t gospan_end(const struct gospan *s)
{
	return s->start + (uint64_t)s->npages * GOHEAP_PAGE;
}

struct goheap {
	struct gospan *spans; /* by address, no two overlap; owned */
	size_t nr;
	uint64_t lo, hi;     /* every object lies between; equal: there are none */
	uint64_t scan_bytes; /* of objects that may hold pointers */
	/* number of the span + 1 for each page from lo on, 0: none; NULL: over the limit; owned */
	uint32_t *index;
	/*
	 * with cgo: addresses of all runtime.mspan, sorted, which hold addresses of objects; owned
	 */
	uint64_t *records;
	size_t nr_records, record_bytes;
	uint64_t mheap; /* address of runtime.mheap_ */
	/* spans that made no sense, or could not be read: the heap is not known whole */
	size_t refused;
};

struct goobject {
	uint64_t base, size;
	const struct gospan *span; /* borrowed from the heap */
};

/*
 * -EBADMSG: no heap is found, or it is none; -E2BIG: more spans than GOHEAP_SPANS_MAX; -EFAULT,
 * -ESRCH; -ENOMEM. Each but the last two with a cause. as: the process, for this call only.
 */
int goheap__read(const struct addrspace *as, const struct goruntime *rt, struct goheap **ret,
		 struct cause *why);
void goheap__free(struct goheap *h);
DEFINE_SCOPED(goheap)

/* The span that holds addr; NULL: no object lies there. Borrowed. */
const struct gospan *goheap__span(const struct goheap *h, uint64_t addr);
/* The object that holds addr, free or not. -ENOENT: none. */
int goheap__object(const struct goheap *h, uint64_t addr, struct goobject *ret);

/*
 * Whether the word at addr belongs to a runtime.mspan, and refers to no object. Only of programs
 * with cgo.
 */
bool goheap__is_record(const struct goheap *h, uint64_t addr);

/* As above where the span is known; addr lies in it. */
static inline bool gospan_object(const struct gospan *s, uint64_t addr, uint64_t *ret_base)
{
	uint64_t i = (addr - s->start) / s->elem_bytes;

	*ret_base = s->start + i * s->elem_bytes;
	return i < s->nelems;
}

#endif
