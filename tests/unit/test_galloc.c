/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "heap/galloc.h"

Test(galloc, growths_add_up)
{
	uint64_t mark = 100;

	cr_assert_eq(galloc__grown(&mark, 250), 150);
	cr_assert_eq(galloc__grown(&mark, 240), 0);
	cr_assert_eq(galloc__grown(&mark, 300), 50);
	cr_assert_eq(mark, 300);
}

Test(galloc, a_reading_below_0_is_no_growth)
{
	uint64_t mark = 0;

	cr_assert_eq(galloc__grown(&mark, (uint64_t)-63), 0);
	cr_assert_eq(galloc__grown(&mark, 64), 64);
}

Test(galloc, a_growth_may_begin_below_0)
{
	uint64_t mark = (uint64_t)-63;

	cr_assert_eq(galloc__grown(&mark, 1), 64);
}
