/* SPDX-License-Identifier: BSD-2-Clause */
#include "locks/lockfn.h"

#include <criterion/criterion.h>

#include "base/cleanup.h"

Test(lockfn, knows_what_takes_and_gives_back)
{
	static const struct {
		const char *why, *name;
		uint8_t role, act, kind;
	} t[] = {
		{ "as it is called", "sync.(*Mutex).Lock", LOCKFN_LOCK, LOCK_TAKE, LOCK_MUTEX },
		{ "the slow path", "sync.(*Mutex).lockSlow", LOCKFN_LOCK, LOCK_TAKE, LOCK_MUTEX },
		{ "Go 1.24", "internal/sync.(*Mutex).unlockSlow", LOCKFN_LOCK, LOCK_GIVE,
		  LOCK_MUTEX },
		{ "may fail", "sync.(*RWMutex).TryLock", LOCKFN_LOCK, LOCK_TRY, LOCK_WRITE },
		{ "for reading", "sync.(*RWMutex).RUnlock", LOCKFN_LOCK, LOCK_GIVE, LOCK_READ },
		{ "RLocker()", "sync.(*rlocker).Lock", LOCKFN_LOCK, LOCK_TAKE, LOCK_READ },
		{ "it is owed", "sync.(*WaitGroup).Done", LOCKFN_LOCK, LOCK_GIVE, LOCK_GROUP },
		{ "by its second argument", "sync.(*WaitGroup).Add", LOCKFN_LOCK, LOCK_ADD,
		  LOCK_GROUP },
		{ "runs what it is given", "sync.(*WaitGroup).Go.func1", LOCKFN_PLAIN, LOCK_NONE,
		  0 },
		{ "another method", "sync.(*RWMutex).RLocker", LOCKFN_PLAIN, LOCK_NONE, 0 },
		{ "another package", "main/sync.(*Mutex).Lock", LOCKFN_PLAIN, LOCK_NONE, 0 },
		{ "a longer name", "sync.(*Mutex).Locked", LOCKFN_PLAIN, LOCK_NONE, 0 },
		{ "uses locks, is none", "sync.(*Cond).Wait", LOCKFN_PLAIN, LOCK_NONE, 0 },
		{ "the runtime's half of it", "sync.runtime_Semrelease", LOCKFN_RUNTIME, LOCK_NONE,
		  0 },
		{ "", "", LOCKFN_PLAIN, LOCK_NONE, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct lockfn f = lockfn_of(t[i].name);

		cr_expect_eq(f.role, t[i].role, "%s: %s", t[i].name, t[i].why);
		cr_expect_eq(f.act, t[i].act, "%s: %s", t[i].name, t[i].why);
		cr_expect_eq(f.kind, t[i].kind, "%s: %s", t[i].name, t[i].why);
	}
}

Test(lockfn, knows_what_does_not_return_as_other_functions_do)
{
	static const struct {
		const char *why, *name;
		uint8_t role;
	} t[] = {
		{ "all of its kind", "runtime.panicIndexU", LOCKFN_NO_RETURN },
		{ "select {}", "runtime.block", LOCKFN_NO_RETURN },
		{ "no block", "runtime.blockevent", LOCKFN_RUNTIME },
		{ "on its own stack", "runtime.deferprocStack", LOCKFN_DEFERPROC_STACK },
		{ "on the heap", "runtime.deferproc", LOCKFN_DEFERPROC },
		{ "runs them", "runtime.deferreturn", LOCKFN_DEFERRETURN },
		{ "called from anywhere", "runtime.gcWriteBarrier2", LOCKFN_BARRIER },
		{ "the end", "runtime.goexit", LOCKFN_END },
		{ "not the end", "runtime.goexit1", LOCKFN_RUNTIME },
		{ "writes by the way", "runtime.selectgo", LOCKFN_SELECT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		cr_expect_eq(lockfn_of(t[i].name).role, t[i].role, "%s: %s", t[i].name, t[i].why);
}

Test(lockfn, tells_of_inlined_functions_the_whole_act_once)
{
	static const struct {
		const char *why, *names[4];
		uint8_t act, kind;
	} t[] = {
		{ "inlined", { "sync.(*Mutex).Unlock", "main.f" }, LOCK_GIVE, LOCK_MUTEX },
		{ "through packages",
		  { "internal/sync.(*Mutex).Lock", "sync.(*Mutex).Lock", "main.f" },
		  LOCK_TAKE,
		  LOCK_MUTEX },
		{ "below it",
		  { "sync/atomic.(*Int32).Add", "sync.(*RWMutex).RLock", "main.f" },
		  LOCK_TAKE,
		  LOCK_READ },
		{ "a lock within the lock",
		  { "sync.(*Mutex).Unlock", "sync.(*RWMutex).Unlock", "main.f" },
		  LOCK_NONE,
		  LOCK_WRITE },
		{ "none", { "sync/atomic.AddInt32", "main.f" }, LOCK_NONE, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		size_t nr = 0;
		struct lockfn f;

		while (nr < 4 && t[i].names[nr])
			nr++;
		f = lockfn_of_inlined(t[i].names, nr);
		cr_expect_eq(f.act, t[i].act, "%s", t[i].why);
		cr_expect_eq(f.kind, t[i].kind, "%s", t[i].why);
	}
	cr_expect_eq(lockfn_of_inlined(NULL, 0).act, LOCK_NONE);
}
