/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stuck: whether a thread of ours waits in the kernel for somebody who does not answer: a page of
 * the target (userfaultfd), a file
 * (FUSE, NFS).
 *
 * Asked once a second by another thread, which must not wait itself: it reads what /proc tells of
 * that thread, and of one page of the target whether it is there.
 */
#ifndef PARKWATCH_CLI_STUCK_H
#define PARKWATCH_CLI_STUCK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* in all of which it waits for the same, without having woken in between */
#define STUCK_ASKS 10

enum stuck_state {
	STUCK_NOT,    /* it goes on, or waits for what we chose: a moment, a ring */
	STUCK_WRITES, /* for who takes our output: a pager may take its time */
	STUCK_READS,
};

struct stuck {
	pid_t thread;
	unsigned int asks; /* that it did not wake between */
	/* that it was in the same call, woken or not; or in the next of the kind */
	unsigned int turns;
	unsigned long long woken;
	char wait[192]; /* system call and arguments, as /proc has them */
};

void stuck__init(struct stuck *s, pid_t thread);
/* What it does now; counts in s->asks for how long it has. */
enum stuck_state stuck__ask(struct stuck *s);
/* For what it waits, in words, of a thread that STUCK_READS. target: whose memory is read. */
void stuck__describe(const struct stuck *s, pid_t target, char *buf, size_t size);

#endif
