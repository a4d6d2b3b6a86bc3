// SPDX-License-Identifier: BSD-2-Clause
#include "heap/nearby.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/heart.h"
#include "heap/grefs.h"
#include "heap/goheap.h"

#define BATCH 64 /* objects that are read at once */
/* of the table of objects that were met: a power of two, and more than NEARBY_PIECES */
#define SLOTS 4096

struct nearby {
	const struct addrspace *as; /* borrowed */
	const struct goruntime *rt; /* borrowed */
	struct census some;         /* the goroutines that are asked for; gs owned */
	size_t object_bytes;
	struct goheap *heap;
	struct grefs *refs;
	/* of our own CPU time: while we wait for a processor we read nothing */
	uint64_t budget_ns, until_ns;
	/* of the goroutine that is followed */
	size_t g, level;
	uint64_t queue[NEARBY_PIECES]; /* of objects, level after level */
	uint32_t bytes[NEARBY_PIECES], frame[NEARBY_PIECES];
	size_t nr, from; /* from: where the level begins that comes next */
	uint64_t slot[SLOTS];
	uint32_t turn[SLOTS]; /* that the slot was set in */
	uint32_t now;
	uint64_t piece[BATCH][NEARBY_BYTES / 8];
};

void nearby__free(struct nearby *n)
{
	if (!n)
		return;
	grefs__free(n->refs);
	goheap__free(n->heap);
	free(n->some.gs);
	free(n);
}

int nearby__new(const struct addrspace *as, const struct goruntime *rt, size_t object_bytes,
		uint64_t budget_ns, struct nearby **ret)
{
	scoped(nearby) n = calloc(1, sizeof(*n));
	struct cause why = { "" };
	int err = n ? goheap__read(as, rt, &n->heap, &why) : -ENOMEM;

	if (err)
		return err;
	n->as = as;
	n->rt = rt;
	n->object_bytes = object_bytes;
	n->budget_ns = budget_ns;
	*ret = steal(n);
	return 0;
}

int nearby__ask(struct nearby *n, const struct census *c, const uint32_t *gs, size_t nr)
{
	n->some = *c;
	n->some.nr = nr;
	n->some.gs = calloc(nr + 1, sizeof(*n->some.gs));
	if (!n->some.gs)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		n->some.gs[i] = c->gs[gs[i]];
	n->until_ns = clock_cpu_ns() + n->budget_ns;
	return grefs__read(n->as, n->rt, &n->some, n->heap->lo, n->heap->hi, &n->refs);
}

bool nearby__in_heap(const struct nearby *n, uint64_t addr)
{
	return addr >= n->heap->lo && addr < n->heap->hi;
}

/* False: it was there. */
static bool nearby__met(struct nearby *n, uint64_t base)
{
	size_t i = (size_t)(base * 0x9e3779b97f4a7c15ull >> 40) % SLOTS;

	for (; n->turn[i] == n->now; i = (i + 1) % SLOTS)
		if (n->slot[i] == base)
			return false;
	n->turn[i] = n->now;
	n->slot[i] = base;
	return true;
}

/* What a word refers to is looked into on the next level. */
static void nearby__follow(struct nearby *n, uint64_t value, uint32_t frame)
{
	struct goobject o;

	if (!nearby__in_heap(n, value) || n->nr == NEARBY_PIECES ||
	    goheap__object(n->heap, value, &o) || o.span->noscan || grefs__is_g(n->refs, o.base) ||
	    !nearby__met(n, o.base))
		return;
	for (uint64_t at = 0; at < o.size && at < n->object_bytes && n->nr < NEARBY_PIECES;
	     at += NEARBY_BYTES) {
		n->bytes[n->nr] =
			(o.size - at < NEARBY_BYTES ? (uint32_t)(o.size - at) : NEARBY_BYTES) & ~7u;
		n->frame[n->nr] = frame;
		n->queue[n->nr++] = o.base + at;
	}
}

int nearby__begin(struct nearby *n, size_t i)
{
	heart__beat();
	if (clock_cpu_ns() >= n->until_ns)
		return -ETIME;
	if (n->refs->elsewhere[i])
		return -ENOENT;
	n->g = i;
	n->now++;
	n->nr = n->from = n->level = 0;
	return 0;
}

static int nearby__stack(struct nearby *n, bool last, nearby_see see, void *ctx)
{
	const struct glive_words *w = &n->refs->words;

	for (uint32_t k = n->refs->first[n->g]; k < n->refs->first[n->g + 1]; k++) {
		see(ctx, &w->values[k], 1, w->frames[k]);
		if (!last)
			nearby__follow(n, w->values[k], w->frames[k]);
	}
	return 0;
}

/*
 * A sudog begins with its g (Go 1.15 to 1.27 runtime/runtime2.go), and leads to others that wait.
 */
static void nearby__look_into(struct nearby *n, const uint64_t *words, size_t nr, uint32_t frame,
			      bool last, nearby_see see, void *ctx)
{
	if (!nr || grefs__is_g(n->refs, words[0]))
		return;
	see(ctx, words, nr, frame);
	for (size_t k = 0; k < nr && !last; k++)
		nearby__follow(n, words[k], frame);
}

int nearby__level(struct nearby *n, bool last, nearby_see see, void *ctx)
{
	struct memread reads[BATCH];
	const size_t end = n->nr;

	if (!n->level++)
		return nearby__stack(n, last, see, ctx);
	if (n->from == end)
		return -ENOENT;
	for (size_t nr; n->from < end; n->from += nr) {
		nr = end - n->from < BATCH ? end - n->from : BATCH;
		for (size_t i = 0; i < nr; i++)
			reads[i] = (struct memread){ .addr = n->queue[n->from + i],
						     .buf = n->piece[i],
						     .len = n->bytes[n->from + i] };
		addrspace__read_batch(n->as, reads, nr);
		for (size_t i = 0; i < nr; i++) {
			if (reads[i].err == -ESRCH)
				return -ESRCH;
			if (!reads[i].err)
				nearby__look_into(n, n->piece[i], reads[i].len / 8,
						  n->frame[n->from + i], last, see, ctx);
		}
	}
	return 0;
}
