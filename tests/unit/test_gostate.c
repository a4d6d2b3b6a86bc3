/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/own.h"
#include "golang/gostate.h"

Test(gostate, numbers_of_wait_reasons_follow_the_version)
{
	static const struct {
		int minor;
		uint32_t reason;
		const char *want;
	} t[] = {
		{ 15, 14, "chan receive" },
		{ 25, 14, "chan receive" },
		{ 26, 19, "chan receive" },
		{ 15, 18, "semacquire" },
		{ 24, 18, "semacquire" },
		{ 25, 19, "semacquire" },
		{ 26, 13, "semacquire" },
		{ 15, 21, "timer goroutine (idle)" },
		{ 20, 21, "sync.Mutex.Lock" },
		{ 25, 22, "sync.Mutex.Lock" },
		{ 23, 24, "trace reader (blocked)" },
		{ 24, 24, "sync.WaitGroup.Wait" },
		{ 24, 41, "chan receive (durable)" },
		{ 27, 46, "cleanup wait" },
		{ 27, 47, NULL },
		{ 15, 27, NULL },
		{ 21, 32, NULL },
		{ 22, 36, "coroutine" },
		{ 22, 37, NULL },
		{ 23, 37, "GC weak to strong wait" },
		{ 27, 0, "" },
		{ 27, UINT32_MAX, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		const char *name = gowait_name(t[i].minor, t[i].reason);

		cr_expect_eq(!name, !t[i].want, "Go 1.%d reason %u", t[i].minor, t[i].reason);
		if (name && t[i].want)
			cr_expect_str_eq(name, t[i].want, "Go 1.%d reason %u", t[i].minor,
					 t[i].reason);
	}
}

Test(gostate, the_highest_number_has_a_name_and_the_next_has_none)
{
	for (int minor = 15; minor <= 28; minor++) {
		cr_expect(gowait_name(minor, gowait_max(minor)), "Go 1.%d", minor);
		cr_expect_not(gowait_name(minor, gowait_max(minor) + 1), "Go 1.%d", minor);
	}
}

Test(gostate, a_stack_says_what_a_semaphore_is_for)
{
	static const struct {
		const char *why, *funcs[4], *want;
	} t[] = {
		{ "mutex",
		  { "runtime.semacquire1", "sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock",
		    "main.f" },
		  "sync.Mutex.Lock" },
		{ "writer behind a writer",
		  { "sync.(*Mutex).lockSlow", "sync.(*RWMutex).Lock", "main.f", "" },
		  "sync.Mutex.Lock" },
		{ "writer",
		  { "sync.runtime_SemacquireMutex", "sync.(*RWMutex).Lock", "", "" },
		  "sync.RWMutex.Lock" },
		{ "reader", { "sync.(*RWMutex).RLock", "main.f", "", "" }, "sync.RWMutex.RLock" },
		{ "wait group",
		  { "sync.runtime_Semacquire", "sync.(*WaitGroup).Wait", "", "" },
		  "sync.WaitGroup.Wait" },
		{ "the runtime's own",
		  { "runtime.semacquire1", "internal/poll.(*fdMutex).rwlock", "", "" },
		  "semacquire" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_str_eq(gowait_refine("semacquire", t[i].funcs, 4), t[i].want, "%s",
				 t[i].why);
	cr_expect_str_eq(gowait_refine("select", t[0].funcs, 4), "select");
}

Test(gostate, statuses_have_names_with_and_without_the_scan_bit)
{
	cr_expect_str_eq(gostatus_name(15, GOSTATUS_WAITING | GOSTATUS_SCAN), "waiting");
	cr_expect_str_eq(gostatus_name(27, GOSTATUS_LEAKED), "leaked");
	cr_expect_not(gostatus_name(25, GOSTATUS_LEAKED), "of Go 1.26");
	cr_expect_not(gostatus_name(27, 5));
	cr_expect_not(gostatus_name(27, 12));
}

Test(gostate, some_waits_are_none)
{
	cr_expect(gowait_is_running(26, 4), "garbage collection");
	cr_expect(gowait_is_running(25, 6), "garbage collection");
	cr_expect_not(gowait_is_running(25, 4), "chan send (nil chan)");
	cr_expect_not(gowait_is_running(27, 1000));
}
