/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fds: what the file descriptors of a process are connected to, in words.
 *
 * From the links in /proc/PID/fd, and for sockets the tables of the process's own network namespace
 * in /proc/PID/net; these are read once, when the first socket is asked for, so the answers are of
 * that moment. Reads only; nothing of the process is touched. At most FDS_MAX descriptors are
 * remembered. Every text is hostile: control characters become '?'.
 */
#ifndef PARKWATCH_TARGET_FDS_H
#define PARKWATCH_TARGET_FDS_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "target/proc.h"

#define FDS_MAX (1u << 20)

struct fds;
/* p is borrowed until free. 0 or -ENOMEM. */
int fds__new(const struct proc *p, struct fds **ret);
void fds__free(struct fds *f);
DEFINE_SCOPED(fds)

/*
 * As the target sees it:
 *	tcp 127.0.0.1:80 listening		also udp; see target/sockets
 *	tcp 127.0.0.1:80 <- 10.0.0.7:51234	accepted here; -> connected to there
 *	unix /run/x.sock			bound to that name (an accepted one has its listener's); "unix": no name
 *	unix, other end fd 9			the other end is in the same process
 *	unix -> /run/x.sock			the other end has that name
 *	pipe:[123], other end fd 8		or without, where the other end is not in the process
 *	/path/of/file, eventfd, signalfd, ...
 *	socket:[123] NETLINK			another family; the kernel's name of the protocol where it tells
 * Never NULL; "": it is not open or cannot be read. Borrowed until free.
 */
const char *fds__describe(struct fds *f, int fd);
/*
 * It is a TCP connection that was accepted here and is up, and its other end is not in this
 * process: somebody is there.
 */
bool fds__serves(struct fds *f, int fd);

/* A TCP connection that the process has dialled. */
struct fd_pair {
	/* its two descriptors; accepted is -1 where the other end is elsewhere */
	int dialled, accepted;
};
/* All there are, by `dialled`. *ret: to be freed. 0 or -ENOMEM. */
int fds__dialled(struct fds *f, struct fd_pair **ret, size_t *ret_nr);

#endif
