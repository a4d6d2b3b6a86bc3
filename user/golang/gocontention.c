// SPDX-License-Identifier: BSD-2-Clause
#include "golang/gocontention.h"

#include <string.h>

#include "base/cleanup.h"

bool gocontention_waits(enum gowait wait)
{
	switch (gowait_class(wait)) {
	case GOWAIT_CLASS_RECEIVE:
	case GOWAIT_CLASS_SEND:
	case GOWAIT_CLASS_SELECT:
	case GOWAIT_CLASS_LOCK:
	case GOWAIT_CLASS_WAITGROUP:
	case GOWAIT_CLASS_COND:
	case GOWAIT_CLASS_SEMAPHORE: return gowait_on(wait) != GOWAIT_ON_NOTHING;
	default: return false;
	}
}

static bool begins(const char *func, const char *const *with, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (!strncmp(func, with[i], strlen(with[i])))
			return true;
	return false;
}

bool gocontention_leads(const char *func)
{
	static const char *const beginnings[] = {
		"runtime.gopark",
		"runtime.semacquire",
		"runtime.(*semaRoot).",
		"runtime.semrelease",
		"sync.runtime_",
		"internal/sync.",
		"internal/poll.runtime_Sem",
	};
	static const char *const whole[] = { "runtime.chanrecv", "runtime.chansend",
					     "sync.(*Mutex).lockSlow", "sync.(*Mutex).unlockSlow",
					     "sync.(*RWMutex).rUnlockSlow" };

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++)
		if (!strcmp(func, whole[i]))
			return true;
	return begins(func, beginnings, ARRAY_SIZE(beginnings));
}

bool gocontention_has(enum gocontention profile, const char *const *funcs, size_t nr)
{
	static const char *const locks[] = { "sync.(*Mutex).", "sync.(*RWMutex)." };
	size_t i = 0;

	for (; i < nr && gocontention_leads(funcs[i]); i++)
		if (!strcmp(funcs[i], "runtime.semacquire"))
			return false;
	return profile == GOCONTENTION_BLOCK ||
	       (i < nr && begins(funcs[i], locks, ARRAY_SIZE(locks)));
}
