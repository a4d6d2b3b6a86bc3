/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contention: the channels and locks of one runtime, who holds the locks, and the rings of
 * goroutines that wait for each other.
 *
 * Read after the census, in one go; a ring is kept only if it still stands a moment later
 * (CONTENTION_MOMENT_NS), one that goes through a channel if it does so twice, unless a look takes
 * long (CONTENTION_CHEAP_NS): then so much lies between two of them.
 */
#ifndef PARKWATCH_DAEMON_CONTENTION_H
#define PARKWATCH_DAEMON_CONTENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cause.h"
#include "base/clock.h"
#include "daemon/snapshot.h"
#include "view/chans.h"

#define CONTENTION_MOMENT_NS (100 * NS_PER_MS)
#define CONTENTION_CHEAP_NS  NS_PER_SEC
/* for each proof that nobody else has a channel, where there is somebody to ask for */
#define CONTENTION_PROOF_NS (10 * NS_PER_SEC)

struct contention { /* all owned; all zero is an empty one */
	struct gchans *chans;
	struct glocks *locks;
	struct gholds *holds;
	struct waitgraph *graph;
	uint64_t proof_ns; /* that proofs took */
};

/*
 * Of runtime i. proof_ns: for each proof, see contention_proof.h; 0: none. elements: the oldest
 * buffered ones of channels too. -EOPNOTSUPP: where the fields of channels lie is not known for
 * this Go; -ESRCH: the process has ended; -ENOMEM. Each with a cause.
 */
int contention__read(struct contention *k, const struct snapshot *t, size_t i, bool elements,
		     unsigned int depth, uint64_t proof_ns, struct cause *why);
void contention__done(struct contention *k);
struct chans_source contention__source(const struct contention *k); /* borrows from it */

#endif
