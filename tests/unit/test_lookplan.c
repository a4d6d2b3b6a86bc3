// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "base/clock.h"
#include "model/lookplan.h"

struct made {
	size_t looks, searches;
	uint64_t last_began_ns;
};

/* A watch of so many seconds in which each look and each search takes so long. */
static struct made watch(uint64_t duration_ns, uint64_t look_ns, uint64_t search_ns)
{
	struct lookplan p = { .start_ns = NS_PER_SEC,
			      .duration_ns = duration_ns,
			      .look_ns = look_ns };
	uint64_t now = p.start_ns + look_ns;
	struct made m = { .looks = 1 };

	for (;;) {
		size_t next = lookplan__next(&p, now), searches = lookplan__searches(&p, next);

		if (searches > p.searched) {
			p.searched = searches;
			m.searches++;
			now += search_ns;
			next = lookplan__next(&p, now);
		}
		if (next == LOOKPLAN_LOOKS)
			return m;
		now = now > lookplan__due_ns(&p, next) ? now : lookplan__due_ns(&p, next);
		m.last_began_ns = now - p.start_ns;
		now += look_ns;
		m.looks++;
		p.at = next;
	}
}

Test(lookplan, short_looks_are_all_made)
{
	struct made m = watch(30 * NS_PER_SEC, 10 * NS_PER_MS, 50 * NS_PER_MS);

	cr_expect_eq(m.looks, LOOKPLAN_LOOKS);
	cr_expect_eq(m.searches, LOOKPLAN_SEARCHES - 1, "the last is the caller's");
	cr_expect_eq(m.last_began_ns, 30 * NS_PER_SEC);
}

Test(lookplan, short_looks_are_made_up_for_after_a_search)
{
	struct made m = watch(12 * NS_PER_SEC, NS_PER_MS, 2500 * NS_PER_MS);

	cr_expect_eq(m.looks, LOOKPLAN_LOOKS);
	cr_expect_eq(m.last_began_ns, 12 * NS_PER_SEC);
}

Test(lookplan, long_looks_do_not_put_the_end_off)
{
	static const uint64_t looks_ms[] = { 300, 450, 1000, 2000, 2600, 4000, 6000, 9000 };

	for (size_t i = 0; i < sizeof(looks_ms) / sizeof(*looks_ms); i++) {
		const uint64_t look = looks_ms[i] * NS_PER_MS, end = 5 * NS_PER_SEC;
		struct made m = watch(end, look, 0);

		cr_expect(m.last_began_ns >= end &&
				  m.last_began_ns <= (2 * look > end ? 2 * look : end),
			  "looks of %d ms: %.2f s", (int)looks_ms[i],
			  (double)m.last_began_ns / NS_PER_SEC);
		if (look > end)
			continue;
		cr_expect_geq(m.looks, 3,
			      "two tell who waits, then there is a search, then the last");
		cr_expect_geq(m.searches, 1, "those that are unreached must be so twice");
	}
}

Test(lookplan, they_are_as_many_as_there_is_time_for)
{
	cr_expect_eq(watch(30 * NS_PER_SEC, 2 * NS_PER_SEC, 0).looks, LOOKPLAN_LOOKS);
	cr_expect_geq(watch(30 * NS_PER_SEC, 2600 * NS_PER_MS, 0).looks, 11);
	cr_expect_eq(watch(5 * NS_PER_SEC, 2 * NS_PER_SEC, 0).looks, 3);
}

Test(lookplan, what_is_over_has_no_look_left)
{
	const struct lookplan p = { .duration_ns = NS_PER_SEC, .at = LOOKPLAN_LOOKS - 1 };

	cr_expect_eq(lookplan__next(&p, 5 * NS_PER_SEC), LOOKPLAN_LOOKS);
	cr_expect_eq(lookplan__searches(&p, LOOKPLAN_LOOKS), 0);
}

Test(lookplan, the_first_look_is_not_searched_after)
{
	const struct lookplan p = { .duration_ns = NS_PER_SEC, .look_ns = 10 * NS_PER_SEC };

	cr_expect_eq(lookplan__searches(&p, lookplan__next(&p, 10 * NS_PER_SEC)), 0);
}
