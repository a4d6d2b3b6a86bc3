/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waits: the reasons that a goroutine waits for, one row each.
 *
 * A row has the name that Go's source has for it (waitReason...), its word in the newest Go, the
 * kind of wait, what can end it, and whether the goroutine in truth executes on a system stack. The
 * order is that of Go 1.26 and later; what only older ones have comes last. Numbers of a version
 * become rows in golang/gowait, which has the questions too: nobody else compares words
 * (tools/check-rooms holds that). Source: Go runtime/runtime2.go, waitReasonStrings and
 * isWaitingForSuspendG, 1.15 to 1.27.
 *
 * A new reason is a row here, and its number in golang/gowait.
 */
#ifndef PARKWATCH_WAITS_H
#define PARKWATCH_WAITS_H

/* clang-format off */
/*		name			word				class		ended by	runs */
#define PW_WAITS(PW_WAIT) \
	PW_WAIT(NONE,			"",				UNKNOWN,	UNKNOWN,	0) \
	PW_WAIT(GC_ASSIST_MARKING,	"GC assist marking",		RUNTIME,	OUTSIDE,	1) \
	PW_WAIT(IO_WAIT,		"IO wait",			IO,		OUTSIDE,	0) \
	PW_WAIT(DUMPING_HEAP,		"dumping heap",			RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(GARBAGE_COLLECTION,	"garbage collection",		RUNTIME,	OUTSIDE,	1) \
	PW_WAIT(GARBAGE_COLLECTION_SCAN, "garbage collection scan",	RUNTIME,	OUTSIDE,	1) \
	PW_WAIT(PANIC_WAIT,		"panicwait",			RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(GC_ASSIST_WAIT,		"GC assist wait",		RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(GC_SWEEP_WAIT,		"GC sweep wait",		RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(GC_SCAVENGE_WAIT,	"GC scavenge wait",		RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(FINALIZER_WAIT,		"finalizer wait",		RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(FORCE_GC_IDLE,		"force gc (idle)",		RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(UPDATE_GOMAXPROCS_IDLE,	"GOMAXPROCS updater (idle)",	RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(SEMACQUIRE,		"semacquire",			SEMAPHORE,	OBJECT,		0) \
	PW_WAIT(SLEEP,			"sleep",			SLEEP,		OUTSIDE,	0) \
	PW_WAIT(CHAN_RECEIVE_NIL_CHAN,	"chan receive (nil chan)",	RECEIVE,	NOTHING,	0) \
	PW_WAIT(CHAN_SEND_NIL_CHAN,	"chan send (nil chan)",		SEND,		NOTHING,	0) \
	PW_WAIT(SELECT_NO_CASES,	"select (no cases)",		SELECT,		NOTHING,	0) \
	PW_WAIT(SELECT,			"select",			SELECT,		CASES,		0) \
	PW_WAIT(CHAN_RECEIVE,		"chan receive",			RECEIVE,	OBJECT,		0) \
	PW_WAIT(CHAN_SEND,		"chan send",			SEND,		OBJECT,		0) \
	PW_WAIT(SYNC_COND_WAIT,		"sync.Cond.Wait",		COND,		OBJECT,		0) \
	PW_WAIT(SYNC_MUTEX_LOCK,	"sync.Mutex.Lock",		LOCK,		OBJECT,		0) \
	PW_WAIT(SYNC_RWMUTEX_RLOCK,	"sync.RWMutex.RLock",		LOCK,		OBJECT,		0) \
	PW_WAIT(SYNC_RWMUTEX_LOCK,	"sync.RWMutex.Lock",		LOCK,		OBJECT,		0) \
	PW_WAIT(SYNC_WAITGROUP_WAIT,	"sync.WaitGroup.Wait",		WAITGROUP,	OBJECT,		0) \
	PW_WAIT(TRACE_READER_BLOCKED,	"trace reader (blocked)",	RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(WAIT_FOR_GC_CYCLE,	"wait for GC cycle",		RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(GC_WORKER_IDLE,		"GC worker (idle)",		RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(GC_WORKER_ACTIVE,	"GC worker (active)",		RUNTIME,	OUTSIDE,	1) \
	PW_WAIT(PREEMPTED,		"preempted",			PREEMPTED,	OUTSIDE,	0) \
	PW_WAIT(DEBUG_CALL,		"debug call",			RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(GC_MARK_TERMINATION,	"GC mark termination",		RUNTIME,	OUTSIDE,	1) \
	PW_WAIT(STOPPING_THE_WORLD,	"stopping the world",		RUNTIME,	OUTSIDE,	1) \
	PW_WAIT(FLUSH_PROC_CACHES,	"flushing proc caches",		RUNTIME,	OUTSIDE,	1) \
	PW_WAIT(TRACE_GOROUTINE_STATUS,	"trace goroutine status",	RUNTIME,	OUTSIDE,	1) \
	PW_WAIT(TRACE_PROC_STATUS,	"trace proc status",		RUNTIME,	OUTSIDE,	1) \
	PW_WAIT(PAGE_TRACE_FLUSH,	"page trace flush",		RUNTIME,	OUTSIDE,	1) \
	PW_WAIT(COROUTINE,		"coroutine",			COROUTINE,	OBJECT,		0) \
	PW_WAIT(GC_WEAK_TO_STRONG_WAIT,	"GC weak to strong wait",	RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(SYNCTEST_RUN,		"synctest.Run",			SYNCTEST,	BUBBLE,		0) \
	PW_WAIT(SYNCTEST_WAIT,		"synctest.Wait",		SYNCTEST,	BUBBLE,		0) \
	PW_WAIT(SYNCTEST_CHAN_RECEIVE,	"chan receive (durable)",	RECEIVE,	BUBBLE,		0) \
	PW_WAIT(SYNCTEST_CHAN_SEND,	"chan send (durable)",		SEND,		BUBBLE,		0) \
	PW_WAIT(SYNCTEST_SELECT,	"select (durable)",		SELECT,		BUBBLE,		0) \
	PW_WAIT(SYNCTEST_WAITGROUP_WAIT, "sync.WaitGroup.Wait (durable)", WAITGROUP,	BUBBLE,		0) \
	PW_WAIT(CLEANUP_WAIT,		"cleanup wait",			RUNTIME,	OUTSIDE,	0) \
	PW_WAIT(TIMER_GOROUTINE_IDLE,	"timer goroutine (idle)",	RUNTIME,	OUTSIDE,	0)
/* clang-format on */

enum gowait {
#define PW_WAIT(name, word, class, on, runs) GOWAIT_##name,
	PW_WAITS(PW_WAIT)
#undef PW_WAIT
		GOWAIT_UNKNOWN, /* a number that this version does not have */
	GOWAIT_MAX
};

/* what kind of wait it is */
enum gowait_class {
	GOWAIT_CLASS_UNKNOWN,
	GOWAIT_CLASS_RECEIVE,
	GOWAIT_CLASS_SEND,
	GOWAIT_CLASS_SELECT,
	GOWAIT_CLASS_LOCK, /* mutex, RWMutex */
	GOWAIT_CLASS_WAITGROUP,
	GOWAIT_CLASS_COND,
	/* of something else; before Go 1.24 of one of the three above too: gowait_refine() */
	GOWAIT_CLASS_SEMAPHORE,
	GOWAIT_CLASS_COROUTINE, /* of iter.Pull, between two values */
	GOWAIT_CLASS_IO,
	GOWAIT_CLASS_SLEEP,
	GOWAIT_CLASS_PREEMPTED, /* it does not wait: it was stopped as it ran */
	/* the collector, a tracer, a debugger, or a goroutine of the runtime between two jobs */
	GOWAIT_CLASS_RUNTIME,
	GOWAIT_CLASS_SYNCTEST,
	GOWAIT_CLASSES
};

/* what can end the wait */
enum gowait_on {
	GOWAIT_ON_UNKNOWN,
	GOWAIT_ON_OBJECT,  /* one channel, lock or coroutine, and nothing else */
	GOWAIT_ON_CASES,   /* the channels of a select; there may be none, if all are nil */
	GOWAIT_ON_NOTHING, /* nothing: it blocks forever */
	/* the others of its synctest bubble; if all are blocked the runtime ends it */
	GOWAIT_ON_BUBBLE,
	GOWAIT_ON_OUTSIDE, /* time, the kernel, the runtime: it goes on by itself */
};

#endif
