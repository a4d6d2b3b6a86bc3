/* SPDX-License-Identifier: BSD-2-Clause */
/* The BPF programs of wake-ups, run as host C on a made-up goroutine: who ended its wait. */
#include "world.h"

int pw_park(struct pt_regs *ctx);
int pw_ready(struct pt_regs *ctx);
int pw_run(struct pt_regs *ctx);

static struct pw_knobs *knobs;

static void wake_world(void)
{
	make_world();
	knobs = (struct pw_knobs *)(uintptr_t)&pw_knobs;
	knobs->wakers = PW_WAKERS_MAX;
	pw_want = PW_WANT_WAKE;
}

TestSuite(wakes, .init = wake_world, .fini = shim_done);

static void at(int (*program)(struct pt_regs *ctx), uint64_t now)
{
	shim.now = now;
	program(&regs);
}

static const struct pw_wake *last_wake(void)
{
	cr_assert_gt(shim.nr_records, 0);
	return record(shim.nr_records - 1, PW_WAKE);
}

/* What wakes has another stack than what parks. */
static void ready_at(uint64_t now)
{
	regs.ip = IP + 8;
	at(pw_ready, now);
	regs.ip = IP;
}

Test(wakes, a_wait_is_told_with_the_stack_of_its_ready)
{
	const struct pw_wake *wk;

	at(pw_park, 1000);
	ready_at(1700);
	at(pw_run, 2000);
	wk = last_wake();
	cr_expect_eq(wk->start_ns, 1000);
	cr_expect_eq(wk->hdr.ts_ns, 2000, "it ends when it runs");
	cr_expect_eq(wk->hdr.goid, GOID);
	cr_expect_eq(wk->key.reason, REASON);
	cr_expect_eq(wk->key.gopc, GOPC);
	cr_expect_eq(wk->key.startpc, STARTPC);
	cr_expect_geq(wk->key.stack_id, PW_STACK_ID_MIN);
	cr_expect_geq(wk->key.wakers[0], PW_STACK_ID_MIN);
	cr_expect_neq(wk->key.wakers[0], wk->key.stack_id);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1);
}

Test(wakes, without_a_ready_nobody_is_told)
{
	at(pw_park, 1000);
	ready_at(1500);
	at(pw_run, 2000);
	at(pw_park, 3000);
	at(pw_run, 4000);
	cr_expect_eq(last_wake()->start_ns, 3000);
	cr_expect_eq(last_wake()->key.wakers[0], PW_STACK_ID_NONE, "not the one before");
}

Test(wakes, a_ready_of_one_that_was_not_seen_to_park_is_nothing)
{
	ready_at(1500);
	at(pw_run, 2000);
	cr_expect_eq(shim.nr_records, 0);
	cr_expect_eq(stat_of(PW_STAT_NO_WAIT), 2);
}

Test(wakes, one_that_waits_since_before_recording_is_met_by_its_ready)
{
	knobs->modules[0].gopark = (struct pw_range){ SCHED_PC - 8, 16 };
	pw_begin_ns = 4000;
	ready_at(4500);
	at(pw_run, 5000);
	cr_expect_eq(last_wake()->start_ns, 4000, "what was before does not count");
	cr_expect_eq(last_wake()->key.reason, REASON);
	cr_expect_geq(last_wake()->key.wakers[0], PW_STACK_ID_MIN);
}

Test(wakes, one_that_waits_since_before_and_runs_without_a_ready_is_told_too)
{
	knobs->modules[0].gopark = (struct pw_range){ SCHED_PC - 8, 16 };
	pw_begin_ns = 4000;
	at(pw_run, 5000);
	cr_expect_eq(last_wake()->start_ns, 4000);
	cr_expect_eq(last_wake()->key.wakers[0], PW_STACK_ID_NONE);
}

/* The thread runs `creator`, which was woken before by this stack. */
static void make_waker_of_waker(uint64_t stack_id)
{
	const uint64_t g = addr(made.creator);
	struct pw_wake wk = { .key.wakers = { stack_id, stack_id + 1, stack_id + 2,
					      stack_id + 3 } };
	struct pw_site *site = &knobs->sites[PW_POINT_READY];

	site->cur = (struct pw_loc){ .kind = PW_LOC_REG, .reg = 14 };
	bpf_map_update_elem(&pw_wakers, &g, &wk, BPF_ANY);
}

Test(wakes, who_woke_the_waker_follows_it)
{
	const struct pw_wake *wk;

	make_waker_of_waker(100);
	at(pw_park, 1000);
	ready_at(1500);
	at(pw_run, 2000);
	wk = last_wake();
	cr_expect_geq(wk->key.wakers[0], PW_STACK_ID_MIN);
	for (int i = 1; i < PW_WAKERS_MAX; i++)
		cr_expect_eq(wk->key.wakers[i], 99 + (uint64_t)i, "waker %d", i);
}

Test(wakes, no_more_wakers_than_are_asked_for)
{
	make_waker_of_waker(100);
	knobs->wakers = 2;
	at(pw_park, 1000);
	ready_at(1500);
	at(pw_run, 2000);
	cr_expect_eq(last_wake()->key.wakers[1], 100);
	cr_expect_eq(last_wake()->key.wakers[2], PW_STACK_ID_NONE);
}

Test(wakes, waits_are_summed_by_who_ended_them)
{
	struct pw_wake_key key;
	const struct pw_wait_sum *sum;

	at(pw_park, 1000);
	ready_at(1500);
	at(pw_run, 2000);
	key = last_wake()->key;
	pw_sums = 1;
	at(pw_park, 3000);
	ready_at(3500);
	at(pw_run, 4000);
	at(pw_park, 5000);
	ready_at(5500);
	at(pw_run, 5700);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1, "the first, alone");
	cr_expect_eq(stat_of(PW_STAT_SUMMED), 2);
	sum = bpf_map_lookup_elem(&pw_wakes, &key);
	cr_assert(sum);
	cr_expect_eq(sum->count, 2);
	cr_expect_eq(sum->ns, 1700);
}

Test(wakes, short_waits_are_dropped_if_asked)
{
	pw_min_wait_ns = 1001;
	at(pw_park, 1000);
	ready_at(1500);
	at(pw_run, 2000);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 0);
}
