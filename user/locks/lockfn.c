/* SPDX-License-Identifier: BSD-2-Clause */
#include "locks/lockfn.h"

#include <string.h>

#include "base/cleanup.h"

static const struct {
	const char *method;
	struct lockfn fn;
} methods[] = {
	{ "(*Mutex).Lock", { LOCKFN_LOCK, LOCK_TAKE, LOCK_MUTEX } },
	{ "(*Mutex).lockSlow", { LOCKFN_LOCK, LOCK_TAKE, LOCK_MUTEX } },
	{ "(*Mutex).TryLock", { LOCKFN_LOCK, LOCK_TRY, LOCK_MUTEX } },
	{ "(*Mutex).Unlock", { LOCKFN_LOCK, LOCK_GIVE, LOCK_MUTEX } },
	{ "(*Mutex).unlockSlow", { LOCKFN_LOCK, LOCK_GIVE, LOCK_MUTEX } },
	{ "(*RWMutex).Lock", { LOCKFN_LOCK, LOCK_TAKE, LOCK_WRITE } },
	{ "(*RWMutex).TryLock", { LOCKFN_LOCK, LOCK_TRY, LOCK_WRITE } },
	{ "(*RWMutex).Unlock", { LOCKFN_LOCK, LOCK_GIVE, LOCK_WRITE } },
	{ "(*RWMutex).RLock", { LOCKFN_LOCK, LOCK_TAKE, LOCK_READ } },
	{ "(*RWMutex).TryRLock", { LOCKFN_LOCK, LOCK_TRY, LOCK_READ } },
	{ "(*RWMutex).RUnlock", { LOCKFN_LOCK, LOCK_GIVE, LOCK_READ } },
	{ "(*RWMutex).rUnlockSlow", { LOCKFN_LOCK, LOCK_GIVE, LOCK_READ } },
	{ "(*rlocker).Lock", { LOCKFN_LOCK, LOCK_TAKE, LOCK_READ } },
	{ "(*rlocker).Unlock", { LOCKFN_LOCK, LOCK_GIVE, LOCK_READ } },
	{ "(*WaitGroup).Add", { LOCKFN_LOCK, LOCK_ADD, LOCK_GROUP } },
	{ "(*WaitGroup).Done", { LOCKFN_LOCK, LOCK_GIVE, LOCK_GROUP } },
};

/* By the beginnings of names, the first that fits; "$" is the end of a name. */
static const struct {
	const char *name;
	uint8_t role;
} runtimes[] = {
	{ "runtime.deferprocStack$", LOCKFN_DEFERPROC_STACK },
	{ "runtime.deferproc$", LOCKFN_DEFERPROC },
	{ "runtime.deferreturn", LOCKFN_DEFERRETURN },
	{ "runtime.cansemacquire$", LOCKFN_SEMA },
	{ "runtime.selectgo$", LOCKFN_SELECT },
	{ "runtime.reflectcall", LOCKFN_SELECT },
	{ "runtime.mapiterinit$", LOCKFN_MAP_BEGIN },
	{ "runtime.mapiternext$", LOCKFN_MAP_NEXT },
	{ "runtime.mapIterStart$", LOCKFN_MAP_BEGIN },
	{ "runtime.mapIterNext$", LOCKFN_MAP_NEXT },
	{ "runtime.gcWriteBarrier", LOCKFN_BARRIER },
	{ "runtime.duffzero", LOCKFN_KEEPS_REGS },
	{ "runtime.duffcopy", LOCKFN_KEEPS_REGS },
	{ "runtime.goexit$", LOCKFN_END },
	{ "runtime.morestack", LOCKFN_NO_RETURN },
	{ "runtime.panic", LOCKFN_NO_RETURN },
	{ "runtime.gopanic", LOCKFN_NO_RETURN },
	{ "runtime.goPanic", LOCKFN_NO_RETURN },
	{ "runtime.throw", LOCKFN_NO_RETURN },
	{ "runtime.fatal", LOCKFN_NO_RETURN },
	{ "runtime.Goexit", LOCKFN_NO_RETURN },
	{ "runtime.block$", LOCKFN_NO_RETURN },
	{ "sync.throw", LOCKFN_NO_RETURN },
	{ "sync.fatal", LOCKFN_NO_RETURN },
	{ "internal/sync.throw", LOCKFN_NO_RETURN },
	{ "internal/sync.fatal", LOCKFN_NO_RETURN },
	{ "os.Exit$", LOCKFN_NO_RETURN },
	{ "runtime.", LOCKFN_RUNTIME },
	{ "internal/runtime/", LOCKFN_RUNTIME },
	{ "sync.runtime_", LOCKFN_RUNTIME },
	{ "internal/sync.runtime_", LOCKFN_RUNTIME },
	{ "sync/atomic.", LOCKFN_RUNTIME },
};

static bool begins_with(const char *name, const char *with)
{
	size_t len = strlen(with);

	return with[len - 1] == '$' ? strlen(name) == len - 1 && !strncmp(name, with, len - 1)
				    : !strncmp(name, with, len);
}

struct lockfn lockfn_of(const char *name)
{
	const char *method = NULL;

	if (!strncmp(name, "sync.(", 6))
		method = name + 5;
	else if (!strncmp(name, "internal/sync.(", 15))
		method = name + 14;
	for (size_t i = 0; method && i < ARRAY_SIZE(methods); i++)
		if (!strcmp(method, methods[i].method))
			return methods[i].fn;
	for (size_t i = 0; i < ARRAY_SIZE(runtimes); i++)
		if (begins_with(name, runtimes[i].name))
			return (struct lockfn){ runtimes[i].role, LOCK_NONE, LOCK_MUTEX };
	return (struct lockfn){ LOCKFN_PLAIN, LOCK_NONE, LOCK_MUTEX };
}

struct lockfn lockfn_of_inlined(const char *const *names, size_t nr)
{
	struct lockfn inner = { LOCKFN_PLAIN, LOCK_NONE, LOCK_MUTEX }, outer = inner;

	for (size_t i = 0; i < nr; i++) {
		struct lockfn f = lockfn_of(names[i]);

		if (f.role != LOCKFN_LOCK || f.kind == LOCK_GROUP)
			continue;
		if (inner.role != LOCKFN_LOCK)
			inner = f;
		outer = f;
	}
	if (inner.kind == LOCK_MUTEX && outer.kind != LOCK_MUTEX)
		outer.act = LOCK_NONE;
	return outer;
}
