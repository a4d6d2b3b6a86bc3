/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/chanstat.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/random.h"

#define LOOKS   200
#define PART_NS 50000000ull
#define LONG_NS (LOOKS * PART_NS)

static struct chanstat stat;

static void begin(void)
{
	chanstat__init(&stat, LONG_NS, 0);
}

static void look(uint64_t at_ns, uint64_t len, uint64_t cap, uint32_t senders)
{
	const struct chanstat_look l = {
		.at_ns = at_ns, .weight_ns = PART_NS, .len = len, .cap = cap, .senders = senders
	};

	cr_assert_eq(chanstat__look(&stat, &l), 0);
}

static struct chan_life told(uint64_t to_ns)
{
	struct chan_life l = { 0 };

	cr_assert_eq(chanstat__end(&stat, to_ns), 0);
	chanstat__tell(&stat, &l);
	return l;
}

Test(chanstat, counts_what_it_sees)
{
	struct chan_life l;

	begin();
	for (uint64_t i = 0; i < 10; i++)
		look(i * PART_NS, i < 5 ? 8 : 0, 8, i < 2 ? 6 : 0);
	chanstat__queued(&stat, 9, 3);
	l = told(10 * PART_NS);
	cr_expect_eq(l.looks, 10);
	cr_expect_float_eq(l.fill.is, 0.5, 1e-9);
	cr_expect_float_eq(l.full.is, 0.5, 1e-9);
	cr_expect_float_eq(l.empty.is, 0.5, 1e-9);
	cr_expect_float_eq(l.sends.is, 0.2, 1e-9);
	cr_expect_eq(l.fill_max, 8);
	cr_expect_eq(l.senders_max, 9, "a search saw more than any look");
	cr_expect_eq(l.receivers_max, 3);
	cr_expect(l.contended, "many queued at a fifth of the looks");
	chanstat__done(&stat);
}

Test(chanstat, is_not_contended_where_one_at_a_time_queues)
{
	begin();
	for (uint64_t i = 0; i < 20; i++)
		look(i * PART_NS, 8, 8, i ? CHANSTAT_CROWD - 1 : CHANSTAT_CROWD + 5);
	cr_expect(!told(20 * PART_NS).contended);
	chanstat__done(&stat);
}

Test(chanstat, of_one_without_a_buffer_tells_queues_only)
{
	struct chan_life l;

	begin();
	for (uint64_t i = 0; i < 20; i++)
		look(i * PART_NS, 0, 0, 1);
	l = told(20 * PART_NS);
	cr_expect_eq(l.full.is, 0, "there is nothing to be full");
	cr_expect_float_eq(l.sends.is, 1, 1e-9);
	cr_expect_eq(l.longest.looks, 0);
	cr_expect_eq(l.nr_bursts, 0);
	chanstat__done(&stat);
}

Test(chanstat, tells_bursts_by_the_looks_around_their_ends)
{
	/* of 20: 18 is 90 %. Two looks in a row are no burst */
	static const uint64_t lens[] = { 19, 20, 18, 17, 20, 20, 0, 18, 18, 20, 20, 0, 20, 20, 20 };
	struct chan_life l;

	begin();
	for (uint64_t i = 0; i < ARRAY_SIZE(lens); i++)
		look(10 + 100 * i, lens[i], 20, 0);
	l = told(1500);
	cr_assert_eq(stat.nr_bursts, 3);
	cr_expect(stat.bursts[0].open_begin, "nobody saw it begin");
	cr_expect_eq(stat.bursts[0].before_ns, 0);
	cr_expect_eq(stat.bursts[0].after_ns, 310);
	cr_expect_eq(stat.bursts[1].before_ns, 610);
	cr_expect_eq(stat.bursts[1].first_ns, 710);
	cr_expect_eq(stat.bursts[1].last_ns, 1010);
	cr_expect_eq(stat.bursts[1].after_ns, 1110);
	cr_expect_eq(chan_run_at_ns(&stat.bursts[1]), 660, "the middle of what is known");
	cr_expect_eq(chan_run_for_ns(&stat.bursts[1]), 400);
	cr_expect(stat.bursts[2].open_end, "it went on");
	cr_expect_eq(chan_run_end_ns(&stat.bursts[2]), 1500);
	cr_expect_eq(l.longest.first_ns, 1210, "full, not nearly");
	cr_expect_eq(l.longest.looks, 3);
	chanstat__done(&stat);
}

Test(chanstat, has_a_bound_of_bursts_and_counts_the_rest)
{
	begin();
	for (uint64_t i = 0; i < 4 * (CHAN_WATCH_BURSTS_MAX + 5); i++)
		look(i, i % 4 == 3 ? 0 : 1, 1, 0);
	cr_expect_eq(told(1000).bursts_more, 5);
	cr_expect_eq(stat.nr_bursts, CHAN_WATCH_BURSTS_MAX);
	chanstat__done(&stat);
}

Test(chanstat, has_a_strip_of_parts_of_the_time)
{
	struct chan_life l;

	begin();
	look(0, 4, 8, 0);
	look(1, 0, 8, 0);
	look(LONG_NS / 2, 8, 8, 0);
	look(LONG_NS + 5, 2, 8, 0); /* later than planned */
	l = told(LONG_NS + 6);
	cr_expect_eq(l.cells[0], 251);
	cr_expect_eq(l.cells[1], 0, "there was no look");
	cr_expect_eq(l.cells[CHAN_WATCH_CELLS / 2], 1001);
	cr_expect_eq(l.cells[CHAN_WATCH_CELLS - 1], 251);
	chanstat__done(&stat);
}

Test(chanstat, was_never_looked_at_without_a_figure)
{
	struct chan_life l;

	begin();
	l = told(7);
	cr_expect_eq(l.looks, 0);
	cr_expect_eq(l.sends.error, 1, "it may be anything");
	cr_expect_eq(l.to_ns, 7);
	chanstat__done(&stat);
}

/* --- the intervals hold what is true --- */

/* A channel that is full and not full by turns, for random times, which are on average so long. */
struct turns {
	double full_ns, other_ns;
	const char *why;
};

/* The part of the time that it is full, and what looks at random moments say of it. */
static double one_watch(const struct turns *t, uint64_t *random, struct chan_share *ret)
{
	double at = 0, full_ns = 0, look_at = random_next(random) * (double)PART_NS;
	bool full = random_next(random) < t->full_ns / (t->full_ns + t->other_ns);
	int part = 0;

	begin();
	while (at < (double)LONG_NS) {
		const double mean = full ? t->full_ns : t->other_ns;
		double end = at - log(1 - random_next(random)) * mean;

		end = end < (double)LONG_NS ? end : (double)LONG_NS;
		full_ns += full ? end - at : 0;
		while (part < LOOKS && look_at < end) {
			look((uint64_t)look_at, full ? 8 : 1, 8, 0);
			part++;
			look_at = (part + random_next(random)) * (double)PART_NS;
		}
		at = end;
		full = !full;
	}
	*ret = told(LONG_NS).full;
	chanstat__done(&stat);
	return full_ns / (double)LONG_NS;
}

Test(chanstat, intervals_hold_the_truth_in_95_of_100)
{
	static const struct turns t[] = {
		{ 400e6, 600e6, "longer than from look to look" },
		{ 20e6, 20e6, "shorter" },
		{ 1e6, 3e6, "much shorter" },
		{ 5e6, 2000e6, "full now and then" },
		{ 3000e6, 20e6, "hardly ever not full" },
		{ 60e9, 60e9, "as a rule the same all the time" },
	};
	uint64_t random = 7;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		double off = 0, width = 0;
		int held = 0;

		for (int n = 0; n < 400; n++) {
			struct chan_share s;
			const double truth = one_watch(&t[i], &random, &s);

			held += fabs(s.is - truth) <= s.error;
			off += s.is - truth;
			width += s.error;
		}
		cr_expect_geq(held, 380, "%s: %d of 400", t[i].why, held);
		cr_expect_lt(fabs(off / 400), 0.005, "%s: off by %f", t[i].why, off / 400);
		cr_expect_lt(width / 400, 0.08, "%s: +- %f tells nothing", t[i].why, width / 400);
	}
}
