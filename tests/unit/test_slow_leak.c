/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "model/slow_leak.h"
#include "model/storm.h"

Test(slow_leak, each_hour_must_go_along)
{
	static const struct {
		const char *why;
		uint32_t floor[16];
		size_t nr;
		uint32_t long_waits;
		bool is;
	} t[] = {
		{ "even", { 0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 66 }, 12, 60, true },
		{ "too short", { 6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 66 }, 11, 60, false },
		{ "it came to rest",
		  { 0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 60 },
		  12,
		  60,
		  false },
		{ "it fell once", { 0, 6, 12, 18, 24, 30, 28, 42, 48, 54, 60, 66 }, 12, 60, false },
		{ "they do not wait long",
		  { 0, 6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 66 },
		  12,
		  32,
		  false },
		{ "too few", { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, 12, 11, false },
		{ "uneven, but every three hours some",
		  { 0, 9, 9, 9, 12, 20, 20, 20, 25, 30, 30, 38, 38, 40, 44, 50 },
		  16,
		  40,
		  true },
		{ "two numbers", { 0, 100 }, 2, 100, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct slow_leak l;

		cr_expect_eq(slow_leak__is(t[i].floor, t[i].nr, t[i].long_waits, &l), t[i].is, "%s",
			     t[i].why);
	}
}

Test(storm, is_many_more_than_just_before)
{
	static const struct {
		const char *why;
		uint64_t before, births, alive_before, alive, apart_s;
		size_t looks;
		bool is;
	} t[] = {
		{ "four times as many", 1000, 4000, 4500, 8000, 10, 8, true },
		{ "three times as many", 1000, 3000, 4500, 8000, 10, 8, false },
		{ "5,000 alive", 0, 4000, 1000, 5000, 10, 8, false },
		{ "5,001 alive", 0, 4000, 1000, 5001, 10, 8, true },
		{ "as many as before", 0, 4000, 8000, 8000, 10, 8, false },
		{ "nothing to compare with", 0, 8000, 0, 8000, 10, 6, false },
		{ "looks that are far apart", 0, 8000, 0, 8000, 70, 8, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct storm_look v[8];

		for (size_t k = 0; k < t[i].looks; k++)
			v[k] = (struct storm_look){ .at_ns = (100 + k * t[i].apart_s) * NS_PER_SEC,
						    .births = t[i].before,
						    .alive = t[i].alive_before };
		v[t[i].looks - 1].births = t[i].births;
		v[t[i].looks - 1].alive = t[i].alive;
		cr_expect_eq(storm__is(v, t[i].looks), t[i].is, "%s", t[i].why);
	}
	cr_expect_not(storm__is(&(struct storm_look){ .alive = 9000, .births = 9000 }, 1));
}
