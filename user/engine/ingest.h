/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ingest: what stands between the pipe and the profile: it looks up in the target what a record
 * only points to.
 *
 * Labels are read while their goroutine lives; goroutines of the runtime itself are left out and
 * counted; pcs of new stacks are named at once, so that names are there even if the target ends
 * before the report is written.
 */
#ifndef PARKWATCH_ENGINE_INGEST_H
#define PARKWATCH_ENGINE_INGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "census/census.h"
#include "golang/goruntime.h"
#include "model/profile.h"
#include "pipe/decode.h"
#include "probe/attach.h"
#include "target/goproc.h"

struct cpustack;
struct ingest;
struct reqlooks;
struct wanted;

struct ingest_opts {
	bool labels; /* look labels up */
	bool system; /* keep the runtime's own goroutines */
	/* ascending, borrowed; records are filtered by the BPF programs, the census here */
	const uint64_t *goids;
	size_t nr_goids;           /* 0: all */
	struct wanted *wanted;     /* other filters; borrowed; NULL: none */
	struct deadline *until;    /* of the census; borrowed; NULL: none */
	struct cpustack *cpu;      /* for samples; borrowed; NULL: there are none */
	struct timeline *timeline; /* of rounds; borrowed; NULL: nobody asks for one */
	/* what is counted has the request of its goroutine in place of labels; borrowed; NULL: no */
	struct reqlooks *requests;
};

/* p, gp and profile are borrowed as long as the intake lives. */
int ingest__new(const struct proc *p, struct goproc *gp, struct profile *profile,
		const struct ingest_opts *o, struct ingest **ret);
void ingest__free(struct ingest *in);
DEFINE_SCOPED(ingest)

void ingest__record(void *in, const void *data, size_t len); /* a ring_fn */

/*
 * The goroutines that were there when recording began. waits: blocked time is recorded, so those
 * that wait are kept until it ends
 * (see docs/architecture.md, "From attach to the last line").
 */
int ingest__census(struct ingest *in, uint16_t rt, bool waits, unsigned int depth,
		   struct cause *why);

/* Waits that were summed, when recording has ended (attach_want.sums). */
int ingest__sums(struct ingest *in, uint16_t rt, struct attach *a);

/*
 * Waits that are open at the end: since a park that was seen, or, of those that ingest__census()
 * kept and nothing was seen of, since the profile's start.
 */
int ingest__open_waits(struct ingest *in, uint16_t rt, struct attach *a);

/* A stack that only a goroutine of the runtime's own has, and such are left out. */
bool ingest__is_system_stack(const struct ingest *in, uint16_t rt, uint64_t stack_id);
/* A stack that a filter leaves out of what has no more facts than that. */
bool ingest__wants_stack(const struct ingest *in, uint16_t rt, uint64_t stack_id);
/* For those who look for themselves. */
bool ingest__wants(const struct ingest *in, uint64_t goid);
/* and such are not wanted */
bool ingest__is_system(struct ingest *in, uint16_t rt, uint64_t startpc);
/* labels that are asked for from here on were found by now: in a census, say */
void ingest__found(struct ingest *in);
uint32_t ingest__label(struct ingest *in, uint16_t rt, uint64_t goid, uint64_t labels);
/* It waits as the event counts it: of Go's own profiles of contention as they do. */
bool ingest__is_counted(const struct ingest *in, uint16_t rt_nr, const struct census *c,
			const struct census_g *g, uint64_t pc);
/*
 * The profile's id of the stack of g; ids: by number of the stack in c, PW_STACK_ID_NONE: not asked
 * for yet.
 */
uint64_t ingest__stack_id(struct ingest *in, const struct census *c, const struct census_g *g,
			  uint64_t *ids);
/*
 * Adds ps to the profile as a goroutine that was made or has ended; who it is and its labels are
 * filled in (0: nobody knows them any more).
 */
void ingest__life(struct ingest *in, struct profile_sample *ps, uint64_t labels);
/*
 * Adds ps to the profile as goroutine g of census c, if it is wanted: value, reason and counts are
 * the caller's, who it is and its stack are filled in. ids: one for each stack of c, 0 at first,
 * then the profile's.
 */
void ingest__sample(struct ingest *in, const struct census *c, const struct census_g *g,
		    uint64_t *ids, struct profile_sample *ps);

struct ingest_stats {
	struct pipe_stats pipe;
	uint64_t system;   /* left out: the runtime's own goroutines */
	uint64_t unwanted; /* left out by a filter here, not by BPF */
};
const struct ingest_stats *ingest__stats(const struct ingest *in);
/*
 * Events that there were, by the counters of the probes (PW_STAT_MAX of them), but for those left
 * out.
 */
uint64_t ingest__events(const struct ingest *in, const uint64_t *stats);

#endif
