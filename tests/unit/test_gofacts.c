/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "golang/gofacts.h"
#include "golang/gostate.h"

Test(gofacts, has_a_row_for_each_release)
{
	for (int minor = GO_MINOR_MIN; minor <= GO_MINOR_MAX; minor++)
		cr_expect_eq(gofacts_of(minor)->minor, minor);
}

Test(gofacts, takes_the_nearest_row_of_what_it_does_not_know)
{
	cr_expect_eq(gofacts_of(3)->minor, GO_MINOR_MIN);
	cr_expect_eq(gofacts_of(GO_MINOR_MAX + 1)->minor, GO_MINOR_MAX);
	cr_expect(gofacts_too_old(GO_MINOR_MIN - 1) && !gofacts_too_old(GO_MINOR_MIN));
	cr_expect(gofacts_too_new(GO_MINOR_MAX + 1) && !gofacts_too_new(GO_MINOR_MAX));
}

Test(gofacts, takes_nothing_away)
{
	for (int minor = GO_MINOR_MIN + 1; minor <= GO_MINOR_MAX; minor++)
		cr_expect_eq(gofacts_of(minor - 1)->has & ~gofacts_of(minor)->has, 0, "go1.%d",
			     minor);
}

/* The release that brought each, by Go's sources. */
Test(gofacts, knows_since_when)
{
	static const struct {
		enum go_fact fact;
		int since;
	} want[] = {
		{ GO_NAMES_APART, 16 },        { GO_CLASS_24, 16 },        { GO_REGABI, 17 },
		{ GO_STACK_OBJECT_SIZES, 17 }, { GO_WAITGROUP_FIXED, 18 }, { GO_PLAIN_OFFSETS, 19 },
		{ GO_PARENT_GOID, 21 },        { GO_HEAP_HEADERS, 22 },    { GO_CHAN_TIMERS, 23 },
		{ GO_LABEL_LIST, 24 },         { GO_SPECIAL_TINY, 25 },    { GO_LEAKED, 26 },
		{ GO_TIMERS_ALWAYS_TOLD, 27 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(want); i++)
		for (int minor = GO_MINOR_MIN; minor <= GO_MINOR_MAX; minor++)
			cr_expect_eq(gofacts_has(minor, want[i].fact), minor >= want[i].since,
				     "fact %zu, go1.%d", i, minor);
}

Test(gofacts, counts_the_wait_reasons)
{
	for (int minor = GO_MINOR_MIN; minor <= GO_MINOR_MAX; minor++) {
		cr_expect_neq(gowait_of(minor, gofacts_of(minor)->nr_waits - 1u), GOWAIT_UNKNOWN);
		cr_expect_eq(gowait_of(minor, gofacts_of(minor)->nr_waits), GOWAIT_UNKNOWN);
	}
}
