/* SPDX-License-Identifier: BSD-2-Clause */
#include "golang/gowait.h"

#include <string.h>

#include "base/cleanup.h"
#include "golang/gofacts.h"

static const struct row {
	const char *word;
	uint8_t class, on;
	bool running;
} rows[GOWAIT_MAX] = {
#define PW_WAIT(name, word, class, on, runs)                                                       \
	[GOWAIT_##name] = { word, GOWAIT_CLASS_##class, GOWAIT_ON_##on, runs },
	PW_WAITS(PW_WAIT)
#undef PW_WAIT
};

/*
 * Numbers of a version, in its order. From Go 1.26 on they are those of the enum. Sources:
 * runtime/runtime2.go of Go 1.15, 1.23 (1.20 to 1.22 have the first part of it), 1.24 and 1.25.
 */
#define FROM_0                                                                                     \
	GOWAIT_NONE, GOWAIT_GC_ASSIST_MARKING, GOWAIT_IO_WAIT, GOWAIT_CHAN_RECEIVE_NIL_CHAN,       \
		GOWAIT_CHAN_SEND_NIL_CHAN, GOWAIT_DUMPING_HEAP, GOWAIT_GARBAGE_COLLECTION,         \
		GOWAIT_GARBAGE_COLLECTION_SCAN, GOWAIT_PANIC_WAIT, GOWAIT_SELECT,                  \
		GOWAIT_SELECT_NO_CASES, GOWAIT_GC_ASSIST_WAIT, GOWAIT_GC_SWEEP_WAIT,               \
		GOWAIT_GC_SCAVENGE_WAIT, GOWAIT_CHAN_RECEIVE, GOWAIT_CHAN_SEND,                    \
		GOWAIT_FINALIZER_WAIT, GOWAIT_FORCE_GC_IDLE
#define FROM_SEMACQUIRE GOWAIT_SEMACQUIRE, GOWAIT_SLEEP, GOWAIT_SYNC_COND_WAIT
#define FROM_MUTEX      GOWAIT_SYNC_MUTEX_LOCK, GOWAIT_SYNC_RWMUTEX_RLOCK, GOWAIT_SYNC_RWMUTEX_LOCK
#define FROM_TRACE_READER                                                                          \
	GOWAIT_TRACE_READER_BLOCKED, GOWAIT_WAIT_FOR_GC_CYCLE, GOWAIT_GC_WORKER_IDLE,              \
		GOWAIT_GC_WORKER_ACTIVE, GOWAIT_PREEMPTED, GOWAIT_DEBUG_CALL,                      \
		GOWAIT_GC_MARK_TERMINATION, GOWAIT_STOPPING_THE_WORLD, GOWAIT_FLUSH_PROC_CACHES,   \
		GOWAIT_TRACE_GOROUTINE_STATUS, GOWAIT_TRACE_PROC_STATUS, GOWAIT_PAGE_TRACE_FLUSH,  \
		GOWAIT_COROUTINE, GOWAIT_GC_WEAK_TO_STRONG_WAIT
#define FROM_SYNCTEST                                                                              \
	GOWAIT_SYNCTEST_RUN, GOWAIT_SYNCTEST_WAIT, GOWAIT_SYNCTEST_CHAN_RECEIVE,                   \
		GOWAIT_SYNCTEST_CHAN_SEND, GOWAIT_SYNCTEST_SELECT

static const uint8_t go15[] = {
	FROM_0,
	FROM_SEMACQUIRE,
	GOWAIT_TIMER_GOROUTINE_IDLE,
	GOWAIT_TRACE_READER_BLOCKED,
	GOWAIT_WAIT_FOR_GC_CYCLE,
	GOWAIT_GC_WORKER_IDLE,
	GOWAIT_PREEMPTED,
	GOWAIT_DEBUG_CALL,
};
static const uint8_t go20[] = { FROM_0, FROM_SEMACQUIRE, FROM_MUTEX, FROM_TRACE_READER };
static const uint8_t go24[] = {
	FROM_0,        FROM_SEMACQUIRE, FROM_MUTEX, GOWAIT_SYNC_WAITGROUP_WAIT, FROM_TRACE_READER,
	FROM_SYNCTEST,
};
static const uint8_t go25[] = {
	FROM_0,        GOWAIT_UPDATE_GOMAXPROCS_IDLE,  FROM_SEMACQUIRE,
	FROM_MUTEX,    GOWAIT_SYNC_WAITGROUP_WAIT,     FROM_TRACE_READER,
	FROM_SYNCTEST, GOWAIT_SYNCTEST_WAITGROUP_WAIT, GOWAIT_CLEANUP_WAIT,
};

enum gowait gowait_of(int go_minor, uint32_t number)
{
	const struct gofacts *go = gofacts_of(go_minor);

	if (number >= go->nr_waits)
		return GOWAIT_UNKNOWN;
	switch (go->waits) {
	case GO_WAITS_15: return go15[number];
	case GO_WAITS_20: return go20[number];
	case GO_WAITS_24: return go24[number];
	case GO_WAITS_25: return go25[number];
	case GO_WAITS_26: break;
	}
	return (enum gowait)number;
}

const char *gowait_word(enum gowait wait)
{
	return rows[wait].word;
}

enum gowait_class gowait_class(enum gowait wait)
{
	return rows[wait].class;
}

enum gowait_on gowait_on(enum gowait wait)
{
	return rows[wait].on;
}

bool gowait_is_running(enum gowait wait)
{
	return rows[wait].running;
}

enum gowait gowait_refine(enum gowait wait, const char *const *funcs, size_t nr)
{
	static const struct {
		const char *func;
		enum gowait wait;
	} callers[] = {
		{ "sync.(*Mutex).lockSlow", GOWAIT_SYNC_MUTEX_LOCK },
		{ "sync.(*Mutex).Lock", GOWAIT_SYNC_MUTEX_LOCK },
		{ "sync.(*RWMutex).RLock", GOWAIT_SYNC_RWMUTEX_RLOCK },
		{ "sync.(*RWMutex).Lock", GOWAIT_SYNC_RWMUTEX_LOCK },
		{ "sync.(*WaitGroup).Wait", GOWAIT_SYNC_WAITGROUP_WAIT },
	};

	if (wait != GOWAIT_SEMACQUIRE)
		return wait;
	/* The innermost one is it: an RWMutex locks a Mutex of its own first. */
	for (size_t i = 0; i < nr; i++)
		for (size_t k = 0; k < ARRAY_SIZE(callers); k++)
			if (strcmp(funcs[i], callers[k].func) == 0)
				return callers[k].wait;
	return wait;
}
