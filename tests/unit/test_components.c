/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "model/components.h"

Test(components, are_those_that_lead_to_each_other)
{
	/* 0 > 1 > 2 > 0, 2 > 3, 3 > 4 > 3, 5 > 5, 6 */
	static const uint32_t first[] = { 0, 1, 2, 4, 5, 6, 7, 7 }, to[] = { 1, 2, 0, 3, 4, 3, 5 };
	uint32_t of[7], nr;

	cr_assert_eq(components_of(first, to, 7, of, &nr), 0);
	cr_expect_eq(nr, 4);
	cr_expect(of[0] == of[1] && of[1] == of[2]);
	cr_expect(of[3] == of[4] && of[3] != of[0] && of[5] != of[6]);
	cr_expect_gt(of[0], of[3], "it leads to lower ones only");
}

Test(components, of_nothing_are_none)
{
	static const uint32_t first[] = { 0 };
	uint32_t of[1], nr = 7;

	cr_assert_eq(components_of(first, first, 0, of, &nr), 0);
	cr_expect_eq(nr, 0);
}

Test(components, are_found_in_a_long_ring_too)
{
	enum { NR = 1 << 20 };
	uint32_t *first = calloc(NR + 1, sizeof(*first)), *to = calloc(NR, sizeof(*to)),
		 *of = calloc(NR, sizeof(*of)), nr;

	cr_assert(first && to && of);
	for (uint32_t i = 0; i < NR; i++) {
		first[i + 1] = i + 1;
		to[i] = (i + 1) % NR;
	}
	cr_assert_eq(components_of(first, to, NR, of, &nr), 0);
	cr_expect_eq(nr, 1);
	free(first);
	free(to);
	free(of);
}
