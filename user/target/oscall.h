/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oscall: the system call that a thread sleeps in, from /proc/PID/task/TID/syscall, and what calls are
 * called.
 *
 * Names are those of calls in which a thread may stay for long; others have none here. Reads only.
 */
#ifndef PARKWATCH_TARGET_OSCALL_H
#define PARKWATCH_TARGET_OSCALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "target/proc.h"

struct oscall {
	long nr;      /* as this machine numbers them */
	uint64_t arg; /* the first one */
};

/*
 * Of the file's text. -EAGAIN: the thread runs, be it in a call; -ENOENT: it sleeps, but in no call;
 * -EBADMSG.
 */
int oscall_parse(const char *text, struct oscall *ret);
/* tid: as /proc has it here. Errors as above, and -ESRCH, -EACCES. */
int oscall_of(const struct proc *p, pid_t tid, struct oscall *ret);
/* "read"; NULL: none is known. *ret_fd: its first argument is a descriptor. */
const char *oscall_name(long nr, bool *ret_fd);

/* What a thread is called by the process itself, and here. */
struct thread_number {
	pid_t own, here;
};
/* All threads there are, by own. *ret: to be freed. 0, -ESRCH, -EACCES, -ENOMEM. */
int thread_numbers(const struct proc *p, struct thread_number **ret, size_t *ret_nr);
/* Of these: what that one is called here; 0: it is not among them. */
pid_t thread_here(const struct thread_number *v, size_t nr, pid_t own);

#endif
