/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/galloc.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "golang/goglobals.h"

#define PROOF_PS     8    /* of the list, that are looked at before it is believed */
#define P_STATUS_MAX 4    /* _Pdead: runtime/runtime2.go */
#define SLOTS_MAX    8192 /* of a span: a page of 8-byte objects has 1024 */
#define SPAN_PART    64   /* bytes of an mspan from nelems on that hold all that is read */
#define RATE_MAX     (1ULL << 40)
#define STATS_COPIES 3    /* of heapStatsDelta in heapStats: their sum counts */
#define STATS_BYTES  2048 /* of a heapStatsDelta, at most: it has 1176 */
#define CACHE_LINE   64   /* internal/cpu CacheLinePadSize */
#define STATS_TRIES  8

enum { FN_PROCRESIZE, FN_PROFILEALLOC, FN_ALLOCLARGE, FN_ACQUIRE, FN_REFILL, FN_CACHESPAN, FN_MAX };

static const char *const names[FN_MAX] = {
	[FN_PROCRESIZE] = "runtime.procresize",
	[FN_PROFILEALLOC] = "runtime.profilealloc",
	[FN_ALLOCLARGE] = "runtime.(*mcache).allocLarge",
	[FN_ACQUIRE] = "runtime.(*consistentHeapStats).acquire",
	[FN_REFILL] = "runtime.(*mcache).refill",
	[FN_CACHESPAN] = "runtime.(*mcentral).cacheSpan",
};

struct slice {
	uint64_t ptr, len, cap;
};

static bool layout_known(const struct goobjects *o)
{
	return o->p_mcache != PW_NO_FIELD && o->mcache_alloc != PW_NO_FIELD &&
	       o->mspan_nelems != PW_NO_FIELD && o->mspan_alloccount > o->mspan_nelems &&
	       o->mspan_spanclass > o->mspan_nelems &&
	       o->mspan_alloccount - o->mspan_nelems <= SPAN_PART - 2 &&
	       o->mspan_spanclass - o->mspan_nelems < SPAN_PART;
}

/* Go 1.15 counts in each mcentral, of which there is one a span class. */
static bool counts_in_mcentral(const struct goobjects *o)
{
	return o->mcentral_size > 0 && o->mcentral_size <= STATS_BYTES &&
	       o->mcentral_nmalloc >= 0 && o->mcentral_nmalloc <= o->mcentral_size - 8 &&
	       o->mheap_central >= 0 && o->mheap_largealloc >= 0;
}

static bool stats_known(const struct goobjects *o)
{
	if (counts_in_mcentral(o))
		return true;
	return o->heapstats_size > 0 && o->heapstats_size <= STATS_BYTES &&
	       o->heapstats_large >= 0 && o->heapstats_large <= o->heapstats_size - 8 &&
	       o->heapstats_small >= 0 &&
	       o->heapstats_small <= o->heapstats_size - 8 * GOSIZES_CLASSES &&
	       (o->mspan_before == PW_NO_FIELD ||
		(o->mspan_before >= o->mspan_nelems &&
		 o->mspan_before - o->mspan_nelems <= SPAN_PART - 2));
}

int galloc__ps(const struct addrspace *as, uint64_t allp, uint64_t *ps, size_t max, size_t *ret_nr)
{
	struct slice s;
	int err = addrspace__read(as, allp, &s, sizeof(s));

	if (err)
		return err;
	if (!s.len || s.len > s.cap || s.len > GALLOC_PS_MAX || !s.ptr || s.ptr % 8)
		return -EBADMSG;
	*ret_nr = s.len < max ? s.len : max;
	return addrspace__read(as, s.ptr, ps, *ret_nr * sizeof(*ps));
}

/* What a span class of a P has left, and what it has handed out since the runtime counted it last
 * (from Go 1.19). */
struct cached {
	uint64_t left[GOSIZES_SPAN_CLASSES], uncounted[GOSIZES_SPAN_CLASSES];
};

static uint16_t part_u16(const uint8_t *part, const struct goobjects *o, int32_t off)
{
	uint16_t v;

	memcpy(&v, part + off - o->mspan_nelems, sizeof(v));
	return v;
}

/* What one mcache has, added to the sums; -EBADMSG if a span is not of its class: no mcache, or
 * another layout. */
static int add_mcache(const struct addrspace *as, const struct goruntime *rt, uint64_t mcache,
		      struct cached *sum)
{
	const struct goobjects *o = &rt->objects;
	uint64_t spans[GOSIZES_SPAN_CLASSES];
	uint8_t parts[GOSIZES_SPAN_CLASSES][SPAN_PART];
	struct memread reads[GOSIZES_SPAN_CLASSES];
	unsigned int nr = gosizes_span_classes(rt->minor);
	int err =
		addrspace__read(as, mcache + (uint64_t)o->mcache_alloc, spans, nr * sizeof(*spans));

	if (err)
		return err;
	for (unsigned int i = 0; i < nr; i++)
		reads[i] = (struct memread){ spans[i] + (uint64_t)o->mspan_nelems, parts[i],
					     SPAN_PART, 0 };
	addrspace__read_batch(as, reads, nr);
	for (unsigned int i = 0; i < nr; i++) {
		uint16_t nelems, used, before = 0;

		if (reads[i].err)
			return reads[i].err;
		nelems = part_u16(parts[i], o, o->mspan_nelems);
		used = part_u16(parts[i], o, o->mspan_alloccount);
		if (o->mspan_before != PW_NO_FIELD)
			before = part_u16(parts[i], o, o->mspan_before);
		if (!nelems) /* emptymspan */
			continue;
		if (parts[i][o->mspan_spanclass - o->mspan_nelems] != i || nelems > SLOTS_MAX ||
		    used > nelems || before > used)
			return -EBADMSG;
		sum->left[i] += nelems - used;
		sum->uncounted[i] += used - before;
	}
	return 0;
}

static int add_p(const struct addrspace *as, const struct goruntime *rt, uint64_t p,
		 struct cached *sum)
{
	uint64_t mcache;
	int err = addrspace__read(as, p + (uint64_t)rt->objects.p_mcache, &mcache, sizeof(mcache));

	if (err || !mcache)
		return err;
	return add_mcache(as, rt, mcache, sum);
}

/* The slice is a list of Ps. */
static bool proves(const struct addrspace *as, const struct goruntime *rt, uint64_t allp)
{
	struct cached sum = { .left = { 0 } };
	uint64_t ps[PROOF_PS];
	size_t nr;

	if (galloc__ps(as, allp, ps, PROOF_PS, &nr))
		return false;
	for (size_t i = 0; i < nr; i++) {
		int32_t id;
		uint32_t status;

		if (addrspace__read(as, ps[i] + (uint64_t)rt->layout.p_id, &id, sizeof(id)) ||
		    addrspace__read(as, ps[i] + (uint64_t)rt->layout.p_status, &status,
				    sizeof(status)) ||
		    id != (int32_t)i || status > P_STATUS_MAX || add_p(as, rt, ps[i], &sum))
			return false;
	}
	return true;
}

/* The receiver of a call: of acquire in allocLarge, in Go 1.15 of cacheSpan in refill. */
static void find_stats(const struct addrspace *as, const struct goruntime *rt,
		       const struct gofunc *fn, struct galloc *h)
{
	bool in_mcentral = counts_in_mcentral(&rt->objects);
	const struct gofunc *caller = &fn[in_mcentral ? FN_REFILL : FN_ALLOCLARGE];
	const struct gofunc *callee = &fn[in_mcentral ? FN_CACHESPAN : FN_ACQUIRE];
	uint8_t code[GOGLOBALS_CODE_MAX];
	size_t len;

	if (stats_known(&rt->objects) && callee->entry && !goglobals_code(as, caller, code, &len))
		(void)goglobals_receiver(rt->arch, code, len, caller->entry, callee->entry,
					 &h->stats);
}

int galloc__find(const struct addrspace *as, const struct goruntime *rt, struct galloc *ret)
{
	uint64_t slices[GOGLOBALS_SLICES_MAX];
	struct gofunc fn[FN_MAX];
	uint8_t code[GOGLOBALS_CODE_MAX];
	struct galloc h = { 0 };
	size_t len, nr;
	int err;

	if (!layout_known(&rt->objects))
		return -EOPNOTSUPP;
	err = gosym__find(rt->sym, 0, names, FN_MAX, fn);
	if (!err)
		err = goglobals_code(as, &fn[FN_PROCRESIZE], code, &len);
	if (!err)
		err = goglobals_slices(rt->arch, code, len, fn[FN_PROCRESIZE].entry, slices, &nr);
	if (err)
		return err;
	for (size_t i = 0; i < nr && !h.allp; i++)
		if (proves(as, rt, slices[i]))
			h.allp = slices[i];
	if (!h.allp)
		return -EBADMSG;
	if (!goglobals_code(as, &fn[FN_PROFILEALLOC], code, &len))
		(void)goglobals_profile_rate(rt->arch, code, len, fn[FN_PROFILEALLOC].entry,
					     rt->minor, &h.profile_rate);
	find_stats(as, rt, fn, &h);
	*ret = h;
	return 0;
}

static int read_caches(const struct addrspace *as, const struct goruntime *rt,
		       const struct galloc *h, struct cached *ret)
{
	struct cached sum = { .left = { 0 } };
	uint64_t ps[GALLOC_PS_MAX];
	size_t nr = 0;
	int err = layout_known(&rt->objects) ? galloc__ps(as, h->allp, ps, GALLOC_PS_MAX, &nr)
					     : -EOPNOTSUPP;

	for (size_t i = 0; i < nr && !err; i++)
		err = add_p(as, rt, ps[i], &sum);
	if (!err)
		*ret = sum;
	return err;
}

int galloc__free_slots(const struct addrspace *as, const struct goruntime *rt,
		       const struct galloc *h, uint64_t ret[GOSIZES_SPAN_CLASSES])
{
	struct cached sum;
	int err = read_caches(as, rt, h, &sum);

	if (!err)
		memcpy(ret, sum.left, sizeof(sum.left));
	return err;
}

/* mheap_.central is an array of mcentrals, each padded so that it has cache lines of its own. */
static int read_mcentrals(const struct addrspace *as, const struct goruntime *rt,
			  const struct galloc *h, uint64_t ret[GOSIZES_CLASSES])
{
	const struct goobjects *o = &rt->objects;
	uint64_t stride = (uint64_t)(o->mcentral_size + CACHE_LINE - o->mcentral_size % CACHE_LINE);
	uint64_t large = h->stats - (uint64_t)o->mheap_central + (uint64_t)o->mheap_largealloc;
	uint64_t counts[GOSIZES_SPAN_CLASSES] = { 0 };
	struct memread reads[GOSIZES_SPAN_CLASSES];
	unsigned int nr = gosizes_span_classes(rt->minor);

	for (unsigned int i = 0; i < nr; i++)
		reads[i] = (struct memread){
			i < 2 ? large : h->stats + i * stride + (uint64_t)o->mcentral_nmalloc,
			&counts[i], sizeof(counts[i]), 0
		};
	addrspace__read_batch(as, reads, nr);
	memset(ret, 0, GOSIZES_CLASSES * sizeof(*ret));
	for (unsigned int i = 1; i < nr; i++) { /* large ones once */
		if (reads[i].err)
			return reads[i].err;
		ret[i / 2] += counts[i];
	}
	return 0;
}

/* The sum of the copies: what is in one of them moves to another when somebody reads them. */
static int read_stats(const struct addrspace *as, const struct goruntime *rt,
		      const struct galloc *h, uint64_t ret[GOSIZES_CLASSES])
{
	const struct goobjects *o = &rt->objects;
	uint8_t raw[STATS_COPIES * STATS_BYTES];
	int err;

	if (counts_in_mcentral(o))
		return read_mcentrals(as, rt, h, ret);
	err = addrspace__read(as, h->stats, raw, STATS_COPIES * (size_t)o->heapstats_size);

	memset(ret, 0, GOSIZES_CLASSES * sizeof(*ret));
	for (int k = 0; k < STATS_COPIES && !err; k++) {
		const uint8_t *copy = raw + k * o->heapstats_size;
		uint64_t v;

		memcpy(&v, copy + o->heapstats_large, sizeof(v));
		ret[0] += v;
		for (unsigned int c = 1; c < gosizes_span_classes(rt->minor) / 2; c++) {
			memcpy(&v, copy + o->heapstats_small + 8 * c, sizeof(v));
			ret[c] += v;
		}
	}
	return err;
}

/* Until nothing was counted while the caches were read; of a program that is too busy for that the
 * last reading stands. */
int galloc__handed_out(const struct addrspace *as, const struct goruntime *rt,
		       const struct galloc *h, uint64_t ret[GOSIZES_CLASSES])
{
	uint64_t before[GOSIZES_CLASSES], after[GOSIZES_CLASSES];
	bool at_the_end = rt->objects.mspan_before !=
			  PW_NO_FIELD; /* spans are counted when given up, else when taken */
	struct cached sum;
	int err = -EOPNOTSUPP;

	if (!h->stats || !layout_known(&rt->objects) || !stats_known(&rt->objects))
		return -EOPNOTSUPP;
	for (int i = 0; i < STATS_TRIES; i++) {
		err = read_stats(as, rt, h, before);
		if (!err)
			err = read_caches(as, rt, h, &sum);
		if (err == -EBADMSG) /* a span changed hands while it was read */
			continue;
		if (!err)
			err = read_stats(as, rt, h, after);
		if (err || !memcmp(before, after, sizeof(before)))
			break;
	}
	if (err)
		return err;
	for (unsigned int i = 2; i < gosizes_span_classes(rt->minor); i++)
		before[i / 2] += at_the_end ? sum.uncounted[i] : -sum.left[i];
	memcpy(ret, before, sizeof(before));
	return 0;
}

uint64_t galloc__grown(uint64_t *mark, uint64_t now)
{
	int64_t grown = (int64_t)(now - *mark);

	if (grown <= 0)
		return 0;
	*mark = now;
	return (uint64_t)grown;
}

int galloc__profile_rate(const struct addrspace *as, const struct galloc *h, uint64_t *ret)
{
	uint64_t rate;
	int err = h->profile_rate ? addrspace__read(as, h->profile_rate, &rate, sizeof(rate))
				  : -ENOENT;

	if (err)
		return err;
	if (rate > RATE_MAX)
		return -EBADMSG;
	*ret = rate;
	return 0;
}
