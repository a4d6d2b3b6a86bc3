// SPDX-License-Identifier: BSD-2-Clause
#include "cli/moment.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/units.h"

static const char *after(const char *text, const char *format, struct tm *tm)
{
	const char *end = strptime(text, format, tm);

	return end && !*end ? end : NULL;
}

static bool read_clock(const char *text, time_t now, time_t *ret)
{
	static const char *const days[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
					    "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M" },
				 *const times[] = { "%H:%M:%S", "%H:%M" };
	struct tm tm = { .tm_isdst = -1 };

	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		tm = (struct tm){ .tm_isdst = -1 };
		if (after(text, days[i], &tm)) {
			*ret = mktime(&tm);
			return *ret >= 0;
		}
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (!localtime_r(&now, &tm))
			return false;
		tm.tm_sec = 0;
		tm.tm_isdst = -1;
		if (!after(text, times[i], &tm))
			continue;
		*ret = mktime(&tm);
		if (*ret > now) {
			tm.tm_mday--;
			tm.tm_isdst = -1;
			*ret = mktime(&tm);
		}
		return *ret >= 0;
	}
	return false;
}

int moment_read(const char *text, uint64_t now_unix_ns, struct moment *ret)
{
	uint64_t ns;
	time_t at;

	if (!units_time(text, &ns)) {
		*ret = (struct moment){ .ns = ns };
		return 0;
	}
	if (!read_clock(text, (time_t)(now_unix_ns / NS_PER_SEC), &at))
		return -EINVAL;
	*ret = (struct moment){ .ns = (uint64_t)at * NS_PER_SEC, .clock = true };
	return 0;
}
