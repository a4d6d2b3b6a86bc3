// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "model/recording_plan.h"

#define MINUTE (60 * NS_PER_SEC)
#define BEGIN  (1000 * NS_PER_SEC)

static struct recording_plan ended(bool failed)
{
	struct recording_plan p = { 0 };

	recording_plan__begin(&p, BEGIN);
	recording_plan__end(&p, failed);
	return p;
}

Test(recording_plan, a_turn_comes_so_long_after_the_last_one_began)
{
	const struct recording_plan none = { 0 }, p = ended(false);
	struct recording_plan running = { 0 };

	cr_expect_eq(recording_plan__due_ns(&none, MINUTE), 0, "the first at once");
	cr_expect_eq(recording_plan__due_ns(&p, MINUTE), BEGIN + MINUTE);
	cr_expect_leq(recording_plan__due_ns(&p, 0), BEGIN, "no pause");
	recording_plan__begin(&running, BEGIN);
	cr_expect_eq(recording_plan__due_ns(&running, 0), UINT64_MAX);
}

Test(recording_plan, what_fails_is_tried_later_each_time)
{
	struct recording_plan p = ended(true);

	cr_expect_eq(recording_plan__due_ns(&p, 0), BEGIN + MINUTE, "a level without pauses, too");
	for (int i = 0; i < 8; i++)
		recording_plan__end(&p, true);
	cr_expect_eq(recording_plan__due_ns(&p, 0), BEGIN + 60 * MINUTE);
	recording_plan__end(&p, false);
	cr_expect_eq(recording_plan__due_ns(&p, MINUTE), BEGIN + MINUTE, "it works again");
}

Test(recording_plan, few_run_at_once)
{
	const struct recording_turns t = { 0 };
	const struct recording_plan p = ended(false);

	cr_expect(recording_turns__may(&t, RECORDINGS_AT_ONCE - 1, &p, MINUTE, BEGIN + MINUTE));
	cr_expect(!recording_turns__may(&t, RECORDINGS_AT_ONCE, &p, MINUTE, BEGIN + MINUTE));
	cr_expect(!recording_turns__may(&t, 0, &p, MINUTE, BEGIN + MINUTE - 1));
}

/* A hundred targets at a level without pauses. */
Test(recording_plan, our_own_time_is_bounded)
{
	const uint64_t cpu_ns = NS_PER_SEC, length_ns = 10 * NS_PER_SEC;
	struct recording_plan plans[100] = { 0 };
	struct recording_turns t = { 0 };
	uint64_t now = BEGIN, spent_ns = 0;

	for (; now < BEGIN + 60 * MINUTE; now += NS_PER_SEC)
		for (int i = 0; i < 100; i++) {
			if (!recording_turns__may(&t, 0, &plans[i], 0, now))
				continue;
			recording_plan__begin(&plans[i], now);
			recording_plan__end(&plans[i], false);
			recording_turns__end(&t, now, cpu_ns);
			spent_ns += cpu_ns;
			now += length_ns;
		}
	cr_expect_leq((double)spent_ns, RECORDINGS_CPU * (double)(now - BEGIN) + (double)cpu_ns);
	cr_expect_geq((double)spent_ns, 0.8 * RECORDINGS_CPU * (double)(now - BEGIN), "it is used");
}
