/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/moment.h"

#define NOW 1700000000ULL /* 2023-11-14 22:13:20 UTC */

Test(moment, a_time_of_day_is_the_last_one)
{
	static const struct {
		const char *text;
		uint64_t s;
		bool clock, bad;
	} t[] = {
		{ "10m", 600, false, false },
		{ "22:13", NOW - 20, true, false },
		{ "22:14", NOW - 86400 + 40, true, false },
		{ "03:10:05", NOW - 68595, true, false },
		{ "2023-11-14 03:10", NOW - 68600, true, false },
		{ "2023-11-15T00:00:00", NOW + 6400, true, false },
		{ "3:", 0, false, true },
		{ "25:00", 0, false, true },
		{ "22:13 tomorrow", 0, false, true },
		{ "", 0, false, true },
	};

	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct moment m;
		const int err = moment_read(t[i].text, NOW * NS_PER_SEC, &m);

		cr_expect_eq(!err, !t[i].bad, "%s", t[i].text);
		if (!err && !t[i].bad) {
			cr_expect_eq(m.ns, t[i].s * NS_PER_SEC, "%s: %llu, not %llu", t[i].text,
				     m.ns / NS_PER_SEC, (unsigned long long)t[i].s);
			cr_expect_eq(m.clock, t[i].clock, "%s", t[i].text);
		}
	}
}
