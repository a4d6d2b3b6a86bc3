/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/radix.h"

#include <criterion/criterion.h>

#include <stdlib.h>

Test(radix, sorts_ascending_and_stable_over_all_bytes_of_the_key)
{
	enum { NR = 20000 };
	struct radix_item *v = calloc(NR, sizeof(*v));
	uint64_t x = 88172645463325252ULL;

	for (size_t i = 0; i < NR; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		v[i] = (struct radix_item){ .key = i % 3 ? x : x % 50 << (i % 7 * 8), .item = i };
	}
	cr_assert_eq(radix__sort(v, NR), 0);
	for (size_t i = 1; i < NR; i++) {
		cr_assert(v[i - 1].key <= v[i].key);
		cr_assert(v[i - 1].key < v[i].key || v[i - 1].item < v[i].item, "equal keys changed places");
	}
	free(v);
}

Test(radix, takes_none_and_one)
{
	struct radix_item one = { 5, 7 };

	cr_expect_eq(radix__sort(NULL, 0), 0);
	cr_expect_eq(radix__sort(&one, 1), 0);
	cr_expect(one.key == 5 && one.item == 7);
}
