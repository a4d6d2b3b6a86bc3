/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "heap/reach.h"
#include "fake_process.h"

static struct fake_process fp;

struct look {
	struct census *c;
	struct reach *r;
};

static struct look look_with(const struct reach_in *more)
{
	struct reach_in in = *more;
	struct cause why = { "" };
	struct look l = { NULL, NULL };

	cr_assert_eq(census__read(&fp.as, &fp.rt, 16, &l.c), 0);
	cr_assert_eq(l.c->nr, fp.nr_gs);
	in.as = &fp.as;
	in.rt = &fp.rt;
	in.census = l.c;
	cr_assert_eq(reach__run(&in, &l.r, &why), 0, "%s", why.text);
	return l;
}

static struct look look(void)
{
	return look_with(&(struct reach_in){ .budget_ns = 0 });
}

static void look__done(struct look *l)
{
	reach__free(l->r);
	census__free(l->c);
	fake_process__done(&fp);
}

/* The verdict of goroutine i in a look of its own, after which the process is over. */
static enum reach_verdict verdict(uint32_t i)
{
	struct look l = look();
	enum reach_verdict v = reach__verdict(l.r, i);

	cr_expect_str_eq(reach__doubt(l.r), "");
	look__done(&l);
	return v;
}

#define CHAN(i)           fp_object(FP_CHANS, i)
#define SMALL(i)          fp_object(FP_SMALL, i)
#define for_each_minor(m) for (int m = GO_MINOR_MIN; m <= GO_MINOR_MAX; m++)

Test(reach, finds_that_nothing_leads_to_a_channel_in_every_version)
{
	for_each_minor(minor)
	{
		uint32_t g;

		fake_process__init(&fp, minor);
		g = fp_blocked(&fp, CHAN(0));
		fp_sleeping(&fp);
		fp_word(&fp, fp_local(g, 0), CHAN(0)); /* its own stack */
		cr_expect_eq(verdict(g), REACH_LEAKED, "Go 1.%d", minor);
	}
}

Test(reach, finds_the_variable_that_leads_to_it)
{
	for_each_minor(minor)
	{
		struct reach_step s[8];
		struct look l;
		uint32_t g;

		fake_process__init(&fp, minor);
		g = fp_blocked(&fp, CHAN(1));
		fp_word(&fp, FP_VARIABLES + 16, SMALL(3) + 4); /* into the middle */
		fp_word(&fp, SMALL(3) + 8, SMALL(9));
		fp_word(&fp, SMALL(9), CHAN(1));
		l = look();
		cr_assert_eq(reach__verdict(l.r, g), REACH_HELD, "Go 1.%d", minor);
		cr_assert_eq(reach__path(l.r, g, s, ARRAY_SIZE(s)), 4);
		cr_expect_eq(s[0].kind, REACH_GLOBAL);
		cr_expect_eq(s[0].addr, FP_VARIABLES + 16);
		cr_expect_eq(s[1].kind, REACH_OBJECT);
		cr_expect_eq(s[1].addr, SMALL(3));
		cr_expect_eq(s[1].size, 32);
		cr_expect_eq(s[1].offset, 8);
		cr_expect_eq(s[3].addr, CHAN(1));
		cr_expect_eq(reach__path(l.r, g, s, 2), 2, "the last steps if there is no room");
		cr_expect_eq(s[1].addr, CHAN(1));
		look__done(&l);
	}
}

Test(reach, finds_the_goroutine_that_may_use_it)
{
	struct reach_step s[8];
	struct look l;
	uint32_t g, sleeper;

	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(1));
	sleeper = fp_sleeping(&fp);
	fp_word(&fp, fp_local(sleeper, 1), CHAN(1));
	l = look();
	cr_expect_eq(reach__verdict(l.r, g), REACH_HELD);
	cr_expect_eq(reach__verdict(l.r, sleeper), REACH_NOT_BLOCKED);
	cr_assert_eq(reach__path(l.r, g, s, ARRAY_SIZE(s)), 2);
	cr_expect_eq(s[0].kind, REACH_STACK);
	cr_expect_eq(s[0].goid, 10 + sleeper);
	cr_expect_eq(s[0].frame, 0);
	look__done(&l);
}

Test(reach, takes_all_of_the_stack_of_one_that_runs)
{
	uint32_t g, runner;

	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(1));
	runner = fp_go(&fp, GOSTATUS_RUNNING, "", NULL, 0);
	fp_word(&fp, FP_STACKS + runner * FP_STACK + 8, CHAN(1)); /* far below its stack pointer */
	cr_expect_eq(verdict(g), REACH_HELD);
	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(1));
	runner = fp_sleeping(&fp);
	fp_word(&fp, FP_STACKS + runner * FP_STACK + 8, CHAN(1));
	cr_expect_eq(verdict(g), REACH_LEAKED, "of one that stands still nothing below counts");
}

Test(reach, follows_goroutines_that_would_run)
{
	struct reach_step s[8];
	uint32_t first, second;
	struct look l;

	fake_process__init(&fp, 22);
	first = fp_blocked(&fp, CHAN(0));
	second = fp_blocked(&fp, CHAN(1));
	fp_word(&fp, fp_local(first, 0), CHAN(1));
	fp_word(&fp, fp_local(second, 0), CHAN(0));
	l = look();
	cr_expect_eq(reach__verdict(l.r, first), REACH_LEAKED, "they hold each other");
	cr_expect_eq(reach__verdict(l.r, second), REACH_LEAKED);
	look__done(&l);
	fake_process__init(&fp, 22);
	first = fp_blocked(&fp, CHAN(0));
	second = fp_blocked(&fp, CHAN(1));
	fp_word(&fp, fp_local(first, 0), CHAN(1));
	fp_word(&fp, FP_VARIABLES, CHAN(0));
	l = look();
	cr_expect_eq(reach__verdict(l.r, second), REACH_HELD);
	cr_assert_eq(reach__path(l.r, second, s, ARRAY_SIZE(s)), 4);
	cr_expect_eq(s[2].kind, REACH_WAITER);
	cr_expect_eq(s[2].goid, 10 + first);
	cr_expect_eq(s[2].frame, 0);
	look__done(&l);
}

Test(reach, needs_one_channel_of_a_select)
{
	const uint64_t chans[] = { CHAN(0), CHAN(1), CHAN(2) };
	uint32_t g;

	fake_process__init(&fp, 26);
	g = fp_go(&fp, GOSTATUS_WAITING, "select", chans, 3);
	cr_expect_eq(verdict(g), REACH_LEAKED);
	fake_process__init(&fp, 26);
	g = fp_go(&fp, GOSTATUS_WAITING, "select", chans, 3);
	fp_word(&fp, FP_VARIABLES, CHAN(2));
	cr_expect_eq(verdict(g), REACH_HELD);
}

Test(reach, passes_over_what_does_not_count)
{
	static const struct {
		const char *why;
		bool variable; /* leads to the other channel, too */
		bool passes;
		enum reach_verdict want;
	} t[] = {
		{ "the timer's channel counts", false, false, REACH_HELD },
		{ "nothing leads to the other", false, true, REACH_LEAKED },
		{ "something leads to the other", true, true, REACH_HELD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const uint64_t chans[] = { CHAN(3), CHAN(4) },
			       passed_over[] = { ~0ull, CHAN(3), 1 };
		struct look l;
		uint32_t g;

		fake_process__init(&fp, 26);
		g = fp_go(&fp, GOSTATUS_WAITING, "select", chans, 2);
		fp_word(&fp, FP_VARIABLES, CHAN(3));
		if (t[i].variable)
			fp_word(&fp, FP_VARIABLES + 8, CHAN(4));
		l = look_with(&(struct reach_in){
			.passed_over = passed_over,
			.nr_passed_over = t[i].passes ? ARRAY_SIZE(passed_over) : 0 });
		cr_expect_eq(reach__verdict(l.r, g), t[i].want, "%s", t[i].why);
		look__done(&l);
	}
}

Test(reach, does_not_count_what_is_the_runtimes_own)
{
	for_each_minor(minor)
	{
		const struct pw_layout *l;
		uint64_t dead;
		uint32_t g;

		fake_process__init(&fp, minor);
		l = &fp.rt.layout;
		g = fp_blocked(&fp, CHAN(0));
		fp_word(&fp, FP_VARIABLES,
			fp_object(FP_SUDOGS, g * 4)); /* the table of semaphores */
		fp_word(&fp, CHAN(0) + 32, CHAN(0));  /* a pointer to itself */
		fp_word(&fp, CHAN(0) + 80, fp_object(FP_SUDOGS, g * 4));
		dead = fp_object(FP_G, fp_go(&fp, GOSTATUS_DEAD, "", NULL, 0));
		fp_word(&fp, dead + (uint64_t)l->g_labels, CHAN(0));
		fp_word(&fp, FP_VARIABLES + 8, dead);
		fp.nr_gs--; /* the census has it not */
		cr_expect_eq(verdict(g), REACH_LEAKED, "Go 1.%d", minor);
	}
}

Test(reach, counts_what_hangs_on_a_goroutine)
{
	uint32_t g, other;

	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(0));
	other = fp_sleeping(&fp);
	fp_word(&fp, fp_object(FP_G, other) + (uint64_t)fp.rt.layout.g_labels, SMALL(1));
	fp_word(&fp, SMALL(1), CHAN(0));
	cr_expect_eq(verdict(g), REACH_HELD);
}

Test(reach, tells_apart_locks_in_one_block)
{
	static const struct {
		const char *why;
		uint64_t at; /* in the block */
		int64_t to;  /* where a variable points, from the lock on */
		enum reach_verdict want;
	} t[] = {
		{ "the lock", 8, 0, REACH_HELD },
		{ "into it", 8, 4, REACH_HELD },
		{ "a number before it, and the lock", 8, -4, REACH_HELD },
		{ "one that it is the second half of", 8, -8, REACH_HELD },
		{ "the lock, the first", 0, 0, REACH_HELD },
		{ "the lock behind it", 0, 8, REACH_LEAKED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		uint64_t lock = fp_object(FP_TINY, 3) + t[i].at;
		struct census_wait w = { .addr = lock, .via = lock + 4, .kind = CENSUS_WAIT_MUTEX };
		struct reach_in in = { .as = &fp.as, .rt = &fp.rt };
		scoped(census) c = NULL;
		scoped(reach) r = NULL;
		uint32_t g;

		fake_process__init(&fp, 22);
		g = fp_go(&fp, GOSTATUS_WAITING, "sync.Mutex.Lock", NULL, 0);
		fp_word(&fp, FP_VARIABLES, lock + (uint64_t)t[i].to);
		cr_assert_eq(census__read(&fp.as, &fp.rt, 16, &c), 0);
		free(c->waits);
		c->waits = calloc(1, sizeof(w));
		c->waits[0] = w;
		c->nr_waits = c->gs[g].nr_waits = 1;
		c->gs[g].waits_cut = false;
		in.census = c;
		cr_assert_eq(reach__run(&in, &r, NULL), 0);
		cr_expect_eq(reach__verdict(r, g), t[i].want, "%s", t[i].why);
		fake_process__done(&fp);
	}
}

Test(reach, holds_what_a_finalizer_may_use)
{
	const struct goobjects *o;
	uint64_t at = FP_RUNTIME + FP_SPECIALS;
	uint32_t g, other;
	struct look l;

	fake_process__init(&fp, 22);
	o = &fp.rt.objects;
	g = fp_blocked(&fp, CHAN(0));
	other = fp_blocked(&fp, CHAN(1));
	fp_word(&fp, fp_mspan(FP_SMALL) + (uint64_t)o->mspan_specials, at);
	fp_put(&fp, at + (uint64_t)o->special_offset, 5 * 32, 2);
	fp_put(&fp, at + (uint64_t)o->special_kind, 1, 1);
	fp_word(&fp, at + (uint64_t)o->special_size, SMALL(20)); /* its function */
	fp_word(&fp, SMALL(20) + 8, CHAN(0));
	fp_word(&fp, SMALL(5), CHAN(1)); /* its object */
	l = look();
	cr_expect_eq(reach__verdict(l.r, g), REACH_HELD);
	cr_expect_eq(reach__verdict(l.r, other), REACH_HELD);
	look__done(&l);
}

Test(reach, never_speaks_of_those_that_go_on_by_themselves)
{
	uint32_t g;
	struct look l;

	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(0));
	fp_word(&fp, fp_object(FP_G, g) + (uint64_t)fp.rt.layout.g_goid, 1);
	cr_expect_eq(verdict(g), REACH_NOT_BLOCKED, "the main goroutine");
	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(0));
	fp_word(&fp, fp_object(FP_G, g) + (uint64_t)fp.rt.layout.g_startpc, fp.e[FP_BGSWEEP]);
	cr_expect_eq(verdict(g), REACH_NOT_BLOCKED, "the runtime's own");
	fake_process__init(&fp, 22);
	g = fp_go(&fp, GOSTATUS_WAITING, "IO wait", NULL, 0);
	cr_expect_eq(verdict(g), REACH_NOT_BLOCKED);
	fake_process__init(&fp, 22);
	g = fp_go(&fp, GOSTATUS_WAITING, "chan receive (nil chan)", NULL, 0);
	l = look_with(&(struct reach_in){ .budget_bytes = 1 });
	cr_expect_eq(reach__verdict(l.r, g), REACH_LEAKED, "nothing needs to be searched for");
	look__done(&l);
}

Test(reach, holds_what_lies_outside_of_the_heap)
{
	struct reach_step s;
	struct look l;
	uint32_t g;

	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, FP_VARIABLES + 64);
	l = look();
	cr_expect_eq(reach__verdict(l.r, g), REACH_HELD);
	cr_assert_eq(reach__path(l.r, g, &s, 1), 1);
	cr_expect_eq(s.kind, REACH_GLOBAL);
	cr_expect_eq(s.addr, FP_VARIABLES + 64);
	look__done(&l);
}

Test(reach, says_what_it_could_not_prove)
{
	struct look l;
	uint32_t g;

	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(0));
	l = look_with(&(struct reach_in){ .budget_bytes = GOHEAP_PAGE });
	cr_expect_eq(reach__verdict(l.r, g), REACH_UNKNOWN);
	cr_expect(strstr(reach__doubt(l.r), "budget was used up after") &&
			  strstr(reach__doubt(l.r), "1 of 1 are not decided"),
		  "%s", reach__doubt(l.r));
	look__done(&l);
	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(0));
	fp.rt.modules[0].bss = (struct tabspan){ 0x7fff0000, 4096 };
	l = look();
	cr_expect_eq(reach__verdict(l.r, g), REACH_UNKNOWN);
	cr_expect(strstr(reach__doubt(l.r), "variables"), "%s", reach__doubt(l.r));
	look__done(&l);
}

Test(reach, tells_the_way_to_any_object)
{
	const uint64_t objects[] = { SMALL(9) + 8, SMALL(11), FP_VARIABLES };
	struct reach_step s[8];
	struct look l;

	fake_process__init(&fp, 22);
	fp_sleeping(&fp);
	fp_word(&fp, FP_VARIABLES, SMALL(3));
	fp_word(&fp, SMALL(3), SMALL(9));
	l = look_with(&(struct reach_in){ .objects = objects, .nr_objects = 3 });
	cr_expect_eq(reach__object_verdict(l.r, 0), REACH_HELD);
	cr_expect_eq(reach__object_path(l.r, 0, s, ARRAY_SIZE(s)), 3);
	cr_expect_eq(reach__object_verdict(l.r, 1), REACH_LEAKED);
	cr_expect_eq(reach__object_path(l.r, 1, s, ARRAY_SIZE(s)), 0);
	cr_expect_eq(reach__object_verdict(l.r, 2), REACH_HELD, "outside of the heap");
	cr_expect_eq(reach__object_verdict(l.r, 3), REACH_UNKNOWN);
	look__done(&l);
}

Test(reach, speaks_only_of_its_goals)
{
	uint32_t goal, other;
	struct look l;

	fake_process__init(&fp, 22);
	goal = fp_blocked(&fp, CHAN(0));
	other = fp_blocked(&fp, CHAN(1));
	l = look_with(&(struct reach_in){ .goals = &goal, .nr_goals = 1 });
	cr_expect_eq(reach__verdict(l.r, goal), REACH_LEAKED);
	cr_expect_eq(reach__verdict(l.r, other), REACH_UNKNOWN);
	look__done(&l);
}

Test(reach, tells_who_keeps_what_nothing_reaches)
{
	const uint64_t objects[] = { SMALL(9) };
	uint32_t first, second, alone, who[4] = { 9, 9, 9, 9 };
	struct look l;

	fake_process__init(&fp, 22);
	first = fp_blocked(&fp, CHAN(0));
	second = fp_blocked(&fp, CHAN(1));
	alone = fp_blocked(&fp, CHAN(2));
	fp_word(&fp, fp_local(first, 0), SMALL(3));
	fp_word(&fp, SMALL(3), CHAN(1));
	fp_word(&fp, fp_local(second, 0), CHAN(1));
	fp_word(&fp, SMALL(3) + 8, SMALL(9));
	l = look_with(&(struct reach_in){ .objects = objects, .nr_objects = 1 });
	cr_assert_eq(reach__keepers(l.r, second, who, ARRAY_SIZE(who)), 2);
	cr_expect_eq(who[0], second, "the nearest first");
	cr_expect_eq(who[1], first);
	cr_expect_eq(reach__keepers(l.r, second, who, 1), 1);
	cr_expect_eq(reach__keepers(l.r, alone, who, ARRAY_SIZE(who)), 0);
	cr_assert_eq(reach__object_keepers(l.r, 0, who, ARRAY_SIZE(who)), 1);
	cr_expect_eq(who[0], first);
	look__done(&l);
	fake_process__init(&fp, 22);
	first = fp_blocked(&fp, CHAN(0));
	fp_word(&fp, FP_VARIABLES, CHAN(0));
	l = look();
	cr_expect_eq(reach__keepers(l.r, first, who, ARRAY_SIZE(who)), 0, "it is held");
	look__done(&l);
}

static const struct reach_goal *answered(const struct look *l, const uint32_t *goals, size_t nr,
					 bool all_keepers, struct reach_answer **ret)
{
	cr_assert_eq(reach__answer(l->r, goals, nr, all_keepers, ret), 0);
	cr_assert_eq((*ret)->nr, nr);
	for (size_t i = 0; i < nr; i++) {
		cr_expect_eq((*ret)->goals[i].g, goals[i]);
		cr_expect_eq((*ret)->goals[i].verdict, reach__verdict(l->r, goals[i]));
	}
	return (*ret)->goals;
}

Test(reach, answers_with_facts_that_outlive_it)
{
	scoped(reach_answer) all = NULL;
	scoped(reach_answer) groups = NULL;
	const struct reach_goal *goals;
	uint32_t g[4];
	struct look l;

	fake_process__init(&fp, 22);
	for (uint32_t i = 0; i < 4; i++)
		g[i] = fp_blocked(&fp, CHAN(i));
	fp_word(&fp, fp_local(g[0], 0), SMALL(3));
	fp_word(&fp, SMALL(3), CHAN(1));
	fp_word(&fp, fp_local(g[1], 0), CHAN(1));
	fp_word(&fp, FP_VARIABLES + 8, SMALL(5)); /* to the third by one object */
	fp_word(&fp, SMALL(5), CHAN(2));
	l = look();
	answered(&l, g, 4, false, &groups);
	answered(&l, g, 4, true, &all);
	look__done(&l);
	cr_expect_eq(groups->nr_keepers, 0, "none of them waits for a WaitGroup");
	goals = all->goals;
	cr_expect_eq(all->nr_keepers, 2);
	cr_expect_eq(goals[0].nr_keepers, 0);
	cr_assert_eq(goals[1].nr_keepers, 2);
	cr_expect_eq(all->keepers[goals[1].keepers_at], g[1], "the nearest first");
	cr_expect_eq(all->keepers[goals[1].keepers_at + 1], g[0]);
	cr_expect_eq(goals[2].verdict, REACH_HELD);
	cr_expect_eq(goals[2].root, REACH_GLOBAL);
	cr_expect_eq(goals[2].root_addr, FP_VARIABLES + 8);
	cr_expect_eq(goals[3].nr_keepers, 0, "none has it");
}

/* --- what happens meanwhile --- */

static uint32_t looked_for;

/* As the heap is read the second time, something that nobody knew refers to the channel. */
static void refer_late(struct fake_process *p, uint64_t addr)
{
	if (addr == FP_RUNTIME + FP_MHEAP + (uint64_t)p->rt.objects.mheap_allspans &&
	    ++looked_for == 2) {
		fp_word(p, SMALL(30), CHAN(0));
		fp_word(p, FP_VARIABLES, SMALL(30));
	}
}

/* Each time it is another, and where it hangs nobody sees. */
static void refer_anew(struct fake_process *p, uint64_t addr)
{
	if (addr != FP_RUNTIME + FP_MHEAP + (uint64_t)p->rt.objects.mheap_allspans)
		return;
	fp_word(p, SMALL(30 + looked_for), 0);
	fp_word(p, SMALL(31 + looked_for), CHAN(0));
	looked_for++;
}

Test(reach, makes_sure_that_what_it_found_is_so_still)
{
	struct look l;
	uint32_t g;

	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(0));
	looked_for = 0;
	fp.on_read = refer_late;
	cr_expect_eq(verdict(g), REACH_HELD);
	fake_process__init(&fp, 22);
	g = fp_blocked(&fp, CHAN(0));
	looked_for = 0;
	fp.on_read = refer_anew;
	l = look();
	cr_expect_eq(reach__verdict(l.r, g), REACH_UNKNOWN, "it never rests");
	cr_expect_str_eq(reach__doubt(l.r), "");
	look__done(&l);
}

static uint32_t run_at; /* which look at the list of goroutines, from 1 on */

/* Before it is looked at it runs, and then has the channel of another on its stack. */
static void run_late(struct fake_process *p, uint64_t addr)
{
	uint64_t g = fp_object(FP_G, 1);

	if (addr != FP_RUNTIME + FP_ALLGS + 8 || ++looked_for != run_at)
		return;
	fp_put(p, g + (uint64_t)p->rt.objects.g_trackingseq, 1, 1);
	fp_word(p, fp_local(1, 0), CHAN(0));
}

/* Each list is looked at twice: by the census, before the search and after it. */
Test(reach, sees_who_ran_meanwhile)
{
	static const struct {
		const char *why;
		uint32_t at;
		enum reach_verdict its, others;
		size_t ran;
	} t[] = {
		{ "never", 7, REACH_LEAKED, REACH_LEAKED, 0 },
		{ "since the census", 3, REACH_NOT_BLOCKED, REACH_HELD, 0 },
		{ "during the search", 5, REACH_NOT_BLOCKED, REACH_HELD, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct look l;
		uint32_t g, ran;

		fake_process__init(&fp, 22);
		g = fp_blocked(&fp, CHAN(0));
		ran = fp_blocked(&fp, CHAN(1));
		looked_for = 0;
		run_at = t[i].at;
		fp.on_read = run_late;
		l = look();
		cr_expect_eq(reach__verdict(l.r, ran), t[i].its, "%s", t[i].why);
		cr_expect_eq(reach__verdict(l.r, g), t[i].others, "%s", t[i].why);
		if (t[i].at != 3)
			cr_expect_eq(reach__stats(l.r)->ran, t[i].ran, "%s", t[i].why);
		look__done(&l);
	}
}
