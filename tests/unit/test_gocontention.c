/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "golang/gocontention.h"

Test(gocontention, the_block_profile_has_what_others_can_end)
{
	static const struct {
		enum gowait wait;
		bool is;
	} t[] = {
		{ GOWAIT_CHAN_RECEIVE, true },     { GOWAIT_CHAN_SEND, true },
		{ GOWAIT_SELECT, true },           { GOWAIT_SEMACQUIRE, true },
		{ GOWAIT_SYNC_MUTEX_LOCK, true },  { GOWAIT_SYNC_RWMUTEX_RLOCK, true },
		{ GOWAIT_SYNC_COND_WAIT, true },   { GOWAIT_SYNC_WAITGROUP_WAIT, true },
		{ GOWAIT_SYNCTEST_SELECT, true },  { GOWAIT_SLEEP, false },
		{ GOWAIT_IO_WAIT, false },         { GOWAIT_CHAN_RECEIVE_NIL_CHAN, false },
		{ GOWAIT_SELECT_NO_CASES, false }, { GOWAIT_COROUTINE, false },
		{ GOWAIT_GC_ASSIST_WAIT, false },  { GOWAIT_UNKNOWN, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(gocontention_waits(t[i].wait), t[i].is, "%d", t[i].wait);
}

Test(gocontention, stacks_of_the_runtime_s_own_semaphores_are_left_out)
{
	static const struct {
		const char *why;
		const char *funcs[8];
		bool block, mutex;
	} t[] = {
		{ "a mutex, Go 1.15",
		  { "runtime.gopark", "runtime.goparkunlock", "runtime.semacquire1",
		    "sync.runtime_SemacquireMutex", "sync.(*Mutex).lockSlow", "sync.(*Mutex).Lock",
		    "main.f" },
		  true,
		  true },
		{ "the runtime's own",
		  { "runtime.gopark", "runtime.goparkunlock", "runtime.semacquire1",
		    "runtime.semacquire", "runtime.gcStart" },
		  false,
		  false },
		{ "a channel",
		  { "runtime.gopark", "runtime.chanrecv", "runtime.chanrecv1", "main.f" },
		  true,
		  false },
		{ "an unlock, Go 1.27",
		  { "runtime.(*semaRoot).dequeue", "runtime.semrelease1",
		    "internal/sync.runtime_Semrelease", "internal/sync.(*Mutex).unlockSlow",
		    "internal/sync.(*Mutex).Unlock", "sync.(*Mutex).Unlock", "main.f" },
		  true,
		  true },
		{ "a reader's",
		  { "runtime.(*semaRoot).dequeue", "runtime.semrelease1", "sync.runtime_Semrelease",
		    "sync.(*RWMutex).rUnlockSlow", "sync.(*RWMutex).RUnlock" },
		  true,
		  true },
		{ "the last of a group",
		  { "runtime.(*semaRoot).dequeue", "runtime.semrelease1", "sync.runtime_Semrelease",
		    "sync.(*WaitGroup).Add" },
		  true,
		  false },
		{ "a descriptor's lock",
		  { "runtime.(*semaRoot).dequeue", "runtime.semrelease1",
		    "internal/poll.runtime_Semrelease", "internal/poll.(*fdMutex).rwunlock" },
		  true,
		  false },
		{ "nothing is known", { NULL }, true, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		size_t nr = 0;

		while (nr < ARRAY_SIZE(t[i].funcs) && t[i].funcs[nr])
			nr++;
		cr_expect_eq(gocontention_has(GOCONTENTION_BLOCK, t[i].funcs, nr), t[i].block, "%s",
			     t[i].why);
		cr_expect_eq(gocontention_has(GOCONTENTION_MUTEX, t[i].funcs, nr), t[i].mutex, "%s",
			     t[i].why);
	}
}
