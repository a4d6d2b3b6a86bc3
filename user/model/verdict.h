/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verdict: what a group of goroutines is: a leak, or one of the things that look like it.
 *
 * Each kind of evidence alone fails in its own way, so no rule goes by one alone. The first that
 * holds counts, from the
 * strongest:
 *
 *	leaked	 nothing can wake them: the runtime says so; a nil channel or a select without cases; or the search found
 *		 in every pass, two at least, that nothing which can still run refers to what they wait for
 *	deadlock they wait for each other's locks, in a cycle, or for somebody in one
 *	growing	 more and more of them to the very end, and the older ones neither end nor go on. Where others come and go at
 *		 the same place, those count that stand and were born in the watch. Those that a timer wakes must have been seen
 *		 to wake and not to end, unless it is a ticker, or their code says that they go on: one that was never due may end when it is, as may those that a timer will soon call something for. Those that others wake
 *		 and that go on count only if none made there ended; connections that are used do not. Those that run must be
 *		 at it whenever they are looked at, and most of them for a third of the watch
 *	stuck	 the same ones in the same wait for min_age: at a lock that nobody got, whose holder cannot go on by itself
 *		 as far as is known; or that holder, where it waits for something else; or min_count that want to send, each on
 *		 a channel of its own that nobody is known to have, and none of that group went on; or that many at one
 *		 WaitGroup, and what its Done waits for hangs (view/leak_incident)
 *	suspect	 some of this, but not all: so of connections that were accepted here and whose client is there: it is load that
 *		 grows; and of what the first goroutine makes one by one and has itself: the program is still being set up
 * and what is no leak: pool (many at one object), held (something that can still run refers to what
 * they wait for), idle
 * (listeners, connections between requests, and whatever else just waits), sleeping, runtime (the
 * runtime's own), active. The first goroutine of a program waits at the end of main as a rule: of
 * it only deadlocks are told. Pure; plain values.
 */
#ifndef PARKWATCH_MODEL_VERDICT_H
#define PARKWATCH_MODEL_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include "model/growth.h"
#include "model/leakset.h"

enum verdict_kind {
	VERDICT_LEAKED,
	VERDICT_DEADLOCK,
	VERDICT_GROWING,
	VERDICT_STUCK,
	VERDICT_SUSPECT,
	VERDICT_POOL,
	VERDICT_HELD,
	VERDICT_IDLE,
	VERDICT_SLEEPING,
	VERDICT_ACTIVE,
	VERDICT_RUNTIME,
	VERDICT_KINDS
};

/* the rule that held */
enum verdict_why {
	WHY_RUNTIME_SAYS,
	WHY_FOREVER,
	WHY_UNREACHED, /* leaked */
	WHY_RING,
	WHY_BEHIND_RING, /* deadlock */
	WHY_GROWS,
	WHY_GROWS_AMONG_OTHERS,
	WHY_GROWS_AND_WAKES, /* growing */
	WHY_GROWS_AND_RUNS,
	WHY_NOBODY_GOT_IT,
	WHY_KEEPS_LOCK,
	WHY_NOBODY_RECEIVES, /* stuck */
	/* suspect: one search did not reach them */
	WHY_ONE_PASS,
	/* ... they grow, but something speaks against it */
	WHY_GROWS_UNSURE,
	/* ... at a lock whose holder may go on */
	WHY_HELD_UP,
	/* ... they grow, but so does what others ask of it */
	WHY_MORE_CONNECTIONS,
	/* ... they grow as the program is set up */
	WHY_SETTING_UP,
	/* ... they loop on a timer, and nobody can end them */
	WHY_UNENDED,
	/* ... they wait for somebody to read, and nobody does */
	WHY_UNREAD,
	/* ... each waits at an object of its own, for long */
	WHY_OLD_AND_APART,
	/* stuck or suspect: those are who wait for it */
	WHY_OTHERS_WAIT,
	WHY_NOTHING, /* no leak */
	/* stuck: many at one WaitGroup, and whoever owes its Done hangs */
	WHY_BEHIND_HANG,
	WHY_KINDS
};

struct verdict_opts {
	uint64_t min_age_ns;
	uint32_t min_count; /* goroutines that make many */
	uint32_t min_more;  /* how many more there must be for growth */
	double min_per_min; /* growth that counts */
};
#define VERDICT_MIN_AGE_NS  30000000000ULL
#define VERDICT_MIN_COUNT   5
#define VERDICT_MIN_MORE    3
#define VERDICT_MIN_PER_MIN 2

struct verdict {
	enum verdict_kind kind;
	enum verdict_why why;
	struct growth growth;
	double per_min;         /* how many more a minute, over the whole watch */
	uint64_t births, exits; /* at its creation site, in the watch */
};

/* ls: after leakset__finish(). */
void verdict_of(const struct leakset *ls, const struct leak_group *g, const struct verdict_opts *o,
		struct verdict *ret);

bool verdict_is_leak(enum verdict_kind kind); /* suspect is one */
const char *verdict_name(enum verdict_kind kind);

#endif
