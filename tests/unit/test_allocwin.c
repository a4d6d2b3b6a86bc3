/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/clock.h"
#include "engine/allocwin.h"

#define WINDOWS 1000

static const struct allocwin_limits limits = { 0.02, 0.1, NS_PER_MS, 300 * NS_PER_MS };

Test(allocwin, windows_keep_to_the_budget)
{
	static const struct {
		const char *why;
		double cost_ns, cpus;
	} rows[] = {
		{ "a busy program", 5e6, 1 },
		{ "on eight processors", 20e6, 8 },
		{ "half idle", 10e6, 0.5 },
		{ "nearly idle: counts as more", 2e6, 0.001 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double cpus = rows[i].cpus > limits.cpus_min ? rows[i].cpus : limits.cpus_min, used;
		uint64_t now = 0;
		struct allocwin w;

		allocwin__init(&w, &limits, now, 42);
		for (int k = 0; k < WINDOWS; k++) {
			now += allocwin__due_ns(&w, now);
			cr_assert_eq(allocwin__due_ns(&w, now), 0);
			allocwin__closed(&w, now, ALLOCWIN_HITS, rows[i].cost_ns, rows[i].cpus);
		}
		used = WINDOWS * rows[i].cost_ns / ((double)now * cpus);
		cr_expect_float_eq(used, limits.budget, limits.budget / 10, "%s: %g", rows[i].why,
				   used);
	}
}

Test(allocwin, pauses_differ)
{
	uint64_t now = 0, shortest = UINT64_MAX, longest = 0;
	struct allocwin w;

	allocwin__init(&w, &limits, now, 7);
	for (int k = 0; k < 100; k++) {
		uint64_t pause;

		allocwin__closed(&w, now, ALLOCWIN_HITS, 10e6, 1);
		pause = allocwin__due_ns(&w, now);
		shortest = pause < shortest ? pause : shortest;
		longest = pause > longest ? pause : longest;
		now += pause;
	}
	cr_expect_lt(shortest, 300 * NS_PER_MS);
	cr_expect_gt(longest, 700 * NS_PER_MS);
}

Test(allocwin, windows_become_as_long_as_it_takes)
{
	struct allocwin w;

	allocwin__init(&w, &limits, 0, 1);
	for (int k = 0; k < 20; k++)
		allocwin__closed(&w, 0, 0, 0, 1);
	cr_expect_eq(w.length_ns, limits.longest_ns, "nobody allocates");
	for (int k = 0; k < 20; k++)
		allocwin__closed(&w, 0, 1000 * ALLOCWIN_HITS, 1e6, 1);
	cr_expect_eq(w.length_ns, NS_PER_MS, "somebody allocates all the time");
}
