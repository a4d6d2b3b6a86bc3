/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/golabels.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "golang/gofacts.h"

/* labels that a list may have before it is called nonsense */
#define LIST_MAX    4096
#define BUCKETS_MAX 1024       /* of a map, overflow buckets included */
#define STRING_MAX  (1u << 24) /* longest string believed */

/* Go up to 1.23 runtime/map.go: hmap and bmap of a map[string]string. */
#define HMAP_BYTES          32
#define HMAP_FLAGS          8
#define HMAP_B              9
#define HMAP_BUCKETS        16
#define HMAP_OLD            24
#define HMAP_SAME_SIZE_GROW 8
#define BUCKET_SLOTS        8
#define BUCKET_BYTES        272
#define BUCKET_KEYS         8
#define BUCKET_VALUES       136
#define BUCKET_OVERFLOW     264
#define TOPHASH_MOVED_FIRST 2 /* evacuatedX, evacuatedY, evacuatedEmpty */
#define TOPHASH_MOVED_LAST  4
#define TOPHASH_USED        5 /* minTopHash */
#define GOSTRING_BYTES      16

struct labels {
	const struct addrspace *as;
	struct golabel *out;
	size_t max, nr;
	unsigned int buckets_left;
};

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * The Go string whose header is at hdr; what is too long is cut before a UTF-8 sequence, not
 * inside of it.
 */
static int read_string(const struct addrspace *as, const uint8_t *hdr, char *buf)
{
	uint64_t ptr = get_u64(hdr), len = get_u64(hdr + 8);
	size_t n = len < GOLABELS_STR_MAX - 1 ? len : GOLABELS_STR_MAX - 1;
	int err;

	if (len > STRING_MAX)
		return -EBADMSG;
	err = n ? addrspace__read(as, ptr, buf, n) : 0;
	if (err == -EACCES) {
		memset(buf, 0, GOLABELS_STR_MAX);
		strcpy(buf, GOLABELS_SECRET);
		return 0;
	}
	if (err)
		return err;
	if (n < len)
		while (n && ((unsigned char)buf[n - 1] & 0xc0) == 0x80)
			n--;
	if (n && n < len && (unsigned char)buf[n - 1] >= 0xc0)
		n--;
	memset(buf + n, 0, GOLABELS_STR_MAX - n);
	return 0;
}

/* Inserts in order; of more than max labels those with the smallest keys stay. */
static int labels__add(struct labels *l, const uint8_t *key, const uint8_t *value)
{
	struct golabel new;
	size_t at;
	int err = read_string(l->as, key, new.key);

	if (!err)
		err = read_string(l->as, value, new.value);
	if (err)
		return err;
	for (at = l->nr; at && strcmp(l->out[at - 1].key, new.key) > 0; at--)
		;
	if (at == l->max)
		return 0;
	if (l->nr == l->max)
		l->nr--;
	memmove(&l->out[at + 1], &l->out[at], (l->nr - at) * sizeof(*l->out));
	l->out[at] = new;
	l->nr++;
	return 0;
}

/*
 * One bucket and those it overflows into. `old`: of a table that is being emptied, skip what has
 * left it.
 */
static int labels__add_bucket(struct labels *l, uint64_t addr, bool old)
{
	uint8_t b[BUCKET_BYTES];

	while (addr) {
		int err = l->buckets_left-- ? addrspace__read(l->as, addr, b, sizeof(b)) : -EBADMSG;

		if (err)
			return err;
		if (old && b[0] >= TOPHASH_MOVED_FIRST && b[0] <= TOPHASH_MOVED_LAST)
			return 0;
		for (size_t i = 0; i < BUCKET_SLOTS; i++) {
			if (b[i] < TOPHASH_USED)
				continue;
			err = labels__add(l, b + BUCKET_KEYS + i * GOSTRING_BYTES,
					  b + BUCKET_VALUES + i * GOSTRING_BYTES);
			if (err)
				return err;
		}
		addr = get_u64(b + BUCKET_OVERFLOW);
	}
	return 0;
}

static int labels__read_map(struct labels *l, uint64_t ptr)
{
	uint8_t h[HMAP_BYTES];
	uint64_t map, nr, nr_old, buckets, old;
	int err = addrspace__read(l->as, ptr, &map, sizeof(map));

	if (err || !map)
		return err;
	err = addrspace__read(l->as, map, h, sizeof(h));
	if (err)
		return err;
	if (h[HMAP_B] > 16 || get_u64(h) > LIST_MAX)
		return -EBADMSG;
	nr = 1ull << h[HMAP_B];
	nr_old = h[HMAP_FLAGS] & HMAP_SAME_SIZE_GROW ? nr : nr / 2;
	buckets = get_u64(h + HMAP_BUCKETS);
	old = get_u64(h + HMAP_OLD);
	if (!old)
		nr_old = 0;
	if (!buckets)
		nr = 0;
	l->buckets_left = BUCKETS_MAX;
	for (uint64_t i = 0; !err && i < nr; i++)
		err = labels__add_bucket(l, buckets + i * BUCKET_BYTES, false);
	/* More than eight labels: the map may be caught in the middle of its growth. */
	for (uint64_t i = 0; !err && i < nr_old; i++)
		err = labels__add_bucket(l, old + i * BUCKET_BYTES, true);
	return err;
}

static int labels__read_list(struct labels *l, uint64_t ptr)
{
	uint64_t hdr[2];
	int err = addrspace__read(l->as, ptr, hdr, sizeof(hdr));

	if (err)
		return err;
	if (hdr[1] > LIST_MAX)
		return -EBADMSG;
	for (uint64_t i = 0; !err && i < hdr[1]; i++) {
		uint8_t pair[2 * GOSTRING_BYTES];

		err = addrspace__read(l->as, hdr[0] + i * sizeof(pair), pair, sizeof(pair));
		if (!err)
			err = labels__add(l, pair, pair + GOSTRING_BYTES);
	}
	return err;
}

int golabels_read(const struct addrspace *as, int go_minor, uint64_t ptr, struct golabel *labels,
		  size_t max, size_t *ret_nr)
{
	struct labels l = { .as = as, .out = labels, .max = max };
	int err = 0;

	if (ptr && max)
		err = gofacts_has(go_minor, GO_LABEL_LIST) ? labels__read_list(&l, ptr)
							   : labels__read_map(&l, ptr);
	if (!err)
		*ret_nr = l.nr;
	return err;
}
