// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>

#include "base/deadline.h"

Test(deadline, none_is_never_over)
{
	struct deadline d = { .at_ns = UINT64_MAX };

	cr_expect(!deadline__over(NULL));
	cr_expect(!deadline__over(&d));
}

Test(deadline, it_is_over_at_its_moment)
{
	struct deadline d = { .at_ns = clock_now_ns() + NS_PER_SEC * 60 };

	cr_expect(!deadline__over(&d));
	d.at_ns = clock_now_ns();
	cr_expect(deadline__over(&d));
}

Test(deadline, a_stop_leaves_a_little_time_once)
{
	volatile sig_atomic_t stop = 0;
	struct deadline d = { .at_ns = UINT64_MAX, .stop = &stop };
	uint64_t at;

	cr_expect(!deadline__over(&d));
	stop = 1;
	cr_expect(!deadline__over(&d));
	at = d.at_ns;
	cr_expect(at <= clock_now_ns() + DEADLINE_STOP_NS && at > clock_now_ns());
	cr_expect(!deadline__over(&d));
	cr_expect_eq(d.at_ns, at, "it does not move on");
}

Test(deadline, a_stop_makes_none_later)
{
	volatile sig_atomic_t stop = 1;
	struct deadline d = { .at_ns = 1, .stop = &stop };

	cr_expect(deadline__over(&d));
	cr_expect_eq(d.at_ns, 1);
}

Test(deadline, who_was_cut_is_known)
{
	struct deadline d = deadline_in(60 * NS_PER_SEC, NULL);

	cr_expect(!deadline__over(&d) && !d.hit);
	cr_expect(deadline__left_ns(&d) > 50 * NS_PER_SEC);
	d.at_ns = clock_now_ns();
	cr_expect(!d.hit, "it is over, and nobody asked");
	cr_expect_eq(deadline__left_ns(&d), 0);
	cr_expect(d.hit);
}

Test(deadline, it_moves_but_not_after_a_stop)
{
	volatile sig_atomic_t stop = 0;
	struct deadline d = deadline_in(0, &stop);
	uint64_t at;

	deadline__move(&d, UINT64_MAX);
	cr_expect_eq(d.at_ns, UINT64_MAX);
	cr_expect(!d.hit, "nobody read anything before");
	stop = 1;
	cr_expect(!deadline__over(&d));
	at = d.at_ns;
	deadline__move(&d, UINT64_MAX);
	cr_expect_eq(d.at_ns, at);
}

Test(deadline, without_an_end_there_is_none)
{
	struct deadline d = deadline_in(UINT64_MAX, NULL);

	cr_expect_eq(d.at_ns, UINT64_MAX);
	cr_expect(!deadline__over(&d));
}
