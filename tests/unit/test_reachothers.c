/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "heap/reachothers.h"
#include "fake_process.h"

#define CHAN(i)  fp_object(FP_CHANS, i)
#define SMALL(i) fp_object(FP_SMALL, i)

static struct fake_process fp;

struct look {
	struct census *c;
	struct reach *r;
	struct reachothers *o;
	uint32_t goals[FP_GS];
};

static void look(struct look *l)
{
	struct reach_in in = { .as = &fp.as, .rt = &fp.rt, .goals = l->goals };

	cr_assert_eq(census__read(&fp.as, &fp.rt, 16, &l->c), 0);
	in.census = l->c;
	for (uint32_t i = 0; i < l->c->nr; i++)
		l->goals[in.nr_goals++] = i;
	cr_assert_eq(reach__run(&in, &l->r, NULL), 0);
	cr_assert_eq(reachothers__run(&in, l->r, &l->o, NULL), 0);
}

static void look__done(struct look *l)
{
	reachothers__free(l->o);
	reach__free(l->r);
	census__free(l->c);
	fake_process__done(&fp);
}

Test(reachothers, tell_what_holds_each_channel_of_a_select)
{
	const uint64_t chans[] = { CHAN(0), CHAN(1), CHAN(2) };
	struct reach_step steps[8];
	struct look l = { .c = NULL };
	uint32_t g;

	fake_process__init(&fp, 26);
	g = fp_go(&fp, GOSTATUS_WAITING, "select", chans, 3);
	for (uint32_t i = 0; i < 2; i++)
		fp_word(&fp, fp_local(g, i), chans[i]);
	fp_word(&fp, FP_VARIABLES, CHAN(1));
	fp_word(&fp, FP_VARIABLES + 8, SMALL(3));
	fp_word(&fp, SMALL(3) + 8, CHAN(2));
	look(&l);
	cr_assert(reachothers__knows(l.o, g));
	for (uint32_t k = 0; k < 3; k++) {
		const struct census_wait *w = &l.c->waits[l.c->gs[g].waits_at + k];
		const size_t want = w->addr == CHAN(0) ? 0 : w->addr == CHAN(1) ? 2 : 3;

		cr_expect_eq(reachothers__verdict(l.o, g, k), want ? REACH_HELD : REACH_LEAKED,
			     "by itself alone");
		cr_expect_eq(reachothers__path(l.o, g, k, steps, 8), want);
		if (want)
			cr_expect_eq(steps[want - 1].addr, w->addr);
	}
	look__done(&l);
}

Test(reachothers, are_not_asked_where_the_first_way_is_an_answer)
{
	struct look l = { .c = NULL };
	uint32_t g;

	fake_process__init(&fp, 26);
	g = fp_blocked(&fp, CHAN(0));
	fp_word(&fp, FP_VARIABLES, CHAN(0));
	fp_blocked(&fp, CHAN(1)); /* nothing refers to it */
	look(&l);
	cr_expect_null(l.o);
	cr_expect(!reachothers__knows(l.o, g));
	look__done(&l);
}
