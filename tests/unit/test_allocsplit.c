/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "model/allocsplit.h"

enum { A = 100, B = 200, C = 300 }; /* stacks */
#define CLASS 6

static const uint64_t slot[SPLIT_CLASSES] = { 1, 8, 16, 24, 32, 48, 64 };

static struct result {
	size_t nr;
	uint64_t bytes, objects;
	struct profile_alloc v[16];
} r;

static void note(void *ctx, const struct profile_alloc *share)
{
	(void)ctx;
	if (r.nr < 16)
		r.v[r.nr++] = *share;
	r.bytes += share->bytes;
	r.objects += share->objects;
}

static struct profile_alloc who(uint64_t stack, uint64_t objects)
{
	return (struct profile_alloc){ .stack_id = stack, .objects = objects };
}

static void refill(struct allocsplit *s, unsigned int class, uint64_t stack, uint64_t spans,
		   uint64_t slots)
{
	const struct profile_alloc a = who(stack, slots);

	cr_expect_eq(allocsplit__refill(s, class, &a, spans, slots), 0);
}

static void sample(struct allocsplit *s, unsigned int class, uint64_t stack, uint64_t objects,
		   uint64_t spent)
{
	const struct profile_alloc a = who(stack, objects);

	cr_expect_eq(allocsplit__sample(s, class, &a, spent), 0);
}

static void shares(const struct allocsplit *s, size_t interval)
{
	memset(&r, 0, sizeof(r));
	allocsplit__each(s, interval, slot, note, NULL);
}

/* The first or only interval. */
static void split(struct allocsplit *s)
{
	cr_expect_eq(allocsplit__interval(s), 0);
	shares(s, 0);
}

static struct allocsplit *new (void)
{
	struct allocsplit *s = NULL;

	cr_assert_eq(allocsplit__new(&s), 0);
	return s;
}

Test(allocsplit, the_sum_is_of_the_refills_and_the_shares_are_of_the_samples)
{
	scoped(allocsplit) s = new ();

	refill(s, CLASS, A, 10, 1000); /* always the same site's turn */
	sample(s, CLASS, A, 30, 30 * 64);
	sample(s, CLASS, B, 60, 60 * 64);
	split(s);
	cr_assert_eq(r.nr, 2);
	cr_expect_eq(r.bytes, 1000 * 64);
	cr_expect_eq(r.objects, 1000);
	cr_expect_eq(r.v[0].bytes, 333 * 64);
	cr_expect_eq(r.v[1].bytes, 667 * 64);
	cr_expect_eq(r.v[1].stack_id, B);
	cr_expect_eq(r.v[1].measure, ALLOC_ESTIMATED);
	cr_expect_eq(r.v[1].object_bytes, 64);
}

Test(allocsplit, without_samples_refills_stand_for_them_and_that_is_marked)
{
	scoped(allocsplit) s = new ();

	refill(s, CLASS, A, 40, 300);
	refill(s, CLASS, B, 10, 100);
	sample(s, CLASS, C, SPLIT_SAMPLES_FEW - 1, 64);
	split(s);
	cr_assert_eq(r.nr, 2, "too few samples");
	cr_expect_eq(r.v[0].measure, ALLOC_BY_REFILLS);
	cr_expect_eq(r.v[0].objects, 300);
	cr_expect_eq(r.bytes, 400 * 64);
	sample(s, CLASS, C, 1, 64);
	split(s);
	cr_expect_eq(r.v[0].measure, ALLOC_ESTIMATED, "enough");
}

Test(allocsplit, few_samples_will_do_where_there_were_fewer_refills)
{
	scoped(allocsplit) s = new ();

	refill(s, CLASS, A, 3, 300);
	sample(s, CLASS, B, 3, 3 * 64);
	split(s);
	cr_assert_eq(r.nr, 1);
	cr_expect_eq(r.v[0].stack_id, B);
}

Test(allocsplit, what_was_not_handed_out_after_all_does_not_count)
{
	scoped(allocsplit) s = new ();

	refill(s, CLASS, A, 1, 100);
	allocsplit__adjust(s, CLASS, -30);
	allocsplit__adjust(s, CLASS, 5);
	split(s);
	cr_expect_eq(r.objects, 75);
	allocsplit__adjust(s, CLASS, -1000);
	cr_expect_eq(allocsplit__interval(s), 0);
	shares(s, 1);
	cr_expect_eq(r.nr, 0, "less than nothing is nothing");
}

Test(allocsplit, a_total_that_is_known_is_the_sum)
{
	scoped(allocsplit) s = new ();

	refill(s, CLASS, A, 1, 100);
	allocsplit__adjust(s, CLASS, -30);
	allocsplit__total(s, CLASS, 77777);
	split(s);
	cr_expect_eq(r.bytes, 77777 * 64);
}

Test(allocsplit, what_nobody_was_seen_to_ask_for_is_there_without_a_stack)
{
	scoped(allocsplit) s = new ();

	allocsplit__total(s, CLASS, 9);
	split(s);
	cr_assert_eq(r.nr, 1);
	cr_expect_eq(r.v[0].stack_id, PW_STACK_ID_NONE);
	cr_expect_eq(r.v[0].bytes, 9 * 64);
	cr_expect_eq(r.v[0].objects, 9);
}

Test(allocsplit, objects_that_share_slots_are_as_many_as_in_the_samples)
{
	scoped(allocsplit) s = new ();

	allocsplit__total(s, 2, 100);
	sample(s, 2, A, 40, 40 * 4); /* 4 bytes each */
	split(s);
	cr_expect_eq(r.bytes, 1600);
	cr_expect_eq(r.objects, 400);
}

Test(allocsplit, large_objects_keep_their_sizes)
{
	scoped(allocsplit) s = new ();
	struct profile_alloc a = who(A, 2);

	a.object_bytes = 40960;
	cr_expect_eq(allocsplit__refill(s, 0, &a, 2, 81920), 0);
	split(s);
	cr_assert_eq(r.nr, 1);
	cr_expect_eq(r.v[0].measure, ALLOC_EXACT, "each was seen");
	cr_expect_eq(r.v[0].object_bytes, 40960);
	cr_expect_eq(r.v[0].objects, 2);
	allocsplit__total(s, 0, 819200);
	cr_expect_eq(allocsplit__interval(s), 0);
	shares(s, 1);
	cr_expect_eq(r.v[0].measure, ALLOC_BY_REFILLS, "only a tenth was seen");
	cr_expect_eq(r.v[0].objects, 20);
	cr_expect_eq(r.v[0].bytes, 819200);
}

Test(allocsplit, refuses_classes_that_there_are_not)
{
	scoped(allocsplit) s = new ();
	const struct profile_alloc a = who(A, 1);

	cr_expect_eq(allocsplit__refill(s, SPLIT_CLASSES, &a, 1, 1), -EINVAL);
	cr_expect_eq(allocsplit__sample(s, SPLIT_CLASSES, &a, 1), -EINVAL);
	allocsplit__total(s, SPLIT_CLASSES, 1);
	allocsplit__adjust(s, SPLIT_CLASSES, 1);
	split(s);
	cr_expect_eq(r.nr, 0);
}

Test(allocsplit, each_interval_is_split_among_its_own_samples)
{
	scoped(allocsplit) s = new ();

	/* windows saw as many of the slow phase as of the fast one */
	sample(s, CLASS, A, SPLIT_SAMPLES_ENOUGH, SPLIT_SAMPLES_ENOUGH * 64);
	allocsplit__total(s, CLASS, 1000000);
	cr_expect_eq(allocsplit__interval(s), 0);
	sample(s, CLASS, B, SPLIT_SAMPLES_ENOUGH, SPLIT_SAMPLES_ENOUGH * 64);
	allocsplit__total(s, CLASS, 10000);
	cr_expect_eq(allocsplit__interval(s), 0);
	shares(s, 0);
	cr_assert_eq(r.nr, 1);
	cr_expect_eq(r.v[0].stack_id, A);
	cr_expect_eq(r.objects, 1000000);
	shares(s, 1);
	cr_assert_eq(r.nr, 1);
	cr_expect_eq(r.v[0].stack_id, B);
	cr_expect_eq(r.objects, 10000);
}

Test(allocsplit, few_samples_are_joined_with_those_of_the_next_intervals)
{
	enum { HALF = SPLIT_SAMPLES_ENOUGH / 2 };
	static const struct {
		uint64_t stack, objects;
		size_t nr;
		const char *why;
	} t[] = {
		{ A, HALF, 2, "its own are not enough" },
		{ B, HALF, 2, "now they are" },
		{ A, SPLIT_SAMPLES_ENOUGH, 2, "enough, but nobody else takes the last ones" },
		{ C, 1, 2, "the last ones" },
		{ C, 0, 2, "none, but something was handed out" },
	};
	scoped(allocsplit) s = new ();

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		if (t[i].objects)
			sample(s, CLASS, t[i].stack, t[i].objects, t[i].objects * 64);
		allocsplit__total(s, CLASS, 1000 * (i + 1));
		cr_expect_eq(allocsplit__interval(s), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		shares(s, i);
		cr_expect_eq(r.nr, t[i].nr, "%s", t[i].why);
		cr_expect_eq(r.objects, 1000 * (i + 1), "%s", t[i].why);
	}
}

Test(allocsplit, refills_stand_for_their_own_interval)
{
	scoped(allocsplit) s = new ();

	refill(s, CLASS, A, 1, 100);
	allocsplit__total(s, CLASS, 90);
	cr_expect_eq(allocsplit__interval(s), 0);
	refill(s, CLASS, B, 1, 100);
	allocsplit__total(s, CLASS, 50);
	cr_expect_eq(allocsplit__interval(s), 0);
	allocsplit__total(s, CLASS, 10);
	cr_expect_eq(allocsplit__interval(s), 0);
	shares(s, 0);
	cr_expect(r.nr == 1 && r.v[0].stack_id == A && r.objects == 90);
	shares(s, 1);
	cr_expect(r.nr == 1 && r.v[0].stack_id == B && r.objects == 50);
	shares(s, 2);
	cr_expect(r.nr == 2 && r.objects == 10, "it has none: all of them");
}
