/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contention: the channels and locks of one runtime, who holds the locks, and the cycles of
 * goroutines that wait for each other.
 *
 * Read after the census, in one go; a cycle is kept only if it still stands a moment later
 * (CONTENTION_MOMENT_NS), one that goes through a channel if it does so twice, unless a look takes
 * long (CONTENTION_CHEAP_NS): then so much lies between two of them.
 */
#ifndef PARKWATCH_ENGINE_CONTENTION_H
#define PARKWATCH_ENGINE_CONTENTION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cause.h"
#include "base/clock.h"
#include "engine/contention_proof.h"
#include "engine/snapshot.h"
#include "engine/job.h"
#include "view/chans.h"

#define CONTENTION_MOMENT_NS (100 * NS_PER_MS)
#define CONTENTION_CHEAP_NS  NS_PER_SEC
/* for each proof that nobody else has a channel, where there is somebody to ask for */
#define CONTENTION_PROOF_NS (10 * NS_PER_SEC)

struct contention_opts {
	const struct snapshot *t; /* borrowed */
	size_t rt;                /* of its runtimes */
	bool elements;            /* the oldest buffered ones of channels too */
	unsigned int depth;       /* frames of a stack */
	uint64_t proof_ns;        /* for each proof, see contention_proof.h; 0: none */
};

enum contention_phase {
	CONTENTION_IDLE,
	CONTENTION_PROVES,   /* until those who are asked for have stood still for a moment */
	CONTENTION_CONFIRMS, /* until a moment lies between two readings */
};

struct contention { /* all owned; all zero is an empty one */
	struct gchans *chans;
	struct glocks *locks;
	struct gholds *holds;
	struct waitgraph *graph;
	uint64_t proof_ns; /* that proofs took */
	/* while it is read */
	struct contention_opts o;
	enum contention_phase phase;
	uint64_t due_ns;
	int looks; /* after the first */
	struct contention_proof proof;
	uint32_t *gs; /* of all cycles, as indexes into the census */
	struct quiescence *still;
};

/*
 * A part of a job (engine/job): begins, and goes on with a step when it is due, as long as these
 * return JOB_GOES_ON. A step that comes earlier does nothing. -EOPNOTSUPP: where the fields of
 * channels lie is not known for this Go; -ESRCH: the process has ended; -ENOMEM. Each with a cause.
 */
int contention__begin(struct contention *k, const struct contention_opts *o, struct cause *why);
uint64_t contention__due_ns(const struct contention *k);
int contention__step(struct contention *k, struct cause *why);
void contention__done(struct contention *k);                        /* an empty one again */
struct chans_source contention__source(const struct contention *k); /* borrows from it */

/* Of all runtimes of a snapshot, one after the other. */
struct contentions {
	struct contention of[GOPROC_RUNTIMES_MAX];
	struct contention_opts o; /* rt: the one that is read */
};

/* For jobs__run(); o->rt does not matter. */
struct job contentions__job(struct contentions *c, const struct contention_opts *o);
void contentions__done(struct contentions *c);

#endif
