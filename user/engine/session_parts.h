/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session_parts: what session.c opens and reports, and session_run.c records with; nobody else
 * looks into it.
 */
#ifndef PARKWATCH_ENGINE_SESSION_PARTS_H
#define PARKWATCH_ENGINE_SESSION_PARTS_H

#include "base/deadline.h"
#include "engine/allocrun.h"
#include "engine/beside.h"
#include "engine/codecheck.h"
#include "engine/cpupace.h"
#include "engine/cpustack.h"
#include "engine/gapcount.h"
#include "engine/ingest.h"
#include "engine/probes.h"
#include "host/recorders.h"
#include "engine/reqlooks.h"
#include "engine/sampling.h"
#include "engine/calls.h"
#include "engine/session.h"
#include "engine/target.h"
#include "engine/wanted.h"
#include "engine/windows.h"
#include "facts/resource.h"
#include "view/callsites.h"

/* As engine/owncost says: what was when it was looked at last, and what it has cost. */
struct owncost {
	unsigned int processors;
	uint64_t looked_ns, own_ns, target_ns; /* own, target: CPU time */
	double part;                           /* of our CPU time, that was taken from the target */
	double cost_ns;
};

enum session_phase {
	SESSION_TRIAL, /* before it begins: what counting allocations will cost (engine/allocrun) */
	SESSION_EXACT, /* every event is recorded */
	SESSION_MOMENT, /* estimates: until the moment at which a part of the time is sampled */
	SESSION_WINDOW, /* its window is open */
	SESSION_REST,   /* until that part is over */
};

/* The part of the time that is sampled next, and how. */
struct stratum {
	uint64_t length_ns, after_ns; /* where in it, at random */
	bool window;
};

/* One recording while it goes on. */
struct session_run {
	struct session *s; /* borrowed: that it is a part of */
	uint64_t start_ns, cpu_start_ns;
	uint64_t cpu_seen_ns; /* when the target's CPU time was read last */
	uint64_t duration_ns; /* 0: no end */
	uint64_t covered_ns;  /* of it, from the start, is recorded or stood for */
	uint64_t exact_ns;    /* of that, at the beginning, is exact */
	uint32_t windows;
	uint64_t counted_ns;         /* moment up to which waits are counted */
	uint64_t no_window_until_ns; /* they take time in which nothing is looked at */
	uint64_t gap_ns;       /* parkwatch was absent, all together; no part of the duration */
	uint64_t held_ns;      /* of that: not stopped, but held up */
	uint64_t absent_ns;    /* the last absence that is in it */
	uint64_t gap_waits;    /* that were open when it began, and end there */
	struct gapcount count; /* of births or exits */
	int64_t gap_missing;   /* of these, in all gaps; < 0: not known */
	uint32_t stretches;    /* in which all was recorded */
	struct owncost own;
	uint64_t hits; /* when their cost was looked at last */
	/* there were few, for what they may cost: BPF itself ends it if there are suddenly many */
	bool calm;
	double begun_ns;     /* of that, until all goroutines were read once */
	double own_spent_ns; /* of that, what the governor knows */
	enum session_phase phase;
	uint64_t stepped_ns; /* when the last step of its phase was */
	struct governor governor;
	struct beside beside; /* event wall, as the next */
	struct calls calls;
	struct stratum stratum;
	uint64_t cpu_began_ns;    /* of us, when it began */
	uint64_t window_began_ns; /* with attaching */
	bool stopping;            /* the end is asked for */
	bool target_ended;
	bool cut, over_budget; /* as session_end says */
};

struct session {
	struct session_opts o;
	struct target target;
	struct resource resource; /* owned: what the process says of itself */
	struct profile *profile;
	struct callsites *callsites;                /* by creation site, else NULL */
	struct census *before[GOPROC_RUNTIMES_MAX]; /* what these know: session_opts.keep_before */
	struct wanted *wanted;                      /* NULL: there is no filter */
	struct reqlooks *requests;                  /* rows are of requests; else NULL */
	struct ingest *intake;
	struct probes *probes; /* NULL: looks only */
	struct probes *calls;  /* engine/calls; NULL: system calls are not told one by one */
	struct codecheck code;
	struct recorders *recorders; /* NULL: there are no probes */
	struct windows *windows;     /* NULL: there are no probes */
	struct sampling *sampling;
	struct allocs *allocs; /* event alloc, as the next; else NULL */
	struct allocrun allocrun;
	struct cpustack *cpustack; /* event cpu, as the next; else NULL */
	struct cpupace cpupace;
	struct rt_boost *pace; /* of looks and windows */
	struct deadline until; /* of each look */
	uint64_t wall_start_ns;
	uint64_t cpu_ns;        /* of the target, when it was last seen alive */
	uint64_t own_start_ns;  /* session__own_ns() when recording began */
	uint64_t others_cpu_ns; /* of this process, of other jobs */
	struct session_run run;
	struct session_end end;
};

/* CPU time of parkwatch, but for other jobs of this process, and of its probe holder. */
uint64_t session__own_ns(const struct session *s);

/*
 * As the functions of a job (engine/job), from the moment at which the recording begins: until the
 * duration is over, the end is asked for, or the target's end. The probes are there, and are taken
 * down. The target's end is no error.
 */
int session_run__begin(struct session_run *r, struct cause *why);
int session_run__step(struct session_run *r, struct cause *why);
struct job_due session_run__due(const struct session_run *r);
size_t session_run__fds(const struct session_run *r, struct pollfd *ret);

#endif
