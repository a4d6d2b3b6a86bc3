// SPDX-License-Identifier: BSD-2-Clause
#include "model/slow_leak.h"

/* steps hours apart, ending at last; each of `steps` rises at least half as fast as all together */
static bool is_steady(const uint32_t *last, size_t step, size_t steps, uint32_t rise)
{
	for (size_t i = 0; i < steps; i++) {
		const uint32_t to = *(last - i * step), from = *(last - (i + 1) * step);

		if (to < from || 2ULL * steps * (to - from) < rise)
			return false;
	}
	return true;
}

static bool holds(const uint32_t *floor, size_t nr, uint32_t long_waits, size_t step, size_t hours,
		  struct slow_leak *ret)
{
	const uint32_t *last = &floor[nr - 1];
	uint32_t rise;

	if (nr <= hours || *last < *(last - hours))
		return false;
	rise = *last - *(last - hours);
	if (rise < SLOW_LEAK_RISE || 2ULL * long_waits < rise ||
	    !is_steady(last, step, hours / step, rise))
		return false;
	*ret = (struct slow_leak){ .hours = (uint32_t)hours, .rise = rise };
	return true;
}

bool slow_leak__is(const uint32_t *floor, size_t nr, uint32_t long_waits, struct slow_leak *ret)
{
	static const struct {
		size_t step, least;
	} rules[] = { { 1, 11 }, { 3, 15 } };

	for (size_t r = 0; r < sizeof(rules) / sizeof(rules[0]); r++)
		for (size_t hours = SLOW_LEAK_HOURS_MAX; hours >= rules[r].least;
		     hours -= rules[r].step)
			if (holds(floor, nr, long_waits, rules[r].step, hours, ret))
				return true;
	return false;
}
