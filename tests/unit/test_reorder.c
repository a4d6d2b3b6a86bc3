/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <string.h>

#include "pipe/reorder.h"

struct got {
	uint64_t v[64][2]; /* time, tag */
	size_t nr;
};

static void take(void *ctx, const void *data, size_t len)
{
	struct got *g = ctx;

	cr_assert_eq((uintptr_t)data % 8, 0);
	cr_assert_lt(g->nr, 64);
	g->v[g->nr][1] = 0;
	memcpy(g->v[g->nr++], data, len < 16 ? len : 16);
}

static void add(struct reorder *o, uint64_t ts, uint64_t tag)
{
	uint64_t rec[3] = { ts, tag, 0 };

	cr_assert_eq(reorder__add(o, rec, 20), 0); /* not a multiple of 8, as perf's are */
}

Test(reorder, holds_back_what_an_earlier_record_may_still_follow)
{
	struct got g = { 0 };
	scoped(reorder) o = NULL;

	cr_assert_eq(reorder__new(take, &g, &o), 0);
	add(o, 30, 1); /* processor 0 */
	add(o, 10, 2); /* processor 1 */
	reorder__round(o);
	cr_expect_eq(g.nr, 0, "processor 0 may have written 20 after it was drained");
	add(o, 20, 3);
	add(o, 50, 4);
	reorder__round(o);
	cr_assert_eq(g.nr, 3);
	cr_expect_eq(g.v[0][1], 2);
	cr_expect_eq(g.v[1][1], 3);
	cr_expect_eq(g.v[2][1], 1);
	reorder__round(o);
	cr_assert_eq(g.nr, 4);
	cr_expect_eq(g.v[3][1], 4);
}

Test(reorder, flush_lets_all_go_in_order_and_keeps_equal_times_as_they_came)
{
	struct got g = { 0 };
	scoped(reorder) o = NULL;

	cr_assert_eq(reorder__new(take, &g, &o), 0);
	for (uint64_t i = 0; i < 40; i++)
		add(o, i % 4, i);
	reorder__flush(o);
	cr_assert_eq(g.nr, 40);
	for (size_t i = 1; i < g.nr; i++)
		cr_expect(g.v[i - 1][0] < g.v[i][0] ||
			  (g.v[i - 1][0] == g.v[i][0] && g.v[i - 1][1] < g.v[i][1]));
}

Test(reorder, takes_records_too_short_for_a_time)
{
	struct got g = { 0 };
	scoped(reorder) o = NULL;

	cr_assert_eq(reorder__new(take, &g, &o), 0);
	cr_assert_eq(reorder__add(o, "abc", 3), 0);
	reorder__round(o);
	cr_expect_eq(g.nr, 1);
}
