/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * done_chans: which channel belongs to which request: the Done channels of the request's own
 * context and of all that were made from it.
 *
 * A goroutine that waits for ctx.Done(), and does nothing afterwards, has no context in hand any
 * more, but it waits for the channel. The way down is cancelCtx.children, a map[canceler]struct{}:
 * of buckets up to Go 1.23 (runtime/map.go hmap, bmap), later of groups (internal/runtime/maps). It
 * ends at a context that is another request's own. Each context is met once.
 */
#include "requests/pass_state.h"

#include <errno.h>

#include "base/vec.h"
#include "golang/gofacts.h"

#define KEYS_MAX   65536u /* of one map that are looked at: slots, used or not */
#define SLOTS      8u     /* of a bucket, of a group */
#define TOPHASH    5u     /* a bucket's slot with less is empty, or was moved (runtime/map.go) */
#define CTRL_EMPTY 0x80u  /* a group's slot with it is empty, or deleted (maps/group.go) */
#define CHAIN_MAX  64u    /* overflow buckets of one bucket */
#define LOG_MAX    16u    /* log2 of buckets */
/* hmap, Map and table */
#define HMAP_LOG     9
#define HMAP_BUCKETS 16
#define MAP_DIR      16
#define MAP_DIR_LEN  24
#define TABLE_GROUPS 16
#define TABLE_MASK   24
/* internal/abi MapType: of buckets a u16, of groups words */
#define BUCKET_BYTES 82
#define GROUP_BYTES  80

struct way_down { /* contexts that were met, and not yet looked into */
	struct pass *p;
	uint64_t *todo; /* addresses of cancelCtxs */
	size_t nr, room;
	uint32_t keys; /* of the map that is looked at */
	struct u64map met;
	uint64_t of; /* index into served + 1 */
	int err;
};

/* An interface canceler is at addr. */
static void way_down__key(struct way_down *d, uint64_t addr)
{
	struct prover *pr = d->p->prover;
	const struct gotype *t = prover__held(pr, prover__word(pr, addr));
	const uint64_t at = prover__word(pr, addr + 8);
	const uint32_t n = t && prover__is(pr, at, t) ? contexts__at(d->p->contexts, t, at) : 0;
	const uint64_t cancel = n ? contexts__get(d->p->contexts, n)->cancel : 0;
	uint64_t known;

	d->keys++;
	if (!cancel || d->err || u64map__get(&d->met, cancel, &known) ||
	    u64map__get(&d->p->claims, cancel, &known))
		return;
	d->err = u64map__set(&d->met, cancel, n);
	if (!d->err)
		d->err = vec__reserve(&d->todo, &d->room, d->nr + 1, sizeof(*d->todo));
	if (!d->err)
		d->todo[d->nr++] = cancel;
}

static void way_down__buckets(struct way_down *d, uint64_t map)
{
	struct prover *pr = d->p->prover;
	const uint8_t log = prover__byte(pr, map + HMAP_LOG);
	const uint64_t first = prover__word(pr, map + HMAP_BUCKETS);
	const uint64_t bytes =
		prover__word(pr, d->p->of.web->children->addr + BUCKET_BYTES) & UINT16_MAX;

	if (log > LOG_MAX || bytes < 16)
		return;
	for (uint64_t b = 0; b < 1ull << log && d->keys < KEYS_MAX; b++) {
		uint64_t at = first + b * bytes;

		for (uint32_t k = 0; at && k < CHAIN_MAX; k++) {
			for (uint64_t i = 0; i < SLOTS; i++)
				if (prover__byte(pr, at + i) >= TOPHASH)
					way_down__key(d, at + SLOTS + 16 * i);
			d->keys++;
			at = prover__word(pr, at + bytes - 8);
		}
	}
}

static void way_down__group(struct way_down *d, uint64_t at, uint64_t stride)
{
	for (uint64_t i = 0; i < SLOTS; i++)
		if (!(prover__byte(d->p->prover, at + i) & CTRL_EMPTY))
			way_down__key(d, at + SLOTS + stride * i);
	d->keys++;
}

static void way_down__groups(struct way_down *d, uint64_t map, uint8_t stride_at)
{
	struct prover *pr = d->p->prover;
	const uint64_t type = d->p->of.web->children->addr;
	const uint64_t bytes = prover__word(pr, type + GROUP_BYTES),
		       stride = prover__word(pr, type + stride_at),
		       dir = prover__word(pr, map + MAP_DIR),
		       len = prover__word(pr, map + MAP_DIR_LEN);
	uint64_t last = 0;

	if (!len && dir)
		way_down__group(d, dir, stride);
	for (uint64_t i = 0; i < len && d->keys < KEYS_MAX; i++, d->keys++) {
		const uint64_t table = prover__word(pr, dir + 8 * i);
		const uint64_t groups = prover__word(pr, table + TABLE_GROUPS),
			       mask = prover__word(pr, table + TABLE_MASK);

		for (uint64_t g = 0; table != last && g <= mask && d->keys < KEYS_MAX; g++)
			way_down__group(d, groups + bytes * g, stride);
		last = table; /* tables stand several times in a row */
	}
}

static void way_down__children(struct way_down *d, uint64_t cancel)
{
	const struct webtypes *w = d->p->of.web;
	const uint8_t stride_at = gofacts_of(d->p->of.rt->minor)->maptype_stride;
	uint64_t map;

	if (!w->children || w->cancel_children == WEBTYPES_NONE)
		return;
	map = prover__word(d->p->prover, cancel + w->cancel_children);
	d->keys = 0;
	if (map && stride_at)
		way_down__groups(d, map, stride_at);
	else if (map)
		way_down__buckets(d, map);
}

/* The channel of a context. Two requests cannot have it: then nobody has. */
static void way_down__chan(struct way_down *d, uint64_t cancel, uint32_t n)
{
	const uint64_t chan = contexts__done(d->p->contexts, cancel);
	uint64_t known;

	if (!chan || d->err)
		return;
	d->err = u64map__set(&d->p->done, chan,
			     u64map__get(&d->p->done, chan, &known) ? CLAIM_UNCLEAR : d->of);
	if (!d->err)
		d->err = u64map__set(&d->p->done_context, chan, n);
}

static void way_down__from(struct way_down *d, const struct served *s)
{
	way_down__chan(d, s->own, s->context);
	way_down__children(d, s->own);
	while (d->nr && !d->err) {
		const uint64_t cancel = d->todo[--d->nr];
		uint64_t n = 0;

		(void)u64map__get(&d->met, cancel, &n);
		way_down__chan(d, cancel, (uint32_t)n);
		way_down__children(d, cancel);
	}
}

int pass__done_chans(struct pass *p)
{
	struct way_down d = { .p = p, .met = { .max = CONTEXTS_MAX } };

	for (size_t i = 0; i < p->nr_served && !d.err; i++) {
		uint64_t claimed = 0;

		if (!p->served[i].own || !u64map__get(&p->claims, p->served[i].own, &claimed) ||
		    claimed == CLAIM_UNCLEAR)
			continue;
		d.of = i + 1;
		way_down__from(&d, &p->served[i]);
	}
	u64map__done(&d.met);
	free(d.todo);
	return d.err;
}
