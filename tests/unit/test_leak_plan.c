// SPDX-License-Identifier: BSD-2-Clause
/* leak_plan: when a target is watched for leaks, with a clock that the test turns. */
#include <criterion/criterion.h>

#include "model/leak_plan.h"

#define MINUTE (60 * NS_PER_SEC)
#define FOUND  (1000 * MINUTE)

static struct leak_plan found(void)
{
	return (struct leak_plan){ .found_ns = FOUND };
}

/* A watch that begins when it is due. Returns when that was. */
static uint64_t watch(struct leak_plan *p, uint64_t leaking)
{
	const uint64_t due = leak_plan__due_ns(p);

	leak_plan__begin(p, due);
	cr_expect_eq(leak_plan__due_ns(p), UINT64_MAX, "it runs twice at once");
	leak_plan__end(p, leaking);
	return due;
}

static void look(struct leak_plan *p, uint64_t sending, unsigned int times)
{
	uint64_t by_state[GOSTATE_MAX] = { [GOWAIT_CHAN_SEND] = sending };

	for (unsigned int i = 0; i < times; i++)
		leak_plan__look(p, by_state);
}

Test(leak_plan, quiet_targets_are_watched_less_and_less)
{
	static const uint64_t minutes[] = { 1, 2, 5, 10, 20, 60, 60, 60 };
	struct leak_plan p = found();

	cr_expect_eq(watch(&p, 0), FOUND + LEAK_PLAN_FIRST_NS);
	for (size_t i = 0; i < sizeof(minutes) / sizeof(minutes[0]); i++) {
		const uint64_t last = p.last_ns;

		cr_expect_eq(watch(&p, 0) - last, minutes[i] * MINUTE, "watch %zu", i + 2);
	}
}

Test(leak_plan, news_begin_anew)
{
	struct leak_plan p = found();

	for (int i = 0; i < 8; i++)
		watch(&p, 0);
	watch(&p, 7);
	cr_expect_eq(leak_plan__due_ns(&p) - p.last_ns, MINUTE, "it leaks now");
}

Test(leak_plan, more_that_wait_are_ground)
{
	struct leak_plan p = found();

	for (int i = 0; i < 8; i++)
		watch(&p, 0);
	look(&p, 100, 10);
	cr_expect_eq(leak_plan__due_ns(&p) - p.last_ns, 60 * MINUTE, "as many as always");
	look(&p, 114, 10);
	cr_expect_eq(leak_plan__due_ns(&p) - p.last_ns, 60 * MINUTE, "a few more");
	look(&p, 115, LEAK_PLAN_LOOKS - 1);
	look(&p, 100, 1);
	look(&p, 115, LEAK_PLAN_LOOKS - 1);
	cr_expect_eq(leak_plan__due_ns(&p) - p.last_ns, 60 * MINUTE, "for a moment");
	look(&p, 115, 1);
	cr_expect_eq(leak_plan__due_ns(&p) - p.last_ns, 5 * MINUTE, "they stay");
	watch(&p, 0);
	look(&p, 115, 10);
	cr_expect_eq(leak_plan__due_ns(&p) - p.last_ns, 60 * MINUTE, "that was looked into");
}

Test(leak_plan, reasons_come_before_routine)
{
	struct leak_plan routine = found(), grows = found(), later = found();

	grows.found_ns += MINUTE;
	later.found_ns += 1;
	cr_expect(leak_plan__before(&routine, &later) && !leak_plan__before(&later, &routine));
	cr_expect(leak_plan__before(&routine, &grows));
	look(&grows, 100, 1);
	look(&grows, 200, LEAK_PLAN_LOOKS); /* before its first watch, too */
	cr_expect(leak_plan__before(&grows, &routine) && !leak_plan__before(&routine, &grows));
	later.asked = true;
	cr_expect(leak_plan__before(&later, &routine));
}

Test(leak_plan, who_asks_waits_a_minute_at_most)
{
	struct leak_plan p = found();

	p.asked = true;
	cr_expect_leq(leak_plan__due_ns(&p), FOUND);
	for (int i = 0; i < 8; i++)
		watch(&p, 0);
	p.asked = true;
	cr_expect_eq(leak_plan__due_ns(&p) - p.last_ns, MINUTE);
	watch(&p, 0);
	cr_expect(!p.asked, "it is answered");
}

Test(leak_plan, what_fails_is_tried_later_each_time)
{
	struct leak_plan p = found();

	for (int i = 0; i < 8; i++) {
		leak_plan__begin(&p, leak_plan__due_ns(&p));
		leak_plan__fail(&p);
	}
	cr_expect_eq(leak_plan__due_ns(&p) - p.last_ns, 60 * MINUTE);
}

Test(leak_plan, few_run_at_once)
{
	const struct leak_turns t = { 0 };
	const struct leak_plan p = found();
	const uint64_t due = leak_plan__due_ns(&p);

	cr_expect(leak_turns__may(&t, 0, &p, due));
	cr_expect(leak_turns__may(&t, LEAK_PLAN_AT_ONCE - 1, &p, due));
	cr_expect(!leak_turns__may(&t, LEAK_PLAN_AT_ONCE, &p, due), "one too many");
	cr_expect(!leak_turns__may(&t, 0, &p, due - 1), "it is not due");
}

Test(leak_plan, our_cpu_time_bounds_all_but_the_first)
{
	struct leak_turns t = { 0 };
	struct leak_plan p = found();
	const struct leak_plan other = found();
	const uint64_t cpu_ns = NS_PER_SEC, rest_ns = (uint64_t)((double)cpu_ns / LEAK_PLAN_CPU);
	uint64_t now;

	watch(&p, 0);
	now = leak_plan__due_ns(&p);
	cr_expect(leak_turns__may(&t, 0, &p, now));
	leak_turns__end(&t, cpu_ns, now);
	leak_turns__end(&t, cpu_ns, now); /* two that ended at the same moment */
	cr_expect(!leak_turns__may(&t, 0, &p, now + 2 * rest_ns - 1));
	cr_expect(leak_turns__may(&t, 0, &p, now + 2 * rest_ns));
	cr_expect(leak_turns__may(&t, 0, &other, now), "nobody has watched it yet");
}
