/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chanwatch: the channels of a process over some time: looks at how full they are, and searches for
 * them and for who waits at them.
 *
 * Memory is read, nothing else: no probe, no kernel feature. Looks are at random moments, one in
 * each part of the time (model/chanstat); searches are a second apart, at random too. Both come less
 * often where they would take more than max_overhead of the target's CPU time, as far as a processor
 * that we use is taken from it (model/governor), or a tenth of a processor. Loop thread.
 *
 *	chanwatch__new()	borrows a snapshot, whose goroutines were read
 *	chanwatch__job()	the watch (engine/job); its last search reads the goroutines of the end
 *	chanwatch__told()	when the job is over without an error
 */
#ifndef PARKWATCH_ENGINE_CHANWATCH_H
#define PARKWATCH_ENGINE_CHANWATCH_H

#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "engine/job.h"
#include "engine/snapshot.h"
#include "facts/chan_watch.h"

#define CHANWATCH_RATE      20 /* looks a second */
#define CHANWATCH_SEARCH_NS NS_PER_SEC
#define CHANWATCH_OWN_MAX   0.1 /* of one processor */

struct chanwatch_opts {
	struct snapshot *t;     /* borrowed until free */
	struct deadline *until; /* of t, borrowed: moved before each reading */
	uint64_t duration_ns;
	unsigned int depth;  /* frames of a stack */
	double max_overhead; /* 0.01 is 1 %; 0: no limit */
};

struct chanwatch;
int chanwatch__new(const struct chanwatch_opts *o, struct chanwatch **ret); /* 0 or -ENOMEM */
void chanwatch__free(struct chanwatch *w);
DEFINE_SCOPED(chanwatch)
/*
 * For jobs__run(). -EOPNOTSUPP, -EBADMSG: channels or the heap of this Go are not known; -ESRCH;
 * -ENOMEM. Each with a cause.
 */
struct job chanwatch__job(struct chanwatch *w);
const struct chan_watch *chanwatch__told(const struct chanwatch *w); /* borrowed */

struct chanwatch_cost {
	uint64_t own_ns;    /* CPU time of ours while it watched */
	uint64_t target_ns; /* of the target */
	double taken_ns;    /* of ours, that was taken from the target */
};
struct chanwatch_cost chanwatch__cost(const struct chanwatch *w);

#endif
