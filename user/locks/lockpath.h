/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockpath: one path that execution may take: its code/cpu, and what it has done to locks.
 *
 * Of fixed size; where paths meet they are joined to what holds of all of them.
 */
#ifndef PARKWATCH_LOCKS_LOCKPATH_H
#define PARKWATCH_LOCKS_LOCKPATH_H

#include <stddef.h>
#include <stdint.h>

#include "code/cpu.h"
#include "locks/lockfn.h"

#define LOCKPATH_USES_MAX    16 /* locks of one path */
#define LOCKPATH_BALANCE_MAX 3  /* takes of one lock that are counted */

/*
 * One lock on a path: balance of takes and gives since the beginning, and the lowest that it was.
 * Below 0: the path gives back what was taken before it began.
 */
struct lock_use {
	uint64_t lock;
	int32_t balance, lowest;
	uint32_t kind; /* enum lock_kind */
	uint32_t pad;
};

#define LOCKPATH_DEFERS_MAX 8

/* A path of execution. No padding: hashed as bytes. */
struct lockpath {
	struct lock_use use[LOCKPATH_USES_MAX];
	uint64_t nr_uses;
	/* takes of locks at unknown addresses: what is given back then may be one of them */
	int64_t unknown;
	struct {
		uint64_t sp, fn, args;
	} defer[LOCKPATH_DEFERS_MAX]; /* deferred on the way: as struct lock_defer, with 0 for no arguments */
	uint64_t nr_defers;
	struct cpu cpu; /* last: not all of it counts */
};
/* of `unknown`: the goroutine waits for a lock nobody knows, and every give may be its */
#define LOCKPATH_WAITS 1000

/* Of that lock, made if there is none; NULL: there is no room. */
struct lock_use *lockpath__use(struct lockpath *p, uint64_t lock, uint32_t kind);
/* It is taken before the path begins. */
void lockpath__take(struct lockpath *p, uint64_t lock, enum lock_kind kind);

/* p becomes what holds of both: a lock is given back only if both do. */
void lockpath__join(struct lockpath *p, const struct lockpath *o, struct livemem *m);
size_t lockpath_bytes(const struct lockpath *p); /* of it that count */
uint64_t lockpath_hash(const struct lockpath *p);
struct lockpath *lockpath_copy(const struct lockpath *p); /* owned; NULL: no memory */

#endif
