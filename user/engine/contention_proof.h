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
#ifndef PARKWATCH_ENGINE_CONTENTION_PROOF_H
#define PARKWATCH_ENGINE_CONTENTION_PROOF_H

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
	uint64_t budget_ns;
	uint64_t *spent_ns; /* what it took is added here */
};

/* A proof while it goes on; all zero is none. */
struct contention_proof {
	struct contention_proof_in in;
	struct waitgraph *w;      /* borrowed */
	uint32_t *goals;          /* owned, as the next: those who are asked for */
	size_t nr_goals;          /* 0: there is nobody to ask for, and nothing to do */
	struct quiescence *still; /* NULL: the caller sees to it that they stand still */
};

/*
 * w: of the locks of this census. settles: they must stand still from here until
 * contention_proof__end(), which the caller calls a moment later. 0, -ESRCH, -ENOMEM.
 */
int contention_proof__begin(struct contention_proof *p, const struct contention_proof_in *in,
			    struct waitgraph *w, bool settles);
/*
 * Adds edges and cycles to w, or says in w->unproved that they could not be proved. 0, -ESRCH,
 * -ENOMEM.
 */
int contention_proof__end(struct contention_proof *p);
void contention_proof__done(struct contention_proof *p);

#endif
