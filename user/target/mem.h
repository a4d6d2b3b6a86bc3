/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem: the memory of another process, read only.
 *
 * By process_vm_readv(2), many pieces a call; where that is refused (seccomp, a kernel built
 * without it) by /proc/PID/mem. No read is longer than MEM_READ_MAX. With a deadline: when that is
 * over nothing is read any more, as if the process had ended
 * (-ESRCH), so whatever search goes on ends there and proves nothing. Not thread-safe.
 */
#ifndef PARKWATCH_TARGET_MEM_H
#define PARKWATCH_TARGET_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/addrspace.h"
#include "base/deadline.h"

#define MEM_READ_MAX (64u << 20) /* bytes of one read */

struct mem {
	struct addrspace as; /* first member: mem is an addrspace */
	pid_t pid;
	int fd;                 /* of /proc/PID/mem, -EBADF until the fallback is needed; owned */
	int dirfd, pidfd;       /* of the process; borrowed */
	struct deadline *until; /* borrowed; NULL: none */
};

/* pidfd may be -EBADF: then nothing tells when another process got the PID. */
void mem__init(struct mem *m, pid_t pid, int dirfd, int pidfd);
void mem__done(struct mem *m);

#endif
