/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <stdlib.h>

#include "heap/reach.h"
#include "fake_process.h"

#define CHAN(i)  fp_object(FP_CHANS, i)
#define SMALL(i) fp_object(FP_SMALL, i)

static struct fake_process fp;
static struct census *c;
static struct reach *r;

static void look(const struct reach_behind *behind, size_t nr, bool main_waits)
{
	const struct reach_in in = { .as = &fp.as,
				     .rt = &fp.rt,
				     .behind = behind,
				     .nr_behind = nr,
				     .main_waits = main_waits };
	struct reach_in whole = in;

	cr_assert_eq(census__read(&fp.as, &fp.rt, 16, &c), 0);
	whole.census = c;
	cr_assert_eq(reach__run(&whole, &r, NULL), 0);
}

static void done(void)
{
	reach__free(r);
	census__free(c);
	fake_process__done(&fp);
}

Test(reach_keep, who_waits_for_a_lock_goes_on_only_after_its_holder)
{
	static const struct {
		const char *why;
		struct reach_behind behind[2];
		size_t nr;
		enum reach_verdict want;
	} t[] = {
		{ "nobody knows the holder, and a variable leads to the lock",
		  { { 0, 0 } },
		  0,
		  REACH_HELD },
		{ "the holder waits for what the waiter has", { { 1, 0 } }, 1, REACH_LEAKED },
		{ "the holder will go on", { { 1, 2 } }, 1, REACH_HELD },
		{ "one of two holders will, but not the other",
		  { { 1, 0 }, { 1, 2 } },
		  2,
		  REACH_LEAKED },
		{ "another waiter's holder", { { 3, 0 } }, 1, REACH_HELD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint32_t holder, waiter;

		fake_process__init(&fp, 22);
		holder = fp_blocked(&fp, CHAN(0));
		waiter = fp_blocked(&fp, CHAN(1)); /* as if it were a lock */
		fp_sleeping(&fp);
		fp_blocked(&fp, CHAN(2));
		fp_word(&fp, fp_local(waiter, 0), CHAN(0));
		fp_word(&fp, FP_VARIABLES, CHAN(1));
		look(t[i].behind, t[i].nr, false);
		cr_expect_eq(reach__verdict(r, holder), t[i].want, "%s", t[i].why);
		cr_expect_eq(reach__verdict(r, waiter), t[i].want, "%s: the waiter", t[i].why);
		done();
	}
}

Test(reach_keep, main_waits_like_any_other_if_that_is_asked_for)
{
	for (int asked = 0; asked < 2; asked++) {
		uint32_t first, g;

		fake_process__init(&fp, 22);
		first = fp_blocked(&fp, CHAN(0));
		g = fp_blocked(&fp, CHAN(1));
		fp_word(&fp, fp_object(FP_G, first) + (uint64_t)fp.rt.layout.g_goid, 1);
		fp_word(&fp, fp_local(first, 0), CHAN(1));
		fp_word(&fp, fp_local(g, 0), CHAN(0));
		look(NULL, 0, asked);
		cr_expect_eq(reach__verdict(r, g), asked ? REACH_LEAKED : REACH_HELD);
		cr_expect_eq(reach__verdict(r, first), asked ? REACH_LEAKED : REACH_NOT_BLOCKED);
		done();
	}
}

static const struct reach_keeping *keeping(const struct reach_keeping *v, size_t nr, uint32_t g,
					   uint32_t by)
{
	for (size_t i = 0; i < nr; i++)
		if (v[i].g == g && v[i].by == by)
			return &v[i];
	return NULL;
}

Test(reach_keep, tells_who_has_what_those_wait_for_that_would_have_to_go_on_first)
{
	uint32_t holder, between, waiter, other;
	struct reach_keeping *v = NULL;
	size_t nr = 0;

	fake_process__init(&fp, 22);
	holder = fp_blocked(&fp, CHAN(0));
	between = fp_blocked(&fp, CHAN(1));
	waiter = fp_blocked(&fp, CHAN(2));
	other = fp_blocked(&fp, CHAN(3));
	fp_word(&fp, fp_local(holder, 0), CHAN(0));
	fp_word(&fp, fp_local(between, 0), SMALL(4));
	fp_word(&fp, SMALL(4), CHAN(0));
	fp_word(&fp, fp_local(waiter, 0), CHAN(1));
	fp_word(&fp, FP_VARIABLES, CHAN(2));
	fp_word(&fp, fp_local(other, 0), CHAN(3));
	look((const struct reach_behind[]){ { waiter, holder } }, 1, false);
	cr_assert_eq(reach__keepings(r, &holder, 1, &v, &nr), 0);
	cr_assert_eq(nr, 2, "%zu", nr);
	cr_assert(keeping(v, nr, holder, between) && keeping(v, nr, between, waiter));
	cr_expect_eq(keeping(v, nr, holder, between)->steps, 2);
	cr_expect_eq(c->waits[keeping(v, nr, holder, between)->wait].addr, CHAN(0));
	cr_expect_eq(keeping(v, nr, between, waiter)->steps, 1);
	free(v);
	done();
}

Test(reach_keep, tells_nothing_of_what_can_be_reached)
{
	struct reach_keeping *v = NULL;
	uint32_t holder, waiter;
	size_t nr = 7;

	fake_process__init(&fp, 22);
	holder = fp_blocked(&fp, CHAN(0));
	waiter = fp_blocked(&fp, CHAN(2));
	fp_word(&fp, fp_local(waiter, 0), CHAN(0));
	fp_word(&fp, FP_VARIABLES, CHAN(0));
	look((const struct reach_behind[]){ { waiter, holder } }, 1, false);
	cr_assert_eq(reach__keepings(r, &holder, 1, &v, &nr), 0);
	cr_expect_eq(nr, 0);
	free(v);
	done();
}
