/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/clock.h"
#include "look_fake.h"
#include "model/trend.h"

Test(trend, is_the_slope_of_a_line)
{
	struct trend t = { 0 };
	double slope = 42;

	cr_expect_not(trend__slope(&t, &slope));
	trend__add(&t, 1, 10);
	cr_expect_not(trend__slope(&t, &slope), "one point has none");
	trend__add(&t, 1, 20);
	cr_expect_not(trend__slope(&t, &slope), "nor have two at one time");
	cr_expect_eq(slope, 42, "untouched");
	t = (struct trend){ 0 };
	for (int x = 0; x < 60; x++)
		trend__add(&t, x / 6.0, 1000 - 2.0 * x);
	cr_assert(trend__slope(&t, &slope));
	cr_expect_float_eq(slope, -12, 1e-6);
}

Test(trend, is_moved_little_by_one_look)
{
	struct trend t = { 0 };
	double slope;

	for (int x = 0; x < 60; x++)
		trend__add(&t, x / 6.0, x == 40 ? 200 : 100);
	cr_assert(trend__slope(&t, &slope));
	cr_expect(slope > -2 && slope < 2, "%g", slope);
}

/* Looks each 10 s: 2 goroutines more each time are 12 a minute. */
Test(trend, of_a_history_is_goroutines_a_minute)
{
	scoped(history) h = NULL;
	scoped(tally) t = NULL;
	uint64_t goid = 0;
	double slope;

	cr_expect_not(trend_of_history(NULL, &slope));
	cr_assert_eq(history__new(&h), 0);
	cr_assert_eq(tally__new(&t), 0);
	cr_expect_not(trend_of_history(h, &slope));
	for (uint64_t look = 0; look < 100; look++) {
		const uint64_t now = look * 10 * NS_PER_SEC;

		tally__begin(t, now);
		for (goid = 0; goid < 5 + 2 * look; goid++)
			tally__add(t, &(struct tally_g){ .id = goid,
							 .wait_ns = TALLY_UNKNOWN,
							 .row = HISTORY_OTHER,
							 .state = GOSTATE_UNKNOWN });
		cr_assert_eq(look_ends(h, t, now, now), 0);
		if (!look)
			cr_expect_not(trend_of_history(h, &slope), "one look tells nothing yet");
	}
	cr_assert(trend_of_history(h, &slope));
	cr_expect_float_eq(slope, 12, 1e-6);
}
