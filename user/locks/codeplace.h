/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * codeplace: what is known of a pc that goroutines stand at or return to, whichever goroutine it
 * is.
 *
 * What the tables tell of its function, and what the code can do to locks from there on: found out
 * once, so that frames which can do nothing cost a look into a table. Not thread-safe.
 */
#ifndef PARKWATCH_LOCKS_CODEPLACE_H
#define PARKWATCH_LOCKS_CODEPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "locks/lockwalk.h"
#include "locks/walkmemo.h"

#define CODEPLACES_MAX 65536

struct codeplace {
	int err;         /* -ENOENT: it is not in Go's code; the rest is 0 then */
	struct gofn *fn; /* borrowed; until the places are freed */
	/* bytes of the frame there: from the stack pointer to a return address that a call pushed, else
	 * to the caller's frame */
	int32_t delta;
	/* function of package sync that it is in, its own or inlined; role PLAIN: none */
	struct lockfn lock;
	bool is_sync;    /* there is no more to the frame */
	bool is_runtime; /* nor to this one, of the runtime */
	bool acquires;   /* it is runtime.semacquire1 */
	/* which keeps the semaphore's address where its caller has room for arguments */
	bool keeps_sema;
	/* by codeplaces__explore() */
	bool explored;
	bool blind; /* the code cannot be read */
	/* a way from here meets code that gives back locks, or takes them; or that nobody knows */
	bool gives, takes;
	/* by locks/holds */
	uint64_t spent; /* steps of walks from here since one found a lock */
	struct walkmemos memos;
};

struct codeplaces;
/* w: borrowed until free, as its fns are. */
int codeplaces__new(struct lockwalk *w, struct codeplaces **ret);
void codeplaces__free(struct codeplaces *ps);
DEFINE_SCOPED(codeplaces)

/*
 * is_return: pc is a return address, to be looked up before it. Borrowed until free. -ENOSPC: over
 * the limit; -ENOMEM.
 */
int codeplaces__get(struct codeplaces *ps, uint64_t pc, bool is_return, struct codeplace **ret);
/* Fills in what its code can do. -ENOMEM. */
int codeplaces__explore(struct codeplaces *ps, uint64_t pc, struct codeplace *p);
size_t codeplaces__memory_bytes(const struct codeplaces *ps);

#endif
