/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <string.h>

#include "base/cleanup.h"
#include "golang/gofacts.h"
#include "golang/gowait.h"

/* The columns of `numbers`, and the first release of each. */
static const int first[] = { 15, 20, 22, 23, 24, 25, 26, GO_MINOR_MAX + 1 };
#define COLUMNS (ARRAY_SIZE(first) - 1)

/* What `waitReasonStrings` of programs compiled by each release has; -1: no such reason. */
static const struct {
	const char *word;
	int number[COLUMNS];
} numbers[] = {
	/*				    1.15 1.20 1.22 1.23 1.24 1.25 1.26 */
	{ "", { 0, 0, 0, 0, 0, 0, 0 } },
	{ "GC assist marking", { 1, 1, 1, 1, 1, 1, 1 } },
	{ "IO wait", { 2, 2, 2, 2, 2, 2, 2 } },
	{ "dumping heap", { 5, 5, 5, 5, 5, 5, 3 } },
	{ "garbage collection", { 6, 6, 6, 6, 6, 6, 4 } },
	{ "garbage collection scan", { 7, 7, 7, 7, 7, 7, 5 } },
	{ "panicwait", { 8, 8, 8, 8, 8, 8, 6 } },
	{ "GC assist wait", { 11, 11, 11, 11, 11, 11, 7 } },
	{ "GC sweep wait", { 12, 12, 12, 12, 12, 12, 8 } },
	{ "GC scavenge wait", { 13, 13, 13, 13, 13, 13, 9 } },
	{ "finalizer wait", { 16, 16, 16, 16, 16, 16, 10 } },
	{ "force gc (idle)", { 17, 17, 17, 17, 17, 17, 11 } },
	{ "GOMAXPROCS updater (idle)", { -1, -1, -1, -1, -1, 18, 12 } },
	{ "semacquire", { 18, 18, 18, 18, 18, 19, 13 } },
	{ "sleep", { 19, 19, 19, 19, 19, 20, 14 } },
	{ "chan receive (nil chan)", { 3, 3, 3, 3, 3, 3, 15 } },
	{ "chan send (nil chan)", { 4, 4, 4, 4, 4, 4, 16 } },
	{ "select (no cases)", { 10, 10, 10, 10, 10, 10, 17 } },
	{ "select", { 9, 9, 9, 9, 9, 9, 18 } },
	{ "chan receive", { 14, 14, 14, 14, 14, 14, 19 } },
	{ "chan send", { 15, 15, 15, 15, 15, 15, 20 } },
	{ "sync.Cond.Wait", { 20, 20, 20, 20, 20, 21, 21 } },
	{ "sync.Mutex.Lock", { -1, 21, 21, 21, 21, 22, 22 } },
	{ "sync.RWMutex.RLock", { -1, 22, 22, 22, 22, 23, 23 } },
	{ "sync.RWMutex.Lock", { -1, 23, 23, 23, 23, 24, 24 } },
	{ "sync.WaitGroup.Wait", { -1, -1, -1, -1, 24, 25, 25 } },
	{ "trace reader (blocked)", { 22, 24, 24, 24, 25, 26, 26 } },
	{ "wait for GC cycle", { 23, 25, 25, 25, 26, 27, 27 } },
	{ "GC worker (idle)", { 24, 26, 26, 26, 27, 28, 28 } },
	{ "GC worker (active)", { -1, 27, 27, 27, 28, 29, 29 } },
	{ "preempted", { 25, 28, 28, 28, 29, 30, 30 } },
	{ "debug call", { 26, 29, 29, 29, 30, 31, 31 } },
	{ "GC mark termination", { -1, 30, 30, 30, 31, 32, 32 } },
	{ "stopping the world", { -1, 31, 31, 31, 32, 33, 33 } },
	{ "flushing proc caches", { -1, -1, 32, 32, 33, 34, 34 } },
	{ "trace goroutine status", { -1, -1, 33, 33, 34, 35, 35 } },
	{ "trace proc status", { -1, -1, 34, 34, 35, 36, 36 } },
	{ "page trace flush", { -1, -1, 35, 35, 36, 37, 37 } },
	{ "coroutine", { -1, -1, 36, 36, 37, 38, 38 } },
	{ "GC weak to strong wait", { -1, -1, -1, 37, 38, 39, 39 } },
	{ "synctest.Run", { -1, -1, -1, -1, 39, 40, 40 } },
	{ "synctest.Wait", { -1, -1, -1, -1, 40, 41, 41 } },
	{ "chan receive (durable)", { -1, -1, -1, -1, 41, 42, 42 } },
	{ "chan send (durable)", { -1, -1, -1, -1, 42, 43, 43 } },
	{ "select (durable)", { -1, -1, -1, -1, 43, 44, 44 } },
	{ "sync.WaitGroup.Wait (durable)", { -1, -1, -1, -1, -1, 45, 45 } },
	{ "cleanup wait", { -1, -1, -1, -1, -1, 46, 46 } },
	{ "timer goroutine (idle)", { 21, -1, -1, -1, -1, -1, -1 } },
};

Test(gowait, every_number_of_every_version_is_the_reason_with_its_word)
{
	for (size_t c = 0; c < COLUMNS; c++)
		for (int minor = first[c]; minor < first[c + 1]; minor++) {
			uint32_t nr = 0;

			for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
				int number = numbers[i].number[c];

				if (number < 0)
					continue;
				nr++;
				cr_expect_str_eq(gowait_word(gowait_of(minor, (uint32_t)number)),
						 numbers[i].word, "Go 1.%d reason %d", minor,
						 number);
			}
			cr_expect_eq(gowait_of(minor, nr), GOWAIT_UNKNOWN, "Go 1.%d has %u reasons",
				     minor, nr);
			cr_expect_eq(gowait_of(minor, UINT32_MAX), GOWAIT_UNKNOWN);
		}
}

Test(gowait, there_is_a_row_for_each_reason_and_no_other)
{
	cr_expect_eq(ARRAY_SIZE(numbers), GOWAIT_UNKNOWN);
	for (int w = 0; w < GOWAIT_UNKNOWN; w++)
		for (int other = 0; other < w; other++)
			cr_expect_str_neq(gowait_word((enum gowait)w),
					  gowait_word((enum gowait)other));
	cr_expect_null(gowait_word(GOWAIT_UNKNOWN));
}

Test(gowait, a_reason_says_what_kind_of_wait_it_is_and_what_can_end_it)
{
	static const struct {
		enum gowait wait;
		enum gowait_class class;
		enum gowait_on on;
	} t[] = {
		{ GOWAIT_NONE, GOWAIT_CLASS_UNKNOWN, GOWAIT_ON_UNKNOWN },
		{ GOWAIT_UNKNOWN, GOWAIT_CLASS_UNKNOWN, GOWAIT_ON_UNKNOWN },
		{ GOWAIT_CHAN_RECEIVE, GOWAIT_CLASS_RECEIVE, GOWAIT_ON_OBJECT },
		{ GOWAIT_CHAN_RECEIVE_NIL_CHAN, GOWAIT_CLASS_RECEIVE, GOWAIT_ON_NOTHING },
		{ GOWAIT_SYNCTEST_CHAN_RECEIVE, GOWAIT_CLASS_RECEIVE, GOWAIT_ON_BUBBLE },
		{ GOWAIT_CHAN_SEND, GOWAIT_CLASS_SEND, GOWAIT_ON_OBJECT },
		{ GOWAIT_CHAN_SEND_NIL_CHAN, GOWAIT_CLASS_SEND, GOWAIT_ON_NOTHING },
		{ GOWAIT_SYNCTEST_CHAN_SEND, GOWAIT_CLASS_SEND, GOWAIT_ON_BUBBLE },
		{ GOWAIT_SELECT, GOWAIT_CLASS_SELECT, GOWAIT_ON_CASES },
		{ GOWAIT_SELECT_NO_CASES, GOWAIT_CLASS_SELECT, GOWAIT_ON_NOTHING },
		{ GOWAIT_SYNCTEST_SELECT, GOWAIT_CLASS_SELECT, GOWAIT_ON_BUBBLE },
		{ GOWAIT_SYNC_MUTEX_LOCK, GOWAIT_CLASS_LOCK, GOWAIT_ON_OBJECT },
		{ GOWAIT_SYNC_RWMUTEX_RLOCK, GOWAIT_CLASS_LOCK, GOWAIT_ON_OBJECT },
		{ GOWAIT_SYNC_RWMUTEX_LOCK, GOWAIT_CLASS_LOCK, GOWAIT_ON_OBJECT },
		{ GOWAIT_SYNC_WAITGROUP_WAIT, GOWAIT_CLASS_WAITGROUP, GOWAIT_ON_OBJECT },
		{ GOWAIT_SYNCTEST_WAITGROUP_WAIT, GOWAIT_CLASS_WAITGROUP, GOWAIT_ON_BUBBLE },
		{ GOWAIT_SYNC_COND_WAIT, GOWAIT_CLASS_COND, GOWAIT_ON_OBJECT },
		{ GOWAIT_SEMACQUIRE, GOWAIT_CLASS_SEMAPHORE, GOWAIT_ON_OBJECT },
		{ GOWAIT_COROUTINE, GOWAIT_CLASS_COROUTINE, GOWAIT_ON_OBJECT },
		{ GOWAIT_IO_WAIT, GOWAIT_CLASS_IO, GOWAIT_ON_OUTSIDE },
		{ GOWAIT_SLEEP, GOWAIT_CLASS_SLEEP, GOWAIT_ON_OUTSIDE },
		{ GOWAIT_PREEMPTED, GOWAIT_CLASS_PREEMPTED, GOWAIT_ON_OUTSIDE },
		{ GOWAIT_SYNCTEST_RUN, GOWAIT_CLASS_SYNCTEST, GOWAIT_ON_BUBBLE },
		{ GOWAIT_SYNCTEST_WAIT, GOWAIT_CLASS_SYNCTEST, GOWAIT_ON_BUBBLE },
	};
	bool listed[GOWAIT_MAX] = { false };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		listed[t[i].wait] = true;
		cr_expect_eq(gowait_class(t[i].wait), t[i].class, "%s", gowait_word(t[i].wait));
		cr_expect_eq(gowait_on(t[i].wait), t[i].on, "%s", gowait_word(t[i].wait));
	}
	for (int w = 0; w < GOWAIT_UNKNOWN; w++)
		if (!listed[w]) {
			cr_expect_eq(gowait_class((enum gowait)w), GOWAIT_CLASS_RUNTIME, "%s",
				     gowait_word((enum gowait)w));
			cr_expect_eq(gowait_on((enum gowait)w), GOWAIT_ON_OUTSIDE, "%s",
				     gowait_word((enum gowait)w));
		}
}

/* Go 1.27 runtime/runtime2.go isWaitingForSuspendG. */
Test(gowait, some_waits_are_none)
{
	static const enum gowait running[] = {
		GOWAIT_STOPPING_THE_WORLD,     GOWAIT_GC_MARK_TERMINATION,
		GOWAIT_GARBAGE_COLLECTION,     GOWAIT_GARBAGE_COLLECTION_SCAN,
		GOWAIT_TRACE_GOROUTINE_STATUS, GOWAIT_TRACE_PROC_STATUS,
		GOWAIT_PAGE_TRACE_FLUSH,       GOWAIT_GC_ASSIST_MARKING,
		GOWAIT_GC_WORKER_ACTIVE,       GOWAIT_FLUSH_PROC_CACHES,
	};
	size_t nr = 0;

	for (size_t i = 0; i < ARRAY_SIZE(running); i++)
		cr_expect(gowait_is_running(running[i]), "%s", gowait_word(running[i]));
	for (int w = 0; w < GOWAIT_MAX; w++)
		nr += gowait_is_running((enum gowait)w);
	cr_expect_eq(nr, ARRAY_SIZE(running));
	cr_expect(gowait_is_running(gowait_of(26, 4)), "garbage collection");
	cr_expect_not(gowait_is_running(gowait_of(25, 4)), "chan send (nil chan)");
}

Test(gowait, a_stack_says_what_a_semaphore_is_for)
{
	static const struct {
		const char *why, *funcs[4];
		enum gowait want;
	} t[] = {
		{ "mutex",
		  { "runtime.semacquire1", "sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock",
		    "main.f" },
		  GOWAIT_SYNC_MUTEX_LOCK },
		{ "writer behind a writer",
		  { "sync.(*Mutex).lockSlow", "sync.(*RWMutex).Lock", "main.f", "" },
		  GOWAIT_SYNC_MUTEX_LOCK },
		{ "writer",
		  { "sync.runtime_SemacquireMutex", "sync.(*RWMutex).Lock", "", "" },
		  GOWAIT_SYNC_RWMUTEX_LOCK },
		{ "reader",
		  { "sync.(*RWMutex).RLock", "main.f", "", "" },
		  GOWAIT_SYNC_RWMUTEX_RLOCK },
		{ "wait group",
		  { "sync.runtime_Semacquire", "sync.(*WaitGroup).Wait", "", "" },
		  GOWAIT_SYNC_WAITGROUP_WAIT },
		{ "the runtime's own",
		  { "runtime.semacquire1", "internal/poll.(*fdMutex).rwlock", "", "" },
		  GOWAIT_SEMACQUIRE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(gowait_refine(GOWAIT_SEMACQUIRE, t[i].funcs, 4), t[i].want, "%s",
			     t[i].why);
	cr_expect_eq(gowait_refine(GOWAIT_SELECT, t[0].funcs, 4), GOWAIT_SELECT);
	cr_expect_eq(gowait_refine(GOWAIT_UNKNOWN, t[0].funcs, 4), GOWAIT_UNKNOWN);
}
