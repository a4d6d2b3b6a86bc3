/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc: one process: its memory, its files, whether it lives, its CPU time.
 *
 * Held by a descriptor of /proc/PID and a pidfd, neither of which a later process with the same PID
 * can take over. Opened by PID as this process's /proc sees it; its binary is always reached
 * through /proc/PID/exe and /proc/PID/root, so that containers, deleted and replaced files work.
 * Reads only. Not thread-safe.
 */
#ifndef PARKWATCH_TARGET_PROC_H
#define PARKWATCH_TARGET_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addrspace.h"
#include "base/cause.h"
#include "base/cleanup.h"
#include "target/mem.h"

struct proc;

/*
 * -ESRCH no such process, or it has ended; -EINVAL a thread's id and not a process's (the cause
 * names the process);
 * -EACCES no right to read it (the cause names the capability); -EOPNOTSUPP a kernel thread.
 */
int proc__open(pid_t pid, struct proc **ret, struct cause *why);
void proc__free(struct proc *p);
DEFINE_SCOPED(proc)

pid_t proc__pid(const struct proc *p);
/* for messages; control characters are cleaned */
const char *proc__comm(const struct proc *p);
/* target of /proc/PID/exe, " (deleted)" cut off; not clean */
const char *proc__exe(const struct proc *p);
const char *proc__exe_shown(const struct proc *p); /* the same for people: base/clean */
bool proc__exe_deleted(const struct proc *p);
/* of /proc/PID, borrowed: for openat() of its files */
int proc__dirfd(const struct proc *p);
/* borrowed; readable when the process has ended; -EBADF if the kernel has none */
int proc__pidfd(const struct proc *p);
/* false once it ended, a zombie counts as ended */
bool proc__alive(const struct proc *p);
/* it has started another program since it was opened, or itself anew */
bool proc__executed(const struct proc *p);
/* by a signal (SIGSTOP and others), or a debugger */
bool proc__stopped(const struct proc *p);
/* field 22 of /proc/PID/stat: with the PID it names a process for ever */
uint64_t proc__start_ticks(const struct proc *p);
bool proc__traced(const struct proc *p); /* a debugger has it (ptrace) */
/* user + system time of all threads so far; 0 if it cannot be read */
uint64_t proc__cpu_ns(const struct proc *p);
/* What the process is called in its own PID namespace, and which that is. */
struct proc_number {
	uint64_t ns_dev, ns_ino; /* of the namespace; dev as the kernel's BPF helpers have it */
	pid_t pid;
};
int proc__number(const struct proc *p, struct proc_number *ret); /* -ESRCH, -EACCES */
unsigned int proc__threads(const struct proc *p);                /* now; 0 unknown */
const struct addrspace *proc__mem(const struct proc *p);         /* see target/mem; borrowed */
/*
 * Until when its memory may be read; borrowed until p is freed, or another is given. NULL: for
 * ever.
 */
void proc__limit(struct proc *p, struct deadline *until);
/* That was over before all was read: what was found out since is not to be told. */
bool proc__cut(const struct proc *p);
/*
 * Of -ESRCH, in words: it has ended, or was cut; of another error strerror(). Borrowed until the
 * next.
 */
const char *proc__words(struct proc *p, int err);

#endif
