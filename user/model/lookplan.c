// SPDX-License-Identifier: BSD-2-Clause
#include "model/lookplan.h"

#define LAST (LOOKPLAN_LOOKS - 1)

uint64_t lookplan__due_ns(const struct lookplan *p, size_t nr)
{
	return p->start_ns + p->duration_ns * nr / LAST;
}

/* The one after it is due as well; or it would end after the last is due. */
static bool is_left_out(const struct lookplan *p, size_t nr, uint64_t now_ns)
{
	const uint64_t due = lookplan__due_ns(p, nr), begins = due > now_ns ? due : now_ns;

	return lookplan__due_ns(p, nr + 1) <= now_ns ||
	       (p->at && begins + p->look_ns > lookplan__due_ns(p, LAST));
}

size_t lookplan__next(const struct lookplan *p, uint64_t now_ns)
{
	const bool long_ones = p->look_ns > p->duration_ns / LAST / 2;
	size_t nr = p->at + 1;

	while (long_ones && nr < LAST && is_left_out(p, nr, now_ns))
		nr++;
	return nr == LAST && !p->at && p->look_ns <= p->duration_ns ? LAST - 1 : nr;
}

size_t lookplan__searches(const struct lookplan *p, size_t next)
{
	size_t nr = 0;

	for (size_t k = 1; k < LOOKPLAN_SEARCHES && p->at && p->at < LAST; k++)
		nr += LAST - k * LAST / 2 / (LOOKPLAN_SEARCHES - 1) < next;
	return nr;
}
