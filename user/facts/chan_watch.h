/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chan_watch: what looks at channels over some time told of them: how full each was, for how long,
 * and who queued. engine/chanwatch fills it; whoever tells of it reads this.
 *
 * Plain data: arrays with indexes, times in ns since the watch began. Not thread-safe.
 */
#ifndef PARKWATCH_FACTS_CHAN_WATCH_H
#define PARKWATCH_FACTS_CHAN_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define CHAN_WATCH_MAX        8192 /* channels, those that are gone included */
#define CHAN_WATCH_CELLS      120  /* of the strip of one */
#define CHAN_WATCH_BURSTS_MAX 64   /* that are told of one */
#define CHAN_WATCH_SITES_MAX  32   /* of one, both ways */

/* +- error is a 95 % confidence interval. Of 0 to 1. */
struct chan_share {
	double is, error;
};

/*
 * Looks one after the other at which something was so: the first and the last of them, and those
 * before and after, at which it was not. So it began between before and first, and ended between
 * last and after. What is in between two looks nobody saw.
 */
struct chan_run {
	uint64_t before_ns, first_ns, last_ns, after_ns;
	uint32_t looks;  /* 0: it was never so */
	bool open_begin; /* it was so at the first look: it began at `before` or earlier */
	bool open_end;   /* it was so at the last: it ended at `after` or later */
};

/* The middle of what is known, and how far off it may be. */
static inline uint64_t chan_run_at_ns(const struct chan_run *r)
{
	return r->open_begin ? r->before_ns : r->before_ns + (r->first_ns - r->before_ns) / 2;
}

static inline uint64_t chan_run_end_ns(const struct chan_run *r)
{
	return r->open_end ? r->after_ns : r->last_ns + (r->after_ns - r->last_ns) / 2;
}

static inline uint64_t chan_run_for_ns(const struct chan_run *r)
{
	return r->looks ? chan_run_end_ns(r) - chan_run_at_ns(r) : 0;
}

/* Goroutines that queue at one place, made at one place, to do one thing. Seen by searches. */
struct chan_site {
	const char *func, *file;           /* where they wait */
	const char *made_func, *made_file; /* the go statement; "": not known */
	uint32_t line, made_line;
	uint32_t most;     /* at one search */
	uint32_t searches; /* that saw some */
	uint8_t direction; /* enum census_direction: send or receive */
};

struct chan_life { /* of one channel */
	uint64_t addr;
	uint16_t rt;
	bool closed, timer;    /* as it was last seen; fed by a timer */
	bool ended;            /* it is gone: freed, or its address is another's */
	const char *elem_name; /* "" not known */
	uint32_t elem_bytes;
	uint64_t cap, len;       /* len: as it was last seen */
	uint64_t from_ns, to_ns; /* watched */
	uint32_t looks;          /* at it */
	/*
	 * looks before which so much was collected that it may be another one at the same address,
	 * of the same type, size and buffer
	 */
	uint32_t unsure;
	uint64_t fill_max;
	uint32_t senders_max, receivers_max; /* queued at a look or at a search */
	bool queues_cut;                     /* there may have been more */
	bool contended;                      /* many send to it, see chanstat.h */
	/* of the time that it was watched; of one without a buffer the first three are 0 */
	struct chan_share fill, full, empty, sends, receives;
	struct chan_run longest;                    /* full */
	uint32_t bursts_at, nr_bursts, bursts_more; /* of chan_watch.bursts; over the bound */
	uint32_t sites_at, nr_sites,
		sites_more;               /* over the bound: times that somebody waited there */
	uint16_t cells[CHAN_WATCH_CELLS]; /* mean fill of each part, in 1/1000, + 1; 0: no look */
};

struct chan_watch {
	struct chan_life *lives; /* by rt, addr, from; owned */
	size_t nr;
	struct chan_run *bursts; /* owned */
	size_t nr_bursts;
	struct chan_site *sites; /* owned */
	size_t nr_sites;
	uint64_t duration_ns;
	uint32_t looks, searches;
	uint64_t period_ns; /* from look to look, on average */
	uint64_t refused;   /* channels over the bound */
	bool cut;           /* searches did not look at all stacks */
};

void chan_watch__free(struct chan_watch *w); /* texts are borrowed of whoever filled it */
DEFINE_SCOPED(chan_watch)

/* The channel that was there at the end. NULL: it was not watched. */
const struct chan_life *chan_watch__now(const struct chan_watch *w, uint16_t rt, uint64_t addr);

#endif
