/* SPDX-License-Identifier: BSD-2-Clause */
/* peers: what descriptors of a process are connected to: nothing is read of it until somebody asks. */
#ifndef PARKWATCH_CLI_PEERS_H
#define PARKWATCH_CLI_PEERS_H

#include "daemon/snapshot.h"
#include "names/factlog.h"

struct proc;
struct fds;

struct peers {                   /* begins as { .proc = ... } */
	const struct proc *proc; /* borrowed */
	struct fds *fds;
};
void peers__done(struct peers *p);

const char *peers__text(void *peers, int fd); /* "" not known; borrowed until done */
/* Of the descriptors that goroutines of t wait for. 0 or -ENOMEM. */
int peers__save(struct peers *p, const struct snapshot *t, struct factlog *f);

#endif
