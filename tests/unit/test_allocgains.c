/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>

#include "engine/allocgains.h"

static const struct pw_alloc_key a = { .stack_id = 1 }, b = { .stack_id = 2 };

static struct {
	size_t nr;
	struct allocgain v[8];
} seen;

static void note(void *ctx, const struct allocgain *g)
{
	(void)ctx;
	if (seen.nr < 8)
		seen.v[seen.nr++] = *g;
}

static void each(const struct allocgains *g, size_t interval, uint16_t rt)
{
	seen.nr = 0;
	allocgains__each(g, interval, rt, note, NULL);
}

static void add(struct allocgains *g, uint16_t rt, const struct pw_alloc_key *key, uint64_t objects,
		uint64_t bytes)
{
	cr_assert_eq(allocgains__add(g, rt, key, &(struct pw_alloc_sum){ objects, bytes }), 0);
}

Test(allocgains, an_interval_has_what_grew_in_it)
{
	scoped(allocgains) g = NULL;

	cr_assert_eq(allocgains__new(&g), 0);
	add(g, 0, &a, 10, 100);
	add(g, 1, &a, 7, 70);
	cr_assert_eq(allocgains__interval(g, 1000), 0);
	add(g, 0, &a, 10, 100);
	add(g, 0, &b, 5, 50);
	cr_assert_eq(allocgains__interval(g, 2000), 0);
	add(g, 0, &a, 13, 130);
	cr_assert_eq(allocgains__interval(g, 3000), 0);
	cr_assert_eq(allocgains__nr(g), 3);
	cr_expect_eq(allocgains__end_ns(g, 1), 2000);

	each(g, 0, 0);
	cr_assert_eq(seen.nr, 1);
	cr_expect_eq(seen.v[0].key->stack_id, 1);
	cr_expect(seen.v[0].before.objects == 0 && seen.v[0].after.objects == 10);
	cr_expect_eq(seen.v[0].last.bytes, 130, "what its sum is in the end");
	each(g, 0, 1);
	cr_assert_eq(seen.nr, 1, "each runtime has its own");
	cr_expect_eq(seen.v[0].after.objects, 7);
	each(g, 1, 0);
	cr_assert_eq(seen.nr, 1, "the other one did not grow");
	cr_expect_eq(seen.v[0].key->stack_id, 2);
	each(g, 2, 0);
	cr_assert_eq(seen.nr, 1);
	cr_expect(seen.v[0].before.bytes == 100 && seen.v[0].after.bytes == 130);
	each(g, 2, 1);
	cr_expect_eq(seen.nr, 0);
}

Test(allocgains, a_reading_never_takes_back)
{
	scoped(allocgains) g = NULL;

	cr_assert_eq(allocgains__new(&g), 0);
	add(g, 0, &a, 10, 100);
	add(g, 0, &a, 10, 90); /* the map says so twice, or not of one moment */
	cr_assert_eq(allocgains__interval(g, 1000), 0);
	each(g, 0, 0);
	cr_assert_eq(seen.nr, 1);
	cr_expect_eq(seen.v[0].after.bytes, 100);
}

Test(allocgains, there_is_no_room_for_ever)
{
	scoped(allocgains) g = NULL;
	uint64_t n = 0;

	cr_assert_eq(allocgains__new(&g), 0);
	while (allocgains__has_room(g) && n <= ALLOCGAINS_MAX) {
		n++;
		add(g, 0, &a, n, n);
		add(g, 0, &b, n, n);
		cr_assert_eq(allocgains__interval(g, n), 0);
	}
	cr_expect_eq(n, ALLOCGAINS_MAX / 2, "%llu intervals of two sums", (unsigned long long)n);
}

Test(allocgains, what_is_told_later_counts_in_the_interval_in_which_it_was)
{
	static const struct pw_alloc_sum one = { 1, 8 };
	scoped(allocgains) g = NULL;

	cr_assert_eq(allocgains__new(&g), 0);
	cr_assert_eq(allocgains__more(g, 0, &a, &one, 500), 0);
	cr_assert_eq(allocgains__interval(g, 1000), 0);
	cr_assert_eq(allocgains__interval(g, 2000), 0);
	cr_assert_eq(allocgains__more(g, 0, &a, &one, 2001), 0);
	cr_assert_eq(allocgains__more(g, 0, &a, &one, 1000), 0);
	cr_assert_eq(allocgains__more(g, 0, &a, &one, 900), 0);
	cr_assert_eq(allocgains__more(g, 0, &b, &one, 1500), 0);
	cr_assert_eq(allocgains__interval(g, 3000), 0);
	each(g, 0, 0);
	cr_assert_eq(seen.nr, 2);
	cr_expect_eq(seen.v[0].after.objects - seen.v[0].before.objects + seen.v[1].after.objects -
			     seen.v[1].before.objects,
		     3);
	cr_expect_eq(seen.v[0].last.bytes, 4 * 8);
	each(g, 1, 0);
	cr_assert_eq(seen.nr, 1);
	cr_expect_eq(seen.v[0].key->stack_id, 2);
	each(g, 2, 0);
	cr_assert_eq(seen.nr, 1);
	cr_expect_eq(seen.v[0].after.bytes - seen.v[0].before.bytes, 8);
}

Test(allocgains, a_program_cannot_make_it_keep_more_and_more)
{
	static const struct pw_alloc_sum one = { 1, 8 };
	struct pw_alloc_key key = { .stack_id = 1 };
	scoped(allocgains) g = NULL;
	uint64_t parted = 0;

	cr_assert_eq(allocgains__new(&g), 0);
	for (; key.root < ALLOCGAINS_MAX; key.root++) {
		parted += allocgains__may_part(g);
		cr_assert_eq(allocgains__more(g, 0, &key, &one, 1), 0);
	}
	cr_expect_eq(parted, ALLOCGAINS_MAX / 2);
	cr_expect_eq(allocgains__more(g, 0, &key, &one, 1), -ENOSPC);
	cr_expect_not(allocgains__knows(g, 0, &key));
	key.root = 7;
	cr_expect(allocgains__knows(g, 0, &key));
	cr_expect_eq(allocgains__more(g, 0, &key, &one, 1), 0);
}
