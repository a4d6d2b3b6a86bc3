/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * session: one target from start to end: opened, proved, probed, recorded, let go.
 *
 *	session__open()	  finds the Go runtimes, proves their layouts, plans and loads; nothing is probed yet
 *	session__job()	  records, from the first probe to the last (engine/job)
 *	session__snap()	  what was seen, for the renderers
 * What probes cost is limited (model/governor): when it is too much, they are on in windows only
 * (engine/windows); or, as without probes from the start, all goroutines are looked at again and
 * again (engine/sampling). What is said then are estimates. A process with several Go runtimes
 * (c-shared libraries) has one set of probes each, and one report. One thread.
 */
#ifndef PARKWATCH_ENGINE_SESSION_H
#define PARKWATCH_ENGINE_SESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cause.h"
#include "engine/allocs.h"
#include "engine/job.h"
#include "engine/probes.h"
#include "model/governor.h"
#include "model/profile.h"
#include "model/snap.h"
#include "probe/attach.h"
#include "view/recording.h"

struct filter;
struct timeline;

struct session_opts {
	pid_t pid;
	const volatile sig_atomic_t *stop; /* not 0: the end is asked for, while it is opened too */
	struct profile_opts profile;
	/* event alloc: it has its own budget, and needs its probes */
	enum alloc_source alloc;
	int transport; /* -1 auto, or enum pw_transport */
	enum attach_method attach;
	const uint64_t *goids; /* ascending, borrowed until session__free() */
	size_t nr_goids;
	const struct filter *filter; /* what else is recorded only; borrowed as goids; NULL: all */
	uint64_t min_wait_ns;
	unsigned int depth;
	uint32_t ring_bytes;
	bool system;  /* the runtime's own goroutines too */
	bool no_cost; /* no calibration: cost is unknown */
	/*
	 * of the target's CPU time, that probes may cost; 0: no limit. Beyond it the rest is
	 * estimated
	 */
	double max_overhead;
	bool no_probes;  /* looks instead: what has to do with events is not used */
	double rate;     /* looks a second; 0: SESSION_RATE, of event wall SESSION_RATE_WALL */
	uint32_t cpu_hz; /* events cpu and wall: samples a second */
	/* by creation site: keeps who was there before, for session__before() */
	bool keep_before;
	struct shared_probes *shared; /* as probes_opts has it */
	/*
	 * event wakeups: what each goroutine did, moment by moment (model/timeline); borrowed; NULL: nobody
	 * asks. Estimates have none: over the budget recording ends.
	 */
	struct timeline *timeline;
	bool single_events; /* each is wanted by itself: session__tap(); waits are not summed in the kernel */
	bool requests_apart;    /* with a root of requests: reqlooks_opts.apart */
	bool requests_if_known; /* without a known server (requests/requests) no root of requests */
};

/* looks a second, where nobody says another number; of event wall, which has nothing else */
#define SESSION_RATE      20
#define SESSION_RATE_WALL 100

/* that opening may read the target's memory */
#define SESSION_OPEN_NS (60 * 1000000000ULL)
/* that the last look may go on after the duration */
#define SESSION_LATE_NS (3 * 1000000000ULL)

struct session_progress {
	uint64_t elapsed_ns; /* 0: recording has not begun */
	uint64_t events, lost;
	uint32_t looks;
};

struct session_end {
	/* before the recording was over; one that starts another program (execve) ends, too */
	bool target_ended;
	/*
	 * a look did not end in time: recording ended before it, or what was there before is not
	 * all known
	 */
	bool cut;
	/* of a timeline: probes would have cost more than they may: recording ended there */
	bool over_budget;
	/* somebody killed or stopped the process that keeps them: recording ended there */
	bool probes_killed;
	/* how long parkwatch was stopped or held up, its probes out; no part of the duration */
	uint64_t gap_ns;
	uint64_t held_ns; /* of that: held up */
	/*
	 * waits that were open when that began: they end there, and one that goes on is another
	 * afterwards
	 */
	uint64_t gap_waits;
	/*
	 * births, or exits, at most, that were not seen because of it; < 0: nobody knows, or asked
	 */
	int64_t gap_missing;
	/*
	 * by a signal or a debugger, when it was over: who did not run meanwhile counts as waiting
	 */
	bool target_stopped;
	uint64_t duration_ns;
	/* those while recording was off (attaching, detaching) too */
	uint64_t hits;      /* event cpu: samples */
	uint64_t call_hits; /* event wall: of probes of system calls */
	/* events that a filter left out: hits of which nothing was sent, and what was dropped here */
	uint64_t filtered, unwanted;
	/*
	 * how often the probes were attached and taken down: GOVERNOR_LINKS_NS each, beside the
	 * hits
	 */
	uint32_t attached;
	/*
	 * that reached us, those of the runtime's own goroutines not among them; of looks:
	 * goroutines counted; alloc: objects
	 */
	uint64_t events;
	uint64_t exact_ns;       /* how long every event was seen, from the beginning on */
	uint64_t exact_until_ns; /* the moment, by CLOCK_MONOTONIC */
	/* for the rest: windows in which probes were on; looks without any */
	uint32_t windows, looks;
	/* at requests, beside the probes; and what reading requests took of our CPU time, in all looks */
	uint32_t request_looks;
	uint64_t requests_ns;
	/* everything that did not reach the report, by stats.h and the bounds */
	uint64_t lost;
	/* of the target, while it was recorded; if it ended, up to 100 ms before that */
	uint64_t cpu_ns;
	double cost_ns;  /* hits x calibrated ns; < 0: not calibrated */
	uint64_t own_ns; /* our own CPU time, while it was recorded */
	double taken_ns; /* of it, what was taken from the target */
	/* walks that came to a return address that is no code of a Go module */
	uint64_t stacks_cut;
	/* what of the program's code is not as it was, in words; "": it is */
	char code_left[sizeof(struct cause)];
	/* the ways in which events were lost, with numbers; "" if none */
	char losses[256];
};

struct session;
int session__open(const struct session_opts *o, struct session **ret, struct cause *why);
void session__free(struct session *s);
DEFINE_SCOPED(session)

/*
 * For jobs__run(): probes, records until the duration is over, the end is asked for, or the target's
 * end; takes the probes down. No error when the target ended. duration 0: no limit.
 */
struct job session__job(struct session *s, uint64_t duration_ns);
void session__progress(const struct session *s, struct session_progress *ret);
/* When the job is over without an error. */
void session__ended(const struct session *s, struct session_end *ret);

/* Before it records. What is told borrows from the profile, which is there until free. */
void session__tap(struct session *s, const struct profile_tap *tap);
const struct profile *session__profile(const struct session *s);
int session__snap(struct session *s, struct snap **ret);
/* namers: room for GOPROC_RUNTIMES_MAX; returns how many. */
/* Borrowed until it is freed. before: by rt; NULL: nobody asked, or there was no time. */
const struct target *session__target(const struct session *s);
const struct census *const *session__before(const struct session *s);
size_t session__namers(const struct session *s, struct namer *namers);
/*
 * Fills what the renderers say about the recording; strings are borrowed from the session; cost is
 * left to the caller.
 */
void session__meta(const struct session *s, const struct session_end *end, struct report_meta *ret);

#endif
