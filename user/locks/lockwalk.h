/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lockwalk: what the code of a frame will do to locks from where it stands to its return.
 *
 * Runs the code forward on a code/cpu: both ways of a branch that cannot be decided, calls only into
 * functions that leave a lock taken or give one back that they have not taken. Where many paths
 * come together they are joined, so a walk is bounded by the size of the code; LOCKWALK_STEPS_MAX
 * bounds it in any case. Not thread-safe.
 */
#ifndef PARKWATCH_LOCKS_LOCKWALK_H
#define PARKWATCH_LOCKS_LOCKWALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "locks/gofn.h"
#include "code/livemem.h"
#include "locks/lockpath.h"

#define LOCKWALK_STEPS_MAX  50000 /* instructions of one frame, what it calls included */
#define LOCKWALK_PATHS_MAX  512   /* that wait for their turn in one function */
#define LOCKWALK_DEPTH_MAX  6     /* calls within calls */
#define LOCKWALK_GIVEN_MAX  64
#define LOCKWALK_DEFERS_MAX 64

/* A lock that some path gives back without having taken it. */
struct lock_given {
	uint64_t lock, pc;
	uint32_t kind;
	bool taken_first; /* and some path takes it first: it cannot be ours */
};

/*
 * A call that the frame has deferred: an entry of g._defer, runtime._defer (Go
 * runtime/runtime2.go). fn@24 in all versions; up to 1.17 it begins with the size of its arguments,
 * which lie behind its 72 bytes.
 */
struct lock_defer {
	uint64_t sp;   /* of the frame that deferred it */
	uint64_t fn;   /* its closure */
	uint64_t args; /* address of its arguments, up to Go 1.16; 0: none */
	uint32_t args_bytes;
};
#define DEFER_FN   24
#define DEFER_ARGS 72

struct lockwalk {
	struct gofns *fns;     /* borrowed */
	struct livemem *mem;   /* borrowed */
	const struct isa *isa; /* borrowed */
	bool regabi;
	uint32_t steps; /* left of the frame */
	bool lost;      /* out: a bound was hit, or code that cannot be followed */
	struct lock_given given[LOCKWALK_GIVEN_MAX]; /* out */
	size_t nr_given;
	struct lock_defer defer[LOCKWALK_DEFERS_MAX];
	size_t nr_defers;
	uint64_t sema;     /* out: a semaphore that was tried; 0: none */
	bool gave;         /* out: something was given back, known or not */
	bool done;         /* out: Done of a WaitGroup is called, known or not */
	bool counting;     /* locks are counted only, whatever their addresses */
	uint32_t scanning; /* depth of the functions whose effects are found out */
};

enum {
	LOCKWALK_TAKES = 1,
	LOCKWALK_GIVES = 2,
	LOCKWALK_KNOWN = 4,
	LOCKWALK_BUSY = 8,
	LOCKWALK_DONE = 16
};
#define LOCKWALK_EFFECTS (LOCKWALK_TAKES | LOCKWALK_GIVES | LOCKWALK_DONE)

/*
 * *p is what the path begins with, at pc of fn; then what holds of all paths at their returns.
 * depth: calls that were followed to come here, 0 for a frame. 1: there are such paths, 0: none.
 * -EBADMSG and the like: the code cannot be run.
 */
int lockwalk__run(struct lockwalk *w, struct gofn *fn, uint64_t pc, struct lockpath *p,
		  uint32_t depth);

/*
 * What the function's deferred calls will do, as runtime.deferreturn runs them in the frame that p
 * stands in.
 */
void lockwalk__run_defers(struct lockwalk *w, struct lockpath *p, uint32_t depth);

/* What the code finds after a call, with the stack pointer at sp. */
void lockwalk__after_call(const struct lockwalk *w, struct lockpath *p, uint64_t sp);

/* LOCKWALK_EFFECTS: what a call of the function leaves behind. */
unsigned int lockwalk__effects(struct lockwalk *w, struct gofn *fn);

#endif
