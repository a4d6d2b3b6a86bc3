/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <math.h>

#include "model/rowset.h"

#define WINDOWS 6

Test(rowset, spread_comes_from_windows_that_follow_each_other)
{
	/* sqrt(nr * sum of squared differences / (2 * (nr - 1))) */
	static const struct {
		const char *why;
		uint64_t value[WINDOWS]; /* by window; 0: not seen in it */
		double squares;
	} t[] = {
		{ "always the same", { 5, 5, 5, 5, 5, 5 }, 0 },
		{ "it rises slowly: hardly an error", { 10, 11, 12, 13, 14, 15 }, 5 },
		{ "now and then", { 4, 0, 4, 0, 4, 0 }, 5 * 16 },
		{ "late", { 0, 0, 0, 0, 3, 3 }, 9 },
		{ "at first only", { 3, 0, 0, 0, 0, 0 }, 9 },
		{ "at last only", { 0, 0, 0, 0, 0, 3 }, 9 },
		{ "a gap", { 3, 0, 0, 0, 0, 4 }, 9 + 16 },
		{ "in the middle", { 0, 0, 7, 0, 0, 0 }, 49 + 49 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct row_key key = { .stack_id = 1 }, other = { .stack_id = 2 };
		const double want = sqrt(t[i].squares * WINDOWS / (2.0 * (WINDOWS - 1)));
		scoped(rowset) rs = NULL;
		const struct rowset_row *row;

		cr_assert_eq(rowset__new(10, &rs), 0);
		for (uint32_t w = 0; w < WINDOWS; w++) {
			if (w)
				rowset__next_window(rs);
			cr_assert_eq(rowset__add(rs, &other, 1), 0);
			/* In two parts: they are one window all the same. */
			for (int part = 0; t[i].value[w] && part < 2; part++)
				cr_assert_eq(rowset__add_many(rs, &key, !part,
							      part ? t[i].value[w] - 1 : 1),
					     0);
			rowset__weigh(rs, 1, 1, 1);
		}
		row = rowset__next(rs, NULL);
		row = row->key.stack_id == 1 ? row : rowset__next(rs, row);
		cr_expect_float_eq(rowset__spread(rs, row, 0), want, 1e-9, "%s: %f, want %f",
				   t[i].why, rowset__spread(rs, row, 0), want);
		cr_expect_float_eq(rowset__spread(rs, rowset__total(rs), 0), want, 1e-9,
				   "%s: of all", t[i].why);
		cr_expect_float_eq(rowset__spread(rs, row, 2),
				   sqrt(want * want + 4 * WINDOWS / (2.0 * (WINDOWS - 1))), 1e-9,
				   "%s: and a difference of 2 that nobody saw", t[i].why);
	}
}

Test(rowset, one_window_has_no_spread_and_more_than_max_are_refused)
{
	scoped(rowset) rs = NULL;

	cr_assert_eq(rowset__new(1, &rs), 0);
	cr_expect_eq(rowset__add(rs, &(struct row_key){ .stack_id = 1 }, 5), 0);
	cr_expect_neq(rowset__add(rs, &(struct row_key){ .stack_id = 2 }, 5), 0);
	cr_expect_eq(rowset__total(rs)->value, 5, "what is refused is not in the total");
	cr_expect_eq(rowset__spread(rs, rowset__next(rs, NULL), 1), 0);
}

Test(rowset, what_is_exact_stays_and_windows_are_weighed)
{
	const struct row_key a = { .stack_id = 1 }, b = { .stack_id = 2 };
	const struct rowset_row *row;
	scoped(rowset) rs = NULL;

	cr_assert_eq(rowset__new(10, &rs), 0);
	cr_assert_eq(rowset__add(rs, &a, 1000), 0);
	rowset__sampled(rs);
	cr_assert_eq(rowset__add(rs, &a, 3), 0);
	cr_assert_eq(rowset__add_many(rs, &a, 0, 4), 0);
	rowset__weigh(rs, 10, 5, 20);
	rowset__next_window(rs);
	cr_assert_eq(rowset__add(rs, &b, 5), 0);
	rowset__weigh(rs, 2, 2, 10);
	row = rowset__next(rs, NULL);
	cr_expect_eq(row->value, 1000 + 70);
	cr_expect_eq(row->count, 1 + 5);
	/* 3.5 a ns, then 0: the exact part is in neither. */
	cr_expect_float_eq(rowset__spread(rs, row, 0), sqrt(3.5 * 3.5 * (20 * 20 + 10 * 10) / 2),
			   1e-9);
	row = rowset__next(rs, row);
	cr_expect_eq(row->value, 10);
	cr_expect_eq(rowset__total(rs)->value, 1080);
	cr_expect_float_eq(rowset__spread(rs, rowset__total(rs), 0),
			   sqrt(2.5 * 2.5 * (20 * 20 + 10 * 10) / 2), 1e-9);
}
