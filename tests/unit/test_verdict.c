/* SPDX-License-Identifier: BSD-2-Clause */
#include "leak_story.h"

Test(verdict, of_censuses_alone)
{
	static const struct {
		const char *why;
		struct story story;
		enum verdict_kind want;
	} t[] = {
		{ "sends that nobody takes, more and more",
		  { .more = 4, .class = LEAK_SEND },
		  VERDICT_GROWING },
		{ "one in five seconds or so",
		  { .more = 1, .every = 2, .class = LEAK_RECEIVE },
		  VERDICT_GROWING },
		{ "children of a context that lives: all on one channel",
		  { .more = 4, .shared = true, .class = LEAK_RECEIVE },
		  VERDICT_GROWING },
		{ "waiters for a lock that is never given back",
		  { .more = 4, .shared = true, .class = LEAK_LOCK },
		  VERDICT_GROWING },
		{ "silent connections, more and more",
		  { .more = 4, .class = LEAK_IO },
		  VERDICT_GROWING },
		{ "loops that sleep, wake and never end",
		  { .more = 4, .wakes = 1, .class = LEAK_SLEEP },
		  VERDICT_GROWING },
		{ "loops on a ticker",
		  { .more = 4, .wakes = 1, .timer = true, .class = LEAK_SELECT },
		  VERDICT_GROWING },
		{ "subscribers that nobody takes out, and that get every message",
		  { .more = 4, .wakes = 1, .class = LEAK_RECEIVE },
		  VERDICT_GROWING },
		{ "two more in the whole watch",
		  { .more = 1, .every = 5, .class = LEAK_SEND },
		  VERDICT_IDLE },

		{ "a pool on one channel",
		  { .nr = 50, .shared = true, .class = LEAK_RECEIVE },
		  VERDICT_POOL },
		{ "a pool that works",
		  { .nr = 50, .shared = true, .wakes = 1, .class = LEAK_RECEIVE },
		  VERDICT_POOL },
		{ "a pool that warmed up",
		  { .more = 100, .until = 5, .shared = true, .class = LEAK_RECEIVE },
		  VERDICT_POOL },
		{ "connections that were set up, then serve",
		  { .more = 20, .until = 9, .wakes = 1, .class = LEAK_IO },
		  VERDICT_IDLE },
		{ "requests that come and go",
		  { .nr = 40, .more = 20, .stay = 2, .class = LEAK_RECEIVE },
		  VERDICT_IDLE },
		{ "requests that take half of the watch",
		  { .nr = 60, .more = 10, .stay = 6, .class = LEAK_RECEIVE },
		  VERDICT_IDLE },
		{ "delayed work, not due yet",
		  { .more = 4, .class = LEAK_SLEEP },
		  VERDICT_SUSPECT },
		{ "time.After of a minute in a select",
		  { .more = 4, .timer = true, .class = LEAK_SELECT },
		  VERDICT_SUSPECT },
		{ "keep-alive connections, more and more",
		  { .more = 4, .class = LEAK_IO, .role = LEAK_ROLE_KEEPALIVE },
		  VERDICT_SUSPECT },
		{ "silent ones, if nobody can tell (Go 1.16)",
		  { .more = 4, .unsure = true, .class = LEAK_IO },
		  VERDICT_SUSPECT },
		{ "connections that are used, more and more",
		  { .more = 4, .wakes = 1, .class = LEAK_IO },
		  VERDICT_SUSPECT },
		{ "idle ones of a client for each request",
		  { .more = 4, .class = LEAK_SELECT, .role = LEAK_ROLE_CLIENT },
		  VERDICT_GROWING },
		{ "a client's pool under rising traffic",
		  { .more = 4, .wakes = 1, .class = LEAK_SELECT, .role = LEAK_ROLE_CLIENT },
		  VERDICT_SUSPECT },
		{ "listeners, more and more, that nobody closes",
		  { .more = 4, .class = LEAK_IO, .role = LEAK_ROLE_LISTENER },
		  VERDICT_GROWING },
		{ "accept",
		  { .nr = 1, .class = LEAK_IO, .role = LEAK_ROLE_LISTENER },
		  VERDICT_IDLE },
		{ "sleepers", { .nr = 100, .class = LEAK_SLEEP }, VERDICT_SLEEPING },
		{ "a timer of the program",
		  { .nr = 1, .timer = true, .class = LEAK_RECEIVE },
		  VERDICT_SLEEPING },
		{ "idle subscribers, each with a channel of its own",
		  { .nr = 200, .class = LEAK_RECEIVE },
		  VERDICT_SUSPECT },
		{ "few of them", { .nr = 4, .class = LEAK_RECEIVE }, VERDICT_IDLE },
		{ "the runtime's own, even if they grow",
		  { .more = 4, .class = LEAK_OTHER, .role = LEAK_ROLE_RUNTIME },
		  VERDICT_RUNTIME },
		{ "loops that spin, more and more",
		  { .more = 4, .class = LEAK_RUNS },
		  VERDICT_GROWING },
		{ "one more of them every two windows",
		  { .more = 1, .every = 2, .class = LEAK_RUNS },
		  VERDICT_GROWING },
		{ "work that computes and ends",
		  { .more = 4, .stay = 3, .class = LEAK_RUNS },
		  VERDICT_ACTIVE },
		{ "work that computes, more and more, and ends when it is old",
		  { .more = 4, .stay = 6, .class = LEAK_RUNS },
		  VERDICT_ACTIVE },
		{ "work on all processors, which was begun once",
		  { .more = 4, .until = 3, .class = LEAK_RUNS },
		  VERDICT_ACTIVE },
		{ "work that computes", { .nr = 4, .class = LEAK_RUNS }, VERDICT_ACTIVE },

		{ "five sends, each on a channel of its own, all the time",
		  { .nr = 5, .class = LEAK_SEND },
		  VERDICT_STUCK },
		{ "four of them", { .nr = 4, .class = LEAK_SEND }, VERDICT_IDLE },
		{ "many that send to one busy receiver",
		  { .nr = 50, .shared = true, .class = LEAK_SEND },
		  VERDICT_POOL },
		{ "sends that go on", { .nr = 50, .wakes = 4, .class = LEAK_SEND }, VERDICT_IDLE },
		{ "sends of which nobody can say whether they go on (Go 1.16)",
		  { .nr = 50, .unsure = true, .class = LEAK_SEND },
		  VERDICT_IDLE },
		{ "... but the garbage collector saw them wait",
		  { .nr = 50, .unsure = true, .since_s = 1, .class = LEAK_SEND },
		  VERDICT_STUCK },
		{ "one lock that nobody got for the whole watch",
		  { .nr = 1, .class = LEAK_LOCK },
		  VERDICT_STUCK },
		{ "a lock that is passed on: its waiters wait anew",
		  { .nr = 20, .shared = true, .wakes = 8, .class = LEAK_LOCK },
		  VERDICT_POOL },

		{ "nil channel", { .nr = 1, .class = LEAK_FOREVER }, VERDICT_LEAKED },
		{ "main in select {}",
		  { .nr = 1, .class = LEAK_FOREVER, .main = true },
		  VERDICT_IDLE },
		{ "main waits for the others",
		  { .nr = 1, .class = LEAK_WAITGROUP, .main = true },
		  VERDICT_IDLE },
		{ "the runtime's own word",
		  { .nr = 1, .class = LEAK_RECEIVE, .leaked = true },
		  VERDICT_LEAKED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct verdict v = story_verdict(story_told(&t[i].story));

		cr_expect_eq(v.kind, t[i].want, "%s: %s", t[i].why, verdict_name(v.kind));
	}
}

Test(verdict, more_connections_of_clients_that_are_there_are_load)
{
	struct leakset *ls = story_told(&(struct story){ .more = 4, .class = LEAK_IO });
	struct verdict v;

	leakset__served(ls, 0);
	v = story_verdict(ls);
	cr_expect_eq(v.kind, VERDICT_SUSPECT, "%s", verdict_name(v.kind));
	cr_expect_eq(v.why, WHY_MORE_CONNECTIONS);
}

Test(verdict, what_the_first_goroutine_sets_up_may_be_no_leak)
{
	static const struct story t[] = { { .more = 1, .class = LEAK_RECEIVE },
					  { .more = 1, .wakes = 1, .class = LEAK_SELECT } };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct leakset *ls = story_told(&t[i]);
		struct verdict v;

		leakset__set_up(ls, 0);
		v = story_verdict(ls);
		cr_expect_eq(v.kind, VERDICT_SUSPECT, "%zu: %s", i, verdict_name(v.kind));
		cr_expect_eq(v.why, WHY_SETTING_UP);
	}
}

Test(verdict, loops_on_a_ticker_that_nobody_can_end_are_suspect)
{
	static const struct {
		const char *why;
		int unended, wakes;
		bool ticks;
		enum verdict_kind want;
	} t[] = {
		{ "they wake", 12, 1, false, VERDICT_SUSPECT },
		{ "a ticker that was not due", 12, 0, true, VERDICT_SUSPECT },
		{ "a timer that was not due may end it", 12, 0, false, VERDICT_SLEEPING },
		{ "few", 4, 1, true, VERDICT_SLEEPING },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct leakset *ls = story_told(&(struct story){
			.nr = 20, .wakes = t[i].wakes, .timer = true, .class = LEAK_SELECT });
		struct verdict v;

		leakset__timer(ls, 0, t[i].ticks);
		for (int k = 0; k < t[i].unended; k++)
			leakset__unended(ls, 0);
		v = story_verdict(ls);
		cr_expect_eq(v.kind, t[i].want, "%s: %s", t[i].why, verdict_name(v.kind));
	}
}

Test(verdict, timers_that_were_not_due_need_code_that_goes_on)
{
	static const struct {
		const char *why;
		enum leak_class class;
		int unended;
		bool endless, loops;
		enum verdict_kind want;
	} t[] = {
		{ "a sleeper may end when it wakes", LEAK_SLEEP, 0, false, false, VERDICT_SUSPECT },
		{ "one whose code has no end", LEAK_SLEEP, 0, true, true, VERDICT_GROWING },
		{ "a loop that nobody can end", LEAK_SELECT, 12, false, true, VERDICT_GROWING },
		{ "it ends when it wakes", LEAK_SELECT, 12, false, false, VERDICT_SUSPECT },
		{ "a loop that somebody can end", LEAK_SELECT, 0, false, true, VERDICT_SUSPECT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct leakset *ls = story_told(&(struct story){
			.more = 2, .timer = t[i].class == LEAK_SELECT, .class = t[i].class });
		struct verdict v;

		for (int k = 0; k < t[i].unended; k++)
			leakset__unended(ls, 0);
		leakset__code(ls, 0, t[i].endless, t[i].loops);
		v = story_verdict(ls);
		cr_expect_eq(v.kind, t[i].want, "%s: %s", t[i].why, verdict_name(v.kind));
	}
}

/* What a timer is about to call can end their waits: a context's deadline, a delayed call. */
Test(verdict, who_will_soon_be_ended_by_a_timer_is_suspect_at_most)
{
	static const struct {
		const char *why;
		uint64_t in_s, then_s; /* what two passes say: from the last look on; 0: nothing */
		uint64_t nr;
		enum verdict_kind want;
	} t[] = {
		{ "all are", 40, 40, UINT64_MAX, VERDICT_SUSPECT },
		{ "nobody is", 0, 0, 0, VERDICT_GROWING },
		{ "a few are", 40, 40, 4, VERDICT_GROWING },
		{ "in an hour", 3600, 3600, UINT64_MAX, VERDICT_GROWING },
		{ "it is put off", 40, 45, UINT64_MAX, VERDICT_GROWING },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct leakset *ls =
			story_told(&(struct story){ .more = 2, .class = LEAK_RECEIVE });
		struct verdict v;

		for (uint64_t k = 0; k < 2 * STORY_LOOKS; k++) {
			const uint64_t goid = 100 + 1000 * (k / 2) + k % 2;

			leakset__prove(ls, 0, goid, LEAK_REACHED_GLOBAL);
			if (!t[i].in_s || k >= t[i].nr)
				continue;
			leakset__due(ls, 0, goid, STORY_LAST + t[i].in_s * STORY_SECOND);
			leakset__due(ls, 0, goid, STORY_LAST + t[i].then_s * STORY_SECOND);
		}
		v = story_verdict(ls);
		cr_expect_eq(v.kind, t[i].want, "%s: %s", t[i].why, verdict_name(v.kind));
	}
}

Test(verdict, connections_whose_body_nobody_reads_are_suspect)
{
	static const struct {
		const char *why;
		uint32_t unread;
		int wakes;
		enum verdict_kind want;
	} t[] = {
		{ "nobody reads", 60, 0, VERDICT_SUSPECT },
		{ "few", 4, 0, VERDICT_IDLE },
		{ "they go on now and then", 60, 3, VERDICT_IDLE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct leakset *ls = story_told(&(struct story){ .nr = 60,
								 .wakes = t[i].wakes,
								 .class = LEAK_SELECT,
								 .role = LEAK_ROLE_CLIENT });
		struct verdict v;

		leakset__unread(ls, 0, t[i].unread);
		v = story_verdict(ls);
		cr_expect_eq(v.kind, t[i].want, "%s: %s", t[i].why, verdict_name(v.kind));
	}
}

/* The group's goroutines wait for min_age only if the watch is that long. */
Test(verdict, an_age_below_min_age_is_no_evidence)
{
	const struct story sends = { .nr = 20, .class = LEAK_SEND };
	struct leakset *ls = story_set();

	for (int look = 0; look < STORY_LOOKS; look++) {
		cr_assert_eq(leakset__look(ls, STORY_BEGIN + (uint64_t)look * STORY_SECOND), 0);
		story_look(ls, &sends, (struct leak_key){ 1, 2, 3 }, 100, look);
		cr_assert_eq(leakset__seen(ls), 0);
	}
	cr_expect_eq(story_verdict(ls).kind, VERDICT_IDLE);
}

Test(verdict, births_from_probes_say_that_it_stopped)
{
	const struct story story = { .more = 4, .shared = true, .class = LEAK_RECEIVE };
	struct leakset *ls = story_told(&story);

	for (int look = 1; look < STORY_LOOKS - 1; look++) /* none in the last window */
		for (int i = 0; i < 4; i++)
			leakset__life(ls, 1, STORY_BEGIN + (uint64_t)look * STORY_PAUSE - 1, true);
	leakset__lives(ls);
	cr_expect_eq(story_verdict(ls).kind, VERDICT_POOL);
}

Test(verdict, exits_speak_against_those_that_move_but_not_against_those_that_stand)
{
	static const struct {
		const char *why;
		int wakes;
		enum verdict_kind want;
	} t[] = {
		{ "they stand: who ended was another", 0, VERDICT_GROWING },
		{ "they move: they may end in their turn", 1, VERDICT_SUSPECT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct story story = { .more = 4,
					     .wakes = t[i].wakes,
					     .class = LEAK_RECEIVE };
		struct leakset *ls = story_told(&story);
		struct verdict v;

		for (int look = 1; look < STORY_LOOKS; look++) {
			for (int k = 0; k < 5; k++)
				leakset__life(ls, 1, STORY_BEGIN + (uint64_t)look * STORY_PAUSE - 1,
					      true);
			leakset__life(ls, 1, STORY_BEGIN + (uint64_t)look * STORY_PAUSE - 1, false);
		}
		leakset__lives(ls);
		v = story_verdict(ls);
		cr_expect_eq(v.kind, t[i].want, "%s: %s", t[i].why, verdict_name(v.kind));
		cr_expect_eq(v.births, 60, "%s", t[i].why);
		cr_expect_eq(v.exits, 12, "%s", t[i].why);
	}
}

/*
 * A client's pool: 40 connections that are used all the time, and more and more whose response
 * nobody reads.
 */
Test(verdict, a_leak_shows_among_those_that_move)
{
	const struct story used = {
		.nr = 40, .wakes = 1, .class = LEAK_SELECT, .role = LEAK_ROLE_CLIENT
	};
	const struct story unread = { .more = 2, .class = LEAK_SELECT, .role = LEAK_ROLE_CLIENT };
	struct leakset *ls = story_set();

	for (int look = 0; look < STORY_LOOKS; look++) {
		cr_assert_eq(leakset__look(ls, STORY_BEGIN + (uint64_t)look * STORY_PAUSE), 0);
		story_look(ls, &used, (struct leak_key){ 1, 2, 3 }, 100, look);
		story_look(ls, &unread, (struct leak_key){ 1, 2, 3 }, 100000, look);
		cr_assert_eq(leakset__seen(ls), 0);
	}
	cr_expect_eq(story_verdict(ls).kind, VERDICT_GROWING);
}

/* They sleep here for a while, then do something else, then sleep here again. */
/* Requests at the same line, of which a few are never answered: how many there are says nothing. */
Test(verdict, a_leak_shows_though_the_number_does_not_grow)
{
	static const struct {
		const char *why;
		struct story slow;
		enum verdict_kind want;
	} t[] = {
		{ "one in each window is never answered",
		  { .more = 1, .class = LEAK_RECEIVE },
		  VERDICT_GROWING },
		{ "slow ones, answered in their turn",
		  { .nr = 7, .more = 1, .stay = 7, .class = LEAK_RECEIVE },
		  VERDICT_IDLE },
		{ "who was there before goes idle",
		  { .nr = 12, .class = LEAK_RECEIVE },
		  VERDICT_SUSPECT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct leakset *ls = story_set();
		struct verdict v;

		for (int look = 0; look < STORY_LOOKS; look++) {
			const struct story fast = { .nr = (uint32_t)(30 - 2 * look),
						    .class = LEAK_RECEIVE };

			cr_assert_eq(leakset__look(ls, STORY_BEGIN + (uint64_t)look * STORY_PAUSE),
				     0);
			story_look(ls, &t[i].slow, (struct leak_key){ 1, 2, 3 }, 100, look);
			for (uint32_t k = 0; k < fast.nr; k++) /* others at each look */
				story_see(ls, &fast, (struct leak_key){ 1, 2, 3 },
					  100000 + 100 * (uint64_t)look + k, 0, look);
			cr_assert_eq(leakset__seen(ls), 0);
		}
		v = story_verdict(ls);
		cr_expect_eq(v.kind, t[i].want, "%s: %s", t[i].why, verdict_name(v.kind));
		cr_expect_eq(v.why == WHY_GROWS_AMONG_OTHERS, t[i].want == VERDICT_GROWING, "%s",
			     t[i].why);
	}
}

/* A service under more load than it bears: ever more requests, hardly one of them old. */
Test(verdict, what_piles_up_and_is_young_is_no_leak)
{
	const struct story s = { .class = LEAK_RECEIVE }, old = { .nr = 2, .class = LEAK_RECEIVE };
	struct leakset *ls = story_set();
	struct verdict v;

	for (int look = 0; look < STORY_LOOKS; look++) {
		cr_assert_eq(leakset__look(ls, STORY_BEGIN + (uint64_t)look * STORY_PAUSE), 0);
		story_look(ls, &old, (struct leak_key){ 1, 2, 3 }, 100, look);
		/* each stays for three looks */
		for (int born = look < 2 ? 0 : look - 2; born <= look; born++)
			for (int i = 0; i < 4 * born; i++)
				story_see(ls, &s, (struct leak_key){ 1, 2, 3 },
					  1000 + 100 * (uint64_t)born + (uint64_t)i, look - born,
					  look);
		cr_assert_eq(leakset__seen(ls), 0);
	}
	v = story_verdict(ls);
	cr_expect(v.kind == VERDICT_IDLE || v.kind == VERDICT_SUSPECT, "%s", verdict_name(v.kind));
}

/* Handlers that sleep while a server gets busier, and one loop that has always been there. */
Test(verdict, one_old_loop_among_those_that_pass_is_no_proof_of_more)
{
	const struct story s = { .wakes = 1, .class = LEAK_SLEEP };
	struct leakset *ls = story_set();
	struct verdict v;

	for (int look = 0; look < STORY_LOOKS; look++) {
		cr_assert_eq(leakset__look(ls, STORY_BEGIN + (uint64_t)look * STORY_PAUSE), 0);
		story_see(ls, &s, (struct leak_key){ 1, 2, 3 }, 1, look, look);
		/* each stays for two looks */
		for (int born = look < 1 ? 0 : look - 1; born <= look; born++)
			for (int i = 0; i < 4 * born; i++)
				story_see(ls, &s, (struct leak_key){ 1, 2, 3 },
					  1000 + 100 * (uint64_t)born + (uint64_t)i, look - born,
					  look);
		cr_assert_eq(leakset__seen(ls), 0);
	}
	v = story_verdict(ls);
	cr_expect_neq(v.kind, VERDICT_GROWING, "%u of %u", v.growth.grew, v.growth.windows);
}

Test(verdict, who_passes_by_is_no_loop)
{
	struct leakset *ls = story_set();
	struct verdict v;

	for (int look = 0; look < STORY_LOOKS; look++) {
		cr_assert_eq(leakset__look(ls, STORY_BEGIN + (uint64_t)look * STORY_PAUSE), 0);
		for (uint64_t goid = 1; goid <= 10 * (uint64_t)look; goid++) {
			const bool here = (goid + (uint64_t)look) / 5 % 2;

			cr_assert_eq(leakset__see(ls,
						  &(struct leak_seen){
							  .goid = goid,
							  .wait = (uint64_t)look,
							  .key = { 1, here ? 2 : 9, 3 },
							  .class = here ? LEAK_SLEEP
									: LEAK_RECEIVE }),
				     0);
		}
		cr_assert_eq(leakset__seen(ls), 0);
	}
	v = story_verdict(ls);
	cr_expect_neq(v.kind, VERDICT_GROWING, "%u of %u", v.growth.grew, v.growth.windows);
}

Test(verdict, of_what_a_search_found)
{
	static const struct {
		const char *why;
		enum leak_reach passes[3];
		int nr;
		enum verdict_kind want;
	} t[] = {
		{ "not reached in two passes",
		  { LEAK_UNREACHED, LEAK_UNREACHED },
		  2,
		  VERDICT_LEAKED },
		{ "one pass is no proof", { LEAK_UNREACHED }, 1, VERDICT_SUSPECT },
		{ "reached once between",
		  { LEAK_UNREACHED, LEAK_REACHED_STACK, LEAK_UNREACHED },
		  3,
		  VERDICT_SUSPECT },
		{ "reached at the end",
		  { LEAK_UNREACHED, LEAK_UNREACHED, LEAK_REACHED_OTHER },
		  3,
		  VERDICT_HELD },
		{ "a global has it",
		  { LEAK_REACHED_GLOBAL, LEAK_REACHED_GLOBAL },
		  2,
		  VERDICT_HELD },
		{ "a goroutine has it",
		  { LEAK_REACHED_STACK, LEAK_REACHED_STACK },
		  2,
		  VERDICT_HELD },
		{ "nobody asked", { LEAK_REACH_NOT_ASKED }, 1, VERDICT_SUSPECT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct story story = { .nr = 6, .class = LEAK_RECEIVE };
		struct leakset *ls = story_told(&story);
		struct verdict v;

		for (int k = 0; k < t[i].nr; k++)
			for (uint64_t g = 0; g < 6; g++)
				leakset__prove(ls, 0, 100 + g, t[i].passes[k]);
		v = story_verdict(ls);
		cr_expect_eq(v.kind, t[i].want, "%s: %s", t[i].why, verdict_name(v.kind));
	}
}

Test(verdict, sends_that_somebody_can_still_take_are_not_stuck)
{
	static const struct {
		const char *why;
		enum leak_reach reach;
	} t[] = {
		{ "a goroutine that can still run has the channel", LEAK_REACHED_STACK },
		{ "results that are collected later: a variable has it", LEAK_REACHED_GLOBAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct story story = { .nr = 6, .class = LEAK_SEND };
		struct leakset *ls = story_told(&story);
		struct verdict v;

		leakset__prove(ls, 0, 100, t[i].reach);
		v = story_verdict(ls);
		cr_expect_eq(v.kind, VERDICT_SUSPECT, "%s: %s", t[i].why, verdict_name(v.kind));
	}
}

/* Iterators, of which one is asked for its next value. */
Test(verdict, sends_of_a_group_that_goes_on_are_not_stuck)
{
	const struct story waits = { .nr = 6, .class = LEAK_SEND },
			   one = { .nr = 1, .wakes = 6, .class = LEAK_SEND };
	struct leakset *ls = story_set();
	struct verdict v;

	for (int look = 0; look < STORY_LOOKS; look++) {
		cr_assert_eq(leakset__look(ls, STORY_BEGIN + (uint64_t)look * STORY_PAUSE), 0);
		story_look(ls, &waits, (struct leak_key){ 1, 2, 3 }, 100, look);
		story_look(ls, &one, (struct leak_key){ 1, 2, 3 }, 500, look);
		cr_assert_eq(leakset__seen(ls), 0);
	}
	v = story_verdict(ls);
	cr_expect_eq(v.kind, VERDICT_SUSPECT, "%s", verdict_name(v.kind));
}

Test(verdict, a_ring_is_a_deadlock_and_who_waits_behind_it_too)
{
	const struct story story = { .nr = 1, .class = LEAK_LOCK };

	for (int behind = 0; behind < 2; behind++) {
		struct leakset *ls = story_told(&story);
		struct verdict v;

		leakset__cycle(ls, 0, 100, behind);
		v = story_verdict(ls);
		cr_expect_eq(v.kind, VERDICT_DEADLOCK);
		cr_expect_eq(v.why, behind ? WHY_BEHIND_RING : WHY_RING);
	}
}

/* Group 0 holds a lock for which group 1 waits. */
Test(verdict, who_keeps_a_lock_that_others_stand_for_is_stuck_too)
{
	static const struct {
		const char *why;
		struct story keeper;
		enum verdict_kind want;
	} t[] = {
		{ "it waits on a channel", { .nr = 1, .class = LEAK_SEND }, VERDICT_STUCK },
		{ "it waits for others to be done, who want the lock",
		  { .nr = 1, .class = LEAK_WAITGROUP },
		  VERDICT_STUCK },
		{ "it goes on from time to time",
		  { .nr = 1, .wakes = 4, .class = LEAK_SEND },
		  VERDICT_IDLE },
		{ "it sleeps", { .nr = 1, .class = LEAK_SLEEP }, VERDICT_SLEEPING },
		{ "a timer will wake it",
		  { .nr = 1, .timer = true, .class = LEAK_SELECT },
		  VERDICT_SLEEPING },
		{ "the first goroutine of the program",
		  { .nr = 1, .main = true, .class = LEAK_WAITGROUP },
		  VERDICT_IDLE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct story waiters = { .nr = 3, .shared = true, .class = LEAK_LOCK };
		struct leakset *ls = story_set();
		struct verdict v;

		for (int look = 0; look < STORY_LOOKS; look++) {
			cr_assert_eq(leakset__look(ls, STORY_BEGIN + (uint64_t)look * STORY_PAUSE),
				     0);
			story_look(ls, &t[i].keeper, (struct leak_key){ 4, 5, 6 }, 500, look);
			story_look(ls, &waiters, (struct leak_key){ 1, 2, 3 }, 100, look);
			cr_assert_eq(leakset__seen(ls), 0);
		}
		if (t[i].keeper.timer)
			leakset__timer(ls, 0, false);
		cr_assert_eq(leakset__hold(ls, 0, STORY_OBJECT, 500), 0);
		v = story_verdict(ls);
		cr_expect_eq(v.kind, t[i].want, "%s: %s", t[i].why, verdict_name(v.kind));
		cr_expect_eq(v.why == WHY_KEEPS_LOCK, t[i].want == VERDICT_STUCK, "%s", t[i].why);
	}
}

/* Group 0 waits for a lock, group 1 holds it. */
Test(verdict, of_a_lock_asks_what_its_holder_does)
{
	static const struct {
		const char *why;
		struct story holder;
		bool known;
		enum verdict_kind want;
	} t[] = {
		{ "nobody is known to hold it",
		  { .nr = 1, .class = LEAK_SLEEP },
		  false,
		  VERDICT_STUCK },
		{ "one that computes all the time may hold it",
		  { .nr = 1, .class = LEAK_RUNS },
		  false,
		  VERDICT_SUSPECT },
		{ "those that compute came later",
		  { .more = 1, .every = 3, .class = LEAK_RUNS },
		  false,
		  VERDICT_STUCK },
		{ "the runtime's own hold none",
		  { .nr = 1, .class = LEAK_RUNS, .role = LEAK_ROLE_RUNTIME },
		  false,
		  VERDICT_STUCK },
		{ "the holder sleeps", { .nr = 1, .class = LEAK_SLEEP }, true, VERDICT_SUSPECT },
		{ "the holder waits for a connection",
		  { .nr = 1, .class = LEAK_IO },
		  true,
		  VERDICT_SUSPECT },
		{ "the holder waits on a channel all the time",
		  { .nr = 1, .class = LEAK_SEND },
		  true,
		  VERDICT_STUCK },
		{ "the holder goes on from time to time",
		  { .nr = 1, .wakes = 4, .class = LEAK_SEND },
		  true,
		  VERDICT_SUSPECT },
		{ "the holder waits for a lock that nobody is known to hold",
		  { .nr = 1, .class = LEAK_LOCK },
		  true,
		  VERDICT_STUCK },
		{ "the holder is gone", { 0 }, true, VERDICT_SUSPECT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct story waiter = { .nr = 1, .class = LEAK_LOCK };
		struct leakset *ls = story_set();
		struct verdict v;

		for (int look = 0; look < STORY_LOOKS; look++) {
			cr_assert_eq(leakset__look(ls, STORY_BEGIN + (uint64_t)look * STORY_PAUSE),
				     0);
			story_look(ls, &waiter, (struct leak_key){ 1, 2, 3 }, 100, look);
			story_look(ls, &t[i].holder, (struct leak_key){ 4, 5, 6 }, 500, look);
			cr_assert_eq(leakset__seen(ls), 0);
		}
		if (t[i].known)
			cr_assert_eq(leakset__hold(ls, 0, STORY_OBJECT + 64 * 100, 500), 0);
		v = story_verdict(ls);
		cr_expect_eq(v.kind, t[i].want, "%s: %s", t[i].why, verdict_name(v.kind));
	}
}

Test(verdict, every_one_has_a_name)
{
	for (int k = 0; k < VERDICT_KINDS; k++)
		cr_expect_not_null(verdict_name((enum verdict_kind)k), "%d", k);
	cr_expect(verdict_is_leak(VERDICT_SUSPECT));
	cr_expect(!verdict_is_leak(VERDICT_POOL));
}
