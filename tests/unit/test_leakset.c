/* SPDX-License-Identifier: BSD-2-Clause */
#include "leak_story.h"

#include <errno.h>
#include <string.h>

static const struct leak_key here = { 1, 2, 3 }, there = { 1, 5, 3 };

static void look(struct leakset *ls, int nr)
{
	cr_assert_eq(leakset__look(ls, STORY_BEGIN + (uint64_t)nr * STORY_PAUSE), 0);
}

static void see(struct leakset *ls, uint64_t goid, struct leak_key key, uint64_t wait,
		uint64_t object)
{
	cr_assert_eq(leakset__see(ls, &(struct leak_seen){ .goid = goid,
							   .key = key,
							   .wait = wait,
							   .objects = &object,
							   .nr_objects = object != 0,
							   .stack_bytes = 4096,
							   .class = LEAK_RECEIVE,
							   .stack = (uint32_t)goid + 7,
							   .item = (uint32_t)goid + 9 }),
		     0);
}

static const struct leak_group *finished(struct leakset *ls, size_t group)
{
	cr_assert_eq(leakset__finish(ls, VERDICT_MIN_AGE_NS), 0);
	return leakset__group(ls, group);
}

Test(leakset, counts_by_group_and_knows_who_is_in_it)
{
	scoped(leakset) ls = story_set();
	const struct leak_group *g;

	look(ls, 0);
	see(ls, 30, here, 1, 0xa0);
	see(ls, 10, here, 1, 0xb0);
	see(ls, 20, there, 1, 0xc0);
	cr_assert_eq(leakset__seen(ls), 0);
	g = finished(ls, 0);
	cr_expect_eq(leakset__nr_groups(ls), 2);
	cr_expect_eq(g->nr, 2);
	cr_expect_eq(g->count[0], 2);
	cr_expect_eq(g->stack_bytes, 8192);
	cr_expect_eq(g->objects, 2);
	cr_expect_eq(leakset__member(ls, g->first)->goid, 10, "by goid");
	cr_expect_eq(leakset__member(ls, g->first + 1)->goid, 30);
	cr_expect_eq(leakset__member(ls, g->first)->item, 19);
	cr_expect_eq(leakset__alive(ls, 0), 3);
}

Test(leakset, tells_a_queue_that_moves_from_one_that_stands)
{
	scoped(leakset) ls = story_set();
	const struct leak_group *g;

	for (int i = 0; i < 9; i++) { /* always two: 1 stays, the other is always a new one */
		look(ls, i);
		see(ls, 1, here, 1, 0xa0);
		see(ls, 100 + (uint64_t)i, here, 1, 0xb0);
		cr_assert_eq(leakset__seen(ls), 0);
	}
	g = finished(ls, 0);
	for (int i = 0; i < 9; i++)
		cr_expect_eq(g->count[i], 2);
	for (int i = 1; i < 9; i++)
		cr_expect_eq(g->settled[i], 1);
	cr_expect_eq(g->ended[0], 8, "each ended without having been seen twice");
	cr_expect_eq(g->old, 1);
	cr_expect_eq(g->old_ended, 0);
	cr_expect_eq(leakset__lives_at(ls, here.made)->births[3], 1);
	cr_expect_eq(leakset__lives_at(ls, here.made)->exits[3], 1);
}

Test(leakset, knows_who_went_on_and_who_ended)
{
	scoped(leakset) ls = story_set();
	const struct leak_group *g;

	for (int i = 0; i < 9; i++) {
		look(ls, i);
		see(ls, 1, here, 1, 0xa0);                 /* stays */
		see(ls, 2, here, (uint64_t)i, 0xb0);       /* runs and comes back */
		see(ls, 3, i < 6 ? here : there, 1, 0xc0); /* goes elsewhere */
		if (i < 6)
			see(ls, 4, here, 1, 0xd0); /* ends */
		cr_assert_eq(leakset__seen(ls), 0);
	}
	g = finished(ls, 0);
	cr_expect_eq(g->nr, 2);
	cr_expect_eq(g->old, 4);
	cr_expect_eq(g->old_moved, 1);
	cr_expect_eq(g->old_went, 1);
	cr_expect_eq(g->old_ended, 1);
	cr_expect_eq(g->went[5], 1);
	cr_expect_eq(g->ended[5], 1);
	cr_expect_eq(g->old_waits, 3, "2 has none that lasts");
	cr_expect_eq(g->old_over, 2);
	cr_expect_eq(g->still[4], 3);
	cr_expect_eq(g->settled[4], 4);
	cr_expect_eq(g->still[8], 1);
}

Test(leakset, who_runs_at_one_look_only_comes_back)
{
	static const struct {
		const char *why;
		int runs_from, runs_to;
		uint32_t count, went, moved;
	} t[] = {
		{ "it never runs", 0, 0, 1, 0, 0 },
		{ "it runs at one look", 4, 5, 1, 0, 1 },
		{ "it runs at two: it has left", 4, 6, 0, 1, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(leakset) ls = story_set();
		const struct leak_group *g;

		for (int k = 0; k < 9; k++) {
			const bool runs = k >= t[i].runs_from && k < t[i].runs_to;

			look(ls, k);
			cr_assert_eq(leakset__see(ls,
						  &(struct leak_seen){
							  .goid = 1,
							  .key = runs ? there : here,
							  .wait = k < t[i].runs_from ? 1 : 2,
							  .class = runs ? LEAK_RUNS
									: LEAK_RECEIVE }),
				     0);
			cr_assert_eq(leakset__seen(ls), 0);
		}
		g = finished(ls, 0);
		cr_expect_eq(g->count[t[i].runs_to ? t[i].runs_to - 1 : 4], t[i].count, "%s",
			     t[i].why);
		cr_expect_eq(g->went[4], t[i].went, "%s", t[i].why);
		cr_expect_eq(g->old_moved, t[i].moved, "%s", t[i].why);
	}
}

Test(leakset, who_runs_but_for_one_system_call_runs)
{
	scoped(leakset) ls = story_set();

	for (int k = 0; k < 9; k++) {
		look(ls, k);
		cr_assert_eq(leakset__see(ls, &(struct leak_seen){ .goid = 1,
								   .key = k == 4 ? there : here,
								   .wait = (uint64_t)k,
								   .on_cpu = k % 2,
								   .class = k == 4 ? LEAK_SYSCALL
										   : LEAK_RUNS }),
			     0);
		cr_assert_eq(leakset__seen(ls), 0);
	}
	cr_expect_eq(finished(ls, 0)->settled[4], 1);
	cr_expect_eq(leakset__group(ls, 0)->old_went, 0);
	cr_expect_eq(leakset__group(ls, 0)->on_cpu, 4);
	cr_expect_eq(leakset__on_cpu(ls), 4);
}

Test(leakset, who_moves_too_fast_to_be_seen_has_not_ended)
{
	scoped(leakset) ls = story_set();
	const struct leak_group *g;

	for (int k = 0; k < 9; k++) {
		look(ls, k);
		see(ls, 1, here, 1, 0xa0);
		if (k == 4 || k == 8)
			leakset__miss(ls, 0, 2);
		else
			see(ls, 2, here, 1, 0xb0);
		leakset__miss(ls, 0, 1); /* it was seen: nothing to add */
		leakset__miss(ls, 0, 3); /* never seen at all */
		cr_assert_eq(leakset__seen(ls), 0);
	}
	g = finished(ls, 0);
	cr_expect_eq(g->count[4], 2);
	cr_expect_eq(g->settled[5], 2);
	cr_expect_eq(g->old_ended, 0);
	cr_expect_eq(leakset__lives_at(ls, here.made)->exits[4], 0);
	cr_expect_eq(g->nr, 1, "nothing is known of it at the last look");
	cr_expect_eq(leakset__get(ls, 0, 2), NULL);
}

Test(leakset, the_age_of_a_wait_is_at_least_what_was_seen_of_it)
{
	static const struct {
		const char *why;
		uint64_t since_ns, parked_ns, wait_step;
		bool unsure;
		uint64_t want_s;
		bool exact;
	} t[] = {
		{ "seen from the first look on", 0, 0, 0, false, 12, false },
		{ "the garbage collector knew it before", STORY_BEGIN - 50 * STORY_SECOND, 0, 0,
		  false, 62, false },
		{ "it runs from look to look", 0, 0, 1, false, 0, false },
		{ "it may run, nobody can tell", 0, 0, 0, true, 0, false },
		{ "its park was seen", 0, STORY_BEGIN - 2 * STORY_SECOND, 0, false, 14, true },
		{ "it parked again, and nobody had seen it run", 0, STORY_BEGIN + 7 * STORY_SECOND,
		  0, false, 5, true },
		{ "... so with one that may run", 0, STORY_BEGIN + 7 * STORY_SECOND, 0, true, 5,
		  true },
		{ "it parked again after the last look", 0, STORY_BEGIN + 20 * STORY_SECOND, 0,
		  false, 12, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(leakset) ls = story_set();
		const struct leak_group *g;

		for (int k = 0; k < 5; k++) {
			look(ls, k);
			cr_assert_eq(leakset__see(ls,
						  &(struct leak_seen){
							  .goid = 1,
							  .key = here,
							  .wait = 1 + t[i].wait_step * (uint64_t)k,
							  .since_ns = t[i].since_ns,
							  .class = LEAK_RECEIVE,
							  .unsure = t[i].unsure }),
				     0);
			cr_assert_eq(leakset__seen(ls), 0);
		}
		if (t[i].parked_ns)
			leakset__parked(ls, 0, 1, t[i].parked_ns);
		g = finished(ls, 0);
		cr_expect_eq(g->age_max_ns, t[i].want_s * STORY_SECOND, "%s: %lu", t[i].why,
			     (unsigned long)g->age_max_ns);
		cr_expect_eq(g->age_exact, t[i].exact, "%s", t[i].why);
	}
}

Test(leakset, when_all_parks_are_told_who_was_not_told_of_did_not_run)
{
	for (int known = 0; known < 2; known++) {
		scoped(leakset) ls = story_set();
		const struct leak_group *g;

		for (int k = 0; k < 5; k++) {
			look(ls, k);
			for (uint64_t goid = 1; goid <= 2; goid++)
				cr_assert_eq(leakset__see(ls,
							  &(struct leak_seen){ .goid = goid,
									       .key = here,
									       .wait = 1,
									       .class = LEAK_IO,
									       .unsure = true }),
					     0);
			cr_assert_eq(leakset__seen(ls), 0);
		}
		leakset__parked(ls, 0, 1, STORY_BEGIN + 10 * STORY_SECOND);
		if (known)
			leakset__parks(ls);
		g = finished(ls, 0);
		cr_expect_eq(g->unsure, known ? 0 : 1);
		cr_expect_eq(g->old_moved, 1);
		cr_expect_eq(g->age_min_ns, known ? 2 * STORY_SECOND : 0);
		cr_expect_eq(g->age_max_ns, (known ? 12 : 2) * STORY_SECOND);
	}
}

Test(leakset, objects_are_distinct_or_shared)
{
	static const struct {
		const char *why;
		uint64_t objects[3][2];
		uint32_t nr;
		uint64_t distinct;
		uint32_t sharing;
	} t[] = {
		{ "each its own", { { 0xa0 }, { 0xb0 }, { 0xc0 } }, 1, 3, 1 },
		{ "one for all", { { 0xa0 }, { 0xa0 }, { 0xa0 } }, 1, 1, 3 },
		{ "two on one", { { 0xa0 }, { 0xa0 }, { 0xc0 } }, 1, 2, 2 },
		{ "a select of one for all and one of its own",
		  { { 0xa0, 1 }, { 0xa0, 2 }, { 3, 0xa0 } },
		  2,
		  3,
		  3 },
		{ "a select of the same two", { { 1, 2 }, { 2, 1 }, { 1, 2 } }, 2, 1, 3 },
		{ "nothing", { { 0 } }, 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		scoped(leakset) ls = story_set();
		const struct leak_group *g;

		look(ls, 0);
		for (uint64_t k = 0; k < 3; k++)
			cr_assert_eq(leakset__see(ls,
						  &(struct leak_seen){ .goid = k + 1,
								       .key = here,
								       .objects = t[i].objects[k],
								       .nr_objects = t[i].nr,
								       .class = LEAK_SELECT }),
				     0);
		cr_assert_eq(leakset__seen(ls), 0);
		g = finished(ls, 0);
		cr_expect_eq(g->objects, t[i].distinct, "%s: %lu", t[i].why,
			     (unsigned long)g->objects);
		cr_expect_eq(g->sharing, t[i].sharing, "%s: %u", t[i].why, g->sharing);
	}
}

Test(leakset, lives_that_probes_saw_are_counted_where_they_belong)
{
	scoped(leakset) ls = story_set();

	for (int i = 0; i < 3; i++) {
		look(ls, i);
		see(ls, 10 + (uint64_t)i, here, 1, 0);
		cr_assert_eq(leakset__seen(ls), 0);
		/* in the window that follows */
		leakset__life(ls, 1, STORY_BEGIN + (uint64_t)i * STORY_PAUSE + 5, true);
		/* before the watch */
		leakset__life(ls, 1, STORY_BEGIN - 1, true);
	}
	leakset__life(ls, 1, STORY_BEGIN + 5, false);
	cr_expect(!leakset__lives_known(ls));
	cr_expect_eq(leakset__lives_at(ls, 1)->births[1], 1, "as the looks tell");
	cr_expect_eq(leakset__lives_at(ls, 1)->exits[2], 1);
	leakset__lives(ls);
	cr_expect(leakset__lives_known(ls));
	cr_expect_eq(leakset__lives_at(ls, 1)->births[1], 1, "as was seen");
	cr_expect_eq(leakset__lives_at(ls, 1)->births[2], 1);
	cr_expect_eq(leakset__lives_at(ls, 1)->exits[1], 1);
	cr_expect_eq(leakset__lives_at(ls, 1)->exits[2], 0);
	cr_expect_eq(leakset__lives_at(ls, 77)->births[1], 0, "a site that nobody knows");
}

Test(leakset, a_run_between_two_passes_begins_the_proof_anew)
{
	scoped(leakset) ls = story_set();
	const struct leak_group *g;

	for (int i = 0; i < 3; i++) {
		look(ls, i);
		see(ls, 1, here, 1, 0xa0);
		see(ls, 2, here, i < 2 ? 1 : 2, 0xb0);
		cr_assert_eq(leakset__seen(ls), 0);
		leakset__prove(ls, 0, 1, LEAK_UNREACHED);
		leakset__prove(ls, 0, 2, LEAK_UNREACHED);
		leakset__prove(ls, 0, 99, LEAK_UNREACHED); /* is not there */
	}
	g = finished(ls, 0);
	cr_expect_eq(g->asked, 2);
	cr_expect_eq(g->unreached, 1);
}

Test(leakset, of_two_runtimes_goids_are_not_the_same)
{
	scoped(leakset) ls = story_set();

	look(ls, 0);
	for (uint16_t rt = 0; rt < 2; rt++)
		cr_assert_eq(leakset__see(ls,
					  &(struct leak_seen){ .goid = 5, .rt = rt, .key = here }),
			     0);
	see(ls, 5, there, 1, 0); /* the same goid again in runtime 0: passed over */
	cr_assert_eq(leakset__seen(ls), 0);
	cr_expect_eq(finished(ls, 0)->nr, 2);
	cr_expect_not_null(leakset__get(ls, 1, 5));
	cr_expect_null(leakset__get(ls, 2, 5));
}

Test(leakset, what_the_bounds_refuse_is_counted)
{
	scoped(leakset) ls = NULL;
	int refused = 0;

	cr_assert_eq(leakset__new(&(struct leakset_opts){ .max_goroutines = 10,
							  .max_groups = 2,
							  .max_sites = 2 },
				  &ls),
		     0);
	look(ls, 0);
	for (uint32_t i = 0; i < 12; i++)
		refused +=
			leakset__see(ls, &(struct leak_seen){ .goid = i + 1,
							      .key = { 9, i % 2, 0 } }) == -ENOSPC;
	cr_expect_eq(refused, 2);
	cr_expect_eq(leakset__see(ls, &(struct leak_seen){ .goid = 1000, .key = { 9, 3, 0 } }),
		     -ENOSPC);
	cr_expect_eq(leakset__refused(ls), 3);
	cr_assert_eq(leakset__seen(ls), 0);
	for (int i = 1; i < LEAKSET_LOOKS_MAX; i++)
		look(ls, i);
	cr_expect_eq(leakset__look(ls, STORY_LAST), -ENOSPC);
}

Test(leakset, keeps_a_hundred_thousand_apart)
{
	scoped(leakset) ls = story_set();

	for (int i = 0; i < 3; i++) {
		look(ls, i);
		for (uint64_t goid = 1; goid <= 100000; goid++)
			if (goid % 3 != (uint64_t)i)
				see(ls, goid, here, 1, goid * 8);
		cr_assert_eq(leakset__seen(ls), 0);
		cr_expect_eq(leakset__alive(ls, (size_t)i), i == 1 ? 66666 : 66667);
	}
	cr_expect_eq(finished(ls, 0)->objects, 66667);
}

Test(leakset, has_many_members_by_group_and_goid_whatever_the_order_they_came_in)
{
	enum { NR = 20000, STEP = 7919 }; /* no common divisor */
	const struct leak_key keys[] = { { 1, 2, 3 }, { 1, 5, 3 }, { 9, 5, 3 } };
	scoped(leakset) ls = story_set();
	size_t nr = 0;

	look(ls, 0);
	for (uint64_t i = 0; i < NR; i++) {
		const uint64_t goid = i * STEP % NR + 1;

		see(ls, goid, keys[goid % ARRAY_SIZE(keys)], 1, 0xa000 + goid / 2 * 16);
	}
	cr_assert_eq(leakset__seen(ls), 0);
	(void)finished(ls, 0);
	cr_assert_eq(leakset__nr_groups(ls), ARRAY_SIZE(keys));
	for (size_t i = 0; i < leakset__nr_groups(ls); i++) {
		const struct leak_group *g = leakset__group(ls, i);

		cr_expect_eq(g->objects, g->nr, "two that are in different groups share one");
		cr_expect_eq(g->sharing, 1);
		for (uint32_t k = 0; k < g->nr; k++, nr++) {
			const struct leak_g *m = leakset__member(ls, g->first + k);

			cr_assert_eq(m->group, i);
			cr_assert(!k || m[-1].goid < m->goid);
			cr_assert_eq(m->item, m->goid + 9, "each with what is its own");
			cr_assert_eq(leakset__get(ls, 0, m->goid), m);
		}
	}
	cr_expect_eq(nr, NR);
}
