/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "base/cleanup.h"
#include "base/radix.h"

#define NR  40000 /* by large digits */
#define FEW 5000

static uint64_t next(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 11;
}

Test(radix, sorts_as_qsort_does)
{
	static const struct {
		const char *why;
		uint64_t base, mask;
		size_t nr;
	} t[] = {
		{ "none", 0, ~0ull, 0 },
		{ "one", 0, ~0ull, 1 },
		{ "two", 0, ~0ull, 2 },
		{ "all numbers", 0, ~0ull, NR },
		{ "addresses of a heap", 0xc000000000, 0x3fffffc0, NR },
		{ "all numbers, of few", 0, ~0ull, FEW },
		{ "only high digits of few differ", 3, 0xffull << 56, FEW },
		{ "few, so many are equal", 7, 0xf, NR },
		{ "only high digits differ", 3, 0xffffull << 48, NR },
		{ "all equal", 9, 0, NR },
	};

	for (size_t k = 0; k < ARRAY_SIZE(t); k++) {
		uint64_t v[NR + 1], want[NR + 1], state = 42;

		for (size_t i = 0; i < t[k].nr; i++)
			v[i] = want[i] = t[k].base + (next(&state) << 11 & t[k].mask);
		v[t[k].nr] = 1;
		if (t[k].nr)
			qsort(want, t[k].nr, sizeof(*want), order_u64);
		cr_assert_eq(radix_sort(v, t[k].nr, 1), 0);
		cr_expect(!memcmp(v, want, t[k].nr * sizeof(*v)), "%s", t[k].why);
		cr_expect_eq(v[t[k].nr], 1, "%s: beyond the end", t[k].why);
	}
}

Test(radix, takes_along_what_belongs_to_a_number)
{
	uint64_t v[2 * NR], state = 1;

	for (size_t i = 0; i < NR; i++) {
		v[2 * i] = next(&state) % 1000 << 20;
		v[2 * i + 1] = i << 32 | v[2 * i] >> 20;
	}
	cr_assert_eq(radix_sort(v, NR, 2), 0);
	for (size_t i = 0; i < NR; i++)
		cr_assert_eq(v[2 * i] >> 20, v[2 * i + 1] & 0xffffffff, "%zu", i);
	for (size_t i = 1; i < NR; i++) {
		cr_assert_leq(v[2 * i - 2], v[2 * i]);
		cr_assert(v[2 * i - 2] < v[2 * i] || v[2 * i - 1] < v[2 * i + 1],
			  "equal ones stay in their order");
	}
}
