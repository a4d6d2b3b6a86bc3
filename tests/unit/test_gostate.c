/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "golang/gostate.h"

Test(gostate, statuses_have_names_with_and_without_the_scan_bit)
{
	cr_expect_str_eq(gostatus_name(15, GOSTATUS_WAITING | GOSTATUS_SCAN), "waiting");
	cr_expect_str_eq(gostatus_name(27, GOSTATUS_LEAKED), "leaked");
	cr_expect_not(gostatus_name(25, GOSTATUS_LEAKED), "of Go 1.26");
	cr_expect_not(gostatus_name(27, 5));
	cr_expect_not(gostatus_name(27, 12));
}

Test(gostate, what_a_goroutine_does_is_its_wait_or_its_status)
{
	static const struct {
		const char *why;
		int minor;
		uint32_t status, reason;
		enum gostate state;
		enum gowait wait;
		const char *word;
	} t[] = {
		{ "a wait", 26, GOSTATUS_WAITING, 19, (enum gostate)GOWAIT_CHAN_RECEIVE,
		  GOWAIT_CHAN_RECEIVE, "chan receive" },
		{ "one that leaks", 26, GOSTATUS_LEAKED, 20, (enum gostate)GOWAIT_CHAN_SEND,
		  GOWAIT_CHAN_SEND, "chan send" },
		{ "one that was stopped", 15, GOSTATUS_PREEMPTED, 25,
		  (enum gostate)GOWAIT_PREEMPTED, GOWAIT_PREEMPTED, "preempted" },
		{ "about to wait", 27, GOSTATUS_WAITING, 0, (enum gostate)GOWAIT_NONE, GOWAIT_NONE,
		  "waiting" },
		{ "a reason of another Go", 27, GOSTATUS_WAITING, 47, (enum gostate)GOWAIT_UNKNOWN,
		  GOWAIT_UNKNOWN, "unknown wait reason" },
		{ "woken: its reason is old", 26, GOSTATUS_RUNNABLE, 19, GOSTATE_RUNNABLE,
		  GOWAIT_NONE, "runnable" },
		{ "running", 15, GOSTATUS_RUNNING, 0, GOSTATE_RUNNING, GOWAIT_NONE, "running" },
		{ "scanned as it runs", 15, GOSTATUS_RUNNING | GOSTATUS_SCAN, 0, GOSTATE_RUNNING,
		  GOWAIT_NONE, "running" },
		{ "in a system call", 27, GOSTATUS_SYSCALL, 2, GOSTATE_SYSCALL, GOWAIT_NONE,
		  "syscall" },
		{ "its stack moves", 27, GOSTATUS_COPYSTACK, 0, GOSTATE_COPYSTACK, GOWAIT_NONE,
		  "copystack" },
		{ "a status that there is not", 27, 5, 0, GOSTATE_UNKNOWN, GOWAIT_NONE, "unknown" },
		{ "a status of Go 1.26", 25, GOSTATUS_DEADEXTRA, 0, GOSTATE_UNKNOWN, GOWAIT_NONE,
		  "unknown" },
		{ "damage", 27, UINT32_MAX, UINT32_MAX, GOSTATE_UNKNOWN, GOWAIT_NONE, "unknown" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		enum gostate state = gostate_of(t[i].minor, t[i].status, t[i].reason);

		cr_expect_eq(state, t[i].state, "%s", t[i].why);
		cr_expect_eq(gostate_wait(state), t[i].wait, "%s", t[i].why);
		cr_expect_str_eq(gostate_word(state), t[i].word, "%s", t[i].why);
	}
}

Test(gostate, every_state_has_a_word)
{
	for (int s = 0; s < GOSTATE_MAX; s++)
		cr_expect(gostate_word((enum gostate)s)[0], "%d", s);
}
