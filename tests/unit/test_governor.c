/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "model/governor.h"

#define SECOND 1e9

Test(governor, what_may_be_spent_follows_the_targets_cpu_time)
{
	static const struct {
		const char *why;
		double max, cpu, time, spent, want;
	} t[] = {
		{ "at the start a little", 0.01, 0, 0, 0, GOVERNOR_GRACE_NS },
		{ "a hundredth of what it used", 0.01, 2 * SECOND, SECOND, 0, 0.02 * SECOND },
		{ "less what was spent", 0.01, 2 * SECOND, SECOND, 0.05 * SECOND, -0.03 * SECOND },
		{ "idle: as if it used a tenth of a processor", 0.01, 0, 20 * SECOND, 0,
		  0.02 * SECOND },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct governor g;

		governor__init(&g, t[i].max);
		governor__spend(&g, t[i].spent);
		cr_expect_float_eq(governor__left_ns(&g, t[i].cpu, t[i].time), t[i].want, 1,
				   "%s: %f", t[i].why, governor__left_ns(&g, t[i].cpu, t[i].time));
	}
}

Test(governor, windows_are_as_wide_as_their_hits_may_cost)
{
	static const struct {
		const char *why;
		double hits;
		uint64_t least, want;
	} t[] = {
		{ "idle: as wide as they get", 0, 0, GOVERNOR_WIDTH_MAX },
		{ "2 of 1 processors' time goes into hits: as narrow as they get", 2e6, 0,
		  GOVERNOR_WIDTH_MIN },
		{ "a tenth", 1e5, 0, 10000000 },
		{ "no narrower than a look at all goroutines takes", 2e6, 7000000, 7000000 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++) {
		struct governor g;

		governor__init(&g, 0.01);
		governor__learn(&g, 1000000, t[i].hits, 0, t[i].least);
		cr_expect_eq(g.width_ns, t[i].want, "%s: %llu", t[i].why,
			     (unsigned long long)g.width_ns);
	}
}

Test(governor, windows_that_would_be_rare_do_not_pay)
{
	const double busy = 2, rate = 0.01 * 2; /* two processors, a hundredth of them */
	struct governor g;

	governor__init(&g, 0.01);
	governor__learn(&g, 1000000, busy * 1e6, 5e6, 0);
	/* 1 ms of links, 5 around, 2 of hits: 8 ms each 0.4 s */
	cr_expect_float_eq(governor__window_ns(&g), 8e6, 1);
	cr_expect_float_eq(governor__period_ns(&g, rate), 0.4 * SECOND, 1);
	cr_expect(governor__windows_pay(&g, rate));
	cr_expect_not(governor__windows_pay(&g, rate / 4));
	cr_expect_not(governor__windows_pay(&g, 0));
}

Test(governor, those_who_share_the_limit_spend_an_equal_part_each)
{
	struct governor g;

	governor__init(&g, 0.01);
	cr_expect_float_eq(governor__left_ns(&g, 10e9, 10e9), 100e6, 1);
	governor__share(&g, 4, 0, 0);
	cr_expect_float_eq(governor__left_ns(&g, 10e9, 10e9), 25e6, 1);
	cr_expect_float_eq(governor__left_ns(&g, 0, 0), GOVERNOR_GRACE_NS / 4, 1, "the grace too");
	cr_expect_float_eq(governor__rate(&g, 10e9, 10e9), 0.0025, 1e-9);
	governor__spend(&g, 30e6);
	cr_expect(governor__left_ns(&g, 10e9, 10e9) < 0, "what was spent alone counts");
}

Test(governor, who_is_alone_again_does_not_spend_what_was_the_others_part)
{
	struct governor g;

	governor__init(&g, 0.01);
	governor__share(&g, 4, 4e9, 4e9);
	cr_expect_float_eq(governor__left_ns(&g, 8e9, 8e9), 40e6 + 10e6, 1);
	governor__share(&g, 1, 8e9, 8e9);
	cr_expect_float_eq(governor__left_ns(&g, 8e9, 8e9), 40e6 + 10e6, 1);
	cr_expect_float_eq(governor__left_ns(&g, 9e9, 9e9), 40e6 + 10e6 + 10e6, 1);
}

Test(governor, what_we_take_of_processors_is_taken_from_who_uses_them)
{
	static const struct {
		const char *why;
		double target, time;
		unsigned int processors;
		double want;
	} t[] = {
		{ "it keeps both of them busy", 2 * SECOND, SECOND, 2, 1 },
		{ "it has one of four: three are free", SECOND, SECOND, 4, 0 },
		{ "it has one and a half of two", 1.5 * SECOND, SECOND, 2, 0.5 },
		{ "it has half of the only one", SECOND / 2, SECOND, 1, 0.5 },
		{ "it waits", 0, SECOND, 2, 0 },
		{ "all in one tick of its clock", 0.02 * SECOND, 0.01 * SECOND, 1, 1 },
		{ "no time", 0, 0, 2, 1 },
		{ "nobody knows how many", SECOND / 2, SECOND, 0, 0.5 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(*t); i++)
		cr_expect_float_eq(governor_taken_part(t[i].target, t[i].time, t[i].processors),
				   t[i].want, 1e-9, "%s", t[i].why);
}

Test(governor, looks_that_take_something_are_rarer)
{
	struct governor g;

	governor__init(&g, 0.01);
	cr_expect_eq(governor__look_period_ns(&g, 0.02), 0, "nothing is known of them");
	for (int i = 0; i < 50; i++)
		governor__looked(&g, 1e6);
	/* of two processors it may take 2 % of one, half of that for looks */
	cr_expect_float_eq(governor__look_period_ns(&g, 0.02), 100e6, 1e3);
	cr_expect_eq(governor__look_period_ns(&g, 1e-6), GOVERNOR_PERIOD_MAX,
		     "but never without end");
	cr_expect_eq(governor__look_period_ns(&g, 0), 0, "no limit, no period");
	for (int i = 0; i < 50; i++)
		governor__looked(&g, 0);
	cr_expect(governor__look_period_ns(&g, 0.02) < 1e3,
		  "it waits now: they take nothing any more");
}

Test(governor, lets_us_use_what_is_taken_at_most)
{
	static const struct {
		const char *why;
		double max, rate, part, want;
	} t[] = {
		{ "a processor is free: it is ours, as far as we want it", 0.01, 0.5, 0, 0.1 },
		{ "no limit", 0, 2, 1, 0.1 },
		{ "both processors are the target's: all is taken", 0.01, 2, 1, 0.02 },
		{ "half of ours is", 0.01, 1.5, 0.5, 0.03 },
		{ "a limit that is higher than ours", 0.5, 2, 1, 0.1 },
		{ "one that hardly runs counts as a tenth of a processor", 0.01, 0, 1, 0.001 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_float_eq(governor_own_rate(t[i].max, t[i].rate, t[i].part, 0.1),
				   t[i].want, 1e-9, "%s", t[i].why);
}
