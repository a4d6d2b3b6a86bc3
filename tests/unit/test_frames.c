/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>

#include "golang/gostate.h"
#include "model/chain.h"
#include "model/reqlabel.h"
#include "model/wall.h"
#include "view/rowframes.h"
#include "report_fake.h"

#define PCS(...)                                                                                   \
	{                                                                                          \
		.stack = { .nr = sizeof((uint64_t[]){ __VA_ARGS__ }) / 8,                          \
			   .pcs = (const uint64_t[]){ __VA_ARGS__ } },                             \
		.state = SNAP_STACK_SEEN                                                           \
	}
#define WAIT_STACK  PCS(PC_GOPARK, PC_CHANRECV, PC_WORKER, PC_LOOP, PC_GOWRAP, PC_GOEXIT)
#define BIRTH_STACK PCS(PC_NEWPROC1, PC_SYSTEMSTACK, PC_NEWPROC, PC_MAIN, PC_RUNMAIN, PC_GOEXIT)

/* Frames joined by ';', root first, with what --root adds. */
static const char *shown(const struct snap *s, const struct snap_row *row, bool full, char *buf,
			 size_t size)
{
	scoped(rowframer) f = NULL;
	struct frames fr;
	size_t at = 0;

	cr_assert_eq(rowframer__new(&fake_namer, 1, full, &f), 0);
	cr_assert_eq(rowframer__row(f, s, row, &fr), 0);
	buf[0] = 0;
	if (fr.first)
		at += (size_t)snprintf(buf, size, "%s", fr.first);
	if (fr.root)
		at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? ";" : "", fr.root);
	for (size_t i = 0; i < fr.nr && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%s", at ? ";" : "", fr.v[i].name);
	return buf;
}

static void expect(const char *why, struct snap s, struct snap_row row, bool full, const char *want)
{
	char buf[4096];

	cr_expect_str_eq(shown(&s, &row, full, buf, sizeof(buf)), want, "%s:\n got %s\nwant %s",
			 why, buf, want);
}

Test(frames, a_wait_ends_in_its_reason)
{
	const struct snap s = { .event = PROFILE_BLOCKED };

	expect("plumbing and wrappers left out", s,
	       (struct snap_row){ .own = WAIT_STACK, .reason = FAKE_CHAN_RECEIVE }, false,
	       "main.loop;main.inner;main.innermost;main.worker;runtime.chanrecv1;[chan receive]");
	expect("all of it", s, (struct snap_row){ .own = WAIT_STACK, .reason = FAKE_CHAN_RECEIVE },
	       true,
	       "runtime.goexit;main.main.gowrap1;main.loop;main.inner;main.innermost;main.worker;"
	       "runtime.chanrecv1;"
	       "runtime.gopark;[chan receive]");
	expect("the stack knows better than semacquire", s,
	       (struct snap_row){ .own = PCS(PC_GOPARK, PC_SEMACQUIRE, PC_LOCK, PC_MAIN),
				  .reason = FAKE_SEMACQUIRE },
	       false,
	       "main.main;sync.(*Mutex).lockSlow;sync.runtime_SemacquireMutex;[sync.Mutex.Lock]");
	expect("a reason that this Go does not have", s,
	       (struct snap_row){ .own = PCS(PC_MAIN), .reason = 250 }, false,
	       "main.main;[wait reason 250]");
	expect("no table knows the pc", s,
	       (struct snap_row){ .own = PCS(PC_GOPARK, PC_UNKNOWN), .reason = FAKE_CHAN_RECEIVE },
	       false, "0x45d2a1;[chan receive]");
	expect("a runtime that we have no names of", s,
	       (struct snap_row){ .rt = 3, .own = PCS(PC_MAIN), .reason = FAKE_CHAN_RECEIVE },
	       false, "0x1600;[wait reason 14]");
}

Test(frames, stacks_that_are_not_whole_say_so_at_the_root)
{
	const struct snap s = { .event = PROFILE_BLOCKED };
	struct snap_row row = { .own = PCS(PC_GOPARK, PC_WORKER), .reason = FAKE_CHAN_RECEIVE };

	row.own.stack.truncated = true;
	expect("goes on", s, row, false, "[truncated];main.worker;[chan receive]");
	expect("lost", s,
	       (struct snap_row){ .own = { .state = SNAP_STACK_LOST },
				  .reason = FAKE_CHAN_RECEIVE },
	       false, "[stack lost];[chan receive]");
	expect("never read", s,
	       (struct snap_row){ .own = { .state = SNAP_STACK_NONE },
				  .reason = FAKE_CHAN_RECEIVE },
	       false, "[no stack];[chan receive]");
}

Test(frames, a_birth_is_its_creators_stack_and_what_was_started)
{
	const struct snap s = { .event = PROFILE_BIRTHS };

	expect("wrapper of the go statement is seen through", s,
	       (struct snap_row){ .own = BIRTH_STACK, .startpc = START_GOWRAP, .gopc = PC_MAIN },
	       false, "runtime.main;main.main;[go main.worker]");
	expect("full", s, (struct snap_row){ .own = BIRTH_STACK, .startpc = START_WORKER }, true,
	       "runtime.goexit;runtime.main;main.main;runtime.newproc;runtime.systemstack;runtime."
	       "newproc.func1;"
	       "[go main.worker]");
	expect("unknown start", s, (struct snap_row){ .own = BIRTH_STACK, .startpc = PC_UNKNOWN },
	       false, "runtime.main;main.main;[go 0x45d2a1]");
	expect("its stack record is lost", s,
	       (struct snap_row){ .own = { .state = SNAP_STACK_LOST },
				  .startpc = START_WORKER,
				  .gopc = PC_MAIN },
	       false, "[stack lost];main.main;[go main.worker]");
}

Test(frames, a_timer_stands_for_the_scheduler_that_ran_it)
{
	const struct snap s = { .event = PROFILE_BIRTHS };
	struct snap_row row = { .own = PCS(PC_NEWPROC1, PC_NEWPROC, PC_GOFUNC, PC_RUNTIMER,
					   PC_FINDRUNNABLE, PC_PARK_M, PC_MCALL),
				.startpc = START_WORKER };
	struct snap_row other = { .own = PCS(PC_NEWPROC1, PC_NEWPROC, PC_GOFUNC, PC_UNLOCKRUN,
					     PC_PARK_M),
				  .startpc = START_WORKER };
	const struct snap_link link = { .made = row.own, .startpc = START_WORKER };

	expect("up to Go 1.22", s, row, false, "[timer];time.goFunc;[go main.worker]");
	expect("full", s, row, true,
	       "runtime.mcall;runtime.park_m;runtime.findRunnable;runtime.runOneTimer;time.goFunc;"
	       "runtime.newproc;"
	       "runtime.newproc.func1;[go main.worker]");
	row.own.stack.truncated = true;
	expect("what is cut is the scheduler's", s, row, false,
	       "[timer];time.goFunc;[go main.worker]");
	expect("from Go 1.23 on", s, other, false, "[timer];time.goFunc;[go main.worker]");
	expect("what a callback allocates", (struct snap){ .event = PROFILE_ALLOC },
	       (struct snap_row){ .own = PCS(PC_MALLOC, PC_GOFUNC, PC_RUNTIMER, PC_FINDRUNNABLE),
				  .object_bytes = 8 },
	       false, "[timer];time.goFunc;[8 B]");
	expect("as an ancestor", (struct snap){ .event = PROFILE_BLOCKED },
	       (struct snap_row){ .own = PCS(PC_GOPARK, PC_CHANRECV),
				  .reason = FAKE_CHAN_RECEIVE,
				  .chain = { &link, 1, false } },
	       false, "[timer];time.goFunc;[go main.worker];runtime.chanrecv1;[chan receive]");
	expect("a goroutine that runs one itself is not left out", s,
	       (struct snap_row){ .own = PCS(PC_NEWPROC1, PC_GOFUNC, PC_UNLOCKRUN, PC_CHANRECV,
					     PC_MAIN, PC_RUNMAIN),
				  .startpc = START_WORKER },
	       false,
	       "runtime.main;main.main;runtime.chanrecv1;runtime.(*timer).unlockAndRun;time.goFunc;"
	       "[go main.worker]");
	expect("the scheduler without a timer", s,
	       (struct snap_row){ .own = PCS(PC_NEWPROC1, PC_FINDRUNNABLE, PC_PARK_M, PC_MCALL),
				  .startpc = START_WORKER },
	       false, "runtime.park_m;runtime.findRunnable;[go main.worker]");
}

Test(frames, an_exit_without_its_birth_has_the_go_statement_alone)
{
	const struct snap s = { .event = PROFILE_EXITS };

	expect("gopc", s,
	       (struct snap_row){ .own = { .state = SNAP_STACK_NONE },
				  .startpc = START_WORKER,
				  .gopc = PC_LOOP },
	       false, "main.loop;main.inner;main.innermost;[go main.worker]");
	expect("not even that", s,
	       (struct snap_row){ .own = { .state = SNAP_STACK_NONE }, .startpc = START_WORKER },
	       false, "[no stack];[go main.worker]");
}

Test(frames, latency_ends_in_runnable)
{
	expect("sched", (struct snap){ .event = PROFILE_SCHED },
	       (struct snap_row){ .own = WAIT_STACK }, false,
	       "main.loop;main.inner;main.innermost;main.worker;runtime.chanrecv1;[runnable]");
}

Test(frames, ancestry_stands_above_oldest_first)
{
	const struct snap_link links[] = {
		{ .made = PCS(PC_NEWPROC1, PC_WORKER), .gopc = PC_WORKER, .startpc = START_WORKER },
		{ .made = { .state = SNAP_STACK_NONE }, .gopc = PC_MAIN, .startpc = START_GOWRAP },
	};
	struct snap_row row = {
		.own = PCS(PC_GOPARK, PC_CHANRECV),
		.reason = FAKE_CHAN_RECEIVE,
		.chain = { links, 2, false },
	};

	expect("two generations", (struct snap){ .event = PROFILE_BLOCKED }, row, false,
	       "main.main;[go main.worker];main.worker;[go main.worker];runtime.chanrecv1;[chan "
	       "receive]");
	row.chain.truncated = true;
	expect("more than that", (struct snap){ .event = PROFILE_BLOCKED }, row, false,
	       "[truncated];main.main;[go main.worker];main.worker;[go "
	       "main.worker];runtime.chanrecv1;[chan receive]");
}

Test(frames, root_adds_one_frame)
{
	struct snap_row row = { .own = PCS(PC_MAIN),
				.reason = FAKE_CHAN_RECEIVE,
				.goid = 18,
				.gopc = PC_LOOP,
				.label = "k=v" };
	struct snap s = { .event = PROFILE_BLOCKED, .root = PROFILE_ROOT_GOID };

	expect("goid", s, row, false, "goroutine 18;main.main;[chan receive]");
	s.root = PROFILE_ROOT_CREATED_BY;
	expect("the function that holds the go statement", s, row, false,
	       "created by main.loop;main.main;[chan receive]");
	s.root = PROFILE_ROOT_LABEL;
	expect("label", s, row, false, "k=v;main.main;[chan receive]");
	row.label = "";
	expect("no label", s, row, false, "no labels;main.main;[chan receive]");
	row.label = "GET /quote/{id}|0af7651916cd43dd8448eb211c80319c|b7ad6b7169203331|quote";
	s.root = PROFILE_ROOT_ROUTE;
	expect("route", s, row, false, "GET /quote/{id};main.main;[chan receive]");
	s.root = PROFILE_ROOT_TRACE;
	expect("trace", s, row, false,
	       "trace 0af7651916cd43dd8448eb211c80319c;main.main;[chan receive]");
	s.root = PROFILE_ROOT_SPAN;
	expect("span", s, row, false, "span quote;main.main;[chan receive]");
	row.label = "||b7ad6b7169203331|";
	expect("a span without a name", s, row, false,
	       "span b7ad6b7169203331;main.main;[chan receive]");
	row.label = "|||";
	expect("no span", s, row, false, "[no span];main.main;[chan receive]");
	s.root = PROFILE_ROOT_ROUTE;
	expect("no route", s, row, false, "[no route];main.main;[chan receive]");
	row.label = REQLABEL_NONE;
	expect("no request", s, row, false, "[no request];main.main;[chan receive]");
	s.root = PROFILE_ROOT_REQUEST;
	expect("apart, and no more", s, row, false, "main.main;[chan receive]");
	s.root = PROFILE_ROOT_STATE;
	expect("state of a wait", s, row, false, "[chan receive];main.main;[chan receive]");
	s.event = PROFILE_EXITS;
	row.startpc = START_WORKER;
	expect("state of an exit", s, row, false, "[dead];main.main;[go main.worker]");
	s.event = PROFILE_BIRTHS;
	expect("state of a birth", s, row, false, "[runnable];main.main;[go main.worker]");
}

Test(frames, an_inlined_frame_whose_wrapper_is_hidden_stands_for_itself)
{
	const struct snap s = { .event = PROFILE_BLOCKED };
	const struct snap_row row = { .own = PCS(PC_GOPARK, PC_METHOD, PC_LOOP),
				      .reason = FAKE_CHAN_RECEIVE };
	scoped(rowframer) f = NULL;
	struct frames fr;

	cr_assert_eq(rowframer__new(&fake_namer, 1, false, &f), 0);
	cr_assert_eq(rowframer__row(f, &s, &row, &fr), 0);
	cr_assert_eq(fr.nr, 5);
	cr_expect_not(fr.v[0].inlined, "main.loop");
	cr_expect(fr.v[1].inlined, "main.inner");
	cr_expect(fr.v[2].inlined, "main.innermost");
	cr_expect_str_eq(fr.v[3].name, "main.(*T).Do");
	cr_expect_not(fr.v[3].inlined, "its physical frame is the wrapper");
}

Test(frames, hostile_names_become_one_clean_line)
{
	expect("control characters and broken UTF-8", (struct snap){ .event = PROFILE_BLOCKED },
	       (struct snap_row){ .own = PCS(PC_EVIL), .reason = FAKE_CHAN_RECEIVE }, false,
	       "a;b?c\"</script><!--\\?? 7;[chan receive]");
}

Test(frames, a_row_is_bounded)
{
	struct snap_link links[CHAIN_MAX] = { 0 };
	uint64_t pcs[PW_STACK_MAX];
	const struct snap s = { .event = PROFILE_BLOCKED };
	struct snap_row row = { .reason = FAKE_CHAN_RECEIVE, .chain = { links, CHAIN_MAX, false } };
	scoped(rowframer) f = NULL;
	struct frames fr;

	for (size_t i = 0; i < PW_STACK_MAX; i++)
		pcs[i] = PC_LOOP;
	row.own = (struct snap_stack){ .stack = { .nr = PW_STACK_MAX, .pcs = pcs } };
	for (size_t i = 0; i < CHAIN_MAX; i++)
		links[i].made = row.own;
	cr_assert_eq(rowframer__new(&fake_namer, 1, false, &f), 0);
	cr_assert_eq(rowframer__row(f, &s, &row, &fr), 0);
	cr_expect_eq(fr.nr, FRAMES_MAX);
	cr_expect_str_eq(fr.v[0].name, "[truncated]");
	cr_expect_str_eq(fr.v[fr.nr - 1].name, "[chan receive]");
}

#define ALLOC_STACK PCS(PC_MALLOC, PC_GROWSLICE, PC_WORKER, PC_MAIN, PC_RUNMAIN, PC_GOEXIT)

Test(frames, an_allocation_ends_in_what_was_allocated)
{
	const struct snap s = { .event = PROFILE_ALLOC };
	struct snap_row row = { .own = ALLOC_STACK, .type = "main.node", .object_bytes = 48 };

	expect("the runtime's own end is left out", s, row, false,
	       "runtime.main;main.main;main.worker;[main.node 48 B]");
	expect("all of it", s, row, true,
	       "runtime.goexit;runtime.main;main.main;main.worker;runtime.growslice;runtime."
	       "mallocgc;[main.node 48 B]");
	row.type = "";
	row.measure = ALLOC_UP_TO;
	expect("no type, sizes differ", s, row, false,
	       "runtime.main;main.main;main.worker;[<= 48 B]");
	row.measure = ALLOC_ESTIMATED;
	expect("estimated", s, row, false, "runtime.main;main.main;main.worker;[48 B, estimated]");
	row.measure = ALLOC_BY_REFILLS;
	expect("by refills", s, row, false,
	       "runtime.main;main.main;main.worker;[48 B, by refills]");
	row.measure = ALLOC_SAMPLED;
	expect("sampled", s, row, false, "runtime.main;main.main;main.worker;[48 B, sampled]");
	row.own = (struct snap_stack)PCS(PC_MALLOC, PC_SEMACQUIRE_RT, PC_MALLOC, PC_GROWSLICE,
					 PC_MAIN);
	expect("the runtime allocates while it allocates", s, row, false,
	       "main.main;runtime.growslice;runtime.mallocgc;runtime.semacquire1;[48 B, sampled]");
	row.own = (struct snap_stack)PCS(PC_MALLOC, PC_GROWSLICE);
	expect("nothing but the runtime: it stays", s, row, false,
	       "runtime.growslice;runtime.mallocgc;[48 B, sampled]");
}

Test(frames, packages_are_called_as_gos_tracebacks_call_them)
{
	const struct snap s = { .event = PROFILE_BLOCKED };
	const struct snap_row row = { .own = PCS(PC_GOPARK, PC_YAML), .reason = FAKE_CHAN_RECEIVE };

	expect("a dot in the last element of the path", s, row, false,
	       "gopkg.in/yaml%2ev3.(*Decoder).Decode;[chan receive]");
}

Test(frames, contention_is_as_go_s_own_profiles_have_it)
{
	struct snap s = { .event = PROFILE_BLOCK };
	struct snap_row row = { .own = PCS(PC_GOPARK, PC_CHANRECV, PC_WORKER, PC_MAIN, PC_GOWRAP,
					   PC_GOEXIT),
				.reason = FAKE_CHAN_RECEIVE };

	expect("up to the function that the program called", s, row, false,
	       "main.main;main.worker;runtime.chanrecv1");
	expect("package sync's own way to wait", s,
	       (struct snap_row){ .own = PCS(PC_GOPARK, PC_SEMACQUIRE, PC_LOCK, PC_MAIN) }, false,
	       "main.main");
	s.event = PROFILE_MUTEX;
	expect("an unlock", s, (struct snap_row){ .own = PCS(PC_WORKER, PC_MAIN) }, false,
	       "main.main;main.worker");
	expect("nobody saw it", s, (struct snap_row){ .own = { .state = SNAP_STACK_NONE } }, false,
	       "[not seen]");
}

Test(frames, what_runs_has_no_word_and_says_what_is_no_go)
{
	struct snap s = { .event = PROFILE_CPU };
	struct snap_row row = { .own = PCS(PC_WORKER, PC_MAIN), .goid = 18, .gopc = PC_LOOP };

	expect("cpu", s, row, false, "main.main;main.worker");
	expect("the kernel's code in the process", s,
	       (struct snap_row){ .own = PCS(PW_PC_VDSO, PC_MAIN) }, false, "main.main;[vdso]");
	expect("C below and above", s, (struct snap_row){ .own = PCS(PW_PC_C, PC_MAIN, PW_PC_C) },
	       false, "[C];main.main;[C]");
	expect("nobody knows", s, (struct snap_row){ .own = PCS(PC_MAIN, PW_PC_UNKNOWN) }, false,
	       "[unknown];main.main");
	s.root = PROFILE_ROOT_GOID;
	expect("whose", s, row, false, "goroutine 18;main.main;main.worker");
	s.root = PROFILE_ROOT_CREATED_BY;
	expect("who made it", s, row, false, "created by main.loop;main.main;main.worker");
	row.goid = row.gopc = 0;
	expect("nobody made it", s, row, false, "no goroutine;main.main;main.worker");
	s.root = PROFILE_ROOT_GOID;
	expect("nobody's", s, row, false, "no goroutine;main.main;main.worker");
	s.root = PROFILE_ROOT_STATE;
	expect("state", s, row, false, "[running];main.main;main.worker");
}

Test(frames, the_whole_time_begins_with_the_state)
{
	struct snap s = { .event = PROFILE_WALL };
	struct snap_row row = { .own = WAIT_STACK, .reason = FAKE_CHAN_RECEIVE, .gopc = PC_MAIN };
	const uint32_t status = WALL_STATUS;

	expect("it waits", s, row, false,
	       "[waiting];main.loop;main.inner;main.innermost;main.worker;runtime.chanrecv1;"
	       "[chan receive]");
	expect("it runs", s,
	       (struct snap_row){ .own = PCS(PC_WORKER, PC_MAIN),
				  .reason = status + GOSTATUS_RUNNING },
	       false, "[running];main.main;main.worker");
	expect("nobody knows where", s, (struct snap_row){ .reason = status + GOSTATUS_RUNNING },
	       false, "[running];[no stack]");
	expect("it could", s,
	       (struct snap_row){ .own = PCS(PC_WORKER, PC_MAIN),
				  .reason = status + GOSTATUS_RUNNABLE },
	       false, "[ready];main.main;main.worker");
	expect("a system call that is known", s,
	       (struct snap_row){ .own = PCS(PC_WORKER, PC_MAIN),
				  .reason = status + GOSTATUS_SYSCALL,
				  .type = "read fd 7, pipe:[3]" },
	       false, "[syscall];main.main;main.worker;[read fd 7, pipe:[3]]");
	expect("one that is not", s,
	       (struct snap_row){ .own = PCS(PC_WORKER, PC_MAIN),
				  .reason = status + GOSTATUS_SYSCALL,
				  .type = "" },
	       false, "[syscall];main.main;main.worker");
	s.root = PROFILE_ROOT_CREATED_BY;
	row.own = (struct snap_stack)PCS(PC_GOPARK, PC_WORKER);
	expect("whose comes next", s, row, false,
	       "[waiting];created by main.main;main.worker;[chan receive]");
}
