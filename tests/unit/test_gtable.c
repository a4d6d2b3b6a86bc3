/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>

#include "model/gtable.h"

static struct gorigin made_at(uint64_t stack_id, uint64_t parent)
{
	return (struct gorigin){ .made = { stack_id, 0x100 + stack_id, 0x200 + stack_id },
				 .parent_goid = parent };
}

static void put(struct gtable *t, uint64_t goid, uint64_t stack_id, uint64_t parent)
{
	const struct gorigin o = made_at(stack_id, parent);

	cr_assert_eq(gtable__put(t, 0, goid, &o), 0);
}

static struct chain chain_of(struct gtable *t, uint64_t goid)
{
	struct chain c = { 0 };

	chainset__get(gtable__chains(t), gtable__chain(t, 0, goid), &c);
	return c;
}

Test(gtable, keeps_runtimes_apart)
{
	const struct gorigin a = made_at(20, 0), b = made_at(30, 0);
	scoped(gtable) t = NULL;

	cr_assert_eq(gtable__new(10, &t), 0);
	cr_assert_eq(gtable__put(t, 0, 7, &a), 0);
	cr_assert_eq(gtable__put(t, 1, 7, &b), 0);
	cr_expect_eq(gtable__get(t, 0, 7)->made.stack_id, 20);
	cr_expect_eq(gtable__get(t, 1, 7)->made.stack_id, 30);
	cr_expect_null(gtable__get(t, 2, 7));
}

Test(gtable, a_birth_knows_more_than_the_census)
{
	scoped(gtable) t = NULL;

	cr_assert_eq(gtable__new(10, &t), 0);
	put(t, 7, 20, 1);
	put(t, 7, PW_STACK_ID_NONE, 1);
	cr_expect_eq(gtable__get(t, 0, 7)->made.stack_id, 20);
	put(t, 8, PW_STACK_ID_NONE, 1);
	put(t, 8, 30, 1);
	cr_expect_eq(gtable__get(t, 0, 8)->made.stack_id, 30);
}

Test(gtable, ancestry_goes_from_child_to_oldest_known)
{
	scoped(gtable) t = NULL;
	struct chain c;

	cr_assert_eq(gtable__new(10, &t), 0);
	put(t, 3, 33, 2);
	put(t, 2, 32, 1);
	put(t, 1, 31, 0);
	c = chain_of(t, 3);
	cr_assert_eq(c.nr, 3);
	cr_expect_not(c.truncated);
	cr_expect_eq(c.links[0].stack_id, 33);
	cr_expect_eq(c.links[1].stack_id, 32);
	cr_expect_eq(c.links[2].stack_id, 31);
	cr_expect_eq(chain_of(t, 99).nr, 0);
}

Test(gtable, goroutines_made_alike_share_one_chain)
{
	scoped(gtable) t = NULL;

	cr_assert_eq(gtable__new(100, &t), 0);
	put(t, 1, 31, 0);
	for (uint64_t goid = 2; goid < 50; goid++)
		put(t, goid, 32, 1);
	for (uint64_t goid = 3; goid < 50; goid++)
		cr_expect_eq(gtable__chain(t, 0, goid), gtable__chain(t, 0, 2));
}

Test(gtable, a_circle_of_parents_ends)
{
	scoped(gtable) t = NULL;

	cr_assert_eq(gtable__new(10, &t), 0);
	put(t, 1, 31, 2);
	put(t, 2, 32, 1);
	put(t, 3, 33, 3);
	cr_expect_leq(chain_of(t, 1).nr, CHAIN_MAX);
	cr_expect_leq(chain_of(t, 3).nr, CHAIN_MAX);
}

Test(gtable, long_ancestries_are_cut_and_converge)
{
	scoped(gtable) t = NULL;
	struct chain c;

	cr_assert_eq(gtable__new(100, &t), 0);
	for (uint64_t goid = 1; goid <= 60; goid++)
		put(t, goid, 31, goid - 1);
	c = chain_of(t, 60);
	cr_expect_eq(c.nr, CHAIN_MAX);
	cr_expect(c.truncated);
	cr_expect_eq(gtable__chain(t, 0, 60), gtable__chain(t, 0, 40));
}

Test(gtable, full_of_the_living_refuses_and_counts)
{
	const struct gorigin o = made_at(20, 0);
	scoped(gtable) t = NULL;

	cr_assert_eq(gtable__new(4, &t), 0);
	for (uint64_t goid = 1; goid <= 4; goid++)
		put(t, goid, 20, 0);
	cr_expect_eq(gtable__put(t, 0, 5, &o), -ENOSPC);
	cr_expect_eq(gtable__refused(t), 1);
	cr_expect_eq(gtable__put(t, 0, 4, &o), 0, "one that is there may change");
}

Test(gtable, the_ended_make_room_and_their_children_keep_the_ancestry)
{
	scoped(gtable) t = NULL;
	struct chain c;

	cr_assert_eq(gtable__new(4, &t), 0);
	put(t, 1, 31, 0);
	put(t, 2, 32, 1);
	put(t, 3, 33, 2);
	put(t, 4, 34, 0);
	gtable__ended(t, 0, 1);
	gtable__ended(t, 0, 2);
	put(t, 5, 35, 3);
	cr_expect_null(gtable__get(t, 0, 1));
	cr_expect_eq(gtable__nr(t), 3);
	c = chain_of(t, 5);
	cr_assert_eq(c.nr, 4);
	cr_expect_eq(c.links[3].stack_id, 31);
	cr_expect_eq(gtable__refused(t), 0);
}
