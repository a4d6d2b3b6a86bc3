/* SPDX-License-Identifier: BSD-2-Clause */
/* The BPF programs of system calls, run as host C on a made-up goroutine. */
#include "world.h"

#include "base/cleanup.h"

int pw_call(struct pt_regs *ctx);
int pw_back(struct pt_regs *ctx);
int pw_multi_call(struct pt_regs *ctx);

enum { G_SYSCALLSP = 10, G_SYSCALLPC = 11 };

static struct pw_knobs *knobs;

/* entersyscall's frame is inner, that of its caller outer; the caller is at CALLER. */
static void call_world(void)
{
	make_world();
	knobs = (struct pw_knobs *)(uintptr_t)&pw_knobs;
	knobs->lay.g_syscallsp = 8 * G_SYSCALLSP;
	knobs->lay.g_syscallpc = 8 * G_SYSCALLPC;
	pw_want = PW_WANT_CALL;
	regs.ax = CALLER;
}

TestSuite(calls, .init = call_world, .fini = shim_done);

static void at(int (*program)(struct pt_regs *ctx), uint64_t now)
{
	shim.now = now;
	program(&regs);
}

static void expect_stack(const struct pw_stack *st, const uint64_t *pcs, uint32_t nr)
{
	cr_assert_eq(st->nr, nr, "%u pcs", st->nr);
	for (uint32_t i = 0; i < nr; i++)
		cr_expect_eq(st->pcs[i], pcs[i], "pc %u is %lx", i, (unsigned long)st->pcs[i]);
}

Test(calls, one_lasts_from_its_begin_to_its_end)
{
	const uint64_t pcs[] = { CALLER, RET2, RET3 };
	const struct pw_call *e;

	at(pw_call, 1000);
	expect_stack(record(0, PW_STACK), pcs, ARRAY_SIZE(pcs));
	at(pw_back, 1700);
	e = record(1, PW_CALL);
	cr_expect_eq(e->start_ns, 1000);
	cr_expect_eq(e->hdr.ts_ns, 1700);
	cr_expect_eq(e->hdr.goid, GOID);
	cr_expect_eq(e->gopc, GOPC);
	cr_expect_eq(e->startpc, STARTPC);
	cr_expect_eq(e->stack_id, ((const struct pw_stack *)record(0, PW_STACK))->stack_id);
	at(pw_back, 1800);
	cr_expect_eq(stat_of(PW_STAT_EVENTS), 1, "it has ended once");
	cr_expect_eq(stat_of(PW_STAT_NO_WAIT), 1);
}

Test(calls, they_are_summed)
{
	struct pw_wait_key key = { .gopc = GOPC, .startpc = STARTPC, .kind = PW_CALL };
	const struct pw_wait_sum *sum;

	pw_sums = 1;
	for (uint64_t now = 1000; now < 4000; now += 1000) {
		at(pw_call, now);
		at(pw_back, now + 300);
	}
	key.stack_id = ((const struct pw_stack *)record(0, PW_STACK))->stack_id;
	sum = bpf_map_lookup_elem(&pw_waits, &key);
	cr_assert_not_null(sum);
	cr_expect_eq(sum->count, 3);
	cr_expect_eq(sum->ns, 900);
	cr_expect_eq(shim.nr_records, 1, "the stack alone");
}

Test(calls, assembler_without_a_frame_is_in_the_stack)
{
	const uint64_t pcs[] = { CALLER, RET1, RET2, RET3 };

	made.sp[2] = RET1;
	regs.bx = addr(&made.sp[2]);
	at(pw_call, 1000);
	expect_stack(record(0, PW_STACK), pcs, ARRAY_SIZE(pcs));
}

Test(calls, what_is_no_code_there_is_no_caller)
{
	const uint64_t pcs[] = { CALLER, RET2, RET3 };

	made.sp[2] = TEXT + TEXT_BYTES + 8;
	regs.bx = addr(&made.sp[2]);
	at(pw_call, 1000);
	expect_stack(record(0, PW_STACK), pcs, ARRAY_SIZE(pcs));
}

/* At exitsyscall the frame pointer is its caller's. */
Test(calls, one_since_before_counts_from_the_beginning)
{
	const uint64_t pcs[] = { SCHED_PC, RET1, RET2, RET3 };
	const struct pw_call *e;

	pw_begin_ns = 500;
	made.g[G_SYSCALLPC] = SCHED_PC;
	at(pw_back, 1700);
	expect_stack(record(0, PW_STACK), pcs, ARRAY_SIZE(pcs));
	e = record(1, PW_CALL);
	cr_expect_eq(e->start_ns, 500);
	cr_expect_eq(e->hdr.ts_ns, 1700);
	at(pw_back, 1800);
	cr_expect_eq(stat_of(PW_STAT_NO_WAIT), 1,
		     "the next one began elsewhere: nobody knows when");
}

Test(calls, a_frame_that_is_there_already_leads_to_the_callers)
{
	const uint64_t pcs[] = { CALLER, RET3 };

	knobs->sites[PW_POINT_CALL].flags = PW_SITE_FRAMED; /* inner is reentersyscall's own */
	at(pw_call, 1000);
	expect_stack(record(0, PW_STACK), pcs, ARRAY_SIZE(pcs));
}

Test(calls, each_way_to_fail_is_counted)
{
	static const struct {
		const char *why;
		int (*program)(struct pt_regs *ctx);
		uint32_t want;
		uint64_t g;
		unsigned int stat;
	} t[] = {
		{ "nobody asks, call", pw_call, 0, 1, PW_STAT_FILTERED },
		{ "nobody asks, back", pw_back, 0, 1, PW_STAT_FILTERED },
		{ "no g, call", pw_call, PW_WANT_CALL, 0, PW_STAT_LOST_READ },
		{ "no g, back", pw_back, PW_WANT_CALL, 0, PW_STAT_LOST_READ },
		{ "nothing began", pw_back, PW_WANT_CALL, 1, PW_STAT_NO_WAIT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const uint64_t before = stat_of(t[i].stat);

		pw_want = t[i].want;
		regs.r14 = t[i].g ? addr(made.g) : 0;
		t[i].program(&regs);
		cr_expect_eq(stat_of(t[i].stat), before + 1, "%s", t[i].why);
	}
	cr_expect_eq(shim.nr_records, 0);
}
