/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/deadline.h"
#include "census/census.h"
#include "fake_module.h"
#include "golang/gostate.h"

/* A runtime.g of our own making; its layout is what the compiler makes of it. */
struct fake_g {
	uint64_t stack_lo, stack_hi, m, sp, pc, bp, lr, syscallsp, syscallpc;
	uint32_t status, pad;
	uint64_t goid, waitsince;
	uint8_t reason, stops;
	uint64_t lockedm, parent, gopc, startpc, waiting, labels, timer, coroarg;
};

#define STACK_WORDS 2048
#define SUDOG_BYTES 128

enum {
	STEP,
	BIG,
	GOEXIT,
	PREEMPT,
	SEMACQUIRE,
	LOCKSLOW,
	POLLWAIT,
	NOTIFYWAIT,
	CONDWAIT,
	COROSTART,
	LEAF,
	NR_FUNCS
};

static const struct fake_func funcs[NR_FUNCS] = {
	[STEP] = { .name = "main.step", .size = 64, .spdelta = 40 },
	[BIG] = { .name = "main.big", .size = 64, .spdelta = 3192 },
	[GOEXIT] = { .name = "runtime.goexit", .size = 64 },
	[PREEMPT] = { .name = "runtime.asyncPreempt", .size = 64, .spdelta = 24 },
	[SEMACQUIRE] = { .name = "runtime.semacquire1", .size = 64, .spdelta = 40 },
	[LOCKSLOW] = { .name = "sync.(*Mutex).lockSlow", .size = 64, .spdelta = 40 },
	[POLLWAIT] = { .name = "internal/poll.runtime_pollWait", .size = 64, .spdelta = 40 },
	[NOTIFYWAIT] = { .name = "sync.runtime_notifyListWait", .size = 64, .spdelta = 40 },
	[CONDWAIT] = { .name = "sync.(*Cond).Wait", .size = 64, .spdelta = 40 },
	[COROSTART] = { .name = "runtime.corostart", .size = 64, .spdelta = 40 },
	[LEAF] = { .name = "main.leaf", .size = 64 },
};

/* This process plays the target. */
struct fixture {
	uint64_t stack[STACK_WORDS];
	struct fake_g g[2100];
	uint64_t allgs[2100];
	uint64_t header[3];
	uint64_t sudogs[4][SUDOG_BYTES / 8];
	uint64_t object[64];
	struct fake_module module;
	uint64_t entry[NR_FUNCS];
	struct goruntime rt;
	struct proc *p;
	struct census *c;
};

static struct fixture fix;

static void setup(void)
{
	struct moduledata md;

	memset(&fix, 0, sizeof(fix));
	fake_module__init(&fix.module, 22, funcs, NR_FUNCS, fix.entry);
	cr_assert_eq(fake_module__read(&fix.module, &md), 0);
	cr_assert_eq(gosym__new(&fix.module.space.as, &md.tab, 1, &fix.rt.sym), 0);
	fix.header[0] = (uintptr_t)fix.allgs;
	fix.header[2] = ARRAY_SIZE(fix.allgs);
	fix.rt.minor = 22;
	fix.rt.allgs = (uintptr_t)fix.header;
	fix.rt.objects = golayout_row(22, EM_X86_64)->objects;
	fix.rt.objects.g_trackingseq = offsetof(struct fake_g, stops);
	fix.rt.objects.g_timer = offsetof(struct fake_g, timer);
	fix.rt.objects.g_schedlr = offsetof(struct fake_g, lr);
	fix.rt.objects.g_coroarg = offsetof(struct fake_g, coroarg);
	fix.rt.layout = golayout_row(22, EM_X86_64)->layout; /* of sudog and m */
	fix.rt.arch = goarch_of(EM_X86_64);
	fix.rt.layout.g_size = sizeof(struct fake_g);
	fix.rt.layout.g_stack_lo = offsetof(struct fake_g, stack_lo);
	fix.rt.layout.g_stack_hi = offsetof(struct fake_g, stack_hi);
	fix.rt.layout.g_m = offsetof(struct fake_g, m);
	fix.rt.layout.g_sched_sp = offsetof(struct fake_g, sp);
	fix.rt.layout.g_sched_pc = offsetof(struct fake_g, pc);
	fix.rt.layout.g_sched_bp = offsetof(struct fake_g, bp);
	fix.rt.layout.g_syscallsp = offsetof(struct fake_g, syscallsp);
	fix.rt.layout.g_syscallpc = offsetof(struct fake_g, syscallpc);
	fix.rt.layout.g_syscallbp = PW_NO_FIELD;
	fix.rt.layout.g_atomicstatus = offsetof(struct fake_g, status);
	fix.rt.layout.g_goid = offsetof(struct fake_g, goid);
	fix.rt.layout.g_waitsince = offsetof(struct fake_g, waitsince);
	fix.rt.layout.g_waitreason = offsetof(struct fake_g, reason);
	fix.rt.layout.g_lockedm = offsetof(struct fake_g, lockedm);
	fix.rt.layout.g_parent_goid = offsetof(struct fake_g, parent);
	fix.rt.layout.g_gopc = offsetof(struct fake_g, gopc);
	fix.rt.layout.g_startpc = offsetof(struct fake_g, startpc);
	fix.rt.layout.g_waiting = offsetof(struct fake_g, waiting);
	fix.rt.layout.g_labels = offsetof(struct fake_g, labels);
	cr_assert_eq(proc__open(getpid(), &fix.p, NULL), 0);
}

static void teardown(void)
{
	census__free(fix.c);
	gosym__free(fix.rt.sym);
	proc__free(fix.p);
}

TestSuite(census, .init = setup, .fini = teardown);

static struct fake_g *add_g(uint64_t goid, uint32_t status)
{
	struct fake_g *g = &fix.g[fix.header[1]];

	fix.allgs[fix.header[1]++] = (uintptr_t)g;
	*g = (struct fake_g){
		.stack_lo = (uintptr_t)fix.stack,
		.stack_hi = (uintptr_t)(fix.stack + STACK_WORDS),
		.status = status,
		.goid = goid,
		.parent = goid - 1,
		.gopc = 0x1000 + goid,
		.startpc = 0x2000 + goid,
		.labels = 0x3000 + goid,
		.reason = 14,
	};
	return g;
}

/*
 * Frames of these functions, innermost first, from word `at` of the stack on. Each but the first
 * stands at an instruction of its own: the nr-th at entry + 8 + nr.
 */
static void lay_frames(struct fake_g *g, size_t at, const int *which, size_t nr)
{
	g->sp = (uintptr_t)(fix.stack + at);
	g->pc = fix.entry[which[0]] + 8;
	for (size_t i = 0; i < nr; i++) {
		at += funcs[which[i]].spdelta / 8;
		if (i + 1 < nr)
			fix.stack[at++] = fix.entry[which[i + 1]] + 8 + i + 1;
	}
}

static const int ten_steps[] = {
	STEP, STEP, STEP, STEP, STEP, STEP, STEP, STEP, STEP, STEP, GOEXIT
};

static const struct census *read_census(unsigned int depth)
{
	cr_assert_eq(census__read(proc__mem(fix.p), &fix.rt, depth, &fix.c), 0);
	return fix.c;
}

static void expect_stack(const struct census_g *g, const int *which, size_t nr, bool truncated)
{
	const struct census_stack *s;

	cr_assert_neq(g->stack, CENSUS_NO_STACK);
	s = &fix.c->stacks[g->stack];
	cr_assert_eq(s->nr_pcs, nr);
	cr_expect_eq(s->truncated, truncated);
	for (size_t i = 0; i < nr; i++)
		cr_expect_eq(fix.c->pcs[s->pcs_at + i], fix.entry[which[i]] + 8 + i, "frame %zu",
			     i);
}

Test(census, lists_live_goroutines_in_order_without_dead_ones)
{
	const struct census *c;

	for (uint64_t i = 1; i <= 2100; i++)
		add_g(i, i % 3 ? GOSTATUS_RUNNABLE : GOSTATUS_DEAD);
	c = read_census(32);
	cr_assert_eq(c->nr, 1400);
	cr_expect_eq(c->allglen, 2100);
	cr_expect_eq(c->unsettled, 0);
	cr_expect_eq(c->nr_pcs, 0);
	for (size_t i = 0; i < c->nr; i++) {
		uint64_t goid = i / 2 * 3 + i % 2 + 1;

		cr_assert_eq(c->gs[i].who.goid, goid);
		cr_expect_eq(c->gs[i].who.parent_goid, goid - 1);
		cr_expect_eq(c->gs[i].who.gopc, 0x1000 + goid);
		cr_expect_eq(c->gs[i].who.startpc, 0x2000 + goid);
		cr_expect_eq(c->gs[i].labels, 0x3000 + goid);
		cr_expect_eq(c->gs[i].status, GOSTATUS_RUNNABLE);
	}
}

Test(census, walks_a_stack_to_goexit)
{
	static const uint32_t statuses[] = { GOSTATUS_RUNNABLE, GOSTATUS_WAITING,
					     GOSTATUS_PREEMPTED, GOSTATUS_SYSCALL };
	const struct census *c;

	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		lay_frames(add_g(1 + i, statuses[i]), 100, ten_steps, ARRAY_SIZE(ten_steps));
	c = read_census(32);
	cr_assert_eq(c->nr, ARRAY_SIZE(statuses));
	cr_expect_eq(c->gs[1].reason, 14);
	for (size_t i = 0; i < c->nr; i++) {
		expect_stack(&c->gs[i], ten_steps, ARRAY_SIZE(ten_steps), false);
		cr_expect_eq(c->gs[i].sp, fix.g[i].sp);
	}
	cr_expect_eq(c->nr_stacks, 1, "equal stacks are one");
	cr_expect_eq(c->stacks[0].nr_gs, c->nr);
}

Test(census, begins_where_a_system_call_was_entered)
{
	struct fake_g *g = add_g(1, GOSTATUS_SYSCALL);

	lay_frames(g, 100, ten_steps, ARRAY_SIZE(ten_steps));
	g->syscallsp = g->sp;
	g->syscallpc = g->pc;
	g->sp += 512;
	g->pc = 0;
	expect_stack(&read_census(32)->gs[0], ten_steps, ARRAY_SIZE(ten_steps), false);
}

Test(census, walks_frames_larger_than_what_is_read_at_once)
{
	static const int which[] = { STEP, BIG, BIG, BIG, STEP, GOEXIT };

	lay_frames(add_g(1, GOSTATUS_WAITING), 10, which, ARRAY_SIZE(which));
	expect_stack(&read_census(32)->gs[0], which, ARRAY_SIZE(which), false);
}

Test(census, says_that_a_stack_is_deeper_than_asked_for)
{
	lay_frames(add_g(1, GOSTATUS_WAITING), 100, ten_steps, ARRAY_SIZE(ten_steps));
	expect_stack(&read_census(4)->gs[0], ten_steps, 4, true);
}

Test(census, does_not_call_a_stack_truncated_that_just_fits)
{
	lay_frames(add_g(1, GOSTATUS_WAITING), 100, ten_steps, ARRAY_SIZE(ten_steps));
	expect_stack(&read_census(ARRAY_SIZE(ten_steps))->gs[0], ten_steps, ARRAY_SIZE(ten_steps),
		     false);
}

Test(census, gives_the_very_pc_where_a_goroutine_never_ran_or_was_interrupted)
{
	static const int started[] = { STEP, GOEXIT },
			 interrupted[] = { STEP, PREEMPT, STEP, GOEXIT };
	struct fake_g *fresh = add_g(1, GOSTATUS_RUNNABLE);
	const struct census *c;
	const struct census_stack *s;

	lay_frames(fresh, 100, started, 2);
	fresh->pc = fix.entry[STEP];
	fix.stack[100 + 5] = fix.entry[GOEXIT] + 1;
	lay_frames(add_g(2, GOSTATUS_PREEMPTED), 200, interrupted, 4);
	c = read_census(32);
	s = &c->stacks[c->gs[0].stack];
	cr_expect_eq(c->pcs[s->pcs_at], fix.entry[STEP] + 1);
	s = &c->stacks[c->gs[1].stack];
	cr_expect_eq(c->pcs[s->pcs_at + 1], fix.entry[PREEMPT] + 9);
	cr_expect_eq(c->pcs[s->pcs_at + 2], fix.entry[STEP] + 11, "one higher than the pc");
	cr_expect_eq(c->pcs[s->pcs_at + 3], fix.entry[GOEXIT] + 11);
}

/*
 * The same with a link register: the return address is at the bottom of a frame. First one that was
 * preempted by a signal in STEP, which had called nothing: its own return address lies where the signal
 * put it. Then one that stands in a function without a frame: it is in g.sched.lr.
 */
Test(census, walks_a_stack_with_a_link_register)
{
	const struct census_stack *s;
	struct fake_g *g;
	const struct census *c;
	const uint64_t *pcs;
	size_t at = 100;

	fix.rt.arch = goarch_of(EM_AARCH64);
	g = add_g(1, GOSTATUS_PREEMPTED);
	g->sp = (uintptr_t)(fix.stack + at);
	g->pc = fix.entry[PREEMPT] + 8;
	fix.stack[at] = fix.entry[STEP] + 9;
	at += funcs[PREEMPT].spdelta / 8;
	fix.stack[at] = fix.entry[STEP] + 10; /* of no use: STEP has saved its own */
	at += 2;
	fix.stack[at] = fix.entry[STEP] + 10;
	at += funcs[STEP].spdelta / 8;
	fix.stack[at] = fix.entry[GOEXIT] + 11;
	g = add_g(2, GOSTATUS_PREEMPTED);
	g->sp = (uintptr_t)(fix.stack + 300);
	g->pc = fix.entry[LEAF] + 8;
	g->lr = fix.entry[STEP] + 9;
	fix.stack[300] = fix.entry[GOEXIT] + 10;
	c = read_census(32);
	s = &c->stacks[c->gs[0].stack];
	pcs = &c->pcs[s->pcs_at];
	cr_assert_eq(s->nr_pcs, 4);
	cr_expect_not(s->truncated);
	cr_expect_eq(pcs[1], fix.entry[STEP] + 10, "one higher than the pc");
	cr_expect_eq(pcs[2], fix.entry[STEP] + 10);
	cr_expect_eq(pcs[3], fix.entry[GOEXIT] + 11);
	s = &c->stacks[c->gs[1].stack];
	pcs = &c->pcs[s->pcs_at];
	cr_assert_eq(s->nr_pcs, 3);
	cr_expect_not(s->truncated);
	cr_expect_eq(pcs[1], fix.entry[STEP] + 9);
	cr_expect_eq(pcs[2], fix.entry[GOEXIT] + 10);
}

Test(census, stops_where_a_stack_leaves_the_code)
{
	static const struct {
		const char *why;
		uint64_t pc;
	} t[] = { { "null", 0 }, { "no code there", 0x123456 }, { "kernel", UINT64_MAX } };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct census_stack *s;

		fix.header[1] = 0;
		lay_frames(add_g(1, GOSTATUS_WAITING), 100, ten_steps, ARRAY_SIZE(ten_steps));
		fix.stack[100 + 6 * 3 - 1] = t[i].pc;
		read_census(32);
		s = &fix.c->stacks[fix.c->gs[0].stack];
		cr_expect(s->truncated, "%s", t[i].why);
		cr_expect_eq(s->nr_pcs, t[i].pc ? 4 : 3, "%s", t[i].why);
		census__free(steal(fix.c));
	}
}

Test(census, stops_at_the_end_of_the_stack)
{
	struct fake_g *g = add_g(1, GOSTATUS_WAITING);

	lay_frames(g, 100, ten_steps, ARRAY_SIZE(ten_steps));
	g->stack_hi = g->sp + 6 * 3 * 8;
	expect_stack(&read_census(32)->gs[0], ten_steps, 4, true);
}

Test(census, has_no_stack_where_nothing_true_is_saved)
{
	struct fake_g *running = add_g(1, GOSTATUS_RUNNING), *no_sp = add_g(2, GOSTATUS_WAITING);
	struct fake_g *outside = add_g(3, GOSTATUS_WAITING), *odd = add_g(4, GOSTATUS_WAITING);
	const struct census *c;

	for (size_t i = 0; i < 4; i++)
		lay_frames(&fix.g[i], 100, ten_steps, ARRAY_SIZE(ten_steps));
	no_sp->sp = 0;
	outside->sp = outside->stack_hi;
	odd->sp += 4;
	running->m = 0;
	c = read_census(32);
	cr_assert_eq(c->nr, 4);
	for (size_t i = 0; i < c->nr; i++)
		cr_expect_eq(c->gs[i].stack, CENSUS_NO_STACK, "goid %zu", i + 1);
}

Test(census, says_whose_thread_runs_it_if_the_thread_says_so_too)
{
	static uint64_t ms[2][64], p[8];
	const struct census *c;

	for (size_t i = 0; i < 2; i++) {
		struct fake_g *g = add_g(1 + i, GOSTATUS_RUNNING);

		g->m = (uintptr_t)ms[i];
		ms[i][fix.rt.layout.m_curg / 8] =
			(uintptr_t)g + 8 * i; /* the second runs another by now */
		ms[i][fix.rt.layout.m_procid / 8] = 4711;
		ms[i][fix.rt.layout.m_p / 8] = (uintptr_t)p;
		ms[i][fix.rt.objects.m_id / 8] = 7;
	}
	p[0] = 3;
	c = read_census(32);
	cr_expect_eq(c->gs[0].tid, 4711);
	cr_expect_eq(c->gs[0].m, 7);
	cr_expect_eq(c->gs[0].p, 3);
	cr_expect_eq(c->gs[1].tid, 0);
	cr_expect_eq(c->gs[1].m, -1);
	cr_expect_eq(c->gs[1].p, -1);
}

Test(census, counts_what_does_not_settle)
{
	static const struct {
		const char *why;
		uint64_t goid;
		uint32_t status;
	} t[] = {
		{ "being born: no goid yet", 0, GOSTATUS_RUNNABLE },
		{ "its stack is being scanned", 2, GOSTATUS_WAITING | GOSTATUS_SCAN },
		{ "a status that Go has not", 3, 77 },
	};
	const struct census *c;

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		lay_frames(add_g(t[i].goid, t[i].status), 100, ten_steps, ARRAY_SIZE(ten_steps));
	add_g(9, GOSTATUS_RUNNABLE);
	fix.allgs[fix.header[1]++] = 4096; /* no g there */
	c = read_census(32);
	cr_expect_eq(c->unsettled, ARRAY_SIZE(t) + 1);
	cr_assert_eq(c->nr, 1);
	cr_expect_eq(c->gs[0].who.goid, 9);
}

Test(census, a_reader_finds_those_that_came_after_it_met_the_others)
{
	scoped(reader) r = NULL;

	add_g(1, GOSTATUS_RUNNABLE);
	cr_assert_eq(reader__new(proc__mem(fix.p), &fix.rt, 32, &r), 0);
	for (int i = 0; i < 3; i++) {
		scoped(census) c = NULL;

		if (!i) { /* the first time it meets one */
			cr_assert_eq(reader__take(r, &c), 0);
			cr_assert_eq(c->nr, 1);
			add_g(2, GOSTATUS_RUNNABLE);
			continue;
		}

		cr_assert_eq(reader__take(r, &c), 0);
		cr_assert_eq(c->nr, 2);
		cr_expect_eq(c->gs[0].who.goid, 1);
		cr_expect_eq(c->gs[1].who.goid, 2);
		cr_expect_eq(c->allglen, 2);
	}
}

Test(census, what_is_not_there_by_the_deadline_is_missing_and_it_says_so)
{
	static const struct {
		const char *why;
		uint64_t at_ns;
		size_t want, not_read;
		bool cut;
	} t[] = {
		{ "over before it begins", 1, 0, 2, true },
		{ "never over", UINT64_MAX, 2, 0, false },
	};

	add_g(1, GOSTATUS_RUNNABLE);
	add_g(2, GOSTATUS_RUNNABLE);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct deadline until = { .at_ns = t[i].at_ns };
		scoped(census) c = NULL;

		cr_assert_eq(census__read_until(proc__mem(fix.p), &fix.rt, 32, &until, &c), 0, "%s",
			     t[i].why);
		cr_expect_eq(c->nr, t[i].want, "%s: %zu", t[i].why, c->nr);
		cr_expect_eq(c->cut, t[i].cut, "%s", t[i].why);
		cr_expect_eq(c->not_read, t[i].not_read, "%s: %zu", t[i].why, c->not_read);
		cr_expect_eq(c->allglen, 2, "%s: how many there are is known all the same",
			     t[i].why);
	}
}

Test(census, passes_over_a_g_whose_address_is_not_written_yet)
{
	uint64_t *addrs = NULL;
	size_t nr = 0;

	add_g(1, GOSTATUS_RUNNABLE);
	fix.header[1]++;
	cr_assert_eq(census__addrs(proc__mem(fix.p), &fix.rt, &addrs, &nr), 0);
	cr_assert_eq(nr, 1);
	cr_expect_eq(addrs[0], (uintptr_t)&fix.g[0]);
	free(addrs);
	cr_expect_eq(read_census(32)->unsettled, 0);
}

Test(census, refuses_a_list_that_makes_no_sense)
{
	static const struct {
		const char *why;
		uint64_t ptr, len;
		int want;
	} t[] = {
		{ "no array", 0, 5, -EBADMSG },
		{ "array not aligned", 0x1001, 5, -EBADMSG },
		{ "more goroutines than memory", 0x1000, 1ULL << 60, -EBADMSG },
		{ "array not mapped", 0x1000, 5, -EFAULT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct census *c = NULL;
		uint64_t *addrs = NULL;
		size_t nr;

		fix.header[0] = t[i].ptr;
		fix.header[1] = t[i].len;
		cr_expect_eq(census__read(proc__mem(fix.p), &fix.rt, 32, &c), t[i].want, "%s",
			     t[i].why);
		cr_expect_null(c, "%s", t[i].why);
		cr_expect_eq(census__addrs(proc__mem(fix.p), &fix.rt, &addrs, &nr), t[i].want, "%s",
			     t[i].why);
		cr_expect_null(addrs, "%s", t[i].why);
	}
}

Test(census, says_that_the_process_has_ended)
{
	struct census *c = NULL;
	scoped(proc) p = NULL;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	cr_assert_eq(proc__open(pid, &p, NULL), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect_eq(census__read(proc__mem(p), &fix.rt, 32, &c), -ESRCH);
	cr_expect_null(c);
}

/* --- what they wait for --- */

static void set_word(uint64_t *object, int32_t offset, uint64_t value)
{
	memcpy((uint8_t *)object + offset, &value, sizeof(value));
}

static struct fake_g *add_waiter(const int *which, size_t nr, size_t at)
{
	struct fake_g *g = add_g(fix.header[1] + 1, GOSTATUS_WAITING);

	lay_frames(g, at, which, nr);
	return g;
}

/* Sudog i of g, for a channel or a semaphore. */
static uint64_t *lay_sudog(size_t i, const struct fake_g *g, uint64_t chan, uint64_t elem)
{
	uint64_t *s = fix.sudogs[i];

	set_word(s, fix.rt.layout.sudog_g, (uintptr_t)g);
	set_word(s, fix.rt.layout.sudog_c, chan);
	set_word(s, fix.rt.layout.sudog_elem, elem);
	return s;
}

static const struct census_wait *only_wait(void)
{
	const struct census_g *g = &read_census(32)->gs[0];

	cr_assert_eq(g->nr_waits, 1);
	cr_expect(!g->waits_cut);
	return &fix.c->waits[g->waits_at];
}

Test(census, finds_the_channels_of_a_select)
{
	struct fake_g *g = add_waiter(ten_steps, ARRAY_SIZE(ten_steps), 100);
	const struct census *c;

	for (size_t i = 0; i < 3; i++) {
		uint64_t *s = lay_sudog(i, g, 0xc000100 + 0x100 * i, 0x5555);

		set_word(s, fix.rt.layout.sudog_waitlink, i < 2 ? (uintptr_t)fix.sudogs[i + 1] : 0);
		((uint8_t *)s)[fix.rt.objects.sudog_isselect] = 1;
	}
	g->waiting = (uintptr_t)fix.sudogs[0];
	g->reason = 9;
	c = read_census(32);
	cr_assert_eq(c->gs[0].nr_waits, 3);
	cr_expect(!c->gs[0].waits_cut);
	for (size_t i = 0; i < 3; i++) {
		const struct census_wait *w = &c->waits[c->gs[0].waits_at + i];

		cr_expect_eq(w->kind, CENSUS_WAIT_CHAN);
		cr_expect_eq(w->addr, 0xc000100 + 0x100 * i);
		cr_expect_eq(w->direction, CENSUS_DIR_NONE);
		cr_expect(w->select);
	}
}

Test(census, knows_a_send_from_a_receive)
{
	struct fake_g *g = add_waiter(ten_steps, ARRAY_SIZE(ten_steps), 100);

	g->waiting = (uintptr_t)lay_sudog(0, g, 0xc000100, 0);
	g->reason = 15; /* chan send in Go 1.22 */
	cr_expect_eq(only_wait()->direction, CENSUS_DIR_SEND);
}

Test(census, ends_at_sudogs_in_a_circle)
{
	struct fake_g *g = add_waiter(ten_steps, ARRAY_SIZE(ten_steps), 100);
	uint64_t *s = lay_sudog(0, g, 0xc000100, 0);

	set_word(s, fix.rt.layout.sudog_waitlink, (uintptr_t)s);
	g->waiting = (uintptr_t)s;
	cr_expect_eq(read_census(32)->gs[0].nr_waits, CENSUS_CASES_MAX);
	cr_expect(fix.c->gs[0].waits_cut);
}

Test(census, believes_no_sudog_of_another_goroutine)
{
	struct fake_g *g = add_waiter(ten_steps, ARRAY_SIZE(ten_steps), 100);

	g->waiting = (uintptr_t)lay_sudog(0, g + 1, 0xc000100, 0);
	cr_expect_eq(read_census(32)->gs[0].nr_waits, 0);
	cr_expect(fix.c->gs[0].waits_cut);
}

Test(census, finds_a_mutex_by_the_sudog_in_the_frame)
{
	static const int which[] = { STEP, SEMACQUIRE, LOCKSLOW, STEP, GOEXIT };
	const struct census_wait *w;
	struct fake_g *g = add_waiter(which, ARRAY_SIZE(which), 100);

	fix.stack[100 + 6 + 1] = (uintptr_t)fix.object;    /* something else */
	fix.stack[100 + 6 + 2] = (uintptr_t)fix.sudogs[1]; /* of another goroutine */
	fix.stack[100 + 6 + 3] = (uintptr_t)fix.sudogs[0];
	lay_sudog(1, g + 1, 0, 0x7004);
	lay_sudog(0, g, 0, 0x6004);
	w = only_wait();
	cr_expect_eq(w->kind, CENSUS_WAIT_MUTEX);
	cr_expect_eq(w->addr, 0x6000);
	cr_expect_eq(w->via, 0x6004);
}

Test(census, says_that_it_does_not_know_what_a_semaphore_is)
{
	static const int which[] = { STEP, SEMACQUIRE, LOCKSLOW, STEP, GOEXIT };

	add_waiter(which, ARRAY_SIZE(which), 100);
	cr_expect_eq(read_census(32)->gs[0].nr_waits, 0);
	cr_expect(fix.c->gs[0].waits_cut);
}

Test(census, finds_a_cond_by_its_list)
{
	static const int which[] = { STEP, NOTIFYWAIT, CONDWAIT, STEP, GOEXIT };
	struct fake_g *g = add_waiter(which, ARRAY_SIZE(which), 100);
	uint8_t *list = (uint8_t *)(fix.object + 2);
	uint32_t ticket = 5, notify = 4, wait = 7, first = 4;

	fix.stack[100 + 6 + 3] = (uintptr_t)fix.sudogs[0];
	fix.stack[100 + 12] = (uintptr_t)list; /* the first argument */
	memcpy((uint8_t *)lay_sudog(0, g, 0, 0) + fix.rt.objects.sudog_ticket, &ticket, 4);
	memcpy((uint8_t *)lay_sudog(1, g + 1, 0, 0) + fix.rt.objects.sudog_ticket, &first, 4);
	memcpy(list + fix.rt.objects.nl_notify, &notify, 4);
	memcpy(list + fix.rt.objects.nl_wait, &wait, 4);
	set_word((uint64_t *)list, fix.rt.objects.nl_head, (uintptr_t)fix.sudogs[1]);
	cr_expect_eq(only_wait()->addr, (uintptr_t)fix.object);
	cr_expect_eq(fix.c->waits[0].kind, CENSUS_WAIT_COND);
}

Test(census, finds_the_descriptor_of_the_poller)
{
	static const int which[] = { STEP, POLLWAIT, STEP, GOEXIT };
	const struct census_wait *w;
	struct fake_g *g = add_waiter(which, ARRAY_SIZE(which), 100);

	fix.stack[100 + 12] = (uintptr_t)fix.object; /* the first argument */
	set_word(fix.object, fix.rt.objects.pd_fd, 12);
	set_word(fix.object, fix.rt.objects.pd_wg, (uintptr_t)g);
	w = only_wait();
	cr_expect_eq(w->kind, CENSUS_WAIT_FD);
	cr_expect_eq(w->direction, CENSUS_DIR_WRITE);
	cr_expect_eq(w->via, 12);
}

Test(census, finds_the_timer_of_a_sleeper)
{
	struct fake_g *g = add_waiter(ten_steps, ARRAY_SIZE(ten_steps), 100);

	g->timer = (uintptr_t)fix.object;
	g->reason = 19; /* sleep in Go 1.22 */
	set_word(fix.object, fix.rt.objects.timer_when, 123456789);
	cr_expect_eq(only_wait()->kind, CENSUS_WAIT_TIMER);
	cr_expect_eq(fix.c->waits[0].via, 123456789);
}

#define COROUTINE 36 /* the reason, in Go 1.22 */

/* A coro begins with the g that it switches to. */
Test(census, finds_the_coro_of_a_coroutine_in_its_outermost_frame)
{
	static const int which[] = { STEP, COROSTART, GOEXIT };
	struct fake_g *g = add_waiter(which, ARRAY_SIZE(which), 100);

	g->reason = COROUTINE;
	fix.object[0] = (uintptr_t)(g + 1); /* the other side of it waits there */
	fix.object[8] = (uintptr_t)g;
	fix.stack[100 + 6 + 1] = (uintptr_t)&fix.object[0];
	fix.stack[100 + 6 + 3] = (uintptr_t)&fix.object[8];
	cr_expect_eq(only_wait()->addr, (uintptr_t)&fix.object[8]);
	cr_expect_eq(fix.c->waits[0].kind, CENSUS_WAIT_CORO);
}

Test(census, finds_the_coro_of_one_that_never_ran_in_its_g)
{
	static const int which[] = { COROSTART, GOEXIT };
	struct fake_g *g = add_waiter(which, ARRAY_SIZE(which), 100);

	g->reason = COROUTINE;
	g->coroarg = (uintptr_t)fix.object;
	fix.object[0] = (uintptr_t)g;
	cr_expect_eq(only_wait()->addr, (uintptr_t)fix.object);
}

Test(census, does_not_guess_what_coro_it_is)
{
	static const struct {
		const char *why;
		uint8_t reason;
		bool in_g;
	} t[] = {
		{ "it waits in next() of another one", COROUTINE, false },
		{ "the coro is another's by now", COROUTINE, true },
		{ "it waits for something else", 14, false },
	};
	static const int which[] = { STEP, COROSTART, GOEXIT };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct fake_g *g = add_waiter(which, ARRAY_SIZE(which), 100 + 40 * i);

		g->reason = t[i].reason;
		g->coroarg = t[i].in_g ? (uintptr_t)fix.object : 0;
		fix.stack[100 + 40 * i + 6 + 3] = (uintptr_t)fix.object;
	}
	fix.object[0] = (uintptr_t)(fix.g + 100);
	read_census(32);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		cr_expect_eq(fix.c->gs[i].nr_waits, 0, "%s", t[i].why);
		cr_expect_eq(fix.c->gs[i].waits_cut, t[i].reason == COROUTINE, "%s", t[i].why);
	}
}
