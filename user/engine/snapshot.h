/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snapshot: one process, opened, and the censuses of all Go runtimes in it: what dump and chans
 * begin with.
 *
 * No probe, no kernel feature: memory is read, nothing else. Each runtime's layout is proved before
 * it is read.
 */
#ifndef PARKWATCH_ENGINE_SNAPSHOT_H
#define PARKWATCH_ENGINE_SNAPSHOT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cause.h"
#include "base/deadline.h"
#include "base/cleanup.h"
#include "census/census.h"
#include "facts/labelbook.h"
#include "facts/requests.h"
#include "facts/resource.h"
#include "engine/target.h"
#include "engine/job.h"
#include "view/recording.h"

struct snapshot { /* all owned */
	struct target target;
	struct census *censuses[GOPROC_RUNTIMES_MAX]; /* by runtime */
	/* CLOCK_MONOTONIC: before it was opened, after the last census */
	uint64_t began_ns, read_ns;
	uint64_t
		wall_ns; /* since 1970, of the first census; whoever takes others may bring it up to date */
	/* of the last censuses: how deep; and the process's CPU time before them, 0: not known */
	unsigned int depth;
	uint64_t cpu_ns;
	bool rested; /* the last snapshot__again() read nothing: what was read before holds */
	/* from the first use on: of requests; of the censuses of snapshot__again(), `depth` deep */
	struct requests_reader *requests[GOPROC_RUNTIMES_MAX];
	struct reader *readers[GOPROC_RUNTIMES_MAX];
};

/* a depth: that comes later, with snapshot__again(). Of a million goroutines it takes seconds */
#define SNAPSHOT_NO_CENSUS 0
/* of that, where it is told that they are not all: the rest is for what belongs to them */
#define SNAPSHOT_CENSUS_NS (50 * NS_PER_SEC)
/*
 * that reading all of a target may take, where nothing else bounds it: a million goroutines take
 * some
 */
#define SNAPSHOT_MOST_NS (60 * NS_PER_SEC)

struct snapshot_job {
	pid_t pid;
	unsigned int depth;     /* frames of a stack, or SNAPSHOT_NO_CENSUS */
	struct deadline *until; /* proc__limit(), borrowed until the snapshot is freed */
	/*
	 * as far as the goroutines are read until then, see census->cut; NULL: all of them, or none
	 */
	struct deadline *census;
	size_t rt; /* that is read next */
	/* the caller's to free, whatever came of it; whole when the job is over without an error */
	struct snapshot *t;
};

/*
 * For jobs__run(): opens the process; each step reads the goroutines of one runtime. Errors as of
 * target__open() and census__read(); each with a cause.
 */
struct job snapshot__job(struct snapshot_job *j);
/* The same at once. */
int snapshot__new(pid_t pid, unsigned int depth, struct deadline *until, struct snapshot **ret,
		  struct cause *why);
/*
 * The censuses anew; what borrows from the old ones must be gone. If no thread of the process has run
 * since the last ones began, they are the same, taken now: nothing is read. Errors as above; on an
 * error t is as it was.
 */
int snapshot__again(struct snapshot *t, unsigned int depth, struct cause *why);
void snapshot__free(struct snapshot *t);
DEFINE_SCOPED(snapshot)

/*
 * Which way a case of a select waits is known to its channel only. Where that cannot be read it
 * stays unknown. 0 or -ENOMEM, with a cause.
 */
int snapshot__paths(const struct snapshot *t, struct cause *why);

/*
 * Reads the labels of all goroutines of the censuses into b; those that the program keeps secret
 * (heap/gosecret) are not told.
 * 0 or -ENOMEM, -ESRCH and others of reading; with a cause.
 */
int snapshot__labels(const struct snapshot *t, struct labelbook *b, struct cause *why);
/* The same of those at the nr pointers of runtime rt only. */
int snapshot__labels_at(const struct snapshot *t, uint16_t rt, const uint64_t *ptrs, size_t nr,
			struct labelbook *b, struct cause *why);

/* of what is left until the deadline of the target, at most, for requests */
#define SNAPSHOT_REQUESTS_NS (20 * NS_PER_SEC)
/* One for each runtime, owned. */
struct snapshot_requests {
	struct grequests *of[GOPROC_RUNTIMES_MAX];
	size_t nr;
	enum grequest_detail detail; /* the caller's to set: what of them is kept */
};
void snapshot_requests__done(struct snapshot_requests *r);
/*
 * Which request each goroutine of the censuses works for (requests/requests). until: of the
 * target. *ret: all zeros before, but for detail. 0 or negative errno of reading, with a cause.
 */
int snapshot__requests(struct snapshot *t, struct deadline *until, struct snapshot_requests *ret,
		       struct cause *why);

/* What the process says that it is (target/resource_read). *ret: an empty one. 0 or -ENOMEM, with a cause. */
int snapshot__resource(const struct snapshot *t, struct resource *ret, struct cause *why);

/* What a report says of the process; borrows from t. seen and lost are left to the caller. */
void snapshot__meta(const struct snapshot *t, struct report_meta *ret);

#endif
