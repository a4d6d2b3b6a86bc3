/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "census/census.h"
#include "golang/gostate.h"

/* A runtime.g of our own making; its layout is what the compiler makes of it. */
struct fake_g {
	uint64_t stack_lo, stack_hi, m, sp, pc, bp, syscallsp, syscallpc;
	uint32_t status, pad;
	uint64_t goid, waitsince;
	uint8_t reason;
	uint64_t lockedm, parent, gopc, startpc, waiting, labels;
};

#define STACK_WORDS 2048

/* This process plays the target. */
struct fixture {
	uint64_t stack[STACK_WORDS];
	struct fake_g g[600];
	uint64_t allgs[600];
	uint64_t header[3];
	struct goruntime rt;
	struct proc *p;
	struct census *c;
};

static struct fixture fix;

static void setup(void)
{
	memset(&fix, 0, sizeof(fix));
	fix.header[0] = (uintptr_t)fix.allgs;
	fix.header[2] = ARRAY_SIZE(fix.allgs);
	fix.rt.minor = 22;
	fix.rt.allgs = (uintptr_t)fix.header;
	fix.rt.layout = (struct pw_layout){
		.g_size = sizeof(struct fake_g),
		.g_stack_lo = offsetof(struct fake_g, stack_lo),
		.g_stack_hi = offsetof(struct fake_g, stack_hi),
		.g_m = offsetof(struct fake_g, m),
		.g_sched_sp = offsetof(struct fake_g, sp),
		.g_sched_pc = offsetof(struct fake_g, pc),
		.g_sched_bp = offsetof(struct fake_g, bp),
		.g_syscallsp = offsetof(struct fake_g, syscallsp),
		.g_syscallpc = offsetof(struct fake_g, syscallpc),
		.g_syscallbp = PW_NO_FIELD,
		.g_atomicstatus = offsetof(struct fake_g, status),
		.g_goid = offsetof(struct fake_g, goid),
		.g_waitsince = offsetof(struct fake_g, waitsince),
		.g_waitreason = offsetof(struct fake_g, reason),
		.g_lockedm = offsetof(struct fake_g, lockedm),
		.g_parent_goid = offsetof(struct fake_g, parent),
		.g_gopc = offsetof(struct fake_g, gopc),
		.g_startpc = offsetof(struct fake_g, startpc),
		.g_waiting = offsetof(struct fake_g, waiting),
		.g_labels = offsetof(struct fake_g, labels),
	};
	cr_assert_eq(proc__open(getpid(), &fix.p, NULL), 0);
}

static void teardown(void)
{
	census__free(fix.c);
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

/* Frames of `size` words from word `at` on: return addresses 0x501, 0x502, ...; last bp 0. */
static void lay_frames(struct fake_g *g, size_t at, size_t size, size_t nr)
{
	g->sp = (uintptr_t)(fix.stack + at);
	g->pc = 0x500;
	g->bp = (uintptr_t)(fix.stack + at + size - 2);
	for (size_t i = 1; i <= nr; i++) {
		size_t bp = at + size * i - 2;

		fix.stack[bp] = i < nr ? (uintptr_t)(fix.stack + bp + size) : 0;
		fix.stack[bp + 1] = 0x500 + i;
	}
}

static const struct census *read_census(unsigned int depth)
{
	struct cause why = { "" };

	cr_assert_eq(census__read(fix.p, &fix.rt, depth, &fix.c, &why), 0, "%s", why.text);
	return fix.c;
}

static void expect_pcs(const struct census *c, const struct census_g *g, size_t nr)
{
	cr_assert_eq(g->nr_pcs, nr);
	for (size_t i = 0; i < nr; i++)
		cr_expect_eq(c->pcs[g->pcs_at + i], 0x500 + i, "frame %zu", i);
}

Test(census, lists_live_goroutines_in_order_without_dead_ones)
{
	const struct census *c;

	for (uint64_t i = 1; i <= 600; i++)
		add_g(i, i % 3 ? GOSTATUS_RUNNABLE : GOSTATUS_DEAD);
	c = read_census(32);
	cr_assert_eq(c->nr, 400);
	cr_expect_eq(c->allglen, 600);
	cr_expect_eq(c->unsettled, 0);
	cr_expect_eq(c->nr_pcs, 0);
	for (size_t i = 0; i < c->nr; i++) {
		uint64_t goid = i / 2 * 3 + i % 2 + 1;

		cr_assert_eq(c->gs[i].goid, goid);
		cr_expect_eq(c->gs[i].parent_goid, goid - 1);
		cr_expect_eq(c->gs[i].gopc, 0x1000 + goid);
		cr_expect_eq(c->gs[i].startpc, 0x2000 + goid);
		cr_expect_eq(c->gs[i].labels, 0x3000 + goid);
		cr_expect_eq(c->gs[i].status, GOSTATUS_RUNNABLE);
	}
}

Test(census, walks_a_parked_stack_to_the_frame_without_caller)
{
	const struct census *c;

	lay_frames(add_g(1, GOSTATUS_WAITING), 100, 6, 10);
	c = read_census(32);
	cr_assert_eq(c->nr, 1);
	cr_expect_eq(c->gs[0].reason, 14);
	cr_expect_eq(c->gs[0].truncated, 0);
	expect_pcs(c, &c->gs[0], 11);
}

Test(census, walks_frames_larger_than_what_is_read_at_once)
{
	const struct census *c;

	lay_frames(add_g(1, GOSTATUS_WAITING), 10, 400, 5);
	c = read_census(32);
	cr_expect_eq(c->gs[0].truncated, 0);
	expect_pcs(c, &c->gs[0], 6);
}

Test(census, says_that_a_stack_is_deeper_than_asked_for)
{
	const struct census *c;

	lay_frames(add_g(1, GOSTATUS_WAITING), 100, 6, 10);
	c = read_census(4);
	cr_expect_eq(c->gs[0].truncated, 1);
	expect_pcs(c, &c->gs[0], 4);
}

Test(census, does_not_call_a_stack_truncated_that_just_fits)
{
	const struct census *c;

	lay_frames(add_g(1, GOSTATUS_WAITING), 100, 6, 3);
	c = read_census(4);
	cr_expect_eq(c->gs[0].truncated, 0);
	expect_pcs(c, &c->gs[0], 4);
}

Test(census, stops_where_the_chain_leaves_the_stack)
{
	static const struct {
		const char *why;
		uint64_t bp;
	} t[] = {
		{ "above the stack", UINT64_MAX - 7 },
		{ "next to null", 8 },
		{ "not aligned", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const struct census *c;

		fix.header[1] = 0;
		lay_frames(add_g(1, GOSTATUS_WAITING), 100, 6, 10);
		fix.stack[100 + 6 * 3 - 2] =
			t[i].bp == 1 ? (uintptr_t)(fix.stack + 130) + 1 : t[i].bp;
		c = read_census(32);
		cr_expect_eq(c->gs[0].truncated, 1, "%s", t[i].why);
		expect_pcs(c, &c->gs[0], 4);
		census__free(steal(fix.c));
	}
}

Test(census, stops_at_a_chain_that_goes_in_a_circle)
{
	const struct census *c;

	lay_frames(add_g(1, GOSTATUS_WAITING), 100, 6, 10);
	fix.stack[100 + 6 * 3 - 2] = (uintptr_t)(fix.stack + 104);
	c = read_census(127);
	cr_expect_eq(c->gs[0].truncated, 1);
	expect_pcs(c, &c->gs[0], 4);
}

Test(census, has_no_stack_where_nothing_true_is_saved)
{
	struct fake_g *running = add_g(1, GOSTATUS_RUNNING), *no_sp = add_g(2, GOSTATUS_WAITING);
	struct fake_g *outside = add_g(3, GOSTATUS_WAITING), *odd = add_g(4, GOSTATUS_WAITING);
	const struct census *c;

	lay_frames(running, 100, 6, 10);
	lay_frames(no_sp, 100, 6, 10);
	lay_frames(outside, 100, 6, 10);
	lay_frames(odd, 100, 6, 10);
	no_sp->sp = 0;
	outside->sp = outside->stack_hi;
	odd->sp += 4;
	c = read_census(32);
	cr_assert_eq(c->nr, 4);
	for (size_t i = 0; i < c->nr; i++)
		cr_expect_eq(c->gs[i].nr_pcs, 0, "goid %zu", i + 1);
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
		lay_frames(add_g(t[i].goid, t[i].status), 100, 6, 10);
	add_g(9, GOSTATUS_RUNNABLE);
	fix.allgs[fix.header[1]++] = 4096; /* no g there */
	c = read_census(32);
	cr_expect_eq(c->unsettled, ARRAY_SIZE(t) + 1);
	cr_assert_eq(c->nr, 1);
	cr_expect_eq(c->gs[0].goid, 9);
}

Test(census, passes_over_a_g_whose_address_is_not_written_yet)
{
	uint64_t *addrs = NULL;
	size_t nr = 0;

	add_g(1, GOSTATUS_RUNNABLE);
	fix.header[1]++;
	cr_assert_eq(census__addrs(fix.p, &fix.rt, &addrs, &nr), 0);
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
		struct cause why = { "" };
		uint64_t *addrs = NULL;
		size_t nr;

		fix.header[0] = t[i].ptr;
		fix.header[1] = t[i].len;
		cr_expect_eq(census__read(fix.p, &fix.rt, 32, &c, &why), t[i].want, "%s", t[i].why);
		cr_expect_null(c, "%s", t[i].why);
		cr_expect_str_not_empty(why.text, "%s", t[i].why);
		cr_expect_eq(census__addrs(fix.p, &fix.rt, &addrs, &nr), t[i].want, "%s", t[i].why);
		cr_expect_null(addrs, "%s", t[i].why);
	}
}

Test(census, says_that_the_process_has_ended)
{
	struct cause why = { "" };
	struct census *c = NULL;
	scoped(proc) p = NULL;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	cr_assert_eq(proc__open(pid, &p, NULL), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect_eq(census__read(p, &fix.rt, 32, &c, &why), -ESRCH);
	cr_expect_null(c);
	cr_expect(strstr(why.text, "has ended"), "%s", why.text);
}
