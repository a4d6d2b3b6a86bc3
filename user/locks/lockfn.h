/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockfn: what a function of a Go program does to the locks of package sync, by its name.
 *
 * sync.Mutex and sync.RWMutex, Go 1.15 to 1.27: sync/mutex.go, sync/rwmutex.go; the code of Mutex
 * lies in internal/sync from Go 1.24 on. Mutex is {state i32@0: bit 0 locked, sema u32@4}; RWMutex
 * is {w Mutex@0, writerSem u32@8, readerSem u32@12, readerCount i32@16, readerWait i32@20}. Done
 * of a sync.WaitGroup counts as giving back, Add as taking: a goroutine that will call Done owes
 * it, as the holder of a lock owes the Unlock. Pure.
 */
#ifndef PARKWATCH_LOCKS_LOCKFN_H
#define PARKWATCH_LOCKS_LOCKFN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUTEX_SEMA          4
#define RWMUTEX_WRITER_SEM  8
#define RWMUTEX_READER_SEM  12
#define RWMUTEX_COUNT       16
#define RWMUTEX_WAIT        20
#define RWMUTEX_BYTES       24
#define GROUP_BYTES         12 /* at least: sync/waitgroup.go */
#define RWMUTEX_MAX_READERS (1 << 30)

enum lock_act {
	LOCK_NONE,
	LOCK_TAKE,
	LOCK_TRY,
	LOCK_GIVE,
	LOCK_ADD /* takes or gives as its second argument says */
};
enum lock_kind { LOCK_MUTEX, LOCK_WRITE, LOCK_READ, LOCK_GROUP };

enum lockfn_role {
	LOCKFN_PLAIN,
	LOCKFN_LOCK, /* act and kind say what it does to its first argument */
	/*
	 * of the runtime: it touches no lock of package sync, and writes what its arguments point
	 * to
	 */
	LOCKFN_RUNTIME,
	/*
	 * the same; it begins to go through a map: its third argument points to where it is, and to
	 * the key there
	 */
	LOCKFN_MAP_BEGIN,
	LOCKFN_MAP_NEXT, /* the next of the map: its argument points there */
	/* runtime.cansemacquire: its argument is the semaphore that is waited for */
	LOCKFN_SEMA,
	/* of the runtime: writes variables that others than its arguments point to */
	LOCKFN_SELECT,
	LOCKFN_END, /* runtime.goexit: the end of every goroutine's stack */
	/* panics and the like; the start of a function over again after its stack has grown, too */
	LOCKFN_NO_RETURN,
	LOCKFN_KEEPS_REGS, /* called without the rules: it changes hardly a register */
	LOCKFN_BARRIER,    /* the same; another few: see isa.barrier_changes */
	/* defers a closure; returns 0, and once more, with 1, after a recovered panic */
	LOCKFN_DEFERPROC,
	LOCKFN_DEFERPROC_STACK, /* the same, with a runtime._defer that the caller has room for */
	LOCKFN_DEFERRETURN,     /* runs what the function has deferred */
};

struct lockfn {
	uint8_t role; /* enum lockfn_role */
	uint8_t act;  /* enum lock_act */
	uint8_t kind; /* enum lock_kind */
};

struct lockfn lockfn_of(const char *name);
static inline bool lockfn_is_runtime(struct lockfn f)
{
	return f.role >= LOCKFN_RUNTIME && f.role <= LOCKFN_MAP_NEXT;
}

/*
 * What an atomic instruction of these inlined functions, innermost first, does: that on which the
 * whole act turns, or LOCK_NONE. An inner Mutex of an RWMutex is not told.
 */
struct lockfn lockfn_of_inlined(const char *const *names, size_t nr);

#endif
