/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch: one process looked at several times, to find what leaks: censuses from the start to the
 * end, probes for births, exits and parks in between.
 *
 *	watch__open()	opens the process, proves its layouts, loads the probes
 *	watch__job()	looks, from the start to the end (engine/job)
 *	watch__leaks()	what was seen, for leaks__finish() and the renderers
 * Without probes (they are not wanted, the kernel does not allow them, or they cost too much)
 * births and exits are what the looks
 * tell: who was born and ended between two of them is not seen; and waits are at least as old as
 * the looks tell. What goroutines allocate is not known then. One thread.
 */
#ifndef PARKWATCH_ENGINE_WATCH_H
#define PARKWATCH_ENGINE_WATCH_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cause.h"
#include "base/clock.h"
#include "base/cleanup.h"
#include "engine/job.h"
#include "engine/probes.h"
#include "view/leaks.h"

/* that a look may take, and what is read at the end besides the proof */
#define WATCH_LOOK_NS (30 * NS_PER_SEC)
struct watch;
struct watch_opts {
	pid_t pid;
	uint64_t duration_ns;
	unsigned int depth; /* frames of a stack */
	uint64_t proof_ns;  /* that the search may take in all; 0: no search */
	/* of the target's CPU time, that probes may cost; then they are taken down. 0: no limit */
	double max_overhead;
	bool no_probes;
	bool no_cost;                 /* no calibration: cost is unknown */
	uint8_t detail;               /* enum grequest_detail: of the requests of what leaks */
	struct shared_probes *shared; /* as probes_opts has it */
	/* after the first look, before anything else is read; NULL: nobody wants it */
	void (*began)(void *ctx, struct watch *w);
	void *ctx; /* borrowed */
};

struct watch_progress {
	uint64_t elapsed_ns;
	size_t looks, goroutines; /* at the last look */
};

struct watch_end {
	bool target_ended;
	bool cut; /* what was not read in time is missing in the end */
	uint64_t hits, lost, cpu_ns;
	double cost_ns; /* of all hits */
	char losses[256];
	char code_left[sizeof(struct cause)]; /* as session_end.code_left */
	unsigned int passes; /* of the search for what still refers to what they wait for */
	/* proof_cpu_ns: that it took of the processors */
	uint64_t heap_bytes, proof_ns, proof_cpu_ns;
	char doubt[320]; /* what it did not decide, and why; "": nothing */
};

/* stop, borrowed: once it is not 0 nothing is read any more 0.3 s later. */
int watch__open(const struct watch_opts *o, const volatile sig_atomic_t *stop, struct watch **ret,
		struct cause *why);
void watch__free(struct watch *w);
DEFINE_SCOPED(watch)

/* why births and exits are not seen; NULL: they are */
const char *watch__lives_why(const struct watch *w);
/* why it is not known what was allocated; NULL: it is */
const char *watch__allocs_why(const struct watch *w);
/* why it is not known which requests they work for; NULL: it is, or nothing leaks */
const char *watch__requests_why(const struct watch *w);

/*
 * For jobs__run(): looks until the duration is over, the end is asked for, or the target's end; then
 * reads channels and locks, and searches. No error when the target ended.
 */
struct job watch__job(struct watch *w);
void watch__progress(const struct watch *w, struct watch_progress *ret);
/* When the job is over without an error. */
void watch__ended(const struct watch *w, struct watch_end *ret);

/*
 * After leaks__finish(): the heap that only leaking goroutines keep in use, as far as the rest of
 * the budget allows, and the leaks in the order of what they cost. What is not known is no error,
 * but -ENOMEM.
 */
int watch__heap(struct watch *w, bool suspects);
/* The same: which variables hold what leaks wait for, and the labels of all. */
int watch__name_holders(struct watch *w, bool suspects);
/* The same: which requests they work for, if anything leaks. */
int watch__requests(struct watch *w);
struct leaks *watch__leaks(struct watch *w); /* borrowed */
/* the same: the process, and labels of what leaks */
const struct target *watch__target(const struct watch *w);
const struct labelbook *watch__labels(const struct watch *w);
void watch__meta(const struct watch *w, const struct watch_end *end, struct report_meta *ret);

#endif
