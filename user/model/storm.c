// SPDX-License-Identifier: BSD-2-Clause
#include "model/storm.h"

#include "base/clock.h"

#define BEFORE_NS     (60 * NS_PER_SEC)
#define BEFORE_MIN_NS (50 * NS_PER_SEC)
#define GAP_NS        (60 * NS_PER_SEC) /* two looks further apart are not compared */
#define HIGH_NS       (600 * NS_PER_SEC)

static bool is_new_high(const struct storm_look *v, size_t nr)
{
	const struct storm_look *now = &v[nr - 1];

	for (size_t i = 0; i < nr - 1; i++)
		if (v[i].at_ns + HIGH_NS >= now->at_ns &&
		    now->alive * 100 <= v[i].alive * (100 + STORM_HIGH_PCT))
			return false;
	return true;
}

bool storm__is(const struct storm_look *v, size_t nr)
{
	const struct storm_look *now = &v[nr - 1], *last = now - 1;
	uint64_t before = 0, span, took;
	size_t i;

	if (nr < 3 || now->alive <= STORM_ALIVE)
		return false;
	took = now->at_ns - last->at_ns;
	for (i = nr - 2; i > 0 && last->at_ns - v[i - 1].at_ns <= BEFORE_NS; i--)
		before += v[i].births;
	span = last->at_ns - v[i].at_ns;
	if (took < NS_PER_SEC || took > GAP_NS || span < BEFORE_MIN_NS)
		return false;
	return (double)now->births * (double)span > STORM_FACTOR * (double)before * (double)took &&
	       is_new_high(v, nr);
}
