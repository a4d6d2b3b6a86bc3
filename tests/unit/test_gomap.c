/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "golang/gofacts.h"
#include "requests/gomap.h"

#define BASE 0x10000ull
/* in memory: the type, the map, and what it has */
enum {
	TYPE = 0x100,
	MAP = 0x200,
	OLD = 0x300,
	NOW = 0x800,
	DIR = 0x1000,
	TABLES = 0x1100,
	BYTES = 0x4000
};

static uint8_t memory[BYTES];
static struct bufspace space;
static const struct gotype type = { .addr = BASE + TYPE };

static void put(uint64_t at, uint64_t v, size_t size)
{
	memcpy(memory + at, &v, size);
}

struct seen {
	uint64_t keys[64], elems[64];
	size_t nr, enough;
};

static bool see(void *ctx, uint64_t key, uint64_t elem)
{
	struct seen *s = ctx;

	s->keys[s->nr] = key - BASE;
	s->elems[s->nr++] = elem - BASE;
	return s->nr < s->enough;
}

static struct seen all(int minor, size_t enough)
{
	const struct goruntime rt = { .minor = minor };
	struct seen s = { .enough = enough };
	scoped(prover) p = NULL;

	bufspace__init(&space, memory, sizeof(memory), BASE);
	cr_assert_eq(prover__new(&space.as, &rt, NULL, NULL, &p), 0);
	gomap__each(p, minor, &type, BASE + MAP, see, &s);
	return s;
}

/* Keys of 8 bytes, elements of 16: a bucket has 8 + 64 + 128 + 8. */
#define BUCKET 208

static void make_buckets(uint8_t log, uint8_t flags)
{
	memset(memory, 0, sizeof(memory));
	put(TYPE + 80, 8, 1);
	put(TYPE + 81, 16, 1);
	put(TYPE + 82, BUCKET, 2);
	put(MAP + 8, flags, 1);
	put(MAP + 9, log, 1);
	put(MAP + 16, BASE + NOW, 8);
}

Test(gomap, has_buckets_and_those_they_overflow_into)
{
	struct seen s;

	make_buckets(1, 0);
	put(NOW + 3, 0x77, 1);
	put(NOW + 5, 4, 1); /* it was moved */
	put(NOW + BUCKET, 5, 1);
	put(NOW + 2 * BUCKET - 8, BASE + NOW + 2 * BUCKET, 8);
	put(NOW + 2 * BUCKET + 7, 0xff, 1);
	s = all(23, 64);
	cr_assert_eq(s.nr, 3);
	cr_expect_eq(s.keys[0], NOW + 8 + 3 * 8);
	cr_expect_eq(s.elems[0], NOW + 8 + 64 + 3 * 16);
	cr_expect_eq(s.keys[1], NOW + BUCKET + 8);
	cr_expect_eq(s.keys[2], NOW + 2 * BUCKET + 8 + 7 * 8);
	cr_expect_eq(all(23, 1).nr, 1, "that was enough");
}

Test(gomap, that_grows_has_old_buckets_that_were_not_moved)
{
	struct seen s;

	make_buckets(2, 0);
	put(MAP + 24, BASE + OLD, 8);
	put(OLD, 2, 1); /* the whole bucket was moved */
	put(OLD + 1, 0x77, 1);
	put(OLD + BUCKET + 1, 0x77, 1);
	put(OLD + 2 * BUCKET + 1, 0x77, 1); /* there are but two */
	s = all(15, 64);
	cr_assert_eq(s.nr, 1);
	cr_expect_eq(s.keys[0], OLD + BUCKET + 16);
	make_buckets(1, 8);
	put(MAP + 24, BASE + OLD, 8);
	put(OLD + BUCKET + 1, 0x77, 1);
	cr_expect_eq(all(15, 64).nr, 1, "as many as there are new ones");
}

/* Keys of 8 bytes, elements of 16, side by side: slots of 24. */
static void make_groups(int minor)
{
	memset(memory, 0, sizeof(memory));
	put(TYPE + 80, 8 + 8 * 24, 8);
	if (gofacts_of(minor)->maptype_stride == 88) {
		put(TYPE + 88, 24, 8);
		put(TYPE + 96, 8, 8);
		return;
	}
	put(TYPE + 88, 8, 8);
	put(TYPE + 96, 24, 8);
	put(TYPE + 104, 16, 8);
	put(TYPE + 112, 24, 8);
}

Test(gomap, that_is_small_has_one_group)
{
	for (int minor = 24; minor <= 27; minor++) {
		struct seen s;

		make_groups(minor);
		put(MAP + 16, BASE + NOW, 8);
		memset(memory + NOW, 0x80, 8);
		put(NOW + 2, 0x11, 1);
		put(NOW + 4, 0xfe, 1); /* deleted */
		s = all(minor, 64);
		cr_assert_eq(s.nr, 1, "Go 1.%d", minor);
		cr_expect_eq(s.keys[0], NOW + 8 + 2 * 24, "Go 1.%d", minor);
		cr_expect_eq(s.elems[0], NOW + 8 + 2 * 24 + 8, "Go 1.%d", minor);
	}
}

/* GOEXPERIMENT=mapsplitgroup: all keys, then all elements. */
Test(gomap, of_keys_and_elements_apart_has_both)
{
	struct seen s;

	make_groups(27);
	put(TYPE + 96, 8, 8);
	put(TYPE + 104, 8 + 64, 8);
	put(TYPE + 112, 16, 8);
	put(MAP + 16, BASE + NOW, 8);
	memset(memory + NOW, 0x80, 8);
	put(NOW + 2, 0x11, 1);
	s = all(27, 64);
	cr_assert_eq(s.nr, 1);
	cr_expect_eq(s.keys[0], NOW + 8 + 2 * 8);
	cr_expect_eq(s.elems[0], NOW + 8 + 64 + 2 * 16);
}

Test(gomap, that_is_large_has_tables_each_once)
{
	struct seen s;

	make_groups(26);
	put(MAP + 16, BASE + DIR, 8);
	put(MAP + 24, 4, 8);
	for (int i = 0; i < 4; i++)
		put(DIR + 8 * (uint64_t)i, BASE + TABLES + 0x40 * (uint64_t)(i / 2), 8);
	for (uint64_t i = 0; i < 2; i++) {
		put(TABLES + 0x40 * i + 16, BASE + NOW + 0x400 * i, 8);
		put(TABLES + 0x40 * i + 24, 1, 8); /* two groups */
		memset(memory + NOW + 0x400 * i, 0x80, 8);
		memset(memory + NOW + 0x400 * i + 200, 0x80, 8);
		put(NOW + 0x400 * i + 200, 0x11, 1);
	}
	s = all(26, 64);
	cr_assert_eq(s.nr, 2);
	cr_expect_eq(s.keys[0], NOW + 200 + 8);
	cr_expect_eq(s.keys[1], NOW + 0x400 + 200 + 8);
}

static bool count(void *ctx, uint64_t key, uint64_t elem)
{
	(void)key;
	(void)elem;
	++*(size_t *)ctx;
	return true;
}

Test(gomap, that_never_ends_has_a_bound)
{
	for (int minor = 23; minor <= 24; minor++) {
		const struct goruntime rt = { .minor = minor };
		scoped(prover) p = NULL;
		size_t nr = 0;

		memset(memory, 0x11, sizeof(memory));
		bufspace__init(&space, memory, sizeof(memory), BASE);
		cr_assert_eq(prover__new(&space.as, &rt, NULL, NULL, &p), 0);
		put(TYPE + 80, 8, 1);
		put(TYPE + 81, 16, 1);
		put(TYPE + 82, BUCKET, 2);
		put(MAP + 9, 16, 1);
		put(MAP + 16, BASE + (minor == 23 ? NOW : DIR), 8);
		put(MAP + 24, minor == 23 ? 0 : UINT64_MAX, 8);
		put(DIR, BASE + TABLES, 8);
		put(TABLES + 16, BASE + NOW, 8);
		put(TABLES + 24, UINT64_MAX, 8);
		gomap__each(p, minor, &type, BASE + MAP, count, &nr);
		cr_expect_leq(nr, GOMAP_SLOTS_MAX, "Go 1.%d", minor);
	}
}
