/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refwatch: what keeps what goroutines wait for, or an object, from being garbage: one look. A
 * second follows where the first says that nothing does, since one look is no proof, and where a
 * goroutine ran during it; a third, where the second is the first that could tell.
 *
 * Memory is read, nothing else: no probe, no kernel feature. One thread.
 *
 *	refwatch__new()	opens the process, and reads its goroutines
 *	refwatch__job()	the looks (engine/job)
 *	refwatch__refs() and the others: when the job is over without an error
 */
#ifndef PARKWATCH_ENGINE_REFWATCH_H
#define PARKWATCH_ENGINE_REFWATCH_H

#include <stdint.h>
#include <sys/types.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "engine/job.h"
#include "names/filter.h"
#include "view/refs.h"

#define REFWATCH_LOOKS  3                 /* at most */
#define REFWATCH_NAP_NS (500 * NS_PER_MS) /* between them */

struct refwatch_opts {
	pid_t pid;
	unsigned int depth;
	const struct filter *filter; /* the goroutines; borrowed until the job is over */
	uint64_t object;             /* or an address; 0: goroutines */
	uint64_t proof_ns;           /* for the search in all looks; 0: no limit */
};

struct refwatch;
struct snapshot;

/* As snapshot__new(). */
int refwatch__new(const struct refwatch_opts *o, struct refwatch **ret, struct cause *why);
void refwatch__free(struct refwatch *w);
DEFINE_SCOPED(refwatch)
/*
 * For jobs__run(). -ENOENT: no goroutine is picked, or the address is not in the heap; others as of
 * snapshot__again() and reach__run(). Each with a cause.
 */
struct job refwatch__job(struct refwatch *w);

const struct refs *refwatch__refs(const struct refwatch *w);         /* borrowed */
const struct snapshot *refwatch__snapshot(const struct refwatch *w); /* borrowed */
/* Why there was nothing to search for, in words; NULL: there was. Borrowed. */
const char *refwatch__no_goal(const struct refwatch *w);
/* All but top; borrows from w. */
void refwatch__show(const struct refwatch *w, struct report_meta *meta, struct refs_show *ret);

#endif
