/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/gorecord.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/order.h"
#include "base/vec.h"
#include "golang/gofacts.h"

#define PAGE_BYTES 4096u
/* bytes of a section that are looked at: the linker puts small variables first */
#define VARIABLES_MAX (4u << 20)
#define STEPS_MAX     (256u << 10) /* along all lists that are tried */
/* chunks in which they are looked for: of a heap of 50 GiB and more */
#define RING_CHUNKS_MAX 4096u
#define RING_MAX        (1u << 24) /* entries */
#define RINGS_MAX       65536u

/* Go runtime/mgcmark_greenteagc.go spanSPMC, Go 1.26 and 1.27. */
struct spmc {
	uint64_t list_prev, list_next;
	uint64_t dead; /* one byte */
	uint64_t prev;
	uint32_t head, tail;
	uint64_t cap; /* four bytes */
	uint64_t ring;
};

struct finding {
	const struct addrspace *as;
	const struct maps *maps;
	const struct goheap *heap;
	uint8_t *buf;     /* GORECORD_CHUNK */
	uint64_t *chunks; /* sorted once they are found */
	size_t nr, room;
	size_t steps;
	struct crange *rings;
	size_t nr_rings, room_rings;
};

/* Memory that Go may have asked the kernel for. */
static bool is_plain(const struct mapping *m)
{
	return (m->prot & PROT_READ) && (m->prot & PROT_WRITE) && !mapping_is_file(m) &&
	       (!m->path[0] || !strncmp(m->path, "[anon: Go", 9));
}

static bool all_plain(const struct maps *maps, uint64_t from, uint64_t len)
{
	const struct mapping *m = maps__at(maps, from), *end = maps->m + maps->nr;

	for (uint64_t at = from; m && m < end && m->start <= at && is_plain(m); m++) {
		if (m->end - from >= len)
			return true;
		at = m->end;
	}
	return false;
}

/* --- chunks --- */

/* Both are sorted. */
static bool holds_all_spans(const struct finding *f)
{
	const struct goheap *h = f->heap;
	size_t k = 0;

	for (size_t i = 1; i < f->nr; i++)
		if (f->chunks[i] - f->chunks[i - 1] < GORECORD_CHUNK)
			return false;
	for (size_t i = 0; i < h->nr_records; i++) {
		uint64_t at = h->records[i];

		while (k < f->nr && f->chunks[k] + GORECORD_CHUNK <= at)
			k++;
		if (k == f->nr || at < f->chunks[k] ||
		    at + h->record_bytes > f->chunks[k] + GORECORD_CHUNK)
			return false;
	}
	return h->nr_records > 0;
}

/* The list that begins with the chunk at `at`. 0; -ENOENT: it is none. */
static int finding__list(struct finding *f, uint64_t at)
{
	f->nr = 0;
	while (at) {
		int err;

		if (at % PAGE_BYTES || f->nr == GORECORD_CHUNKS_MAX || f->steps == STEPS_MAX ||
		    !all_plain(f->maps, at, GORECORD_CHUNK))
			return -ENOENT;
		f->steps++;
		err = vec__reserve(&f->chunks, &f->room, f->nr + 1, sizeof(*f->chunks));
		if (err)
			return err;
		f->chunks[f->nr++] = at;
		err = addrspace__read(f->as, at, &at, sizeof(at));
		if (err)
			return err == -ESRCH ? err : -ENOENT;
	}
	qsort(f->chunks, f->nr, sizeof(*f->chunks), order_u64);
	return holds_all_spans(f) ? 0 : -ENOENT;
}

/* The variable in s that refers to the newest. 0; -ENOENT: there is none. */
static int finding__variable(struct finding *f, const struct tabspan *s)
{
	uint64_t max = s->len < VARIABLES_MAX ? s->len : VARIABLES_MAX;

	for (uint64_t at = 0; at + 8 <= max; at += GORECORD_CHUNK) {
		size_t len = max - at < GORECORD_CHUNK ? (size_t)(max - at) : GORECORD_CHUNK;
		int err = addrspace__read(f->as, s->addr + at, f->buf, len);

		if (err)
			return err == -ESRCH ? err : -ENOENT;
		for (size_t i = 0; i + 8 <= len; i += 8) {
			uint64_t v;

			memcpy(&v, f->buf + i, sizeof(v));
			if (!v || v % PAGE_BYTES)
				continue;
			err = finding__list(f, v);
			if (err != -ENOENT)
				return err;
		}
	}
	return -ENOENT;
}

/* --- the collector's queues --- */

static bool is_in_chunks(const struct finding *f, uint64_t at)
{
	size_t lo = 0, hi = f->nr;

	while (lo < hi) { /* the first that does not end below it */
		size_t mid = lo + (hi - lo) / 2;

		if (f->chunks[mid] + GORECORD_CHUNK <= at)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < f->nr && at >= f->chunks[lo];
}

static bool is_ring(const struct finding *f, const struct spmc *q)
{
	return q->ring && q->ring % PAGE_BYTES == 0 && q->cap >= PAGE_BYTES / 8 &&
	       q->cap <= RING_MAX && !(q->cap & (q->cap - 1)) && q->tail - q->head <= q->cap &&
	       q->dead <= 1 && (!q->prev || is_in_chunks(f, q->prev)) &&
	       (!q->list_prev || is_in_chunks(f, q->list_prev)) &&
	       (!q->list_next || is_in_chunks(f, q->list_next)) && !is_in_chunks(f, q->ring) &&
	       all_plain(f->maps, q->ring, 8 * q->cap);
}

static int finding__rings(struct finding *f)
{
	for (size_t i = 0; i < f->nr && i < RING_CHUNKS_MAX; i++) {
		int err = addrspace__read(f->as, f->chunks[i], f->buf, GORECORD_CHUNK);

		if (err == -ESRCH)
			return err;
		for (size_t at = 8; !err && at + sizeof(struct spmc) <= GORECORD_CHUNK; at += 8) {
			struct spmc q;

			memcpy(&q, f->buf + at, sizeof(q));
			if (!is_ring(f, &q) || f->nr_rings == RINGS_MAX)
				continue;
			err = vec__reserve(&f->rings, &f->room_rings, f->nr_rings + 1,
					   sizeof(*f->rings));
			if (!err)
				f->rings[f->nr_rings++] =
					(struct crange){ q.ring, q.ring + 8 * q.cap };
		}
		if (err == -ENOMEM)
			return err;
	}
	return 0;
}

/* --- all of it --- */

static int compare_ranges(const void *a, const void *b)
{
	const struct crange *x = a, *y = b;

	return x->from < y->from ? -1 : x->from > y->from;
}

/* By address; of two that overlap only the first. */
static int finding__told(const struct finding *f, struct crange **ret, size_t *ret_nr)
{
	struct crange *out = reallocarray(NULL, f->nr + f->nr_rings + 1, sizeof(*out));
	size_t nr = 0, kept = 0;

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < f->nr; i++)
		out[nr++] = (struct crange){ f->chunks[i], f->chunks[i] + GORECORD_CHUNK };
	for (size_t i = 0; i < f->nr_rings; i++)
		out[nr++] = f->rings[i];
	qsort(out, nr, sizeof(*out), compare_ranges);
	for (size_t i = 0; i < nr; i++)
		if (!kept || out[i].from >= out[kept - 1].to)
			out[kept++] = out[i];
	*ret = out;
	*ret_nr = kept;
	return 0;
}

int gorecord_ranges(const struct addrspace *as, const struct maps *maps, const struct goruntime *rt,
		    const struct goheap *heap, struct crange **ret, size_t *ret_nr)
{
	struct finding f = { .as = as, .maps = maps, .heap = heap, .buf = malloc(GORECORD_CHUNK) };
	int err = f.buf ? finding__variable(&f, &rt->modules[0].noptrbss) : -ENOMEM;

	if (err == -ENOENT)
		err = finding__variable(&f, &rt->modules[0].bss);
	if (err)
		f.nr = 0;
	else if (gofacts_has(rt->minor, GO_SPAN_RINGS))
		err = finding__rings(&f);
	if (!err || err == -ENOENT)
		err = finding__told(&f, ret, ret_nr);
	free(f.buf);
	free(f.chunks);
	free(f.rings);
	return err;
}
