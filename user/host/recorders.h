/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recorders: which recorders have probes in which process: together they keep to one limit for it.
 *
 * A file of slots under the run directory (/run/parkwatch/recorders). A recorder holds the lock of
 * its slot as long as it has probes; the kernel lets go of it when the recorder ends, however that
 * happens. Nothing has to be cleaned up. Bounded: RECORDERS_MAX at a time, in one PID namespace.
 *
 * Not thread-safe. It logs which recorders are there already.
 */
#ifndef PARKWATCH_HOST_RECORDERS_H
#define PARKWATCH_HOST_RECORDERS_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "target/proc.h"

#define RECORDERS_DIR "/run/parkwatch"
#define RECORDERS_MAX 256
/* so old may the answer of recorders__sharers() be */
#define RECORDERS_ASK_NS 500000000ULL

struct recorders;
/*
 * p: borrowed. Where the directory cannot be used (no right or no room to write there, or others
 * may) nobody can be asked: 0 as well, and nobody is known. -ENOMEM; -ENOSPC: all slots are taken.
 */
int recorders__join(const struct proc *p, struct recorders **ret);
void recorders__leave(struct recorders *r);
static inline void recorders__leavep(struct recorders **r)
{
	recorders__leave(*r);
}
/* How many have probes in the process, we among them: 1 at least. */
unsigned int recorders__sharers(struct recorders *r);
/* It is known that nobody else has, at this moment. NULL: it is not. */
bool recorders__alone(const struct recorders *r);

#endif
