/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/goheap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/vec.h"
#include "golang/gofacts.h"
#include "golang/goglobals.h"

#define USER_END    (1ULL << 48) /* of arm64; of amd64 it is half of that */
#define BATCH       4096u        /* spans that are read together */
#define STRETCH_MAX (64u << 10)  /* bytes that are read as one piece */
#define GAP_MAX     1024u        /* between spans that are read as one */
#define MSPAN_MAX   512u         /* bytes of a runtime.mspan that are looked at */
#define LIST_TRIES  4            /* Go moves the list when it grows */
/* bytes of an object whose pointers a bitmap of the span tells (Go runtime/mbitmap.go) */
#define HEADERLESS_MAX 512u
#define DOUBTS_MAX     8 /* one span in 8 may make no sense: it changes just now */

enum { STATE_IN_USE = 1 }; /* Go runtime/mheap.go mSpanInUse: it holds objects */

struct reading {
	const struct addrspace *as;
	const struct goobjects *lay;
	int minor;
	bool keep_records;
	size_t mspan_bytes;
	struct goheap *heap;
	size_t room, seen;
	uint64_t *addrs; /* of one batch */
	uint32_t *at;    /* where in buf each of them is */
	struct memread *reads;
	uint8_t *buf;
	size_t buf_room;
};

void goheap__free(struct goheap *h)
{
	if (!h)
		return;
	free(h->spans);
	free(h->index);
	free(h->records);
	free(h);
}

static void reading_done(struct reading *r)
{
	goheap__free(r->heap);
	free(r->addrs);
	free(r->at);
	free(r->reads);
	free(r->buf);
}

static uint64_t word(const uint8_t *bytes, int32_t off)
{
	uint64_t v;

	memcpy(&v, bytes + off, sizeof(v));
	return v;
}

/* --- where it is --- */

static int find_mheap(const struct addrspace *as, const struct goruntime *rt, uint64_t *ret)
{
	static const char *const names[] = { "runtime.mallocinit", "runtime.(*mheap).init" };
	struct gofunc fn[ARRAY_SIZE(names)];
	uint8_t code[GOGLOBALS_CODE_MAX];
	size_t len;
	int err = gosym__find(rt->sym, 0, names, ARRAY_SIZE(names), fn);

	if (err)
		return err;
	if (!fn[1].entry)
		return -EBADMSG;
	err = goglobals_code(as, &fn[0], code, &len);
	return err ? err : goglobals_receiver(rt->arch, code, len, fn[0].entry, fn[1].entry, ret);
}

/* 0: this Go's layout is not known. */
static size_t mspan_bytes(const struct goobjects *lay)
{
	const int32_t offsets[] = { lay->mspan_start,   lay->mspan_npages,    lay->mspan_elemsize,
				    lay->mspan_nelems,  lay->mspan_spanclass, lay->mspan_state,
				    lay->mspan_specials };
	int32_t last = 0;

	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		if (offsets[i] < 0 || offsets[i] > (int32_t)MSPAN_MAX - 8)
			return 0;
		last = offsets[i] > last ? offsets[i] : last;
	}
	return (size_t)last + 8;
}

/* --- spans --- */

/* 0; -ENOENT: it holds no objects; -EBADMSG: it is no span, or changes just now. */
static int take_span(const struct reading *r, const uint8_t *b, struct gospan *ret)
{
	const struct goobjects *lay = r->lay;
	uint64_t npages = word(b, lay->mspan_npages), nelems = word(b, lay->mspan_nelems);
	uint8_t class = b[lay->mspan_spanclass], state = b[lay->mspan_state];
	struct gospan s = {
		.start = word(b, lay->mspan_start),
		.elem_bytes = word(b, lay->mspan_elemsize),
		.specials = word(b, lay->mspan_specials),
		.noscan = class & 1,
	};

	if (gofacts_has(r->minor, GO_HEAP_HEADERS))
		nelems &= UINT16_MAX;
	if (state > 2)
		return -EBADMSG;
	if (state != STATE_IN_USE)
		return -ENOENT;
	if (!s.start || s.start % GOHEAP_PAGE || s.start >= USER_END || !npages ||
	    npages > (USER_END - s.start) / GOHEAP_PAGE || npages > UINT32_MAX || !nelems ||
	    nelems > UINT16_MAX || !s.elem_bytes || s.elem_bytes % 8 ||
	    s.elem_bytes > npages * GOHEAP_PAGE / nelems)
		return -EBADMSG;
	s.npages = (uint32_t)npages;
	s.nelems = (uint16_t)nelems;
	s.tiny = s.noscan && s.elem_bytes == GOHEAP_TINY;
	if (gofacts_has(r->minor, GO_HEAP_HEADERS) && !s.noscan && class >> 1 &&
	    s.elem_bytes > HEADERLESS_MAX)
		s.header = 8;
	*ret = s;
	return 0;
}

/* record: where these bytes are. */
static int reading__keep(struct reading *r, uint64_t record, const uint8_t *bytes)
{
	struct goheap *h = r->heap;
	struct gospan s;
	int err = take_span(r, bytes, &s);

	r->seen++;
	if (err == -EBADMSG)
		h->refused++;
	if (err)
		return 0;
	if (h->nr == GOHEAP_SPANS_MAX)
		return -E2BIG;
	err = vec__reserve(&h->spans, &r->room, h->nr + 1, sizeof(*h->spans));
	s.record = record;
	if (!err)
		h->spans[h->nr++] = s;
	return err;
}

/* Those of addrs[first ..] that lie close behind each other become one piece. Returns how many. */
static size_t reading__stretch(const struct reading *r, size_t first, size_t nr, size_t *ret_len)
{
	uint64_t start = r->addrs[first], end = start + r->mspan_bytes;
	size_t i = first + 1;

	for (; i < nr; i++) {
		uint64_t a = r->addrs[i];

		if (a < end || a - end > GAP_MAX || a + r->mspan_bytes - start > STRETCH_MAX)
			break;
		end = a + r->mspan_bytes;
	}
	*ret_len = end - start;
	return i - first;
}

static int reading__room(struct reading *r, size_t need)
{
	uint8_t *p;

	if (need <= r->buf_room)
		return 0;
	p = realloc(r->buf, need);
	if (!p)
		return -ENOMEM;
	r->buf = p;
	r->buf_room = need;
	return 0;
}

/* A piece that could not be read whole, span by span. */
static int reading__alone(struct reading *r, size_t first, size_t nr)
{
	uint8_t bytes[MSPAN_MAX];

	for (size_t i = first; i < first + nr; i++) {
		int err = addrspace__read(r->as, r->addrs[i], bytes, r->mspan_bytes);

		if (err == -ESRCH)
			return err;
		if (err)
			r->heap->refused++;
		err = err ? 0 : reading__keep(r, r->addrs[i], bytes);
		if (err)
			return err;
	}
	return 0;
}

/* addrs[0 .. nr - 1] */
static int reading__batch(struct reading *r, size_t nr)
{
	size_t pieces = 0, bytes = 0, len, n;
	int err = 0;

	for (size_t i = 0; i < nr; i += n) {
		n = reading__stretch(r, i, nr, &len);
		for (size_t k = i; k < i + n; k++)
			r->at[k] = (uint32_t)(bytes + (r->addrs[k] - r->addrs[i]));
		r->reads[pieces++] = (struct memread){ .addr = r->addrs[i], .len = len };
		bytes += len;
	}
	err = reading__room(r, bytes);
	if (err)
		return err;
	bytes = 0;
	for (size_t i = 0; i < pieces; i++) {
		r->reads[i].buf = r->buf + bytes;
		bytes += r->reads[i].len;
	}
	addrspace__read_batch(r->as, r->reads, pieces);
	pieces = 0;
	for (size_t i = 0; i < nr && !err; i += n, pieces++) {
		n = reading__stretch(r, i, nr, &len);
		if (r->reads[pieces].err == -ESRCH)
			return -ESRCH;
		if (r->reads[pieces].err)
			err = reading__alone(r, i, n);
		for (size_t k = i; k < i + n && !r->reads[pieces].err && !err; k++)
			err = reading__keep(r, r->addrs[k], r->buf + r->at[k]);
	}
	return err;
}

/* --- the list --- */

static int reading__list(struct reading *r, uint64_t header)
{
	uint64_t h[3]; /* ptr, len, cap */
	int err = addrspace__read(r->as, header, h, sizeof(h));

	if (err)
		return err;
	free(r->heap->records);
	r->heap->records = NULL;
	r->heap->nr_records = 0;
	if (!h[0] || h[0] % 8 || h[0] >= USER_END || !h[1] || h[1] > h[2] || h[1] > GOHEAP_LIST_MAX)
		return -EBADMSG;
	if (r->keep_records) {
		r->heap->records = reallocarray(NULL, h[1], sizeof(*r->heap->records));
		if (!r->heap->records)
			return -ENOMEM;
	}
	for (uint64_t i = 0; i < h[1]; i += BATCH) {
		size_t nr = h[1] - i < BATCH ? (size_t)(h[1] - i) : BATCH;

		err = addrspace__read(r->as, h[0] + 8 * i, r->addrs, 8 * nr);
		for (size_t k = 0; k < nr && !err; k++)
			if (r->addrs[k] % 8 || r->addrs[k] < 4096 || r->addrs[k] >= USER_END)
				err = -EBADMSG;
		if (err)
			return err;
		if (r->keep_records) {
			memcpy(r->heap->records + i, r->addrs, 8 * nr);
			r->heap->nr_records += nr;
		}
		err = reading__batch(r, nr);
		if (err)
			return err;
	}
	return 0;
}

static int compare_spans(const void *a, const void *b)
{
	const struct gospan *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Without it spans are searched for. */
static void goheap__make_index(struct goheap *h)
{
	uint64_t pages = (h->hi - h->lo) / GOHEAP_PAGE;

	free(h->index);
	h->index = pages <= GOHEAP_INDEX_MAX ? calloc(pages, sizeof(*h->index)) : NULL;
	for (size_t i = 0; i < h->nr && h->index; i++)
		for (uint32_t k = 0; k < h->spans[i].npages; k++)
			h->index[(h->spans[i].start - h->lo) / GOHEAP_PAGE + k] = (uint32_t)i + 1;
}

/* Of two that overlap one was given back and made anew while they were read. */
static void goheap__settle(struct goheap *h)
{
	size_t nr = 0;

	if (h->nr) /* qsort() takes no NULL */
		qsort(h->spans, h->nr, sizeof(*h->spans), compare_spans);
	for (size_t i = 0; i < h->nr; i++) {
		if (nr && h->spans[i].start < gospan_end(&h->spans[nr - 1])) {
			h->refused++;
			continue;
		}
		h->spans[nr++] = h->spans[i];
	}
	h->nr = nr;
	if (h->nr_records)
		qsort(h->records, h->nr_records, sizeof(*h->records), order_u64);
	h->lo = h->hi = h->scan_bytes = 0;
	if (!nr)
		return;
	h->lo = h->spans[0].start;
	h->hi = gospan_end(&h->spans[nr - 1]);
	for (size_t i = 0; i < nr; i++)
		if (!h->spans[i].noscan)
			h->scan_bytes += h->spans[i].nelems * h->spans[i].elem_bytes;
	goheap__make_index(h);
}

static int reading__all(struct reading *r)
{
	uint64_t header = r->heap->mheap + (uint64_t)r->lay->mheap_allspans;
	int err = -EFAULT;

	for (int i = 0; i < LIST_TRIES; i++) {
		r->heap->nr = r->heap->refused = r->seen = 0;
		err = reading__list(r, header);
		if (!err && r->heap->refused > r->seen / DOUBTS_MAX)
			err = -EBADMSG;
		if (!err)
			goheap__settle(r->heap);
		if ((!err && !r->heap->refused) || (err && err != -EFAULT && err != -EBADMSG))
			break;
	}
	return err;
}

int goheap__read(const struct addrspace *as, const struct goruntime *rt, struct goheap **ret,
		 struct cause *why)
{
	struct reading r = {
		.as = as, .lay = &rt->objects, .minor = rt->minor, .keep_records = rt->cgo
	};
	int err = 0;

	r.mspan_bytes = mspan_bytes(r.lay);
	if (!r.mspan_bytes || r.lay->mheap_allspans < 0)
		return cause__set(why, -EBADMSG, "how %s lays out its heap is not known",
				  rt->version);
	r.heap = calloc(1, sizeof(*r.heap));
	if (r.heap)
		r.heap->record_bytes = r.mspan_bytes;
	r.addrs = reallocarray(NULL, BATCH, sizeof(*r.addrs));
	r.at = reallocarray(NULL, BATCH, sizeof(*r.at));
	r.reads = reallocarray(NULL, BATCH, sizeof(*r.reads));
	if (!r.heap || !r.addrs || !r.at || !r.reads)
		err = -ENOMEM;
	if (!err)
		err = find_mheap(as, rt, &r.heap->mheap);
	if (!err)
		err = reading__all(&r);
	if (!err)
		*ret = steal(r.heap);
	reading_done(&r);
	if (err == -E2BIG)
		return cause__set(why, err, "the heap has more than %u spans", GOHEAP_SPANS_MAX);
	if (err && err != -ESRCH && err != -ENOMEM)
		return cause__set(
			why, err,
			"cannot tell where the heap is: runtime.mheap_ is not as %s has it",
			rt->version);
	return err;
}

/* --- questions --- */

const struct gospan *goheap__span(const struct goheap *h, uint64_t addr)
{
	size_t lo = 0, hi = h->nr;

	if (addr < h->lo || addr >= h->hi)
		return NULL;
	if (h->index) {
		uint32_t i = h->index[(addr - h->lo) / GOHEAP_PAGE];

		return i ? &h->spans[i - 1] : NULL;
	}
	while (hi - lo > 1) { /* spans[lo].start <= addr < spans[hi].start */
		size_t mid = lo + (hi - lo) / 2;

		if (h->spans[mid].start <= addr)
			lo = mid;
		else
			hi = mid;
	}
	return addr < gospan_end(&h->spans[lo]) ? &h->spans[lo] : NULL;
}

bool goheap__is_record(const struct goheap *h, uint64_t addr)
{
	size_t lo = 0, hi = h->nr_records;

	while (hi > lo + 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (h->records[mid] <= addr)
			lo = mid;
		else
			hi = mid;
	}
	return hi && addr - h->records[lo] < h->record_bytes;
}

int goheap__object(const struct goheap *h, uint64_t addr, struct goobject *ret)
{
	const struct gospan *s = goheap__span(h, addr);
	uint64_t base;

	if (!s || !gospan_object(s, addr, &base))
		return -ENOENT;
	*ret = (struct goobject){ .base = base, .size = s->elem_bytes, .span = s };
	return 0;
}
