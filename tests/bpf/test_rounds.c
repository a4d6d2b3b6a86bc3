/* SPDX-License-Identifier: BSD-2-Clause */
/* The BPF programs of rounds, run as host C on made-up goroutines: when they ran, waited, and were ready. */
#include "world.h"

int pw_birth(struct pt_regs *ctx);
int pw_exit(struct pt_regs *ctx);
int pw_park(struct pt_regs *ctx);
int pw_ready(struct pt_regs *ctx);
int pw_run(struct pt_regs *ctx);

enum { THREAD = 100, OTHER_THREAD = 101 };

static struct pw_knobs *knobs;

static void round_world(void)
{
	make_world();
	knobs = (struct pw_knobs *)(uintptr_t)&pw_knobs;
	knobs->wakers = 1;
	/* who wakes is of the thread of another g */
	knobs->sites[PW_POINT_READY].cur = (struct pw_loc){ .kind = PW_LOC_REG, .reg = 14 };
	pw_want = PW_WANT_WAKE | PW_WANT_ROUND;
	pw_begin_ns = 500;
	shim.tgid_tid = THREAD;
}

TestSuite(rounds, .init = round_world, .fini = shim_done);

static void at(int (*program)(struct pt_regs *ctx), uint64_t now)
{
	shim.now = now;
	program(&regs);
}

/* Another goroutine runs on this thread. */
static void other_runs(uint64_t now)
{
	regs.r14 = addr(made.creator);
	at(pw_run, now);
	regs.r14 = addr(made.g);
}

/* The last one of the goroutine GOID. */
static const struct pw_round *last_round(void)
{
	for (size_t i = shim.nr_records; i; i--) {
		const struct pw_hdr *h = shim.records[i - 1];

		if (h->kind == PW_ROUND && h->goid == GOID)
			return (const struct pw_round *)h;
	}
	cr_assert(false, "there is none");
	return NULL;
}

static size_t nr_rounds(void)
{
	size_t nr = 0;

	for (size_t i = 0; i < shim.nr_records; i++)
		nr += ((const struct pw_hdr *)shim.records[i])->kind == PW_ROUND;
	return nr;
}

Test(rounds, one_that_waits_is_told_with_all_its_moments)
{
	const struct pw_round *r;

	at(pw_run, 1000);
	at(pw_park, 1300);
	at(pw_ready, 1700);
	at(pw_run, 2000);
	r = last_round();
	cr_expect_eq(r->ran_ns, 1000);
	cr_expect_eq(r->start_ns, 1300);
	cr_expect_eq(r->left_ns, 0);
	cr_expect_eq(r->ready_ns, 1700);
	cr_expect_eq(r->hdr.ts_ns, 2000);
	cr_expect_eq(r->waker_goid, CREATOR, "whom its thread runs");
	cr_expect_geq(r->waker, PW_STACK_ID_MIN);
	cr_expect_geq(r->stack_id, PW_STACK_ID_MIN);
	cr_expect_eq(r->reason, REASON);
	cr_expect_eq(r->gopc, GOPC);
	cr_expect_eq(r->startpc, STARTPC);
	cr_expect_eq(r->is_ended, 0);
}

Test(rounds, a_wait_that_nobody_ended_has_no_waker_of_another)
{
	at(pw_park, 1300);
	at(pw_ready, 1700);
	at(pw_run, 2000);
	at(pw_park, 2100);
	at(pw_run, 2200);
	cr_expect_eq(last_round()->start_ns, 2100);
	cr_expect_eq(last_round()->ready_ns, 0);
	cr_expect_eq(last_round()->waker_goid, 0);
	cr_expect_eq(last_round()->waker, PW_STACK_ID_NONE);
}

Test(rounds, one_that_lost_its_thread_did_so_when_that_ran_another)
{
	at(pw_run, 1000);
	other_runs(1200);
	shim.tgid_tid = OTHER_THREAD;
	at(pw_run, 1500);
	cr_expect_eq(last_round()->ran_ns, 1000);
	cr_expect_eq(last_round()->start_ns, 0);
	cr_expect_eq(last_round()->left_ns, 1200);
	cr_expect_eq(last_round()->hdr.ts_ns, 1500);
}

Test(rounds, what_its_old_thread_does_later_is_nothing_to_it)
{
	at(pw_run, 1000);
	shim.tgid_tid = OTHER_THREAD;
	at(pw_run, 1500);
	shim.tgid_tid = THREAD;
	other_runs(1600);
	shim.tgid_tid = OTHER_THREAD;
	at(pw_park, 1700);
	at(pw_run, 1800);
	cr_expect_eq(last_round()->ran_ns, 1500);
	cr_expect_eq(last_round()->start_ns, 1700);
	cr_expect_eq(last_round()->left_ns, 0);
}

Test(rounds, one_that_its_thread_takes_again_has_not_left_it)
{
	at(pw_run, 1000);
	at(pw_run, 1500);
	cr_expect_eq(nr_rounds(), 1);
	at(pw_park, 1700);
	at(pw_run, 1800);
	cr_expect_eq(last_round()->ran_ns, 1000, "it ran on");
}

Test(rounds, a_new_one_is_ready_by_who_made_it)
{
	at(pw_run, 600);
	at(pw_birth, 1000); /* of one that had this g before nothing is left */
	at(pw_run, 1500);
	cr_expect_eq(last_round()->ran_ns, 0);
	cr_expect_eq(last_round()->start_ns, 0);
	cr_expect_eq(last_round()->ready_ns, 1000);
	cr_expect_eq(last_round()->waker_goid, PARENT);
	cr_expect_eq(last_round()->waker, PW_STACK_ID_NONE);
}

Test(rounds, one_that_ends_ran_until_then)
{
	const uint64_t g = addr(made.g);
	const struct pw_gstate *st;

	at(pw_run, 1000);
	at(pw_exit, 1900);
	cr_expect_eq(last_round()->ran_ns, 1000);
	cr_expect_eq(last_round()->hdr.ts_ns, 1900);
	cr_expect_eq(last_round()->is_ended, 1);
	cr_expect_eq(last_round()->gopc, GOPC);
	st = bpf_map_lookup_elem(&pw_gs, &g);
	cr_assert(st);
	cr_expect_eq(st->tid, 0, "it runs nowhere");
	other_runs(2000);
	cr_expect_eq(st->left_ns, 0);
}

Test(rounds, one_that_waits_since_before_is_told_from_the_beginning_on)
{
	knobs->modules[0].gopark = (struct pw_range){ SCHED_PC - 8, 16 };
	pw_begin_ns = 4000;
	at(pw_ready, 4500);
	at(pw_run, 5000);
	cr_expect_eq(last_round()->ran_ns, 0);
	cr_expect_eq(last_round()->start_ns, 4000);
	cr_expect_eq(last_round()->ready_ns, 4500);
}

Test(rounds, of_those_that_are_not_asked_for_nothing_is_sent)
{
	knobs->filter_goids = 1;
	at(pw_birth, 900);
	at(pw_run, 1000);
	at(pw_park, 1300);
	at(pw_ready, 1700);
	at(pw_run, 2000);
	at(pw_exit, 2100);
	cr_expect_eq(shim.nr_records, 0);
	cr_expect_eq(stat_of(PW_STAT_FILTERED), 6);
}

Test(rounds, a_filter_of_functions_leaves_what_has_no_stack_out)
{
	knobs->filter = (struct pw_filter){ .on = PW_FILTER_STACKS, .event = 1u << PW_WAIT };
	at(pw_run, 1000);
	at(pw_exit, 1100);
	cr_expect_eq(nr_rounds(), 0);
	at(pw_run, 1200);
	at(pw_park, 1300);
	at(pw_run, 1400);
	cr_expect_eq(last_round()->ran_ns, 1200);
	cr_expect_eq(last_round()->start_ns, 1300);
}

Test(rounds, short_pauses_are_dropped_if_asked)
{
	pw_min_wait_ns = 201;
	at(pw_run, 1000);
	at(pw_park, 1300);
	at(pw_run, 1500);
	cr_expect_eq(nr_rounds(), 0);
	at(pw_park, 1600);
	at(pw_run, 1900);
	cr_expect_eq(last_round()->ran_ns, 1500, "it ran since the one before");
}
