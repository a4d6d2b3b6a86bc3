/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "golang/golabels.h"

#define BASE 0x10000ull

struct memory {
	struct bufspace space;
	size_t used;
	uint8_t buf[65536];
};

static void memory__init(struct memory *m)
{
	memset(m, 0, sizeof(*m));
	m->used = 64;
	bufspace__init(&m->space, m->buf, sizeof(m->buf), BASE);
}

static void put(struct memory *m, size_t at, uint64_t v)
{
	memcpy(m->buf + at, &v, sizeof(v));
}

/* A Go string at `at`, its bytes behind all else. */
static void put_string(struct memory *m, size_t at, const char *s)
{
	put(m, at, BASE + m->used);
	put(m, at + 8, strlen(s));
	memcpy(m->buf + m->used, s, strlen(s));
	m->used += strlen(s);
}

static size_t take(struct memory *m, size_t bytes)
{
	size_t at = (m->used + 7) & ~7ul;

	m->used = at + bytes;
	return at;
}

static size_t put_list(struct memory *m, int nr)
{
	size_t hdr = take(m, 24), list = take(m, 32 * (size_t)nr);

	put(m, hdr, BASE + list);
	put(m, hdr + 8, (uint64_t)nr);
	for (int i = 0; i < nr; i++) {
		char key[16];

		snprintf(key, sizeof(key), "key%02d", i);
		put_string(m, list + 32 * (size_t)i, key);
		put_string(m, list + 32 * (size_t)i + 16, "value");
	}
	return hdr;
}

Test(golabels, a_list_is_read_from_go_124)
{
	static struct memory m;
	struct golabel l[4];
	size_t nr = 0, at;

	memory__init(&m);
	at = put_list(&m, 3);
	cr_assert_eq(golabels_read(&m.space.as, 24, BASE + at, l, 4, &nr), 0);
	cr_expect_eq(nr, 3);
	cr_expect_str_eq(l[2].key, "key02");
	cr_expect_str_eq(l[2].value, "value");
	cr_assert_eq(golabels_read(&m.space.as, 27, BASE + at, l, 2, &nr), 0);
	cr_expect_eq(nr, 2, "no more than there is room for");
}

/* A bucket of a map: used slots get keys first, first + 1, ... */
static void put_bucket(struct memory *m, size_t at, const uint8_t *tophash, int first,
		       uint64_t overflow)
{
	memcpy(m->buf + at, tophash, 8);
	for (size_t i = 0; i < 8; i++) {
		char key[16];

		snprintf(key, sizeof(key), "key%02d", first + (int)i);
		put_string(m, at + 8 + 16 * i, key);
		put_string(m, at + 136 + 16 * i, "v");
	}
	put(m, at + 264, overflow);
}

Test(golabels, a_map_in_the_middle_of_its_growth_is_read_whole_before_go_124)
{
	static const uint8_t none[8], two[8] = { 9, 0, 0, 200 }, moved[8] = { 3, 3, 3, 3 },
				      full[8] = { 5, 6, 7, 8, 9, 9, 9, 9 };
	static struct memory m;
	struct golabel l[GOLABELS_MAX];
	size_t nr = 0, map, word, buckets, over, old;

	memory__init(&m);
	word = take(&m, 8);
	map = take(&m, 48);
	buckets = take(&m, 4 * 272);
	over = take(&m, 272);
	old = take(&m, 2 * 272);
	put(&m, word, BASE + map);
	put(&m, map, 12);
	m.buf[map + 9] = 2;
	put(&m, map + 16, BASE + buckets);
	put(&m, map + 24, BASE + old);
	put_bucket(&m, buckets, two, 0, BASE + over);
	put_bucket(&m, over, two, 10, 0);
	for (size_t i = 1; i < 4; i++)
		put_bucket(&m, buckets + i * 272, none, 90, 0);
	put_bucket(&m, old, moved, 50, 0);
	put_bucket(&m, old + 272, full, 20, 0);
	cr_assert_eq(golabels_read(&m.space.as, 23, BASE + word, l, GOLABELS_MAX, &nr), 0);
	cr_expect_eq(nr, 2 + 2 + 8);
	cr_expect_str_eq(l[0].key, "key00");
	cr_expect_str_eq(l[1].key, "key03");
	cr_expect_str_eq(l[2].key, "key10");
	cr_expect_str_eq(l[11].key, "key27", "sorted by key");
	/* A bucket that overflows into itself. */
	put(&m, over + 264, BASE + over);
	cr_expect_eq(golabels_read(&m.space.as, 23, BASE + word, l, GOLABELS_MAX, &nr), -EBADMSG);
}

Test(golabels, none_is_none_and_nonsense_is_refused)
{
	static struct memory m;
	struct golabel l[2];
	size_t nr = 7, at;

	memory__init(&m);
	cr_expect_eq(golabels_read(&m.space.as, 22, 0, l, 2, &nr), 0);
	cr_expect_eq(nr, 0);
	cr_expect_eq(golabels_read(&m.space.as, 22, 8, l, 2, &nr), -EFAULT);
	at = put_list(&m, 1);
	put(&m, at + 8, 1ull << 50);
	cr_expect_eq(golabels_read(&m.space.as, 25, BASE + at, l, 2, &nr), -EBADMSG,
		     "a list without end");
	at = put_list(&m, 1);
	put(&m, at + 24 + 8, 1ull << 50);
	cr_expect_eq(golabels_read(&m.space.as, 25, BASE + at, l, 2, &nr), -EBADMSG,
		     "a key without end");
}

Test(golabels, a_long_value_is_cut_between_characters)
{
	static struct memory m;
	static char text[2 * GOLABELS_STR_MAX + 1];
	struct golabel l;
	size_t nr, hdr, list;

	memory__init(&m);
	for (size_t i = 0; i + 1 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	hdr = take(&m, 24);
	list = take(&m, 32);
	put(&m, hdr, BASE + list);
	put(&m, hdr + 8, 1);
	put_string(&m, list, "k");
	put_string(&m, list + 16, text);
	cr_assert_eq(golabels_read(&m.space.as, 27, BASE + hdr, &l, 1, &nr), 0);
	cr_expect_eq(strlen(l.value), (GOLABELS_STR_MAX - 1) / 2 * 2);
}
