/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gofn: functions of the target as code that can be executed, each decoded once.
 *
 * What is known of a function is kept as long as the set of them; code beyond GOFN_BYTES_MAX is
 * dropped by gofns__trim() and decoded again when it is wanted. The code is hostile input: it is
 * only ever decoded, and what does not decode is refused. Not thread-safe.
 */
#ifndef PARKWATCH_LOCKS_GOFN_H
#define PARKWATCH_LOCKS_GOFN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "locks/lockfn.h"
#include "code/isa.h"
#include "golang/goruntime.h"

/* bytes of one function's code; larger ones are refused */
#define GOFN_CODE_MAX  (128u << 10)
#define GOFN_BYTES_MAX (64u << 20) /* decoded code that is kept */
#define GOFN_NR_MAX    65536       /* functions that are known at most */
/* variables of one function whose addresses are taken */
#define GOFN_SHARED_MAX 64
#define GOFN_ARGS_MAX   65536 /* bytes */

struct gofn {
	uint64_t entry, end;
	struct lockfn lock;
	/* bytes of the caller's stack that arguments and results have; -1: nobody knows */
	int32_t args;
	/* bytes at the top of its frame that hold the variables that may be pointers */
	uint32_t pointers;
	/*
	 * its deferred calls stand in its code, at each return: it calls runtime.deferreturn only
	 * after a panic
	 */
	bool open_coded;
	/* by gofns__decode() */
	struct uop *uops; /* in the order of addresses; NULL: not decoded */
	uint32_t nr_uops;
	uint32_t nr_shared;
	int32_t shared
		[GOFN_SHARED_MAX]; /* offsets from the stack pointer that the code takes the address of */
	bool refused;
	bool calls_unknown; /* an indirect call */
	bool touches;       /* it has a lock's instruction, or calls a function that is one */
	/* by locks/lockwalk */
	uint8_t effects;
};

struct gofns;

/* as: the target; rt: borrowed until free. */
int gofns__new(const struct addrspace *as, const struct goruntime *rt, struct gofns **ret);
void gofns__free(struct gofns *f);
DEFINE_SCOPED(gofns)

/* The function that holds pc; borrowed until free. -ENOENT: none; -ENOSPC: over GOFN_NR_MAX. */
int gofns__at(struct gofns *f, uint64_t pc, struct gofn **ret);
/*
 * Its instructions, until the next gofns__trim(). -E2BIG, -EBADMSG, -EFAULT: refused, and so for
 * ever.
 */
int gofns__decode(struct gofns *f, struct gofn *fn);
/* Index of the instruction at pc. -ENOENT: none begins there. */
int gofn__index(const struct gofn *fn, uint64_t pc, uint32_t *ret);
/*
 * The shared variables whose addresses are taken between the call before pc, a return address, and
 * the call before that.
 */
size_t gofns__shared_with_call(const struct gofns *f, const struct gofn *fn, uint64_t pc,
			       int32_t ret[GOFN_SHARED_MAX]);
void gofns__trim(struct gofns *f);
const struct goruntime *gofns__runtime(const struct gofns *f); /* borrowed */
size_t gofns__memory_bytes(const struct gofns *f);

#endif
