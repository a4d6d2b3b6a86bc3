/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contention_proof: deadlocks that go through channels, Conds and WaitGroups.
 *
 * Somebody waits for a lock whose holder waits for a channel. If nothing can reach that channel but
 * goroutines that wait for such a holder themselves, they all wait for each other. heap/reach
 * proves it, with those who wait for a lock taken as behind its holder; model/waitkeep makes edges
 * of it. Costs passes over the heap, so it is asked only if there is such a holder, who stands
 * still. One look proves nothing: the caller looks again.
 */
#ifndef PARKWATCH_DAEMON_CONTENTION_PROOF_H
#define PARKWATCH_DAEMON_CONTENTION_PROOF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addrspace.h"
#include "census/census.h"
#include "golang/goruntime.h"
#include "model/waitgraph.h"
#include "target/proc.h"

struct contention_proof_in {
	const struct proc *proc;
	const struct goruntime *rt;
	const struct census *census;
	/* so long they must stand still first; 0: the caller sees to that */
	uint64_t wait_ns;
	uint64_t budget_ns;
	uint64_t *spent_ns; /* what it took is added here */
};

/*
 * w: of the locks of this census. Adds its edges and rings, or says in w->unproved that they could
 * not be proved. 0, -ESRCH, -ENOMEM.
 */
int contention_proof_add(const struct contention_proof_in *in, struct waitgraph *w);

#endif
