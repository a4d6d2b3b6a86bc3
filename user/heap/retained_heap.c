/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/retained_heap.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"
#include "base/radix.h"
#include "heap/cmemory.h"
#include "heap/runtime_words.h"
#include "heap/grefs.h"
#include "heap/heapmark.h"
#include "heap/goheap.h"
#include "heap/gospecial.h"

#define PIECE_BYTES (64u << 10)

struct retained_heap {
	const struct retained_heap_in *in;
	struct goheap *heap; /* owned, as are the others */
	struct gospecials *specials;
	struct grefs *refs;
	struct crange *c_memory;
	size_t nr_c_memory;
	struct runtime_words own;
	struct heapmark *mark;
	uint8_t *piece;
};

static void retained_heap__done(struct retained_heap *k)
{
	heapmark__free(k->mark);
	free(k->c_memory);
	free(k->piece);
	grefs__free(k->refs);
	gospecials__free(k->specials);
	goheap__free(k->heap);
}

static int retained_heap__read(struct retained_heap *k, struct cause *why)
{
	const struct retained_heap_in *in = k->in;
	int err = goheap__read(in->as, in->rt, &k->heap, why);

	if (!err)
		err = gospecials__read(in->as, in->rt, k->heap, &k->specials);
	if (!err && !k->refs)
		err = grefs__read(in->as, in->rt, in->census, k->heap->lo, k->heap->hi, &k->refs);
	if (!err && in->rt->cgo && in->maps)
		err = cmemory_ranges(in->as, in->maps, in->rt, k->heap, &k->c_memory,
				     &k->nr_c_memory);
	if (!err &&
	    (k->heap->refused || k->specials->lost || k->refs->unread || k->refs->words.lost))
		err = cause__set(why, -EFAULT, "a part of its memory could not be read");
	return err;
}

/* --- roots --- */

/* m: the module whose variables these are; NULL: memory of C. */
static int retained_heap__stretch(struct retained_heap *k, uint64_t from, uint64_t to,
				  const struct gomodule *m)
{
	for (uint64_t at = from; at < to; at += PIECE_BYTES) {
		size_t len = to - at < PIECE_BYTES ? (size_t)(to - at) : PIECE_BYTES;
		int err = addrspace__read(k->in->as, at, k->piece, len);

		if (err == -ESRCH || (err && m))
			return err;
		for (size_t i = 0; i + 8 <= len && !err; i += 8) {
			uint64_t v;

			memcpy(&v, k->piece + i, sizeof(v));
			if (v < k->heap->lo || v >= k->heap->hi)
				continue;
			if (m ? !runtime_words_is_number(&k->own, m, at + i)
			      : !goheap__is_record(k->heap, at + i))
				heapmark__value(k->mark, v);
		}
	}
	return 0;
}

static int retained_heap__variables(struct retained_heap *k)
{
	const struct goruntime *rt = k->in->rt;
	int err = 0;

	for (uint32_t i = 0; i < rt->nr_modules && !err; i++) {
		const struct gomodule *m = &rt->modules[i];
		const struct tabspan *spans[] = { &m->data, &m->bss };

		for (size_t s = 0; s < ARRAY_SIZE(spans) && !err; s++)
			if (spans[s]->addr % 8 == 0)
				err = retained_heap__stretch(k, spans[s]->addr,
							     spans[s]->addr +
								     (spans[s]->len & ~7ull),
							     m);
	}
	for (size_t i = 0; i < k->nr_c_memory && !err; i++)
		err = retained_heap__stretch(k, k->c_memory[i].from, k->c_memory[i].to, NULL);
	return err;
}

static void retained_heap__goroutine(struct retained_heap *k, uint32_t i)
{
	const struct census *c = k->in->census;

	for (uint32_t w = k->refs->first[i]; w < k->refs->first[i + 1]; w++)
		heapmark__value(k->mark, k->refs->words.values[w]);
	for (uint32_t w = 0; w < c->gs[i].nr_waits; w++)
		heapmark__value(k->mark, c->waits[c->gs[i].waits_at + w].addr);
}

static int retained_heap__roots(struct retained_heap *k)
{
	int err = retained_heap__variables(k);

	for (size_t i = 0; i < k->specials->nr_words; i++)
		heapmark__value(k->mark, k->specials->words[i].value);
	for (uint32_t i = 0; i < k->in->census->nr; i++)
		if (k->in->groups[i] == GKEPT_NONE)
			retained_heap__goroutine(k, i);
	return err ? err : heapmark__follow(k->mark);
}

/* --- who was born since, and who had it in the meantime --- */

static int on_ran(void *ctx, uint32_t number, uint64_t goid, const struct glive_words *w)
{
	struct retained_heap *k = ctx;

	(void)goid;
	if (number < k->in->census->nr && k->in->groups[number] != GKEPT_NONE)
		return 0;
	for (size_t i = 0; i < w->nr; i++)
		heapmark__value(k->mark, w->values[i]);
	return 0;
}

/* --- groups --- */

static int retained_heap__groups(struct retained_heap *k, uint64_t *ret)
{
	const struct retained_heap_in *in = k->in;
	/* group, then number */
	scoped_mem uint64_t *order = calloc(in->census->nr + 1, sizeof(*order));
	size_t nr = 0, i = 0;
	int err;

	if (!order)
		return -ENOMEM;
	for (uint32_t g = 0; g < in->census->nr; g++)
		if (in->groups[g] < in->nr_groups)
			order[nr++] = (uint64_t)in->groups[g] << 32 | g;
	err = radix_sort(order, nr, 1);
	for (uint32_t g = 0; g < in->nr_groups && !err; g++) {
		uint64_t before = heapmark__bytes(k->mark);

		for (; i < nr && order[i] >> 32 == g; i++)
			retained_heap__goroutine(k, (uint32_t)order[i]);
		err = heapmark__follow(k->mark);
		ret[g] = heapmark__bytes(k->mark) - before;
	}
	return err;
}

static int retained_heap__run(struct retained_heap *k, uint64_t *bytes, struct cause *why)
{
	uint64_t deadline_ns = k->in->budget_ns ? clock_now_ns() + k->in->budget_ns : UINT64_MAX;
	int err = retained_heap__read(k, why);

	if (err)
		return err;
	k->own = (struct runtime_words){
		.as = k->in->as, .rt = k->in->rt, .heap = k->heap, .refs = k->refs
	};
	k->piece = malloc(PIECE_BYTES);
	if (!k->piece)
		return -ENOMEM;
	err = heapmark__new(&k->own, deadline_ns, &k->mark);
	if (!err)
		err = retained_heap__roots(k);
	if (!err)
		err = grefs__again(k->refs, on_ran, k);
	if (!err)
		err = heapmark__follow(k->mark);
	return err ? err : retained_heap__groups(k, bytes);
}

int retained_heap_bytes(const struct retained_heap_in *in, uint64_t *ret, struct cause *why)
{
	scoped_mem uint64_t *bytes = calloc(in->nr_groups + 1, sizeof(*bytes));
	struct retained_heap k = { .in = in, .refs = in->refs };
	int err = bytes ? retained_heap__run(&k, bytes, why) : -ENOMEM;

	retained_heap__done(&k);
	if (err == -ETIME)
		return cause__set(why, err, "it takes longer than the budget");
	if (err)
		return cause__set(why, err, "its heap cannot be gone through: %s", strerror(-err));
	memcpy(ret, bytes, in->nr_groups * sizeof(*ret));
	return 0;
}
