/* SPDX-License-Identifier: BSD-2-Clause */
/* leaks_fake: a watch for leaks over censuses that a test made up. */
#ifndef PARKWATCH_TESTS_LEAKS_FAKE_H
#define PARKWATCH_TESTS_LEAKS_FAKE_H

#include "dump_fake.h"
#include "view/leaks.h"

/* c: of one runtime, until the next look. */
static inline void fake_look(struct leaks *l, const struct census *c)
{
	static const struct census *censuses[1];

	censuses[0] = c;
	cr_assert_eq(leaks__look(l,
				 &(struct dump_input){ .censuses = censuses,
						       .namers = &dump_namer,
						       .nr = 1,
						       .labels = fake_labels() },
				 c->taken_ns),
		     0);
}

/* Of the channels only, and no timer feeds one. */
static inline void fake_facts(struct leaks *l, const struct gchans *chans)
{
	struct glocks locks = { 0 };
	struct gholds holds = { 0 };
	struct waitgraph graph = { 0 };
	const struct chans_source src = {
		.chans = chans, .locks = &locks, .holds = &holds, .graph = &graph
	};
	const struct chanfeeds none = { 0 };

	cr_assert_eq(leaks__facts(l, 0, &src, &none), 0);
}

#endif
