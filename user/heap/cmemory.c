/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/cmemory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "heap/mstack.h"

/* bytes of the gap below a thread's stack: a page, as a rule */
#define GUARD_MAX   (64u << 10)
#define STACK_MAX   (64u << 20) /* bytes of a thread's stack */
#define PAGE_BYTES  4096u
#define NEEDM_BYTES (33u << 10)
/* bytes below the stack pointer that a function may use (System V ABI, amd64) */
#define RED_ZONE 128u
/* of a piece of glibc's allocator, and of Go's heap (Go runtime/malloc.go heapArenaBytes, linux) */
#define ARENA_BYTES (64ull << 20)
#define CUTS_MAX    (4 * GOMODULES_MAX)

static bool is_written(const struct mapping *m)
{
	return (m->prot & PROT_READ) && (m->prot & PROT_WRITE);
}

static bool is_first_stack(const struct mapping *m)
{
	return !strncmp(m->path, "[stack", 6);
}

/* glibc nptl/allocatestack.c: a stack lies right above pages that nobody may touch. */
static bool begins_as_stack(const struct maps *maps, size_t i)
{
	const struct mapping *m = &maps->m[i], *below = i ? &maps->m[i - 1] : NULL;

	return below && below->end == m->start && !below->prot && !mapping_is_file(below) &&
	       below->end - below->start <= GUARD_MAX && is_written(m) && !mapping_is_file(m);
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

/*
 * Go takes whole arenas: what lies in one with a span is Go's, though no object is in it. Where the
 * runtime asked for huge pages in a part and not in another, they are mappings of their own.
 */
static bool is_go_heap(const struct goheap *heap, const struct mapping *m)
{
	const uint64_t from = m->start & ~(ARENA_BYTES - 1);
	const uint64_t to = (m->end + ARENA_BYTES - 1) & ~(ARENA_BYTES - 1);
	size_t lo = 0, hi = heap->nr;

	while (lo < hi) { /* the first that does not end below it */
		size_t mid = lo + (hi - lo) / 2;

		if (gospan_end(&heap->spans[mid]) <= from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < heap->nr && heap->spans[lo].start < to;
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

	if (!is_written(m) || is_go_heap(heap, m))
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

/*
 * Bytes of the stack of a thread that the runtime does not know: as its own have. 0: none of its
 * own is known.
 */
static uint64_t usual_stack(const struct crange *stacks, size_t nr)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < nr; i++) {
		uint64_t len =
			(stacks[i].to - stacks[i].from + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1ull);

		bytes = len > bytes && len <= STACK_MAX ? len : bytes;
	}
	return bytes;
}

/* The lowest of the stack pointers that lie in [from, to); 0: none. */
static uint64_t lowest_sp(const struct maps *maps, uint64_t from, uint64_t to)
{
	size_t lo = 0, hi = maps->nr_sps;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (maps->sps[mid] < from)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < maps->nr_sps && maps->sps[lo] < to ? maps->sps[lo] : 0;
}

/*
 * Whether a stack that the runtime knows, in m, is of a thread of C that called Go. Of such a
 * thread the runtime is told the end, which is that of a page (Go 1.21 and later, runtime/cgo
 * x_cgo_getstackbound), or it guesses a length (runtime/proc.go needm). Stacks of the runtime's
 * own threads end in a frame (x_cgo_thread_start) and are longer. On the first stack of a program
 * is either the first thread of Go, whose stack ends at first, or one of C's.
 */
static bool is_of_c(const struct crange *s, const struct mapping *m, uint64_t first)
{
	return s->to != first &&
	       (s->to % PAGE_BYTES == 0 || s->to - s->from == NEEDM_BYTES || is_first_stack(m));
}

/*
 * What is in use of such stacks may be C's; if nobody is seen on it the thread may be gone, and
 * something else be there: only the page below it tells then.
 */
static void leave_to_c(const struct maps *maps, struct crange *stacks, size_t nr, uint64_t first)
{
	for (size_t i = 0; i < nr; i++) {
		struct crange *s = &stacks[i];
		const struct mapping *m = maps__at(maps, s->to - 1);
		uint64_t sp;

		if (!m || !is_of_c(s, m, first))
			continue;
		sp = lowest_sp(maps, m->start, s->to);
		if (!sp)
			s->from = s->to;
		else if (sp - m->start >= RED_ZONE)
			s->to = sp - RED_ZONE;
		s->from = s->from < s->to ? s->from : s->to;
	}
}

/*
 * Where the stack that m begins with ends, as far as it is none of C's: known, if not 0, is where
 * the runtime says that one of its own ends in m. A thread that the runtime does not know is C's,
 * and so is what is in use of its stack. Of other stacks, as those of threads that are gone, the
 * length is guessed. usual, first: as above.
 */
static uint64_t stack_end(const struct maps *maps, const struct mapping *m, uint64_t known,
			  uint64_t usual, uint64_t first)
{
	uint64_t sp = lowest_sp(maps, m->start, m->end), len = m->end - m->start;

	if (known)
		return is_first_stack(m) && known == first ? m->end : known;
	if (usual && sp)
		return sp - RED_ZONE;
	if (is_first_stack(m))
		return m->end;
	if (usual && len > usual)
		return m->start + usual;
	return len > STACK_MAX ? m->start : m->end;
}

/*
 * The stacks of threads, from the page below on: the rest of a mapping is something else. Returns
 * how many.
 */
static size_t thread_stacks(const struct maps *maps, const struct crange *stacks, size_t nr_stacks,
			    uint64_t first, struct crange *cuts)
{
	uint64_t usual = usual_stack(stacks, nr_stacks);
	size_t nr = 0, k = 0;

	for (size_t i = 0; i < maps->nr; i++) {
		const struct mapping *m = &maps->m[i];
		uint64_t to;

		while (k < nr_stacks && stacks[k].to <= m->start)
			k++;
		if (!begins_as_stack(maps, i) && !is_first_stack(m))
			continue;
		to = stack_end(maps, m, k < nr_stacks && stacks[k].to <= m->end ? stacks[k].to : 0,
			       usual, first);
		if (to > m->start)
			cuts[nr++] = (struct crange){ m->start, to };
	}
	return nr;
}

/* What is Go's in the mappings, and stacks, by address; owned by the caller. */
static int go_cuts(const struct addrspace *as, const struct maps *maps, const struct goruntime *rt,
		   const struct goheap *heap, struct crange **ret, size_t *ret_nr)
{
	scoped_mem struct crange *records = NULL, *stacks = NULL;
	struct crange *cuts;
	size_t nr_records, nr_stacks, nr = 0;
	uint64_t first;
	int err = gorecord_ranges(as, maps, rt, heap, &records, &nr_records);

	if (!err)
		err = mstack_ranges(as, rt, heap, &stacks, &nr_stacks, &first);
	if (err)
		return err;
	leave_to_c(maps, stacks, nr_stacks, first);
	cuts = reallocarray(NULL, CUTS_MAX + nr_records + nr_stacks + maps->nr, sizeof(*cuts));
	if (!cuts)
		return -ENOMEM;
	for (size_t i = 0; i < nr_records; i++)
		cuts[nr++] = records[i];
	for (size_t i = 0; i < nr_stacks; i++)
		cuts[nr++] = stacks[i];
	nr += go_variables(rt, cuts + nr);
	nr += thread_stacks(maps, stacks, nr_stacks, first, cuts + nr);
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
