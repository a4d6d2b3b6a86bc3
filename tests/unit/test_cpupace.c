// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "base/clock.h"
#include "engine/cpupace.h"

/* Looks once a second; cost and CPU time are of that second. */
static bool looked(struct cpupace *p, double cost_ns, double cpu_ns, unsigned int sharers)
{
	return cpupace__look(p, p->cost_ns + cost_ns, p->cpu_ns + cpu_ns, p->looked_ns + NS_PER_SEC,
			     sharers);
}

static struct cpupace begun(uint32_t hz, double max)
{
	struct cpupace p;

	cpupace__init(&p, hz, max);
	cr_assert_not(cpupace__look(&p, 0, 0, NS_PER_SEC, 1), "nothing is known yet");
	return p;
}

Test(cpupace, what_costs_little_stays)
{
	struct cpupace p = begun(99, 0.01);

	cr_expect_not(looked(&p, 0.001 * NS_PER_SEC, NS_PER_SEC, 1));
	cr_expect_eq(p.hz, 99);
}

Test(cpupace, what_costs_too_much_becomes_rarer_and_not_faster_again)
{
	struct cpupace p = begun(1000, 0.01);

	cr_expect(looked(&p, 0.04 * NS_PER_SEC, NS_PER_SEC, 1), "four times of what it may");
	cr_expect_eq(p.hz, 200);
	cr_expect_not(looked(&p, 0.008 * NS_PER_SEC, NS_PER_SEC, 1));
	cr_expect_eq(p.hz, 200);
	cr_expect(looked(&p, 1e3 * NS_PER_SEC, NS_PER_SEC, 1));
	cr_expect_eq(p.hz, 1, "never none");
	cr_expect_not(looked(&p, 1e3 * NS_PER_SEC, NS_PER_SEC, 1));
}

Test(cpupace, others_who_record_have_their_part)
{
	struct cpupace p = begun(100, 0.01);

	cr_expect(looked(&p, 0.008 * NS_PER_SEC, NS_PER_SEC, 2));
	cr_expect_eq(p.hz, 50);
}

Test(cpupace, a_target_that_hardly_runs_counts_as_a_tenth)
{
	struct cpupace p = begun(100, 0.01);

	cr_expect_not(looked(&p, 0.0009 * NS_PER_SEC, 1000, 1));
	cr_expect(looked(&p, 0.0011 * NS_PER_SEC, 1000, 1));
}

Test(cpupace, what_is_asked_is_not_begun_where_it_must_cost_too_much)
{
	struct cpupace p;

	cpupace__init(&p, 10000, 0.006);
	cr_expect_eq(p.hz, 1000);
	cpupace__init(&p, 10000, 0);
	cr_expect_eq(p.hz, 10000, "no limit");
}
