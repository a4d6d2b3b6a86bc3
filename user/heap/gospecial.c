/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/gospecial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/vec.h"
#include "golang/gofacts.h"

#define BATCH 1024u
/* bytes of a special that are looked at; the longest, a cleanup, has 56 */
#define RECORD_MAX 64u

enum meaning {
	MEANS_NOTHING = 0, /* of the memory profiler, a pinned object, a test */
	MEANS_OBJECT = 1,  /* the object may be used again */
	MEANS_WORDS = 2,   /* what its record points at may be used */
	MEANS_SECRET = 4,  /* the object is not to be shown */
};

/* A list that is followed. */
struct strand {
	uint64_t start; /* of the span */
	uint64_t at;    /* special that is read next */
	uint32_t nr;    /* that were read */
};

struct reading {
	const struct addrspace *as;
	const struct goruntime *rt;
	const struct goheap *heap;
	struct gospecials *s;
	size_t objects_room, secrets_room, words_room, nr;
	struct strand *strands;
	size_t nr_strands;
	size_t record_bytes;
	uint8_t *buf;
	struct memread reads[BATCH];
};

void gospecials__free(struct gospecials *s)
{
	if (!s)
		return;
	free(s->objects);
	free(s->words);
	free(s->secrets);
	free(s);
}

static void reading__free(struct reading *r)
{
	if (!r)
		return;
	gospecials__free(r->s);
	free(r->strands);
	free(r->buf);
	free(r);
}
DEFINE_SCOPED(reading)

/*
 * Go runtime/mheap.go _KindSpecial*: Go 1.23 put the weak handles at 2, Go 1.25 the tiny blocks
 * before all; Go 1.26 has secrets at 10. What is newer than the last known may mean anything.
 */
static int meaning_of(int minor, uint8_t kind)
{
	int i = gofacts_has(minor, GO_SPECIAL_TINY) ? kind - 1 : kind;

	if (!gofacts_has(minor, GO_SPECIAL_WEAK) && i >= 2)
		i++;
	switch (i) {
	case 0: return MEANS_NOTHING;              /* tiny block */
	case 1: return MEANS_OBJECT | MEANS_WORDS; /* finalizer */
	case 2: return MEANS_OBJECT;               /* weak handle */
	case 3:                                    /* profile */
	case 4:                                    /* reachable */
	case 5: return MEANS_NOTHING;              /* pin counter */
	case 6: return MEANS_WORDS;                /* cleanup */
	case 9: return gofacts_has(minor, GO_SECRETS) ? MEANS_SECRET : MEANS_OBJECT | MEANS_WORDS;
	default: return MEANS_OBJECT | MEANS_WORDS;
	}
}

static int add(uint64_t **v, size_t *nr, size_t *room, uint64_t addr)
{
	int err = vec__reserve(v, room, *nr + 1, sizeof(**v));

	if (!err)
		(*v)[(*nr)++] = addr;
	return err;
}

static int reading__words(struct reading *r, uint64_t object, const uint8_t *record)
{
	for (size_t at = (size_t)r->rt->objects.special_size; at + 8 <= r->record_bytes; at += 8) {
		uint64_t v;
		int err;

		memcpy(&v, record + at, sizeof(v));
		if (v < r->heap->lo || v >= r->heap->hi)
			continue;
		err = vec__reserve(&r->s->words, &r->words_room, r->s->nr_words + 1,
				   sizeof(*r->s->words));
		if (err)
			return err;
		r->s->words[r->s->nr_words++] = (struct gospecial_word){ v, object };
	}
	return 0;
}

static int reading__take(struct reading *r, struct strand *st, const uint8_t *record)
{
	const struct goobjects *lay = &r->rt->objects;
	uint8_t kind = record[lay->special_kind];
	int meaning = meaning_of(r->rt->minor, kind), err = 0;
	uint64_t offset, next;

	memcpy(&offset, record + lay->special_offset, sizeof(offset));
	memcpy(&next, record + lay->special_next, sizeof(next));
	if (!gofacts_has(r->rt->minor, GO_SPECIAL_WIDE))
		offset &= UINT16_MAX;
	if (meaning & MEANS_OBJECT)
		err = add(&r->s->objects, &r->s->nr_objects, &r->objects_room, st->start + offset);
	if (!err && meaning & MEANS_SECRET)
		err = add(&r->s->secrets, &r->s->nr_secrets, &r->secrets_room, st->start + offset);
	if (!err && meaning & MEANS_WORDS)
		err = reading__words(r, st->start + offset, record);
	st->at = next;
	return err;
}

/* The next special of some lists. */
static int reading__round(struct reading *r, struct strand *st, size_t nr)
{
	int err = 0;

	for (size_t i = 0; i < nr; i++)
		r->reads[i] = (struct memread){ .addr = st[i].at,
						.buf = r->buf + i * RECORD_MAX,
						.len = r->record_bytes };
	addrspace__read_batch(r->as, r->reads, nr);
	for (size_t i = 0; i < nr && !err; i++) {
		if (r->reads[i].err == -ESRCH)
			return -ESRCH;
		r->nr++;
		if (r->reads[i].err || ++st[i].nr > GOSPECIALS_LIST_MAX || r->nr > GOSPECIALS_MAX) {
			r->s->lost++;
			st[i].at = 0;
			continue;
		}
		err = reading__take(r, &st[i], r->reads[i].buf);
	}
	return err;
}

static int reading__all(struct reading *r)
{
	while (r->nr_strands) {
		size_t left = 0;

		for (size_t i = 0; i < r->nr_strands; i += BATCH) {
			size_t nr = r->nr_strands - i < BATCH ? r->nr_strands - i : BATCH;
			int err = reading__round(r, r->strands + i, nr);

			if (err)
				return err;
		}
		for (size_t i = 0; i < r->nr_strands; i++)
			if (r->strands[i].at)
				r->strands[left++] = r->strands[i];
		r->nr_strands = left;
	}
	return 0;
}

static int reading__init(struct reading *r)
{
	const struct goobjects *lay = &r->rt->objects;
	size_t nr = 0;

	if (lay->special_size <= 0 || lay->special_size > (int32_t)RECORD_MAX - 8 ||
	    lay->special_next < 0 || lay->special_offset < 0 || lay->special_kind < 0 ||
	    lay->special_next > lay->special_size - 8 ||
	    lay->special_offset > lay->special_size - 2 || lay->special_kind >= lay->special_size)
		return -EBADMSG;
	r->record_bytes = RECORD_MAX;
	for (size_t i = 0; i < r->heap->nr; i++)
		nr += r->heap->spans[i].specials != 0;
	r->s = calloc(1, sizeof(*r->s));
	r->strands = reallocarray(NULL, nr + 1, sizeof(*r->strands));
	r->buf = malloc(BATCH * RECORD_MAX);
	if (!r->s || !r->strands || !r->buf)
		return -ENOMEM;
	for (size_t i = 0; i < r->heap->nr; i++)
		if (r->heap->spans[i].specials)
			r->strands[r->nr_strands++] =
				(struct strand){ r->heap->spans[i].start,
						 r->heap->spans[i].specials, 0 };
	return 0;
}

int gospecials__read(const struct addrspace *as, const struct goruntime *rt,
		     const struct goheap *heap, struct gospecials **ret)
{
	scoped(reading) r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->as = as;
	r->rt = rt;
	r->heap = heap;
	err = reading__init(r);
	if (!err)
		err = reading__all(r);
	if (err)
		return err;
	if (r->s->nr_objects)
		qsort(r->s->objects, r->s->nr_objects, sizeof(*r->s->objects), order_u64);
	if (r->s->nr_secrets)
		qsort(r->s->secrets, r->s->nr_secrets, sizeof(*r->s->secrets), order_u64);
	*ret = steal(r->s);
	return 0;
}

/* Whether one of v, which are sorted, lies in [addr, addr + size). */
static bool has_one(const uint64_t *v, size_t nr, uint64_t addr, uint64_t size)
{
	size_t lo = 0, hi = nr;

	while (lo < hi) { /* the first that is not below addr */
		size_t mid = lo + (hi - lo) / 2;

		if (v[mid] < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < nr && v[lo] - addr < size;
}

bool gospecials__revives(const struct gospecials *s, uint64_t addr, uint64_t size)
{
	return has_one(s->objects, s->nr_objects, addr, size);
}

bool gospecials__secret(const struct gospecials *s, uint64_t addr, uint64_t size)
{
	return has_one(s->secrets, s->nr_secrets, addr, size);
}
