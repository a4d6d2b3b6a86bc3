/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/mstack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "heap/runtime_words.h"

/* bytes that are looked at: the linker puts small variables first */
#define VARIABLES_MAX (4u << 20)
#define PIECE_BYTES   (64u << 10)
#define STEPS_MAX     (256u << 10) /* along all lists that are tried */
#define TRIES_MAX     (128u << 10) /* words that might refer to a thread's record */

struct search {
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct goheap *heap;
	uint64_t *known; /* addresses of runtime.m, sorted */
	size_t nr_known, room_known;
	uint64_t *todo; /* the same in the order they were found */
	size_t room_todo;
	struct crange *stack_of; /* as known */
	size_t room_stack;
	size_t nr_heads; /* of todo: a variable refers to them */
	size_t tries, steps;
	uint8_t buf[PIECE_BYTES];
};

static bool is_variable(const struct goruntime *rt, uint64_t addr)
{
	const struct gomodule *m = &rt->modules[0];

	return addr - m->bss.addr < m->bss.len || addr - m->noptrbss.addr < m->noptrbss.len ||
	       addr - m->data.addr < m->data.len;
}

/*
 * Whether a runtime.m may stand at addr: an object of that size, or a variable as the first
 * thread's is.
 */
static bool may_be_m(const struct search *s, uint64_t addr)
{
	const struct gospan *span;
	uint64_t base;

	if (!addr || addr % 8)
		return false;
	span = goheap__span(s->heap, addr);
	if (!span)
		return is_variable(s->rt, addr);
	return !span->noscan && runtime_words_fits_m(span) && gospan_object(span, addr, &base) &&
	       addr == base + span->header;
}

/* Its place among the known; true: it is one of them. */
static bool search__place(const struct search *s, uint64_t m, size_t *ret)
{
	size_t lo = 0, hi = s->nr_known;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->known[mid] < m)
			lo = mid + 1;
		else
			hi = mid;
	}
	*ret = lo;
	return lo < s->nr_known && s->known[lo] == m;
}

static int search__keep(struct search *s, size_t place, uint64_t m, const uint64_t stack[2])
{
	int err = vec__reserve(&s->known, &s->room_known, s->nr_known + 1, sizeof(*s->known));

	if (!err)
		err = vec__reserve(&s->todo, &s->room_todo, s->nr_known + 1, sizeof(*s->todo));
	if (!err)
		err = vec__reserve(&s->stack_of, &s->room_stack, s->nr_known + 1,
				   sizeof(*s->stack_of));
	if (err)
		return err;
	memmove(s->known + place + 1, s->known + place, (s->nr_known - place) * sizeof(*s->known));
	memmove(s->stack_of + place + 1, s->stack_of + place,
		(s->nr_known - place) * sizeof(*s->stack_of));
	s->known[place] = m;
	s->stack_of[place] = (struct crange){ stack[0] & ~7ull, stack[1] & ~7ull };
	s->todo[s->nr_known++] = m;
	return 0;
}

/* v: any word. 0, also if it is no runtime.m. */
static int search__try(struct search *s, uint64_t v)
{
	const struct pw_layout *lay = &s->rt->layout;
	uint64_t g0, back, stack[2];
	size_t place;
	int err;

	if (!may_be_m(s, v) || search__place(s, v, &place) || s->tries == TRIES_MAX ||
	    s->nr_known == MSTACK_THREADS_MAX)
		return 0;
	s->tries++;
	err = addrspace__read(s->as, v + (uint64_t)lay->m_g0, &g0, sizeof(g0));
	if (err || !g0 || g0 % 8 || (!goheap__span(s->heap, g0) && !is_variable(s->rt, g0)))
		return err == -ESRCH ? err : 0;
	err = addrspace__read(s->as, g0 + (uint64_t)lay->g_m, &back, sizeof(back));
	if (!err && back == v)
		err = addrspace__read(s->as, g0 + (uint64_t)lay->g_stack_lo, stack, sizeof(stack));
	if (err || back != v)
		return err == -ESRCH ? err : 0;
	return search__keep(s, place, v, stack);
}

/* Every word of [from, from + len), but for what cannot be read. */
static int search__words(struct search *s, uint64_t from, uint64_t len)
{
	for (uint64_t at = 0; at + 8 <= len; at += PIECE_BYTES) {
		size_t n = len - at < PIECE_BYTES ? (size_t)(len - at) : PIECE_BYTES;
		int err = addrspace__read(s->as, from + at, s->buf, n);

		if (err == -ESRCH)
			return err;
		for (size_t i = 0; !err && i + 8 <= n; i += 8) {
			uint64_t v;

			memcpy(&v, s->buf + i, sizeof(v));
			err = search__try(s, v);
			if (err)
				return err;
		}
	}
	return 0;
}

static uint64_t m_bytes(const struct search *s, uint64_t m)
{
	const struct gospan *span = goheap__span(s->heap, m);

	return span ? span->elem_bytes - span->header : GOWN_M_BYTES_MAX;
}

static int search__all(struct search *s)
{
	const struct tabspan *bss = &s->rt->modules[0].bss;
	int err = search__words(s, bss->addr, bss->len < VARIABLES_MAX ? bss->len : VARIABLES_MAX);

	s->nr_heads = s->nr_known;
	for (size_t i = 0; i < s->nr_known && !err; i++)
		err = search__words(s, s->todo[i], m_bytes(s, s->todo[i]));
	return err;
}

/* --- the list of those that live --- */

/*
 * Threads on the way from m by the word at off of each, to the first thread's; 0: it does not lead
 * there.
 */
static size_t search__way(struct search *s, uint64_t m, uint64_t off)
{
	size_t len = 0, place;

	for (; m; len++) {
		uint64_t next;

		if (!search__place(s, m, &place) || len == s->nr_known || s->steps == STEPS_MAX)
			return 0;
		s->steps++;
		if (addrspace__read(s->as, m + off, &next, sizeof(next)))
			return 0;
		if (!next && goheap__span(s->heap, m))
			return 0;
		m = next;
	}
	return len;
}

/*
 * runtime.allm: the list that the first thread began, so it ends there; no other list of threads
 * that does is longer. What else leads to a record may be old: that of a thread that is gone, whose
 * stack may be C's by now.
 */
static size_t search__allm(struct search *s, uint64_t *ret_head, uint64_t *ret_off)
{
	size_t best = 1; /* a way that begins at the first thread's says nothing */

	for (size_t i = 0; i < s->nr_heads; i++)
		for (uint64_t off = 0; off + 8 <= m_bytes(s, s->todo[i]); off += 8) {
			size_t len = search__way(s, s->todo[i], off);

			if (len <= best)
				continue;
			best = len;
			*ret_head = s->todo[i];
			*ret_off = off;
		}
	return best > 1 ? best : 0;
}

/* The stacks of those in the list. */
static int search__told(struct search *s, struct crange **ret, size_t *ret_nr, uint64_t *ret_first)
{
	uint64_t m = 0, off = 0;
	size_t len = search__allm(s, &m, &off), nr = 0;
	struct crange *out = reallocarray(NULL, len + 1, sizeof(*out));

	if (!out)
		return -ENOMEM;
	*ret_first = 0;
	for (size_t place; m && nr < len && search__place(s, m, &place);) {
		struct crange r = s->stack_of[place];

		if (r.from < r.to && r.to - r.from <= MSTACK_BYTES_MAX)
			out[nr++] = r;
		if (!goheap__span(s->heap, m))
			*ret_first = r.to;
		if (addrspace__read(s->as, m + off, &m, sizeof(m)))
			break;
	}
	*ret = out;
	*ret_nr = nr;
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	const struct crange *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/*
 * Where two overlap, one thread has left and its record is not yet gone: the later begins at the
 * end of the other.
 */
static void settle(struct crange *r, size_t *nr)
{
	size_t kept = 0;

	if (*nr)
		qsort(r, *nr, sizeof(*r), compare_ranges);
	for (size_t i = 0; i < *nr; i++) {
		if (kept && r[i].from < r[kept - 1].to)
			r[i].from = r[kept - 1].to;
		if (r[i].from < r[i].to)
			r[kept++] = r[i];
	}
	*nr = kept;
}

int mstack_ranges(const struct addrspace *as, const struct goruntime *rt, const struct goheap *heap,
		  struct crange **ret, size_t *ret_nr, uint64_t *ret_first)
{
	struct search *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->as = as;
	s->rt = rt;
	s->heap = heap;
	err = search__all(s);
	if (!err)
		err = search__told(s, ret, ret_nr, ret_first);
	if (!err)
		settle(*ret, ret_nr);
	free(s->known);
	free(s->todo);
	free(s->stack_of);
	free(s);
	return err;
}
