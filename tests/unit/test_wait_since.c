/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "census/wait_since.h"

#define NOW 1000

Test(wait_since, a_goroutine_waited_before_the_end_of_the_collection_that_found_it)
{
	static const struct {
		const char *why;
		uint64_t noted[3], tstart, want[3];
	} t[] = {
		{ "no collection found any", { 0, 0, 0 }, 0, { 0, 0, 0 } },
		{ "found by the last one", { 300, 0, 300 }, 500, { 500, 0, 500 } },
		{ "found by earlier ones", { 100, 200, 300 }, 500, { 200, 300, 500 } },
		{ "being found now", { 500, 100, 0 }, 500, { 0, 500, 0 } },
		{ "tstart is not known", { 100, 300, 0 }, 0, { 300, 0, 0 } },
		{ "tstart is older than what goroutines have",
		  { 100, 300, 0 },
		  200,
		  { 300, 0, 0 } },
		{ "tstart is in the future", { 100, 300, 0 }, NOW + 1, { 300, 0, 0 } },
		{ "a goroutine waits since the future", { 100, NOW + 1, 0 }, 200, { 200, 0, 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct census_g gs[3] = { 0 };
		struct wait_bounds known = { .nr = 0 };

		for (size_t k = 0; k < 3; k++)
			gs[k].waitsince_ns = t[i].noted[k];
		cr_assert_eq(wait_since_date(gs, 3, t[i].tstart, NOW, &known), 0);
		for (size_t k = 0; k < 3; k++)
			cr_expect_eq(gs[k].waitsince_ns, t[i].want[k], "%s: goroutine %zu",
				     t[i].why, k);
		wait_bounds__done(&known);
	}
}

Test(wait_since, more_collections_than_are_told_apart_make_later_bounds_and_no_earlier_ones)
{
	static struct census_g gs[5000];
	struct wait_bounds known = { .nr = 0 };
	uint64_t noted[ARRAY_SIZE(gs)];

	for (size_t i = 0; i < ARRAY_SIZE(gs); i++)
		gs[i].waitsince_ns = noted[i] = 10 + 7919 * i % 50000;
	cr_assert_eq(wait_since_date(gs, ARRAY_SIZE(gs), 60000, 70000, &known), 0);
	for (size_t i = 0; i < ARRAY_SIZE(gs); i++)
		cr_expect(gs[i].waitsince_ns > noted[i] && gs[i].waitsince_ns <= 60000, "%zu", i);
	wait_bounds__done(&known);
}

Test(wait_since, what_an_earlier_look_knew_of_a_collection_stays_known)
{
	static const struct {
		const char *why;
		uint64_t before[2], tstart_before, now[2], tstart, want[2];
	} t[] = {
		{ "the collector ran on", { 100, 0 }, 200, { 100, 0 }, 900, { 200, 0 } },
		{ "who was noted next runs again",
		  { 100, 300 },
		  400,
		  { 100, 800 },
		  900,
		  { 300, 900 } },
		{ "more is known now", { 100, 0 }, 600, { 100, 200 }, 900, { 200, 900 } },
		{ "nothing was known before", { 100, 0 }, 0, { 100, 0 }, 900, { 900, 0 } },
		{ "nothing is known now", { 100, 0 }, 200, { 100, 0 }, 0, { 200, 0 } },
		{ "it is another wait", { 100, 0 }, 200, { 150, 0 }, 900, { 900, 0 } },
		{ "nobody waited before", { 0, 0 }, 200, { 200, 0 }, 900, { 900, 0 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct census_g old[2] = { 0 }, now[2] = { 0 };
		struct wait_bounds known = { .nr = 0 };

		for (size_t k = 0; k < 2; k++) {
			old[k].waitsince_ns = t[i].before[k];
			now[k].waitsince_ns = t[i].now[k];
		}
		cr_assert_eq(wait_since_date(old, 2, t[i].tstart_before, NOW, &known), 0);
		cr_assert_eq(wait_since_date(now, 2, t[i].tstart, NOW, &known), 0);
		for (size_t k = 0; k < 2; k++)
			cr_expect_eq(now[k].waitsince_ns, t[i].want[k], "%s: goroutine %zu",
				     t[i].why, k);
		wait_bounds__done(&known);
	}
}
