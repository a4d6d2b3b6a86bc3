// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/heart.h"
#include "base/cleanup.h"
#include "probe/master.h"

Test(master, is_late_as_its_state_says)
{
	static const struct {
		const char *why;
		char state;
		uint64_t silent_ms, cpu_ms, late_ms;
		bool late;
	} t[] = {
		{ "it sleeps for what comes soon", 'S', 99, 0, 0, false },
		{ "it sleeps for what does not come", 'S', 100, 0, 0, true },
		{ "a page that nobody answers", 'D', 100, 0, 0, true },
		{ "it is frozen", 'D', 5000, 0, 0, true },
		{ "it waits for a processor", 'R', 900, 20, 0, false },
		{ "it waits for one too long", 'R', 1000, 20, 0, true },
		{ "it works", 'R', 200, 99, 0, false },
		{ "it turns in a circle", 'R', 100, 100, 0, true },
		{ "a slow machine: it works", 'R', 450, 449, 450, false },
		{ "a slow machine: it turns in a circle", 'R', 450, 450, 450, true },
		{ "a slow machine: it waits for a processor", 'R', 1349, 20, 450, false },
		{ "a slow machine: it waits for one too long", 'R', 1350, 20, 450, true },
		{ "a slow machine: it sleeps for what does not come", 'S', 450, 0, 450, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(master_is_late(t[i].state, t[i].silent_ms * NS_PER_MS,
					    t[i].cpu_ms * NS_PER_MS, t[i].late_ms * NS_PER_MS),
			     t[i].late, "%s", t[i].why);
}

Test(master, has_longer_where_the_machine_is_slow_but_not_at_will)
{
	static const struct {
		double slow;
		uint64_t want_ms;
	} t[] = { { 0, 100 }, { 0.2, 100 }, { 1, 100 }, { 4.5, 450 }, { 10, 1000 }, { 1e9, 1000 } };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		cr_expect_eq(master_allow(t[i].slow), t[i].want_ms * NS_PER_MS, "%g times",
			     t[i].slow);
		cr_expect_eq(heart->late_ns, t[i].want_ms * NS_PER_MS, "%g times", t[i].slow);
	}
}

static int init(struct master *m)
{
	return master__init(m, getpid(), open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
}

/* As a probe holder does; asked for its state often, for else it knows that it was away itself. */
static enum master_state after_silence(struct master *m, uint64_t ns)
{
	const uint64_t end = clock_now_ns() + ns;
	const struct timespec step = { .tv_nsec = 10 * NS_PER_MS };
	enum master_state state = MASTER_HERE;

	while (state == MASTER_HERE && clock_now_ns() < end) {
		nanosleep(&step, NULL);
		state = master__state(m);
	}
	return state;
}

Test(master, that_beats_is_here)
{
	struct master m;

	cr_assert_eq(init(&m), 0);
	for (int i = 0; i < 30; i++) {
		heart__beat();
		cr_expect_eq(after_silence(&m, 5 * NS_PER_MS), MASTER_HERE);
	}
	master__done(&m);
}

/* The main thread waits for this one, and gives no sign of life. */
static void *watch_it(void *arg)
{
	*(enum master_state *)arg = MASTER_HERE;
	for (int i = 0; i < 10 && *(enum master_state *)arg == MASTER_HERE; i++) {
		struct master m;

		if (init(&m))
			return NULL;
		*(enum master_state *)arg = after_silence(&m, 3 * NS_PER_SEC);
		master__done(&m);
	}
	return NULL;
}

Test(master, that_waits_for_what_does_not_come_is_late)
{
	enum master_state state;
	pthread_t t;

	cr_assert_eq(pthread_create(&t, NULL, watch_it, &state), 0);
	pthread_join(t, NULL);
	cr_expect_eq(state, MASTER_LATE);
}

Test(master, is_not_late_when_nobody_was_there_to_see_it)
{
	const uint64_t away = 200 * NS_PER_MS;
	struct master m;

	cr_assert_eq(init(&m), 0);
	m.seen_ns -= away;
	m.beat_ns -= 5 * NS_PER_SEC;
	m.beat_cpu_ns = 0;
	cr_expect_eq(master__state(&m), MASTER_HERE, "its time begins anew");
	cr_expect_eq(master__state(&m), MASTER_HERE);
	m.beat_ns -= 5 * NS_PER_SEC;
	cr_expect_eq(master__state(&m), MASTER_LATE, "somebody was there now");
	master__done(&m);
}

Test(master, that_is_about_to_stop_counts_as_stopped)
{
	struct master m;

	cr_assert_eq(init(&m), 0);
	heart__beat();
	heart->paused = 1;
	cr_expect_eq(master__state(&m), MASTER_STOPPED);
	heart->paused = 0;
	cr_expect_eq(master__state(&m), MASTER_HERE);
	master__done(&m);
}

/*
 * On a busy machine a piece of a wait takes longer, and there are fewer: so the most of some tries.
 */
#define TRIES 20

static uint64_t beats_in(void (*wait)(void))
{
	uint64_t most = 0;

	for (int i = 0; i < TRIES && most < 4; i++) {
		const uint64_t before = heart->beats;

		wait();
		most = heart->beats - before > most ? heart->beats - before : most;
	}
	return most;
}

static void wait_for_nothing(void)
{
	cr_expect(!heart__wait_for(-1, 3 * HEART_MS));
}

Test(heart, beats_while_it_waits)
{
	cr_expect_geq(beats_in(wait_for_nothing), 4);
}
