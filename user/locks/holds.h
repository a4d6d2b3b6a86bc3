/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * holds: which locks a parked goroutine holds, although sync.Mutex and sync.RWMutex do not say it;
 * and for which WaitGroups it will call Done.
 *
 * A goroutine holds what it will give back when it goes on. So the code of each of its frames is
 * run forward from where it stands (locks/lockwalk), on the goroutine's own stack and the target's
 * memory, with deferred calls. A lock is held if every path gives it back before it takes it, and
 * if the lock's own words say that it is taken at all. What cannot be told is left out, never
 * guessed: `complete` says whether something was. Two goroutines that both seem to hold one mutex
 * exclude each other: the caller must check that.
 *
 * A walk costs from some microseconds to some milliseconds. Four things keep that low: functions
 * are decoded once; a frame that cannot give back a lock costs a look into a table; the result of
 * a walk serves all goroutines whose memory says the same (locks/walkmemo); and a pc whose walks
 * have cost HOLDS_FRUITLESS_MAX without a lock is passed over. Not thread-safe.
 */
#ifndef PARKWATCH_LOCKS_HOLDS_H
#define PARKWATCH_LOCKS_HOLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "base/cleanup.h"
#include "golang/goruntime.h"

/* frames of one goroutine that are looked at, innermost first */
#define HOLDS_FRAMES_MAX 256
/*
 * Instructions run from one pc without finding a lock, after which it is passed over: some 1 s of
 * work.
 */
#define HOLDS_FRUITLESS_MAX 2000000

enum held_kind {
	HELD_MUTEX, /* sync.Mutex */
	HELD_WRITE, /* sync.RWMutex, for writing */
	HELD_READ,  /* sync.RWMutex, for reading; others may read it too */
	HELD_GROUP, /* sync.WaitGroup: it will call Done */
	/* sync.RWMutex: it waits in Lock for the readers inside, and keeps new ones out */
	HELD_PENDING,
};
/* "mutex", "write", "read", "group", "pending" */
const char *held_kind_name(enum held_kind kind);

struct held {
	uint64_t lock; /* address of the sync.Mutex, sync.RWMutex or sync.WaitGroup */
	/* where it will be given back; not a return address. HELD_PENDING: 0 */
	uint64_t release_pc;
	uint32_t frame; /* index into pcs of the frame that does */
	uint32_t kind;  /* enum held_kind */
};

/* A goroutine that is not running, as the census has read it. */
struct hold_stack {
	/* borrowed; [0] is where it stands, the rest are return addresses */
	const uint64_t *pcs;
	size_t nr;
	uint64_t sp; /* saved with pcs[0] */
	uint64_t stack_hi;
	/* address of the g; 0: its list of deferred calls is not looked at */
	uint64_t g;
	/* read before, if not NULL: the stack from sp on, and the word at holds_defer_addr() */
	const uint8_t *bytes; /* borrowed */
	size_t nr_bytes;
	const uint8_t *defer; /* borrowed */
	uint64_t sema;        /* that it is known to wait for; 0: it is looked for */
};

struct holds;

/* mem: the target; rt: one of its runtimes; both borrowed until free. */
int holds__new(const struct addrspace *mem, const struct goruntime *rt, struct holds **ret);
void holds__free(struct holds *h);
DEFINE_SCOPED(holds)

/* Only these locks are looked for, from now on: by address; borrowed until free. */
void holds__want(struct holds *h, const uint64_t *locks, size_t nr);

/* false: whatever goroutine stands in this stack gives nothing back. Reads code only. -ENOMEM. */
int holds__may_give(struct holds *h, const uint64_t *pcs, size_t nr, bool *ret);

/* Where a goroutine's list of deferred calls begins: 8 bytes. */
uint64_t holds_defer_addr(const struct goruntime *rt, uint64_t g);

/*
 * Fills ret, at most max, and returns how many; -EFAULT: the stack cannot be read; -ENOMEM. A lock
 * is there once for each frame that gives it back (a reader may hold one twice). *ret_complete:
 * false if there may be
 * more: a bound was hit, or code that cannot be followed. What is read of the heap is read anew for
 * each goroutine, or, if s->bytes are given, after holds__forget().
 */
int holds__find(struct holds *h, const struct hold_stack *s, struct held *ret, size_t max,
		bool *ret_complete);
void holds__forget(struct holds *h);

/*
 * What the lock itself says, whoever has it; of a WaitGroup nothing is asked. -EFAULT: unreadable.
 */
int holds__is_taken(const struct holds *h, uint64_t lock, enum held_kind kind, bool *ret);

size_t holds__memory_bytes(const struct holds *h);

#endif
