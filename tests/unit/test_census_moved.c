/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a census says of goroutines that do not hold still: what each did when it was met, and what
 * it did later.
 */
#include <criterion/criterion.h>

#include "census/census.h"
#include "golang/gostate.h"

#include "fake_process.h"

static struct fake_process fp;
static unsigned int looks; /* at the gs */

enum { RUNS_ON, WAITS_AGAIN, ENDS };
static int does;

/* Before the gs are looked at again the second goroutine does something else. */
static void move(struct fake_process *p, uint64_t addr)
{
	const uint64_t g = fp_object(FP_G, 1);

	if (addr != fp_object(FP_G, 0) || ++looks != 2)
		return;
	fp_put(p, g + (uint64_t)p->rt.objects.g_trackingseq, 1, 1);
	if (does != WAITS_AGAIN)
		fp_put(p, g + (uint64_t)p->rt.layout.g_atomicstatus,
		       does == ENDS ? GOSTATUS_DEAD : GOSTATUS_RUNNING, 4);
}

Test(census_moved, says_what_they_did_when_they_were_met)
{
	static const struct {
		const char *why;
		int does;
		size_t gs; /* afterwards */
	} t[] = {
		{ "it runs", RUNS_ON, 2 },
		{ "it waits again", WAITS_AGAIN, 2 },
		{ "it has ended", ENDS, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(census) c = NULL;

		fake_process__init(&fp, 22);
		fp_blocked(&fp, fp_object(FP_CHANS, 0));
		fp_blocked(&fp, fp_object(FP_CHANS, 1));
		looks = 0;
		does = t[i].does;
		fp.on_read = move;
		cr_assert_eq(census__read(&fp.as, &fp.rt, 16, &c), 0);
		cr_assert_eq(c->nr_moved, 1, "%s: %zu", t[i].why, c->nr_moved);
		cr_expect_eq(c->moved[0].g.addr, fp_object(FP_G, 1), "%s", t[i].why);
		cr_expect_eq(c->moved[0].g.status, GOSTATUS_WAITING, "%s", t[i].why);
		cr_expect(c->moved[0].pc && c->moved[0].g.sp, "%s: it stood somewhere", t[i].why);
		cr_expect_eq(c->moved[0].g.stack, CENSUS_NO_STACK, "%s", t[i].why);
		cr_assert_eq(c->nr, t[i].gs, "%s: %zu", t[i].why, c->nr);
		cr_expect_not(c->gs[0].moved, "%s: the other did not", t[i].why);
		cr_expect(c->nr < 2 || c->gs[1].moved, "%s", t[i].why);
		fake_process__done(&fp);
	}
}

/* It ran, and then it waits. */
static void stop(struct fake_process *p, uint64_t addr)
{
	const uint64_t g = fp_object(FP_G, 1);

	if (addr != fp_object(FP_G, 0) || ++looks != 2)
		return;
	fp_put(p, g + (uint64_t)p->rt.objects.g_trackingseq, 1, 1);
	fp_put(p, g + (uint64_t)p->rt.layout.g_atomicstatus, GOSTATUS_WAITING, 4);
}

Test(census_moved, says_who_ran_when_it_was_met)
{
	scoped(census) c = NULL;

	fake_process__init(&fp, 22);
	fp_blocked(&fp, fp_object(FP_CHANS, 0));
	fp_blocked(&fp, fp_object(FP_CHANS, 1));
	fp_put(&fp, fp_object(FP_G, 1) + (uint64_t)fp.rt.layout.g_atomicstatus, GOSTATUS_RUNNING,
	       4);
	looks = 0;
	fp.on_read = stop;
	cr_assert_eq(census__read(&fp.as, &fp.rt, 16, &c), 0);
	cr_assert_eq(c->nr_moved, 1, "%zu", c->nr_moved);
	cr_expect_eq(c->moved[0].g.addr, fp_object(FP_G, 1));
	cr_expect_eq(c->moved[0].g.status, GOSTATUS_RUNNING);
	cr_expect_eq(c->moved[0].pc, 0, "it stood nowhere");
	cr_assert_eq(c->nr, 2);
	cr_expect(c->gs[1].moved);
	fake_process__done(&fp);
}
