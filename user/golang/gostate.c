/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gostate.h"

#include <string.h>

#include "base/own.h"
#include "golang/gofacts.h"

/*
 * Go 1.27 runtime/runtime2.go waitReasonStrings, in its order; behind them what older versions
 * had beside.
 */
static const char *const words[] = {
	"",
	"GC assist marking",
	"IO wait",
	"dumping heap",
	"garbage collection",
	"garbage collection scan",
	"panicwait",
	"GC assist wait",
	"GC sweep wait",
	"GC scavenge wait",
	"finalizer wait",
	"force gc (idle)",
	"GOMAXPROCS updater (idle)",
	"semacquire",
	"sleep",
	"chan receive (nil chan)",
	"chan send (nil chan)",
	"select (no cases)",
	"select",
	"chan receive",
	"chan send",
	"sync.Cond.Wait",
	"sync.Mutex.Lock",
	"sync.RWMutex.RLock",
	"sync.RWMutex.Lock",
	"sync.WaitGroup.Wait",
	"trace reader (blocked)",
	"wait for GC cycle",
	"GC worker (idle)",
	"GC worker (active)",
	"preempted",
	"debug call",
	"GC mark termination",
	"stopping the world",
	"flushing proc caches",
	"trace goroutine status",
	"trace proc status",
	"page trace flush",
	"coroutine",
	"GC weak to strong wait",
	"synctest.Run",
	"synctest.Wait",
	"chan receive (durable)",
	"chan send (durable)",
	"select (durable)",
	"sync.WaitGroup.Wait (durable)",
	"cleanup wait",
	"timer goroutine (idle)",
};

/*
 * Number of a version to index of words. From Go 1.26 on they are the same. Sources:
 * runtime/runtime2.go of Go 1.15, 1.23 (1.20 to 1.22 have the first part of it), 1.24 and 1.25.
 */
static const uint8_t go15[] = {
	0,  1,  2,  15, 16, 3,  4,  5,  6,  18, 17, 7,  8,  9,
	19, 20, 10, 11, 13, 14, 21, 47, 26, 27, 28, 30, 31,
};
static const uint8_t go20[] = {
	0,  1,  2,  15, 16, 3,  4,  5,  6,  18, 17, 7,  8,  9,  19, 20, 10, 11, 13,
	14, 21, 22, 23, 24, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
};
static const uint8_t go24[] = {
	0,  1,  2,  15, 16, 3,  4,  5,  6,  18, 17, 7,  8,  9,  19, 20, 10, 11, 13, 14, 21, 22,
	23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44,
};
static const uint8_t go25[] = {
	0,  1,  2,  15, 16, 3,  4,  5,  6,  18, 17, 7,  8,  9,  19, 20,
	10, 11, 12, 13, 14, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
	32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46,
};

static const uint8_t *numbering(int go_minor, uint32_t *ret_nr)
{
	const struct gofacts *go = gofacts_of(go_minor);

	*ret_nr = go->nr_waits;
	switch (go->waits) {
	case GO_WAITS_15: return go15;
	case GO_WAITS_20: return go20;
	case GO_WAITS_24: return go24;
	case GO_WAITS_25: return go25;
	case GO_WAITS_26: break;
	}
	return NULL;
}

uint32_t gowait_max(int go_minor)
{
	uint32_t nr;

	numbering(go_minor, &nr);
	return nr - 1;
}

const char *gowait_name(int go_minor, uint32_t reason)
{
	uint32_t nr;
	const uint8_t *index = numbering(go_minor, &nr);

	if (reason >= nr)
		return NULL;
	return words[index ? index[reason] : reason];
}

/* Go 1.27 runtime/traceback.go gStatusStrings. */
const char *gostatus_name(int go_minor, uint32_t status)
{
	static const char *const names[] = {
		[GOSTATUS_IDLE] = "idle",
		[GOSTATUS_RUNNABLE] = "runnable",
		[GOSTATUS_RUNNING] = "running",
		[GOSTATUS_SYSCALL] = "syscall",
		[GOSTATUS_WAITING] = "waiting",
		[GOSTATUS_DEAD] = "dead",
		[GOSTATUS_COPYSTACK] = "copystack",
		[GOSTATUS_PREEMPTED] = "preempted",
		[GOSTATUS_LEAKED] = "leaked",
		[GOSTATUS_DEADEXTRA] = "waiting for cgo callback",
	};

	status &= ~(uint32_t)GOSTATUS_SCAN;
	if (status >= ARRAY_SIZE(names) || (status >= GOSTATUS_LEAKED && !gofacts_has(go_minor, GO_LEAKED)))
		return NULL;
	return names[status];
}

const char *gowait_refine(const char *reason, const char *const *funcs, size_t nr)
{
	static const struct {
		const char *func, *reason;
	} callers[] = {
		{ "sync.(*Mutex).lockSlow", "sync.Mutex.Lock" },
		{ "sync.(*Mutex).Lock", "sync.Mutex.Lock" },
		{ "sync.(*RWMutex).RLock", "sync.RWMutex.RLock" },
		{ "sync.(*RWMutex).Lock", "sync.RWMutex.Lock" },
		{ "sync.(*WaitGroup).Wait", "sync.WaitGroup.Wait" },
	};

	if (!reason || strcmp(reason, "semacquire") != 0)
		return reason;
	/* The innermost one is it: an RWMutex locks a Mutex of its own first. */
	for (size_t i = 0; i < nr; i++)
		for (size_t k = 0; k < ARRAY_SIZE(callers); k++)
			if (strcmp(funcs[i], callers[k].func) == 0)
				return callers[k].reason;
	return reason;
}

/* Go 1.27 runtime/runtime2.go isWaitingForSuspendG. */
bool gowait_is_running(int go_minor, uint32_t reason)
{
	static const char *const running[] = {
		"stopping the world",      "GC mark termination",    "garbage collection",
		"garbage collection scan", "trace goroutine status", "trace proc status",
		"page trace flush",        "GC assist marking",      "GC worker (active)",
		"flushing proc caches",
	};
	const char *name = gowait_name(go_minor, reason);

	for (size_t i = 0; name && i < ARRAY_SIZE(running); i++)
		if (strcmp(name, running[i]) == 0)
			return true;
	return false;
}
