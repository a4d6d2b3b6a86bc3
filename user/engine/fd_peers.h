/* SPDX-License-Identifier: BSD-2-Clause */
/* fd_peers: what descriptors of a process are connected to: nothing is read of it until somebody asks. */
#ifndef PARKWATCH_ENGINE_FD_PEERS_H
#define PARKWATCH_ENGINE_FD_PEERS_H

#include "engine/snapshot.h"
#include "names/factlog.h"

struct proc;
struct fds;

struct fd_peers {                /* begins as { .proc = ... } */
	const struct proc *proc; /* borrowed */
	struct fds *fds;
};
void fd_peers__done(struct fd_peers *p);

const char *fd_peers__text(void *peers, int fd); /* "" not known; borrowed until done */
/* Of the descriptors that goroutines of t wait for. 0 or -ENOMEM. */
int fd_peers__save(struct fd_peers *p, const struct snapshot *t, struct factlog *f);

#endif
