/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>

#include "base/u64map.h"

Test(u64map, finds_what_was_set_and_nothing_else)
{
	struct u64map m = { .max = 100000 };
	uint64_t v;

	cr_expect_not(u64map__get(&m, 1, &v), "it is empty");
	for (uint64_t i = 0; i < 100000; i++)
		cr_assert_eq(u64map__set(&m, i * 4096, i), 0);
	for (uint64_t i = 0; i < 100000; i++) {
		cr_assert(u64map__get(&m, i * 4096, &v));
		cr_assert_eq(v, i);
		cr_assert_not(u64map__get(&m, i * 4096 + 8, &v));
	}
	u64map__done(&m);
}

Test(u64map, takes_zero_and_the_largest_key)
{
	struct u64map m = { .max = 2 };
	uint64_t v = 0;

	cr_assert_eq(u64map__set(&m, 0, 7), 0);
	cr_assert_eq(u64map__set(&m, UINT64_MAX, 8), 0);
	cr_expect(u64map__get(&m, 0, &v) && v == 7);
	cr_expect(u64map__get(&m, UINT64_MAX, &v) && v == 8);
	cr_expect_eq(u64map__set(&m, 1, 1), -ENOSPC, "that is all");
	cr_expect_eq(u64map__set(&m, 0, 9), 0, "what is there can be set anew");
	cr_expect(u64map__get(&m, 0, &v) && v == 9);
	u64map__clear(&m);
	cr_expect_not(u64map__get(&m, 0, &v));
	u64map__done(&m);
}
