/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcfacts: what the census must know of a pc that stands in a stack, from the tables of the code,
 * remembered.
 *
 * Goroutines by the hundred thousand stand at a handful of places, so an answer costs a table
 * look-up once. Not thread-safe.
 */
#ifndef PARKWATCH_CENSUS_PCFACTS_H
#define PARKWATCH_CENSUS_PCFACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "golang/gosym.h"

enum pc_role {
	PC_PLAIN,
	PC_GOEXIT, /* the outermost frame of every goroutine */
	/* put there by a signal: its caller stands at the very pc, not behind a call */
	PC_INJECTED,
	PC_SEMACQUIRE,  /* runtime.semacquire1: of a mutex, an RWMutex, a WaitGroup */
	PC_NOTIFY_WAIT, /* sync.runtime_notifyListWait: of a Cond */
	PC_NETPOLL,     /* internal/poll.runtime_pollWait and its kin: of a file descriptor */
	/* runtime.corostart: the outermost of a coroutine's own, which has its coro */
	PC_COROSTART,
};

/* What of package sync has called, innermost; inlined calls count. */
enum pc_lock {
	PC_LOCK_NONE,
	PC_LOCK_MUTEX,
	PC_LOCK_RLOCK,
	PC_LOCK_LOCK,
	PC_LOCK_WAITGROUP,
	PC_LOCK_COND
};

struct pcfact {
	uint64_t pc;
	/* bytes from sp to the slot of the return address; -1: the tables do not tell */
	int32_t spdelta;
	uint8_t role;    /* enum pc_role */
	uint8_t lock;    /* enum pc_lock */
	bool writer;     /* sync.(*RWMutex).Lock is among what was called here */
	bool is_entry;   /* the first instruction of a function */
	bool of_runtime; /* all that is there, inlined or not, is package runtime's */
	bool by_signal;  /* of a function that a signal put on another */
	/* of the frame, in words from sp: where what is waited for was found last; for its user */
	uint8_t slot;
};

struct pcfacts;
/*
 * sym: borrowed until free; NULL: nothing is known of any pc. go_minor decides what counts as
 * injected.
 */
int pcfacts__new(struct gosym *sym, int go_minor, struct pcfacts **ret);
void pcfacts__free(struct pcfacts *f);
DEFINE_SCOPED(pcfacts)

/* Never NULL; valid until the next call. */
struct pcfact *pcfacts__get(struct pcfacts *f, uint64_t pc);

#endif
