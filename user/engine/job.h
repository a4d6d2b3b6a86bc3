/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * job: work on a target that takes a while (a recording, a watch for leaks), and the one loop that
 * runs all work of a process.
 *
 * A job is a state machine. It never sleeps, never polls and never waits in a loop: it says when it
 * is due and which descriptors wake it, and a step does what can be done at that moment.
 *
 *	jobs__run()	calls start() of each job, in their order, and then turns:
 *			due() and fds() of each job that goes on
 *			one ppoll(2), until the earliest moment or the first input, JOBS_TURN_NS at most
 *			step() of each that is due or has input, in their order, once each
 *			until no job goes on
 *	*stop		calls stop() of each job that goes on, once, and then step() at once
 *
 * Everything is called in the thread that called jobs__run(). Other jobs wait while one steps, so a
 * step is as short as its work allows. One that takes long (a census, a search of the heap) lends the
 * thread meanwhile (jobs__lend()): then others that are due or have input step in between, and what
 * fills a ring is taken out of it. The end of one job, or its error, does not end the others.
 */
#ifndef PARKWATCH_ENGINE_JOB_H
#define PARKWATCH_ENGINE_JOB_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/clock.h"
#include "base/heart.h"

#define JOBS_MAX    8 /* in one loop */
#define JOB_FDS_MAX 8 /* of one job */
/* A turn waits no longer, so the heart beats, and a signal that falls between two waits is seen. */
#define JOBS_TURN_NS     (HEART_MS * NS_PER_MS)
#define JOBS_PROGRESS_NS (100 * NS_PER_MS) /* from one call of progress to the next, at least */

struct pollfd;
struct rt_boost;

/* What start() and step() return, if not a negative errno. */
enum job_state {
	JOB_OVER,
	JOB_GOES_ON,
};

struct job_due {
	uint64_t at_ns; /* CLOCK_MONOTONIC; past: at once; UINT64_MAX: only input wakes it */
	/*
	 * borrowed: it must be on time, so the thread is before all others when this moment comes.
	 * The step ends that, by rt_boost__restore(). NULL: it need not.
	 */
	struct rt_boost *boost;
};

struct job_ops {
	/* Begins. An error has a cause; then, as after JOB_OVER, nothing more is called. */
	int (*start)(void *self, struct cause *why);
	struct job_due (*due)(const void *self);
	/* What wakes it: at most `most` of them, returns how many. NULL: nothing does. */
	size_t (*fds)(const void *self, struct pollfd *ret, size_t most);
	/* As start(). It may come before the moment of due(): input came, or the end is asked for. */
	int (*step)(void *self, struct cause *why);
	/*
	 * Before start() and each step, where there are others: CPU time of this process that they
	 * have used in this loop, so it is no cost of this job. NULL: it does not count its own.
	 */
	void (*others)(void *self, uint64_t cpu_ns);
	/* The end is asked for: the next steps are the last ones. NULL: it is over soon anyway. */
	void (*stop)(void *self);
};

struct job {
	const struct job_ops *ops;
	void *self; /* borrowed: what ops work on */
	/* set by jobs__run() */
	bool goes_on, stopped;
	uint64_t calls;  /* of its functions that do something */
	bool inside;     /* one of its functions runs */
	uint64_t cpu_ns; /* of this process, in its steps; counted where there are others */
	int err;         /* it ended by that; 0: it did all it had to do */
	struct cause why;
};

struct jobs_opts {
	/* borrowed; not 0: the end is asked for. NULL: nobody asks */
	const volatile sig_atomic_t *stop;
	/* NULL: nobody asks. At the start of a turn, between two steps. */
	void (*progress)(void *ctx);
	void *ctx;
	/* A turn waits no longer. 0: JOBS_TURN_NS. For who holds no probes and takes no signal. */
	uint64_t turn_ns;
};

/*
 * Runs jobs until all are over. Returns the first error of theirs, in their order: each has its own
 * in err and why; -E2BIG: more than JOBS_MAX; a failed ppoll(2) ends all jobs that go on.
 */
int jobs__run(struct job *jobs, size_t nr, const struct jobs_opts *o);
/*
 * By a job, in start() or step(): other jobs may step while it reads, until it says that it does not
 * lend any more, at the latest when that function is over.
 */
void jobs__lend(bool lends);
/* One alone. o NULL: nobody asks for the end. */
int job__run(struct job j, const struct jobs_opts *o, struct cause *why);

#endif
