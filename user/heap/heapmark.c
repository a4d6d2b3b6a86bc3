/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/heapmark.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/clock.h"

#define BATCH_BYTES (1u << 20)
#define BATCH_SPANS 256u
#define FOUND       128u /* pointers that are marked together */

/* A span, with all that marking asks of it side by side: it is asked for each pointer there is. */
struct markspan {
	uint64_t start;
	uint64_t elem_bytes;
	uint32_t bits; /* number of its first bit, in both sets */
	/*
	 * offset * magic >> 32 is the number of an object (Go runtime/mbitmap.go divideByElemSize)
	 */
	uint32_t magic;
	uint16_t nelems;
	uint16_t grey; /* objects that are marked and not looked into */
	bool noscan;
};

struct heapmark {
	const struct goheap *h;          /* borrowed */
	const struct runtime_words *own; /* borrowed */
	uint64_t deadline_ns, bytes;
	struct markspan *spans;  /* owned, as are the others */
	uint64_t *marked, *grey; /* sets of bits */
	size_t nr_grey;          /* spans with grey objects */
	uint64_t found[FOUND];   /* pointers into the heap, to be marked */
	size_t nr_found;
	uint8_t *buf; /* BATCH_BYTES */
	/* spans that were read together: numbers, and where they are in buf */
	uint32_t batch[BATCH_SPANS];
	uint32_t at[BATCH_SPANS];
	struct memread reads[BATCH_SPANS];
	size_t nr_batch;
};

void heapmark__free(struct heapmark *m)
{
	if (!m)
		return;
	free(m->spans);
	free(m->marked);
	free(m->grey);
	free(m->buf);
	free(m);
}

int heapmark__new(const struct runtime_words *own, uint64_t deadline_ns, struct heapmark **ret)
{
	scoped(heapmark) m = calloc(1, sizeof(*m));
	uint64_t bits = 0;

	if (!m)
		return -ENOMEM;
	m->h = own->heap;
	m->own = own;
	m->deadline_ns = deadline_ns;
	m->spans = calloc(m->h->nr + 1, sizeof(*m->spans));
	m->buf = malloc(BATCH_BYTES);
	if (!m->spans || !m->buf)
		return -ENOMEM;
	for (size_t i = 0; i < m->h->nr; i++) {
		const struct gospan *sp = &m->h->spans[i];

		if (bits > HEAPMARK_SLOTS_MAX)
			return -E2BIG;
		m->spans[i] = (struct markspan){
			.start = sp->start,
			.elem_bytes = sp->elem_bytes,
			.bits = (uint32_t)bits,
			.magic = sp->nelems > 1 ? (uint32_t)(UINT32_MAX / sp->elem_bytes + 1) : 0,
			.nelems = sp->nelems,
			.noscan = sp->noscan || runtime_words_has_only_gs(own, sp),
		};
		bits += sp->nelems;
	}
	m->marked = calloc(bits / 64 + 1, sizeof(*m->marked));
	m->grey = calloc(bits / 64 + 1, sizeof(*m->grey));
	if (!m->marked || !m->grey)
		return -ENOMEM;
	*ret = steal(m);
	return 0;
}

uint64_t heapmark__bytes(const struct heapmark *m)
{
	return m->bytes;
}

/* --- marks --- */

/* The span that holds value, which lies in the heap; NULL: none. */
static inline struct markspan *heapmark__find(const struct heapmark *m, uint64_t value)
{
	const struct goheap *h = m->h;
	const struct gospan *s;

	if (h->index) {
		uint32_t i = h->index[(value - h->lo) / GOHEAP_PAGE];

		return i ? &m->spans[i - 1] : NULL;
	}
	s = goheap__span(h, value);
	return s ? &m->spans[s - h->spans] : NULL;
}

/* false: it lies behind the last object. */
static inline bool markspan__bit(const struct markspan *s, uint64_t value, uint64_t *ret)
{
	uint64_t off = value - s->start,
		 i = s->nelems > 1 ? off * s->magic >> 32 : off >= s->elem_bytes;

	*ret = s->bits + i;
	return i < s->nelems;
}

static inline void heapmark__mark(struct heapmark *m, struct markspan *s, uint64_t bit)
{
	uint64_t mask = 1ull << bit % 64;

	if (m->marked[bit / 64] & mask)
		return;
	m->marked[bit / 64] |= mask;
	m->bytes += s->elem_bytes;
	if (s->noscan)
		return;
	m->grey[bit / 64] |= mask;
	m->nr_grey += !s->grey++;
}

/*
 * Those that were found. Each is three looks into memory that is seldom in a cache away from its
 * mark, so they go there
 * together: what one needs next is fetched while the others are looked at.
 */
static void heapmark__found(struct heapmark *m)
{
	struct markspan *spans[FOUND];
	uint64_t bits[FOUND];

	for (size_t i = 0; i < m->nr_found && m->h->index; i++)
		__builtin_prefetch(&m->h->index[(m->found[i] - m->h->lo) / GOHEAP_PAGE]);
	for (size_t i = 0; i < m->nr_found; i++) {
		spans[i] = heapmark__find(m, m->found[i]);
		__builtin_prefetch(spans[i]);
	}
	for (size_t i = 0; i < m->nr_found; i++) {
		if (spans[i] && !markspan__bit(spans[i], m->found[i], &bits[i]))
			spans[i] = NULL;
		if (spans[i])
			__builtin_prefetch(&m->marked[bits[i] / 64]);
	}
	for (size_t i = 0; i < m->nr_found; i++)
		if (spans[i])
			heapmark__mark(m, spans[i], bits[i]);
	m->nr_found = 0;
}

void heapmark__value(struct heapmark *m, uint64_t value)
{
	if (value - m->h->lo >= m->h->hi - m->h->lo)
		return;
	m->found[m->nr_found++] = value;
	if (m->nr_found == FOUND)
		heapmark__found(m);
}

/* --- into objects --- */

static void heapmark__words(struct heapmark *m, const uint8_t *bytes, size_t len)
{
	const uint64_t lo = m->h->lo, range = m->h->hi - m->h->lo;

	for (size_t i = 0; i + 8 <= len; i += 8) {
		uint64_t v;

		memcpy(&v, bytes + i, sizeof(v));
		if (v - lo >= range)
			continue;
		m->found[m->nr_found++] = v;
		if (m->nr_found == FOUND)
			heapmark__found(m);
	}
}

/* p: the span. The runtime's own counts as far as heap/runtime_words says. */
static void heapmark__object(struct heapmark *m, const struct gospan *s, uint64_t base,
			     const struct wordpiece *p)
{
	uint64_t from = base + s->header, to = base + s->elem_bytes;

	if (runtime_words_may_be_in(m->own, s))
		runtime_words_stretch(m->own, s, base, p, &from, &to);
	heapmark__words(m, p->bytes + (from - p->addr), to - from);
}

/* What is grey in the span, whose objects are in memory. */
static void heapmark__span(struct heapmark *m, uint32_t span, const uint8_t *bytes)
{
	const struct gospan *s = &m->h->spans[span];
	struct markspan *ms = &m->spans[span];
	const struct wordpiece p = { .addr = s->start,
				     .len = s->nelems * s->elem_bytes,
				     .bytes = bytes };

	for (uint64_t i = 0; i < s->nelems && ms->grey; i++) {
		uint64_t bit = ms->bits + i;

		if (!(m->grey[bit / 64] >> bit % 64 & 1))
			continue;
		m->grey[bit / 64] &= ~(1ull << bit % 64);
		m->nr_grey -= !--ms->grey;
		heapmark__object(m, s, s->start + i * s->elem_bytes, &p);
	}
}

/* What cannot be read leads nowhere: the target gave it back. */
static int heapmark__flush(struct heapmark *m)
{
	bool again = m->nr_batch;

	addrspace__read_batch(m->own->as, m->reads, m->nr_batch);
	for (size_t i = 0; i < m->nr_batch; i++) {
		if (m->reads[i].err == -ESRCH)
			return -ESRCH;
		if (m->reads[i].err)
			memset(m->reads[i].buf, 0, m->reads[i].len);
	}
	/* They lead to each other. Nothing is marked twice, so it ends. */
	while (again) {
		again = false;
		for (size_t i = 0; i < m->nr_batch; i++)
			heapmark__span(m, m->batch[i], m->reads[i].buf);
		heapmark__found(m);
		for (size_t i = 0; i < m->nr_batch && !again; i++)
			again = m->spans[m->batch[i]].grey;
	}
	m->nr_batch = 0;
	return clock_now_ns() > m->deadline_ns ? -ETIME : 0;
}

/*
 * A span that is larger than what is read at once holds one object: it is gone through in pieces.
 */
static int heapmark__large(struct heapmark *m, uint32_t span)
{
	const struct gospan *s = &m->h->spans[span];
	struct markspan *ms = &m->spans[span];
	uint64_t end = s->start + s->nelems * s->elem_bytes;

	for (uint64_t i = 0; i < s->nelems; i++)
		m->grey[(ms->bits + i) / 64] &= ~(1ull << (ms->bits + i) % 64);
	ms->grey = 0;
	m->nr_grey--;
	for (uint64_t at = s->start; at < end; at += BATCH_BYTES) {
		size_t len = end - at < BATCH_BYTES ? (size_t)(end - at) : BATCH_BYTES;
		int err = addrspace__read(m->own->as, at, m->buf, len);

		if (err == -ESRCH || clock_now_ns() > m->deadline_ns)
			return err == -ESRCH ? err : -ETIME;
		if (!err)
			heapmark__words(m, m->buf, len);
	}
	heapmark__found(m);
	return 0;
}

/* One span on the way through the heap. */
static int heapmark__come_to(struct heapmark *m, uint32_t span, size_t *used)
{
	const struct gospan *s = &m->h->spans[span];
	uint64_t len = s->nelems * s->elem_bytes;
	int err;

	if (!m->spans[span].grey)
		return 0;
	if (len > BATCH_BYTES - *used || m->nr_batch == BATCH_SPANS) {
		err = heapmark__flush(m);
		*used = 0;
		if (err)
			return err;
	}
	if (len > BATCH_BYTES)
		return heapmark__large(m, span);
	if (!m->spans[span].grey)
		return 0;
	m->batch[m->nr_batch] = span;
	m->reads[m->nr_batch++] = (struct memread){ s->start, m->buf + *used, (size_t)len, 0 };
	*used += len;
	return 0;
}

int heapmark__follow(struct heapmark *m)
{
	const size_t nr = m->h->nr;

	heapmark__found(m);
	for (bool up = true; m->nr_grey; up = !up) {
		size_t used = 0;
		int err = 0;

		for (size_t i = 0; i < nr && !err; i++)
			err = heapmark__come_to(m, (uint32_t)(up ? i : nr - 1 - i), &used);
		if (!err)
			err = heapmark__flush(m);
		if (err)
			return err;
	}
	return 0;
}
