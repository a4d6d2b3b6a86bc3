/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The BPF programs of waits, run as host C on a made-up goroutine: sums, and waits since before
 * recording or a window.
 */
#include "world.h"

int pw_park(struct pt_regs *ctx);
int pw_run(struct pt_regs *ctx);

TestSuite(waits, .init = make_world, .fini = shim_done);

static void wait_of(unsigned int reason, uint64_t from_ns, uint64_t to_ns)
{
	regs.cx = reason;
	shim.now = from_ns;
	pw_park(&regs);
	shim.now = to_ns;
	pw_run(&regs);
}

static void sum_waits(void)
{
	pw_want = PW_WANT_WAIT;
	pw_sums = 1;
}

static const struct pw_wait_sum *sum_of(unsigned int reason)
{
	const struct pw_stack *st = record(0, PW_STACK);
	struct pw_wait_key key = { st->stack_id, GOPC, STARTPC, reason, PW_WAIT };

	return bpf_map_lookup_elem(&pw_waits, &key);
}

Test(waits, waits_that_nobody_wants_one_by_one_are_summed)
{
	const struct pw_wait_sum *sum;

	sum_waits();
	wait_of(REASON, 1000, 1500);
	wait_of(REASON, 2000, 2001);
	wait_of(REASON + 1, 3000, 3007);
	cr_expect_eq(shim.nr_records, 1, "the stack");
	cr_expect_eq(stat_of(PW_STAT_SUMMED), 3);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 0);
	sum = sum_of(REASON);
	cr_assert(sum);
	cr_expect_eq(sum->count, 2);
	cr_expect_eq(sum->ns, 501);
	sum = sum_of(REASON + 1);
	cr_assert(sum);
	cr_expect_eq(sum->ns, 7);
}

Test(waits, in_a_window_nothing_is_summed)
{
	sum_waits();
	pw_begin_ns = 500;
	pw_window = 1;
	wait_of(REASON, 1000, 1500);
	record(1, PW_WAIT);
	cr_expect_eq(stat_of(PW_STAT_SUMMED), 0);
}

Test(waits, what_does_not_fit_into_the_sums_is_told_by_itself)
{
	sum_waits();
	for (unsigned int i = 0; i <= SHIM_ENTRIES; i++)
		wait_of(i, 1000, 1500);
	cr_expect_eq(stat_of(PW_STAT_SUMMED), SHIM_ENTRIES);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1);
	cr_expect_eq(((const struct pw_wait *)record(1, PW_WAIT))->reason, SHIM_ENTRIES);
}

/* Nothing was seen of it yet since begin. */
static void run_first(unsigned int want, uint64_t begin)
{
	struct pw_knobs *k = (struct pw_knobs *)(uintptr_t)&pw_knobs;

	pw_want = want;
	k->modules[0].gopark = (struct pw_range){ SCHED_PC - 8, 16 };
	pw_begin_ns = begin;
	shim.now = 5000;
	pw_run(&regs);
}

static const struct pw_wait *first_run(unsigned int want, uint64_t begin)
{
	run_first(want, begin);
	return shim.nr_records
		       ? record(shim.nr_records - 1, want & PW_WANT_WAIT ? PW_WAIT : PW_SCHED)
		       : NULL;
}

Test(waits, in_a_window_the_first_run_tells_of_a_wait_since_before_it)
{
	const struct pw_wait *w = first_run(PW_WANT_WAIT, 4000);

	cr_assert_not_null(w);
	cr_expect_eq(w->start_ns, 4000, "what was before is not of this window");
	cr_expect_eq(w->hdr.ts_ns, 5000);
	cr_expect_eq(w->hdr.goid, GOID);
	cr_expect_eq(w->reason, REASON);
	cr_expect_eq(w->gopc, GOPC);
	cr_expect_geq(w->stack_id, PW_STACK_ID_MIN);
	pw_run(&regs);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1, "it ran on: no wait");
	shim.now = 6000;
	pw_park(&regs);
	shim.now = 6500;
	pw_run(&regs);
	cr_expect_eq(((const struct pw_wait *)record(shim.nr_records - 1, PW_WAIT))->start_ns, 6000,
		     "and a wait inside of it is a wait as ever");
}

Test(waits, a_plugin_has_a_gopark_of_its_own)
{
	const struct pw_wait *w;

	pw_knobs.nr_modules = 2;
	pw_knobs.modules[1].text.at = 0x10000;
	pw_knobs.modules[1].text.bytes = 0x1000;
	pw_knobs.modules[1].gopark.at = 0x100f8;
	pw_knobs.modules[1].gopark.bytes = 16;
	made.g[G_SCHED_PC] = 0x10100;
	w = first_run(PW_WANT_WAIT, 4000);
	cr_assert_not_null(w);
	cr_expect_eq(w->start_ns, 4000);
}

Test(waits, a_wait_since_before_recording_is_summed_like_any_other)
{
	struct pw_wait_key key = { 0, GOPC, STARTPC, REASON, PW_WAIT };
	const struct pw_wait_sum *sum;

	sum_waits();
	run_first(PW_WANT_WAIT, 4000);
	cr_expect_eq(shim.nr_records, 1, "the stack");
	cr_expect_eq(stat_of(PW_STAT_SUMMED), 1);
	key.stack_id = ((const struct pw_stack *)record(0, PW_STACK))->stack_id;
	sum = bpf_map_lookup_elem(&pw_waits, &key);
	cr_assert(sum);
	cr_expect_eq(sum->count, 1);
	cr_expect_eq(sum->ns, 1000, "since it began");
	pw_run(&regs);
	cr_expect_eq(stat_of(PW_STAT_SUMMED), 1, "once");
}

Test(waits, where_a_beginning_does_not_count_who_runs_first_did_not_wait)
{
	cr_expect_null(first_run(PW_WANT_WAIT, 0));
	cr_expect_eq(stat_of(PW_STAT_NO_WAIT), 1);
}

Test(waits, in_a_window_a_park_of_an_earlier_one_is_forgotten)
{
	const struct pw_wait *w;

	shim.now = 1000;
	pw_park(&regs);
	w = first_run(PW_WANT_WAIT, 4000);
	cr_assert_not_null(w);
	cr_expect_eq(w->start_ns, 4000);
}

Test(waits, in_a_window_a_goroutine_that_only_lost_its_thread_did_not_wait)
{
	made.g[G_SCHED_PC] = SCHED_PC + 64;
	cr_expect_null(first_run(PW_WANT_WAIT, 4000));
	cr_expect_eq(stat_of(PW_STAT_NO_WAIT), 1);
}

Test(waits, in_a_window_who_was_ready_before_it_is_late_since_then)
{
	const struct pw_wait *w = first_run(PW_WANT_SCHED, 4000);

	cr_assert_not_null(w);
	cr_expect_eq(w->hdr.kind, PW_SCHED);
	cr_expect_eq(w->start_ns, 4000);
}

static const struct pw_parked *parked(void)
{
	__u64 g = addr(made.g);

	return bpf_map_lookup_elem(&pw_parks, &g);
}

Test(waits, who_asks_only_who_parked_costs_no_walk_of_a_stack)
{
	__u64 g = addr(made.g);

	pw_want = PW_WANT_PARK;
	wait_of(REASON, 1000, 1500);
	cr_assert_not_null(parked());
	cr_expect_eq(parked()->goid, GOID);
	cr_expect_eq(parked()->ns, 1000, "a run does not end it");
	cr_expect_null(bpf_map_lookup_elem(&pw_gs, &g), "no wait is open");
	cr_expect_eq(shim.nr_records, 0, "no stack, no wait");
	wait_of(REASON, 2000, 2500);
	cr_expect_eq(parked()->ns, 2000, "the last one");
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_PARK), 2);
}

Test(waits, parks_and_waits_are_told_by_the_same_hit)
{
	const struct pw_wait *w;

	pw_want = PW_WANT_PARK | PW_WANT_WAIT;
	wait_of(REASON, 1000, 1500);
	w = record(1, PW_WAIT);
	cr_expect_eq(w->start_ns, 1000);
	cr_assert_not_null(parked());
	cr_expect_eq(parked()->ns, 1000);
	cr_expect_eq(stat_of(PW_STAT_HIT + PW_POINT_PARK), 1);
}

Test(waits, parks_go_on_when_waits_are_not_recorded_any_more)
{
	__u64 g = addr(made.g);
	const struct pw_gstate *st;

	pw_want = PW_WANT_PARK | PW_WANT_WAIT;
	shim.now = 1000;
	pw_park(&regs);
	pw_want = PW_WANT_PARK;
	wait_of(REASON, 3000, 3500);
	cr_expect_eq(parked()->ns, 3000);
	st = bpf_map_lookup_elem(&pw_gs, &g);
	cr_assert_not_null(st);
	cr_expect_eq(st->start_ns, 1000, "what was open when recording ended is open");
	cr_expect_eq(shim.nr_records, 1, "the stack");
}

Test(waits, a_wait_is_recorded_though_there_is_no_room_for_who_parked)
{
	static const __u64 others[] = { 1, 2, 3, 4 };
	struct pw_parked none = { 0 };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		bpf_map_update_elem(&pw_parks, &others[i], &none, BPF_ANY);
	pw_want = PW_WANT_PARK | PW_WANT_WAIT;
	wait_of(REASON, 1000, 1500);
	record(1, PW_WAIT);
	cr_expect_null(parked());
	cr_expect_eq(stat_of(PW_STAT_LOST_GMAP), 1, "and it is known that parks are missing");
}

Test(waits, a_run_is_nothing_where_nobody_records_waits)
{
	pw_want = PW_WANT_BIRTH | PW_WANT_PARK;
	pw_begin_ns = 500;
	pw_run(&regs);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 1);
	cr_expect_eq(shim.nr_records, 0);
}
