/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <string.h>

#include "base/cleanup.h"
#include "view/waker.h"

#define FRAMES_AT_MOST 6

Test(waker, a_stack_says_who_it_is)
{
	static const struct {
		const char *why, *stack[FRAMES_AT_MOST];
		enum waker_kind want;
	} t[] = {
		{ "a send",
		  { "runtime.ready", "runtime.chansend1", "main.producer", "runtime.goexit" },
		  WAKER_GOROUTINE },
		{ "main",
		  { "runtime.ready", "main.main", "runtime.main", "runtime.goexit" },
		  WAKER_GOROUTINE },
		{ "a finalizer is the program's",
		  { "runtime.ready", "main.(*file).close", "runtime.runfinq", "runtime.goexit" },
		  WAKER_GOROUTINE },
		{ "a sleep is over, Go 1.22",
		  { "runtime.ready", "runtime.goroutineReady", "runtime.runOneTimer",
		    "runtime.mcall" },
		  WAKER_TIMER },
		{ "a timer's channel, wherever timers were looked at",
		  { "runtime.ready", "time.sendTime", "runtime.(*timer).unlockAndRun",
		    "main.worker" },
		  WAKER_TIMER },
		{ "the collector's worker",
		  { "runtime.ready", "runtime.gcMarkDone", "runtime.gcBgMarkWorker",
		    "runtime.goexit" },
		  WAKER_GC },
		{ "a collection that the program asked for",
		  { "runtime.ready", "runtime.gcStart", "runtime.GC", "main.main" },
		  WAKER_GOROUTINE },
		{ "a signal that is handed on",
		  { "runtime.ready", "runtime.selectnbsend", "os/signal.process",
		    "os/signal.loop" },
		  WAKER_SIGNAL },
		{ "the scheduler",
		  { "runtime.ready", "runtime.findRunnable", "runtime.mcall" },
		  WAKER_SCHEDULER },
		{ "no frame", { NULL }, WAKER_UNKNOWN },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct frame v[FRAMES_AT_MOST];
		size_t nr = 0;

		while (nr < FRAMES_AT_MOST && t[i].stack[nr]) {
			v[nr] = (struct frame){ .name = t[i].stack[nr], .file = "" };
			nr++;
		}
		cr_expect_eq(waker_of_stack(v, nr), t[i].want, "%s", t[i].why);
	}
}

Test(waker, without_a_ready_what_was_waited_for_says_it)
{
	cr_expect_eq(waker_of_wait(GOWAIT_IO_WAIT), WAKER_NETPOLL);
	cr_expect_eq(waker_of_wait(GOWAIT_WAIT_FOR_GC_CYCLE), WAKER_GC);
	cr_expect_eq(waker_of_wait(GOWAIT_GC_ASSIST_WAIT), WAKER_GC);
	cr_expect_eq(waker_of_wait(GOWAIT_CHAN_RECEIVE), WAKER_UNKNOWN);
}

Test(waker, each_kind_has_a_name_that_is_promised)
{
	static const char *const promised[] = { "goroutine", "netpoll", "timer",
						"gc",        "signal",  "unknown" };

	for (int k = 0; k < WAKER_KINDS; k++) {
		const char *name = waker_kind_name((enum waker_kind)k);
		size_t i = 0;

		while (i < ARRAY_SIZE(promised) && strcmp(name, promised[i]))
			i++;
		cr_expect_lt(i, ARRAY_SIZE(promised), "%s", name);
		cr_expect(waker_kind_word((enum waker_kind)k) || k == WAKER_GOROUTINE);
	}
}
