/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * allocs: the allocations of a recording, from the sums that the BPF programs keep into the
 * profile.
 *
 *	allocs__new() choose()	before the recording: which source can be had of each runtime, and what it needs probed
 *	allocs__begin()		recording has just begun
 *	allocs__look() learn()	now and then while the target lives, so that sums and the names of types are known if it ends
 *	allocs__read() cut()	now and then: an interval ends, the next begins
 *	allocs__one()		of requests: there are no sums, but allocations one by one, at any time until the last
 *	allocs__end()		recording is about to end
 *	allocs__last() finish()	recording has ended: the sums go into the profile, interval by interval
 * Types are bounded by ALLOCS_TYPES_MAX; those beyond are read each time. Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_ALLOCS_H
#define PARKWATCH_ENGINE_ALLOCS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "engine/ingest.h"
#include "engine/probes.h"
#include "model/profile.h"
#include "probe/attach.h"
#include "target/goproc.h"

#define ALLOCS_TYPES_MAX 65536

enum alloc_source {
	ALLOC_SOURCE_AUTO,    /* refill; where that cannot be had runtime, then exact */
	ALLOC_SOURCE_REFILL,  /* exact sums by size class, split by windows of exact; see
				 model/allocsplit */
	ALLOC_SOURCE_RUNTIME, /* the samples that the Go runtime takes for its own profile */
	ALLOC_SOURCE_EXACT,   /* each call of mallocgc */
};
const char *alloc_source_name(enum alloc_source s); /* "auto", "refill", "runtime", "exact" */

struct allocs_opts { /* all borrowed as long as it lives */
	const struct proc *proc;
	struct goproc *gp;
	struct profile *profile;
	const struct ingest *intake;
	enum alloc_source source;
	bool some; /* of some goroutines only */
	/*
	 * refill: only windows are probed; -EOPNOTSUPP where the runtime's own counts are not found
	 */
	bool no_refills;
};

struct allocs;
int allocs__new(const struct allocs_opts *o, struct allocs **ret);
void allocs__free(struct allocs *al);
DEFINE_SCOPED(allocs)

/*
 * Settles on a source for runtime rt; a probes_choose_fn. -EOPNOTSUPP and others: it, or any,
 * cannot be had.
 */
int allocs__choose(void *al, uint16_t rt, const struct plan *plan, struct probes_points *ret,
		   struct cause *why);
bool allocs__has(const struct allocs *al, enum alloc_source s); /* some runtime has this one */
enum alloc_source allocs__source(const struct allocs *al, uint16_t rt);
/* By whom the sums are kept apart, for the profile's root. */
enum pw_alloc_root allocs__root(const struct profile *p);
void allocs__begin(struct allocs *al, uint16_t rt);
void allocs__look(struct allocs *al, uint16_t rt);
/* what was handed out since the last look is left out */
void allocs__skip(struct allocs *al, uint16_t rt);
int allocs__learn(struct allocs *al, uint16_t rt, struct attach *a);
/* A reqlooks_alloc_fn: label: its request, of profile__label(). */
void allocs__one(void *al, const struct pw_alloc *a, uint32_t label);
/*
 * An interval may end: allocs__read() of each runtime, then allocs__cut(). False: too many sums were
 * kept already, or it is not known of each moment what was handed out.
 */
bool allocs__may_cut(const struct allocs *al);
int allocs__read(struct allocs *al, uint16_t rt, struct attach *a);
void allocs__cut(struct allocs *al, uint64_t now_ns);
void allocs__end(struct allocs *al, uint16_t rt);
/* allocs__last() of each runtime, then allocs__finish(). What the profile refuses it counts. */
int allocs__last(struct allocs *al, uint16_t rt, struct attach *a);
int allocs__finish(struct allocs *al);

uint64_t allocs__objects(const struct allocs *al); /* that went into the profile */
uint64_t allocs__refused(const struct allocs *al); /* objects of allocs__one(): there was no room */

#endif
