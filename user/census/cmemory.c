/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/cmemory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GUARD_MAX   (64u << 10) /* bytes of the gap below a thread's stack: a page, as a rule */
#define STACK_MAX   (64u << 20) /* bytes of a thread's stack */
#define ARENA_BYTES (64u << 20)
#define CUTS_MAX    (4 * GOMODULES_MAX)

static bool is_written(const struct mapping *m)
{
	return (m->prot & PROT_READ) && (m->prot & PROT_WRITE);
}

/* glibc nptl/allocatestack.c: a stack lies right above pages that nobody may touch. */
static bool is_stack(const struct maps *maps, size_t i)
{
	const struct mapping *m = &maps->m[i], *below = i ? &maps->m[i - 1] : NULL;

	if (!strncmp(m->path, "[stack", 6))
		return true;
	return below && below->end == m->start && !below->prot && !mapping_is_file(below) &&
	       below->end - below->start <= GUARD_MAX && m->end - m->start <= STACK_MAX;
}

/* The variables of a library, and no file that is shared with others: it is mapped as code, too. */
static bool is_variables(const struct maps *maps, const struct mapping *m)
{
	for (size_t i = 0; i < maps->nr; i++)
		if (maps->m[i].inode == m->inode && maps->m[i].dev == m->dev &&
		    (maps->m[i].prot & PROT_EXEC))
			return true;
	return false;
}

static bool holds_spans(const struct goheap *heap, const struct mapping *m)
{
	size_t lo = 0, hi = heap->nr;

	while (lo < hi) { /* the first that does not end below it */
		size_t mid = lo + (hi - lo) / 2;

		if (gospan_end(&heap->spans[mid]) <= m->start)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < heap->nr && heap->spans[lo].start < m->end;
}

/* glibc malloc/arena.c: what threads allocate lies in pieces of 64 MiB, of which the rest may not
 * be touched yet. */
static bool is_arena(const struct maps *maps, size_t i)
{
	const struct mapping *m = &maps->m[i], *above = i + 1 < maps->nr ? &maps->m[i + 1] : NULL;

	return m->start % ARENA_BYTES == 0 && m->end - m->start <= ARENA_BYTES &&
	       ((m->end - m->start == ARENA_BYTES) ||
		(above && above->start == m->end && !above->prot));
}

/* The end of a file's variables, those that are zero at first, has no name. */
static bool is_end_of_file(const struct maps *maps, size_t i)
{
	const struct mapping *below = i ? &maps->m[i - 1] : NULL;

	return below && below->end == maps->m[i].start && is_written(below) &&
	       mapping_is_file(below);
}

/* race: most of what has no name is the race detector's, which remembers every lock and channel. */
static bool is_wanted(const struct maps *maps, size_t i, const struct goheap *heap, bool race)
{
	const struct mapping *m = &maps->m[i];

	if (!is_written(m) || is_stack(maps, i) || holds_spans(heap, m))
		return false;
	if (mapping_is_file(m))
		return is_variables(maps, m);
	if (race && !m->path[0])
		return is_arena(maps, i) || is_end_of_file(maps, i);
	/* Go 1.25 and later names its own. */
	return strncmp(m->path, "[anon: Go", 9) && strncmp(m->path, "[v", 2);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct crange *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* Go's own variables. Returns how many. */
static size_t go_variables(const struct goruntime *rt, struct crange *cuts)
{
	size_t nr = 0;

	for (uint32_t i = 0; i < rt->nr_modules; i++) {
		const struct gomodule *m = &rt->modules[i];
		const struct tabspan *spans[] = { &m->data, &m->bss, &m->noptrdata, &m->noptrbss };

		for (size_t k = 0; k < ARRAY_SIZE(spans); k++)
			if (spans[k]->len)
				cuts[nr++] = (struct crange){ spans[k]->addr,
							      spans[k]->addr + spans[k]->len };
	}
	return nr;
}

/* What is Go's in the mappings, by address; owned by the caller. */
static int go_cuts(const struct addrspace *as, const struct maps *maps, const struct goruntime *rt,
		   const struct goheap *heap, struct crange **ret, size_t *ret_nr)
{
	scoped_mem struct crange *records = NULL;
	struct crange *cuts;
	size_t nr = 0;
	int err = gorecord_ranges(as, maps, rt, heap, &records, &nr);

	if (err)
		return err;
	cuts = reallocarray(NULL, CUTS_MAX + nr, sizeof(*cuts));
	if (!cuts)
		return -ENOMEM;
	memcpy(cuts, records, nr * sizeof(*cuts));
	nr += go_variables(rt, cuts + nr);
	qsort(cuts, nr, sizeof(*cuts), compare_ranges);
	*ret = cuts;
	*ret_nr = nr;
	return 0;
}

static void add(struct crange *out, size_t *nr, uint64_t from, uint64_t to)
{
	from = (from + 7) & ~7ull;
	to &= ~7ull;
	if (from < to)
		out[(*nr)++] = (struct crange){ from, to };
}

int cmemory_ranges(const struct addrspace *as, const struct maps *maps, const struct goruntime *rt,
		   const struct goheap *heap, struct crange **ret, size_t *ret_nr)
{
	scoped_mem struct crange *cuts = NULL;
	size_t nr_cuts, nr = 0, first = 0;
	struct crange *out;
	int err = go_cuts(as, maps, rt, heap, &cuts, &nr_cuts);

	if (err)
		return err;
	/* Each cut makes one range more at most. */
	out = reallocarray(NULL, maps->nr + nr_cuts + 1, sizeof(*out));
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < maps->nr; i++) {
		uint64_t at = maps->m[i].start, end = maps->m[i].end;

		while (first < nr_cuts && cuts[first].to <= at)
			first++;
		if (!is_wanted(maps, i, heap, rt->race))
			continue;
		for (size_t k = first; k < nr_cuts && cuts[k].from < end && at < end; k++) {
			if (cuts[k].to <= at)
				continue;
			if (cuts[k].from > at)
				add(out, &nr, at, cuts[k].from);
			at = cuts[k].to;
		}
		if (at < end)
			add(out, &nr, at, end);
	}
	*ret = out;
	*ret_nr = nr;
	return 0;
}
