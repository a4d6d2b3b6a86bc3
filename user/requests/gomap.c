/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/gomap.h"

#include "golang/gofacts.h"

#define SLOTS      8u    /* of a bucket, of a group */
#define TOPHASH    5u    /* a bucket's slot with less is empty, or was moved (runtime/map.go) */
#define MOVED      2u    /* the first of a bucket of old ones that were moved */
#define CTRL_EMPTY 0x80u /* a group's slot with it is empty, or deleted (maps/group.go) */
#define CHAIN_MAX  64u   /* overflow buckets of one bucket */
#define LOG_MAX    16u   /* log2 of buckets */
/* hmap, Map and table */
#define HMAP_FLAGS     8
#define HMAP_SAME_SIZE 8u /* of the flags: the old buckets are as many */
#define HMAP_LOG       9
#define HMAP_BUCKETS   16
#define HMAP_OLD       24
#define MAP_DIR        16
#define MAP_DIR_LEN    24
#define TABLE_GROUPS   16
#define TABLE_MASK     24
/* internal/abi MapType: of buckets bytes and a u16; of groups words */
#define KEY_BYTES    80
#define ELEM_BYTES   81
#define BUCKET_BYTES 82
#define GROUP_BYTES  80
#define SLOT_BYTES   88 /* 1.24 to 1.26: key and element side by side */
#define ELEM_AT      96
#define KEYS_AT      88 /* 1.27: where each of them begins, and how far apart they are */
#define KEYS_APART   96
#define ELEMS_AT     104
#define ELEMS_APART  112

struct gomap {
	struct prover *p;
	uint64_t type;
	gomap_fn *fn;
	void *ctx;
	uint64_t keys_at, keys_apart, elems_at, elems_apart;
	uint32_t seen; /* slots */
	bool enough;
};

/* Whether another one is to be looked at; that is counted. */
static bool gomap__next(struct gomap *m)
{
	return !m->enough && m->seen++ < GOMAP_SLOTS_MAX;
}

static void gomap__slot(struct gomap *m, uint64_t at, uint64_t i)
{
	m->enough = !m->fn(m->ctx, at + m->keys_at + m->keys_apart * i,
			   at + m->elems_at + m->elems_apart * i);
}

/* --- buckets --- */

static void gomap__bucket(struct gomap *m, uint64_t at, uint64_t bytes, bool old)
{
	for (uint32_t k = 0; at && k < CHAIN_MAX && !m->enough; k++) {
		const uint8_t first = prover__byte(m->p, at);

		if (old && first >= MOVED && first < TOPHASH)
			return;
		for (uint64_t i = 0; i < SLOTS && gomap__next(m); i++)
			if (prover__byte(m->p, at + i) >= TOPHASH)
				gomap__slot(m, at, i);
		at = prover__word(m->p, at + bytes - 8);
	}
}

static void gomap__buckets(struct gomap *m, uint64_t map)
{
	const uint8_t log = prover__byte(m->p, map + HMAP_LOG),
		      flags = prover__byte(m->p, map + HMAP_FLAGS);
	const uint64_t now = prover__word(m->p, map + HMAP_BUCKETS),
		       old = prover__word(m->p, map + HMAP_OLD),
		       bytes = prover__word(m->p, m->type + BUCKET_BYTES) & UINT16_MAX;
	const uint64_t nr = log > LOG_MAX ? 0 : 1ull << log,
		       nr_old = flags & HMAP_SAME_SIZE ? nr : nr / 2;

	m->keys_apart = prover__byte(m->p, m->type + KEY_BYTES);
	m->elems_apart = prover__byte(m->p, m->type + ELEM_BYTES);
	m->keys_at = SLOTS;
	m->elems_at = SLOTS + SLOTS * m->keys_apart;
	if (bytes < m->elems_at + SLOTS * m->elems_apart + 8)
		return;
	for (uint64_t b = 0; now && b < nr && !m->enough; b++)
		gomap__bucket(m, now + b * bytes, bytes, false);
	for (uint64_t b = 0; old && b < nr_old && !m->enough; b++)
		gomap__bucket(m, old + b * bytes, bytes, true);
}

/* --- groups --- */

static void gomap__group(struct gomap *m, uint64_t at)
{
	for (uint64_t i = 0; i < SLOTS && gomap__next(m); i++)
		if (!(prover__byte(m->p, at + i) & CTRL_EMPTY))
			gomap__slot(m, at, i);
}

static void gomap__groups(struct gomap *m, uint64_t map)
{
	const uint64_t bytes = prover__word(m->p, m->type + GROUP_BYTES),
		       dir = prover__word(m->p, map + MAP_DIR),
		       len = prover__word(m->p, map + MAP_DIR_LEN);
	uint64_t last = 0;

	if (!len && dir)
		gomap__group(m, dir);
	for (uint64_t i = 0; i < len && gomap__next(m); i++) {
		const uint64_t table = prover__word(m->p, dir + 8 * i);
		const uint64_t groups = prover__word(m->p, table + TABLE_GROUPS),
			       mask = prover__word(m->p, table + TABLE_MASK);

		for (uint64_t g = 0; table != last && g <= mask && gomap__next(m); g++)
			gomap__group(m, groups + bytes * g);
		last = table; /* tables stand several times in a row */
	}
}

static void gomap__layout(struct gomap *m, uint8_t stride_at)
{
	if (stride_at == SLOT_BYTES) {
		m->keys_at = SLOTS;
		m->elems_at = SLOTS + prover__word(m->p, m->type + ELEM_AT);
		m->keys_apart = m->elems_apart = prover__word(m->p, m->type + SLOT_BYTES);
		return;
	}
	m->keys_at = prover__word(m->p, m->type + KEYS_AT);
	m->keys_apart = prover__word(m->p, m->type + KEYS_APART);
	m->elems_at = prover__word(m->p, m->type + ELEMS_AT);
	m->elems_apart = prover__word(m->p, m->type + ELEMS_APART);
}

void gomap__each(struct prover *p, int minor, const struct gotype *t, uint64_t map, gomap_fn *fn,
		 void *ctx)
{
	const uint8_t stride_at = gofacts_of(minor)->maptype_stride;
	struct gomap m = { .p = p, .type = t->addr, .fn = fn, .ctx = ctx };

	if (!map)
		return;
	if (!stride_at) {
		gomap__buckets(&m, map);
		return;
	}
	gomap__layout(&m, stride_at);
	gomap__groups(&m, map);
}
