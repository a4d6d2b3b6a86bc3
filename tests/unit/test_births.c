/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "model/births.h"

static void stack_comes(struct births *b, uint64_t id, uint64_t pc)
{
	struct pw_stack st = {
		.hdr = { .kind = PW_STACK }, .stack_id = id, .nr = 1, .pcs = { pc }
	};

	births__record(b, &st.hdr);
}

static void is_born(struct births *b, uint64_t goid, uint64_t parent, uint64_t gopc,
		    uint64_t stack_id)
{
	const struct pw_birth r = { .hdr = { .kind = PW_BIRTH, .goid = goid },
				    .stack_id = stack_id,
				    .parent_goid = parent,
				    .gopc = gopc,
				    .startpc = 1 };

	births__record(b, &r.hdr);
}

static void ends(struct births *b, uint64_t goid)
{
	const struct pw_exit r = { .hdr = { .kind = PW_EXIT, .goid = goid } };

	births__record(b, &r.hdr);
}

Test(births, keep_the_stack_and_the_creators_of_each)
{
	scoped(births) b = NULL;
	struct chain chain;
	struct stack st;

	cr_assert_eq(births__new(&b), 0);
	births__before(b, 0, &(struct goroutine){ 7, 1, 0x70, 1 });
	stack_comes(b, 100, 0x1000);
	is_born(b, 8, 7, 0x80, 100);
	ends(b, 7);
	births__before(b, 0,
		       &(struct goroutine){ 8, 7, 0x99,
					    1 }); /* the next look: a birth that was seen stays */
	cr_assert_eq(births__chain(b, 0, 8, &chain), 0);
	cr_assert_eq(chain.nr, 2);
	cr_expect_eq(chain.links[0].stack_id, 100);
	cr_expect_eq(chain.links[0].gopc, 0x80);
	cr_expect_eq(chain.links[1].stack_id, PW_STACK_ID_NONE);
	cr_expect_eq(chain.links[1].gopc, 0x70);
	cr_assert_eq(births__stack(b, 100, &st), 0);
	cr_expect_eq(st.pcs[0], 0x1000);
	cr_expect_eq(births__of(b, 0, 8)->parent_goid, 7);
	cr_expect_null(births__of(b, 1, 8), "another runtime");
	cr_expect_eq(births__chain(b, 0, 9, &chain), -ENOENT);
}

Test(births, know_the_commonest_way_to_a_go_statement)
{
	scoped(births) b = NULL;

	cr_assert_eq(births__new(&b), 0);
	cr_expect_eq(births__commonest(b, 0, 0x80), 0);
	is_born(b, 8, 1, 0x80, 100);
	is_born(b, 9, 1, 0x80, 101);
	is_born(b, 10, 1, 0x80, 101);
	is_born(b, 11, 1, 0x81, 102);
	cr_expect_eq(births__commonest(b, 0, 0x80), 10);
	cr_expect_eq(births__commonest(b, 1, 0x80), 0);
}

Test(births, count_only_so_many_ways)
{
	scoped(births) b = NULL;

	cr_assert_eq(births__new(&b), 0);
	for (uint64_t i = 0; i < BIRTHS_WAYS_MAX; i++)
		is_born(b, 1 + i, 1, 0x80 + i, 100);
	is_born(b, 1, 1, 0x80, 100);
	is_born(b, 1ULL << 40, 1, 1, 100);
	cr_expect_eq(births__commonest(b, 0, 0x80), 1);
	cr_expect_eq(births__commonest(b, 0, 1), 0, "no room");
}

Test(births, know_where_a_million_came_from_that_nobody_had_asked_for)
{
	enum { NR = 1000000 };
	scoped(births) b = NULL;
	struct chain chain;

	cr_assert_eq(births__new(&b), 0);
	for (uint64_t i = 0; i < NR; i++) /* in no order, as allgs is */
		births__before(b, 0,
			       &(struct goroutine){ (i ^ 5) + 1, (i ^ 5) / 10,
						    0x1000 + (i ^ 5) % 10, 1 });
	births__before(b, 1, &(struct goroutine){ 777, 0, 0x70, 1 });
	cr_assert_eq(births__chain(b, 0, NR, &chain), 0, "more than BIRTHS_MAX");
	cr_expect_eq(chain.nr, 6, "and 99999, 9999, 999, 99, 9");
	cr_expect_eq(births__of(b, 1, 777)->made.gopc, 0x70, "of the other runtime");
	cr_expect_eq(births__of(b, 0, 777)->made.gopc, 0x1000 + 776 % 10);
	is_born(b, NR + 1, 123457, 0x80, 100);
	ends(b, 123457);
	cr_assert_eq(births__chain(b, 0, NR + 1, &chain), 0);
	cr_expect_eq(chain.links[0].gopc, 0x80);
	cr_expect_eq(chain.links[1].gopc, 0x1000 + 6);
	cr_expect_null(births__of(b, 0, NR + 2));
}

Test(births, end_in_a_circle_of_parents)
{
	scoped(births) b = NULL;
	struct chain chain;

	cr_assert_eq(births__new(&b), 0);
	births__before(b, 0, &(struct goroutine){ 5, 6, 0x50, 1 });
	births__before(b, 0, &(struct goroutine){ 6, 5, 0x60, 1 });
	births__before(b, 0, &(struct goroutine){ 9, 9, 0x90, 1 });
	cr_expect_eq(births__chain(b, 0, 9, &chain), 0);
	cr_expect_eq(births__chain(b, 0, 5, &chain), 0);
	is_born(b, 10, 6, 0x80, 100);
	cr_expect_eq(births__of(b, 0, 10)->parent_goid, 6);
}
