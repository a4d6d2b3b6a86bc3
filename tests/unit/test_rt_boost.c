// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <sched.h>
#include <time.h>

#include "base/clock.h"
#include "base/rt_boost.h"

#define LIMIT_NS (2 * NS_PER_MS)
#define BUSY_NS  (60 * NS_PER_MS) /* of CPU time */
#define LATE_NS  (10 * NS_PER_MS) /* a machine of a test may be slow */

static uint64_t thread_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static bool is_first(void)
{
	return sched_getscheduler(0) == SCHED_RR;
}

static bool may_hurry(void)
{
	const struct sched_param rr = { .sched_priority = 2 }, none = { .sched_priority = 0 };

	return !sched_setscheduler(0, SCHED_RR, &rr) && !sched_setscheduler(0, SCHED_OTHER, &none);
}

/*
 * How much CPU time it had before all others since began, of BUSY_NS; a loop that makes no system
 * call in between would be no different.
 */
static uint64_t first_for(uint64_t began)
{
	uint64_t now = began, last = began;

	while ((now = thread_ns()) - began < BUSY_NS)
		if (is_first())
			last = now;
	return last - began;
}

Test(rt_boost, who_is_busy_is_first_only_until_the_limit)
{
	const struct timespec nap = { .tv_nsec = NS_PER_MS };
	scoped(rt_boost) p = NULL;

	if (!may_hurry())
		cr_skip_test("needs CAP_SYS_NICE");
	cr_assert_eq(rt_boost__new(LIMIT_NS, &p), 0);
	cr_expect(!is_first(), "nobody asked yet");
	for (int i = 0; i < 3; i++) {
		const uint64_t began = thread_ns();
		int n = 0;
		bool first;
		uint64_t ns;

		if (i & 1)
			rt_boost__hurry(p);
		else
			n = rt_boost__poll(p, NULL, 0, &nap);
		first = is_first();
		ns = first_for(began); /* at once: an assertion takes CPU time too */
		cr_expect_eq(n, 0);
		cr_expect(first, "round %d", i);
		cr_expect_geq(ns, LIMIT_NS / 2, "round %d: %llu ns", i, (unsigned long long)ns);
		cr_expect_leq(ns, LIMIT_NS + LATE_NS, "round %d: %llu ns", i,
			      (unsigned long long)ns);
		rt_boost__restore(p);
		cr_expect(!is_first(), "round %d", i);
	}
}

Test(rt_boost, sleep_does_not_count)
{
	const struct timespec nap = { .tv_nsec = 10 * LIMIT_NS };
	scoped(rt_boost) p = NULL;

	if (!may_hurry())
		cr_skip_test("needs CAP_SYS_NICE");
	cr_assert_eq(rt_boost__new(LIMIT_NS, &p), 0);
	rt_boost__hurry(p);
	nanosleep(&nap, NULL);
	cr_expect(is_first());
	(void)rt_boost__poll(p, NULL, 0, &nap);
	cr_expect(is_first());
}

Test(rt_boost, it_is_over_when_restored_or_freed)
{
	struct rt_boost *p = NULL;

	if (!may_hurry())
		cr_skip_test("needs CAP_SYS_NICE");
	cr_assert_eq(rt_boost__new(LIMIT_NS, &p), 0);
	rt_boost__hurry(p);
	rt_boost__restore(p);
	cr_expect(!is_first());
	rt_boost__hurry(p);
	rt_boost__free(p);
	cr_expect(!is_first());
}

Test(rt_boost, no_pace_never_hurries)
{
	const struct timespec nap = { .tv_nsec = 1 };

	rt_boost__hurry(NULL);
	cr_expect(!is_first());
	cr_expect_eq(rt_boost__poll(NULL, NULL, 0, &nap), 0);
	rt_boost__restore(NULL);
	cr_expect_eq(rt_boost__limit_ns(NULL), 0);
	rt_boost__free(NULL);
}

Test(rt_boost, with_one_processor_the_limit_is_shorter)
{
	cpu_set_t all, one;
	int n = 0;

	cr_assert_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(n, &all))
		n++;
	CPU_ZERO(&one);
	CPU_SET(n, &one);
	cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
	cr_expect_eq(rt_boost_limit_ns(0), RT_BOOST_ONE_NS);
	cr_assert_eq(sched_setaffinity(0, sizeof(all), &all), 0);
	if (CPU_COUNT(&all) > 1)
		cr_expect_eq(rt_boost_limit_ns(0), RT_BOOST_NS);
}
