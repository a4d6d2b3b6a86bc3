/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#include "model/stackset.h"

static const uint64_t pcs[] = { 1, 2, 3, 4 };

Test(stackset, gives_back_what_was_added)
{
	scoped(stackset) s = NULL;
	struct stack got = { 0 };

	cr_assert_eq(stackset__new(4096, &s), 0);
	cr_assert_eq(stackset__add(s, 99, pcs, 3, true), 0);
	cr_expect_eq(stackset__add(s, 99, pcs, 3, true), 0, "again is fine");
	cr_assert_eq(stackset__get(s, 99, &got), 0);
	cr_expect_eq(got.nr, 3);
	cr_expect(got.truncated);
	cr_expect_arr_eq(got.pcs, pcs, 3 * sizeof(*pcs));
	cr_expect_eq(stackset__get(s, 98, &got), -ENOENT);
	cr_expect_eq(stackset__nr(s), 1);
	cr_expect_eq(stackset__refused(s), 0);
}

Test(stackset, refuses_ids_that_have_a_meaning_of_their_own)
{
	scoped(stackset) s = NULL;

	cr_assert_eq(stackset__new(4096, &s), 0);
	cr_expect_eq(stackset__add(s, PW_STACK_ID_NONE, pcs, 1, false), -EINVAL);
	cr_expect_eq(stackset__add(s, PW_STACK_ID_MIN - 1, pcs, 1, false), -EINVAL);
	cr_expect_eq(stackset__add(s, 99, pcs, 0, false), -EINVAL);
	cr_expect_eq(stackset__add(s, 99, pcs, PW_STACK_MAX + 1, false), -EINVAL);
}

Test(stackset, never_changes_a_stack_under_its_id)
{
	scoped(stackset) s = NULL;
	struct stack got = { 0 };

	cr_assert_eq(stackset__new(4096, &s), 0);
	cr_assert_eq(stackset__add(s, 99, pcs, 3, false), 0);
	cr_expect_eq(stackset__add(s, 99, pcs + 1, 3, false), -EEXIST);
	cr_assert_eq(stackset__get(s, 99, &got), 0);
	cr_expect_eq(got.pcs[0], 1);
	cr_expect_eq(stackset__refused(s), 1);
}

Test(stackset, interns_equal_stacks_under_one_id)
{
	scoped(stackset) s = NULL;
	uint64_t a, b, c, d;

	cr_assert_eq(stackset__new(4096, &s), 0);
	cr_assert_eq(stackset__intern(s, pcs, 3, false, &a), 0);
	cr_assert_eq(stackset__intern(s, pcs, 3, false, &b), 0);
	cr_assert_eq(stackset__intern(s, pcs, 3, true, &c), 0);
	cr_assert_eq(stackset__intern(s, pcs, 4, false, &d), 0);
	cr_expect_eq(a, b);
	cr_expect_neq(a, c, "one of them goes on");
	cr_expect_neq(a, d);
	cr_expect_geq(a, PW_STACK_ID_MIN);
	cr_expect_eq(stackset__nr(s), 3);
}

Test(stackset, interning_steps_aside_when_the_id_is_taken)
{
	scoped(stackset) s = NULL;
	scoped(stackset) other = NULL;
	struct stack got;
	uint64_t id, moved;

	cr_assert_eq(stackset__new(4096, &s), 0);
	cr_assert_eq(stackset__new(4096, &other), 0);
	cr_assert_eq(stackset__intern(other, pcs, 3, false, &id), 0);
	cr_assert_eq(stackset__add(s, id, pcs + 1, 2, false), 0);
	cr_assert_eq(stackset__intern(s, pcs, 3, false, &moved), 0);
	cr_expect_neq(moved, id);
	cr_assert_eq(stackset__get(s, moved, &got), 0);
	cr_expect_eq(got.nr, 3);
}

Test(stackset, cuts_interned_stacks_at_the_longest)
{
	uint64_t many[PW_STACK_MAX + 5] = { 0 };
	scoped(stackset) s = NULL;
	struct stack got;
	uint64_t id;

	cr_assert_eq(stackset__new(4096, &s), 0);
	cr_assert_eq(stackset__intern(s, many, PW_STACK_MAX + 5, false, &id), 0);
	cr_assert_eq(stackset__get(s, id, &got), 0);
	cr_expect_eq(got.nr, PW_STACK_MAX);
	cr_expect(got.truncated);
}

Test(stackset, stays_under_its_bound_and_counts_what_it_refused)
{
	scoped(stackset) s = NULL;
	uint64_t pc, id, added = 0;
	struct stack got;

	cr_assert_eq(stackset__new(1000, &s), 0);
	for (pc = 1; pc <= 100; pc++) {
		int err = stackset__intern(s, &pc, 1, false, &id);

		cr_assert(err == 0 || err == -ENOSPC);
		added += err == 0;
	}
	cr_expect_gt(added, 0);
	cr_expect_lt(added, 100);
	cr_expect_eq(stackset__refused(s), 100 - added);
	pc = 1;
	cr_expect_eq(stackset__intern(s, &pc, 1, false, &id), 0, "what is there is still found");
	cr_expect_eq(stackset__get(s, id, &got), 0);
}
