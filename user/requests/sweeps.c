/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/sweeps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define HEAD_MAX 128u /* bytes of a runtime.mspan, from its start address to its sweepgen */

/* The piece of a runtime.mspan that is read. */
struct head {
	size_t at, bytes;           /* 0 bytes: this Go's is not known */
	size_t allocbits, sweepgen; /* in it */
};

/* One object while it is read. */
struct one {
	uint8_t head[HEAD_MAX], again[HEAD_MAX];
	uint8_t bits;
};

struct gsweep sweeps__find(const struct goheap *heap, uint64_t addr)
{
	const struct gospan *span = goheap__span(heap, addr);
	uint64_t base;

	if (!span || !gospan_object(span, addr, &base))
		return (struct gsweep){ 0 };
	return (struct gsweep){ .span = span->record,
				.start = span->start,
				.slot = (uint32_t)((base - span->start) / span->elem_bytes) };
}

static struct head head_of(const struct goobjects *lay)
{
	const int32_t first = lay->mspan_start, bits = lay->mspan_allocbits,
		      last = lay->mspan_sweepgen;

	if (first < 0 || bits < first || last < bits + 8 || last + 4 - first > (int32_t)HEAD_MAX)
		return (struct head){ 0 };
	return (struct head){ (size_t)first, (size_t)(last + 4 - first), (size_t)(bits - first),
			      (size_t)(last - first) };
}

/*
 * While a span is in a processor's cache its sweepgen is odd, and 3 more than the sweep that it has been through;
 * or it is being swept, and the number is one that was before: it will not come again.
 */
static uint32_t sweep_number(const struct head *h, const uint8_t *bytes)
{
	uint32_t gen;

	memcpy(&gen, bytes + h->sweepgen, sizeof(gen));
	return gen % 2 ? gen - 3 : gen;
}

static uint64_t word_at(const uint8_t *bytes, size_t at)
{
	uint64_t v;

	memcpy(&v, bytes + at, sizeof(v));
	return v;
}

static void take(const struct head *h, const struct one *o, const struct memread reads[3],
		 struct gsweep *s)
{
	const uint64_t start = word_at(o->head, 0), bits = word_at(o->head, h->allocbits);

	s->known = !reads[0].err && !reads[1].err && !reads[2].err && start == s->start &&
		   start == word_at(o->again, 0) && bits == word_at(o->again, h->allocbits) &&
		   sweep_number(h, o->head) == sweep_number(h, o->again);
	s->number = sweep_number(h, o->head);
	s->marked = o->bits >> (s->slot % 8) & 1;
}

/* The bits are read between two readings of what leads to them: they are what it was then. */
int sweeps__read(const struct addrspace *as, const struct goruntime *rt, struct gsweep *v,
		 size_t nr)
{
	const struct head h = head_of(&rt->objects);
	scoped_mem struct memread *reads = calloc(nr + 1, 3 * sizeof(*reads));
	scoped_mem struct one *ones = calloc(nr + 1, sizeof(*ones));

	if (!reads || !ones)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		reads[i] = (struct memread){ v[i].span + h.at, ones[i].head, h.bytes, 0 };
	if (h.bytes)
		addrspace__read_batch(as, reads, nr);
	for (size_t i = 0; i < nr && h.bytes; i++) {
		reads[nr + i] =
			(struct memread){ word_at(ones[i].head, h.allocbits) + v[i].slot / 8,
					  &ones[i].bits, 1, 0 };
		reads[2 * nr + i] = (struct memread){ v[i].span + h.at, ones[i].again, h.bytes, 0 };
	}
	if (h.bytes)
		addrspace__read_batch(as, reads + nr, 2 * nr);
	for (size_t i = 0; i < nr; i++) {
		const struct memread three[3] = { reads[i], reads[nr + i], reads[2 * nr + i] };

		v[i].known = false;
		if (h.bytes && v[i].span)
			take(&h, &ones[i], three, &v[i]);
	}
	return 0;
}
