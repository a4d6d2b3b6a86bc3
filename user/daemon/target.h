/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * target: one process, opened, its Go runtimes found, each layout proved, ready to be read. Every
 * command begins with it.
 *
 * No probe, no kernel feature: memory is read, nothing else.
 */
#ifndef PARKWATCH_DAEMON_TARGET_H
#define PARKWATCH_DAEMON_TARGET_H

#include <stddef.h>
#include <sys/types.h>

#include "base/cause.h"
#include "base/deadline.h"
#include "names/namer.h"
#include "target/goproc.h"

struct target { /* all owned */
	struct proc *proc;
	struct goproc *gp;
	struct namer namers[GOPROC_RUNTIMES_MAX];
	size_t nr; /* runtimes */
};

/*
 * until: proc__limit(), borrowed until it is closed. Our own memory is bounded from here on
 * (daemon/restraint). Errors as of proc__open(), goproc__open() and census_proof(), each with a
 * cause; then t has nothing that must be closed.
 */
int target__open(struct target *t, pid_t pid, struct deadline *until, struct cause *why);
void target__close(struct target *t); /* of one that is all zeros too */

#endif
