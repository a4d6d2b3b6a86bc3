/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/recording.h"

#include <stdio.h>

#include "base/clock.h"

const char *report_event_name(enum profile_event e)
{
	static const char *const names[] = {
		[PROFILE_BLOCKED] = "blocked",
		[PROFILE_BIRTHS] = "births",
		[PROFILE_EXITS] = "exits",
		[PROFILE_SCHED] = "sched",
		[PROFILE_GOROUTINES] = "goroutines",
		[PROFILE_ALLOC] = "alloc",
		[PROFILE_WAKEUPS] = "wakeups",
		[PROFILE_CPU] = "cpu",
		[PROFILE_BLOCK] = "block",
		[PROFILE_MUTEX] = "mutex",
		[PROFILE_WALL] = "wall",
	};

	return names[e];
}

const char *report_value_unit(enum profile_event e)
{
	if (e == PROFILE_ALLOC)
		return "bytes";
	return profile_event_is_time(e) ? "nanoseconds" : "goroutines";
}

const char *report_measure_name(enum alloc_measure m)
{
	static const char *const names[] = {
		[ALLOC_EXACT] = "exact",         [ALLOC_UP_TO] = "up to",
		[ALLOC_ESTIMATED] = "estimated", [ALLOC_BY_REFILLS] = "by refills",
		[ALLOC_SAMPLED] = "sampled",
	};

	return names[m];
}

bool report_is_estimated(const struct snap *s)
{
	bool is = snap_is_estimated(s);

	for (size_t i = 0; i < s->nr && !is; i++)
		is = s->rows[i].measure >= ALLOC_ESTIMATED;
	return is;
}

const char *report_gap(const struct report *r, char buf[REPORT_GAP_MAX])
{
	const struct report_meta *m = r->meta;
	int n = 0;

	buf[0] = '\0';
	if (m->only)
		n = snprintf(buf, REPORT_GAP_MAX / 2, "only %.*s", REPORT_GAP_MAX / 2 - 8, m->only);
	if (!m->gap_ns)
		return buf;
	n += snprintf(buf + n, REPORT_GAP_MAX - (size_t)n,
		      "%s%.1f s within are left out: parkwatch was stopped or held up",
		      n ? "; " : "", (double)m->gap_ns / NS_PER_SEC);
	if (m->gap_missing > 0)
		snprintf(buf + n, REPORT_GAP_MAX - (size_t)n, "; up to %lld %s are missing",
			 (long long)m->gap_missing, report_event_name(r->snap->event));
	return buf;
}
