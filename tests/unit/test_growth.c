/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "model/growth.h"

#define LOOKS 13

Test(growth, asks_whether_it_goes_on_at_the_end)
{
	static const struct {
		const char *why;
		uint32_t level[LOOKS];
		uint32_t births[LOOKS - 1];
		bool going;
	} t[] = {
		{ "a leak at an even pace",
		  { 0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60 },
		  { 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5 },
		  true },
		{ "one in every second window",
		  { 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6 },
		  { 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1 },
		  true },
		{ "bursts with long pauses",
		  { 0, 50, 50, 50, 50, 100, 100, 100, 100, 150, 150, 150, 150 },
		  { 50, 0, 0, 0, 50, 0, 0, 0, 50, 0, 0, 0 },
		  true },
		{ "a warm-up that stopped early",
		  { 0, 100, 200, 300, 400, 500, 500, 500, 500, 500, 500, 500, 500 },
		  { 100, 100, 100, 100, 100, 0, 0, 0, 0, 0, 0, 0 },
		  false },
		{ "a warm-up that stopped two windows ago",
		  { 0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 500, 500 },
		  { 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 0, 0 },
		  false },
		{ "as births say: it stopped one window ago",
		  { 0, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500, 550, 600 },
		  { 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 0 },
		  false },
		{ "a warm-up that slows down",
		  { 0, 400, 640, 780, 860, 910, 940, 960, 970, 975, 978, 980, 981 },
		  { 400, 240, 140, 80, 50, 30, 20, 10, 5, 3, 2, 1 },
		  false },
		{ "churn: up and down around the same level",
		  { 500, 503, 499, 501, 497, 500, 502, 498, 500, 499, 501, 500, 500 },
		  { 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90, 90 },
		  false },
		{ "one burst",
		  { 0, 0, 0, 0, 0, 0, 200, 200, 200, 200, 200, 200, 200 },
		  { 0, 0, 0, 0, 0, 200, 0, 0, 0, 0, 0, 0 },
		  false },
		{ "nothing", { 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7 }, { 0 }, false },
		{ "it shrinks",
		  { 60, 55, 50, 45, 40, 35, 30, 25, 20, 15, 10, 5, 0 },
		  { 0 },
		  false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct growth g;

		growth_of(t[i].level, t[i].births, LOOKS, 1, &g);
		cr_expect_eq(g.going, t[i].going,
			     "%s: net %ld, grew %u, silence %u, tail %u, steady %d", t[i].why,
			     (long)g.net, g.grew, g.silence, g.tail, g.steady);
		cr_expect_eq(g.net, (int64_t)t[i].level[LOOKS - 1] - t[i].level[0], "%s", t[i].why);
		cr_expect_eq(g.windows, LOOKS - 1U, "%s", t[i].why);
	}
}

Test(growth, of_too_few_looks_says_nothing)
{
	static const uint32_t level[] = { 0, 9, 18 }, births[] = { 9, 9 };
	struct growth g;

	for (size_t nr = 0; nr <= 3; nr++) {
		growth_of(level, births, nr, 1, &g);
		cr_expect(!g.going, "%zu looks", nr);
	}
	cr_expect_eq(g.net, 18);
}

Test(growth, counts_what_fell_in_between)
{
	static const uint32_t level[] = { 5, 9, 6, 12, 10 }, births[] = { 4, 0, 6, 0 };
	struct growth g;

	growth_of(level, births, ARRAY_SIZE(level), 0, &g);
	cr_expect_eq(g.net, 5);
	cr_expect_eq(g.fell, 5);
	cr_expect_eq(g.grew, 2);
}
