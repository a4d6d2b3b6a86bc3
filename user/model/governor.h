/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * governor: how much of the target's CPU time probes may take, and what to do when they would take
 * more.
 *
 *	exact	 probes are on all the time: as long as what they cost stays below the limit
 *	windows	 they are on for a moment now and then: as long and as often as the limit allows; not at all where even a window a
 *		 second would be too much. In between only looks are taken, which cost the target nothing
 * It never goes back: a result is exact, or it is an estimate. A target that hardly runs counts as
 * one that uses a tenth of a processor: nobody misses a hundredth of that. Pure: no clock; time and
 * costs are given in ns.
 */
#ifndef PARKWATCH_MODEL_GOVERNOR_H
#define PARKWATCH_MODEL_GOVERNOR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What the target loses to attaching and detaching once, beside the hits (measured: some 0.1 % of a
 * processor, once a second).
 */
#define GOVERNOR_LINKS_NS 1e6
/* That may be spent before the target has used any CPU time to speak of. */
#define GOVERNOR_GRACE_NS 10e6
/* Of that, the time in which hits cost something: a guess, until the first window has shown it. */
#define GOVERNOR_AROUND_NS 2e6
#define GOVERNOR_WIDTH_MIN 1000000 /* of a window */
#define GOVERNOR_WIDTH_MAX 50000000
/* from one window to the next: if it would be longer, looks are better */
#define GOVERNOR_PERIOD_MAX 1e9
#define GOVERNOR_LOOKS_PART 0.5 /* of what may be spent, on looks at most */

struct governor {
	double max;           /* of the target's CPU time; 0: no limit */
	unsigned int sharers; /* that keep to max together; each may spend an equal part */
	/* that could be spent until the number of sharers was last given, at this counted_ns */
	double earned_ns, counted_ns;
	double spent_ns;
	double busy; /* cost of a ns of recording */
	/* cost of hits before and after a window, while attaching and detaching */
	double around_ns;
	uint64_t width_ns; /* of the next window, as wanted */
	double look_ns;    /* that a look takes from the target */
};

void governor__init(struct governor *g, double max);
void governor__spend(struct governor *g, double cost_ns);
#define GOVERNOR_BUSY_MIN 0.1 /* of a processor */
/*
 * cpu_ns: that the target has used in the time_ns since the beginning. What may be spent now;
 * negative: it is too much already.
 */
double governor__left_ns(const struct governor *g, double cpu_ns, double time_ns);
/*
 * So many (1 or more) share the limit from this moment on. Nobody makes up for the time in which
 * others were there: they have spent their part of it.
 */
void governor__share(struct governor *g, unsigned int sharers, double cpu_ns, double time_ns);

/*
 * A window of width_ns was recorded. Its hits cost hits_ns, the hits around it around_ns. This sets
 * the width of the next window. least_ns: a narrower window tells nothing.
 */
void governor__learn(struct governor *g, uint64_t width_ns, double hits_ns, double around_ns,
		     uint64_t least_ns);
double governor__window_ns(const struct governor *g); /* what the next window will cost */
/* How much may be spent a ns of time, at the rate at which the target has used CPU time. */
double governor__rate(const struct governor *g, double cpu_ns, double time_ns);
/* How long it takes until a window may follow another, at this rate. */
double governor__period_ns(const struct governor *g, double rate);
bool governor__windows_pay(const struct governor *g, double rate); /* else looks */

/*
 * The part of our own CPU time that is taken from the target. The target used target_ns of the
 * time_ns that each processor had. If it keeps all processors busy, that is all of our time. If it
 * leaves one free, that one is ours, and nothing is taken.
 */
double governor_taken_part(double target_ns, double time_ns, unsigned int processors);
/*
 * CPU time that we may use in a ns, at most own_max, so that what is taken from the target, this part
 * of it, is at most max of what it uses, rate in a ns. max 0: no limit but own_max.
 */
double governor_own_rate(double max, double rate, double part, double own_max);
/* A look took taken_ns from the target. */
void governor__looked(struct governor *g, double taken_ns);
/*
 * How long it takes until a look may follow another, at this rate: 0 where they take nothing. Never
 * longer than GOVERNOR_PERIOD_MAX.
 */
double governor__look_period_ns(const struct governor *g, double rate);

#endif
