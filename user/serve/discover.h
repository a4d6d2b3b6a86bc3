/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * discover: which Go processes this machine has, and which of them can be watched.
 *
 * Looks at each process that this process's /proc shows. Programs are hostile input, and a page of
 * theirs may be one that nobody answers for: so a child of ours does the looking. It can be killed,
 * and what one program makes of it is said of that program; the others are looked at by another
 * child. Nothing is attached, nothing stopped. Not thread-safe.
 */
#ifndef PARKWATCH_SERVE_DISCOVER_H
#define PARKWATCH_SERVE_DISCOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cause.h"
#include "base/clock.h"
#include "view/processes.h"

/* That looking at one process may take. Its goroutines are counted as far as that goes. */
#define DISCOVER_EACH_NS (2 * NS_PER_SEC)
/* After that the child is killed: it does not come back from reading. */
#define DISCOVER_KILL_NS (DISCOVER_EACH_NS + NS_PER_SEC)

/* What came of one process. */
struct discovered {
	uint32_t found; /* enum brief */
	uint32_t pad;
	struct process_row row; /* of BRIEF_GO */
};

/*
 * One round after the other, each over the processes that are not known yet, or run another program than when they were
 * looked at. Of the others the kernel says whether they called exec, all in one reading (host/task_programs); where that is not
 * allowed, one stat(2) each is asked. Its caller's loop waits for discovery__fd() and
 * discovery__due_ns(); nothing here waits.
 */
struct discovery;
int discovery__new(struct discovery **ret); /* 0 or -ENOMEM */
void discovery__free(struct discovery *d);
void discovery__forget(struct discovery *d, pid_t pid); /* the next round looks at it again */
/* Its caller waited for this child of its own: it may be ours, and its PID another's now. */
void discovery__reaped(struct discovery *d, pid_t pid);
/* A round, if none runs. 0; -ENOMEM; others: /proc cannot be listed, no child can be made; with a cause. */
int discovery__begin(struct discovery *d, struct cause *why);
bool discovery__runs(const struct discovery *d);
/* The last round ended before its time, for looking at one process took too long: the next one should begin at once. */
bool discovery__was_cut(const struct discovery *d);
/* -EBADF: there is none now. */
int discovery__fd(const struct discovery *d);
/* When the child is killed, if it does not answer. UINT64_MAX: no round runs. */
uint64_t discovery__due_ns(const struct discovery *d);
/* 1: *ret is the next one; 0: none now; negative: as discovery__begin(), the round is over. */
int discovery__next(struct discovery *d, struct discovered *ret, struct cause *why);

/* What is to be looked at, in rounds that are waited for. processes__done() frees what was found. 0 or negative: as above. */
int discovery__all(struct discovery *d, struct processes *ret, struct cause *why);
/* All processes but ours, in one round that is waited for. processes__done() frees what was found. 0 or negative: as above. */
int discover(struct processes *ret, struct cause *why);

#endif
