/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chanstat: how full one channel was, from looks at it.
 *
 * Time is cut into parts, and each part has one look at a random moment of it. So the mean over
 * looks, each weighed by the length of its part, is right on average, whatever the channel does.
 * How far it may be off is told by the differences between looks that follow each other, and by
 * three more looks of which nobody knows what they would have seen: of a channel that was never
 * full at 200 looks, it was full for 1.5 % of the time at most. What lasts (the longest time full, a
 * burst) is told by the looks around its ends. Pure: no clock. Bounded; a plain value.
 */
#ifndef PARKWATCH_MODEL_CHANSTAT_H
#define PARKWATCH_MODEL_CHANSTAT_H

#include <stdbool.h>
#include <stdint.h>

#include "facts/chan_watch.h"

#define CHANSTAT_FULL_SHARE  0.9 /* of the buffer: a burst is so full or fuller */
#define CHANSTAT_BURST_LOOKS 3   /* of them in a row at least */
/* many send to one: so many queue to send, at a tenth of the looks or more */
#define CHANSTAT_CROWD       4
#define CHANSTAT_CROWD_SHARE 0.1

struct chanstat_look {
	uint64_t at_ns;     /* since the watch began */
	uint64_t weight_ns; /* the part of the time that it stands for */
	uint64_t len, cap;
	uint32_t senders, receivers; /* that queue */
	bool cut;                    /* at least so many */
};

struct chanstat_mean { /* of a number from 0 to 1 */
	double sum, weights, last, last_weight, differences;
};

struct chanstat_run {
	struct chan_run now;
	uint64_t before_ns; /* the last look at which it was not so */
	bool before;        /* there was one */
};

struct chanstat {
	uint64_t duration_ns; /* of the watch, as it was planned */
	uint64_t from_ns, last_ns;
	uint32_t looks, crowds;
	uint64_t fill_max, len, cap;
	uint32_t senders_max, receivers_max;
	bool queues_cut;
	struct chanstat_mean fill, full, empty, sends, receives;
	struct chanstat_run full_run, burst_run;
	struct chan_run longest;
	struct chan_run *bursts; /* owned */
	uint32_t nr_bursts, bursts_more;
	float cells[CHAN_WATCH_CELLS]; /* sums */
	uint16_t in_cells[CHAN_WATCH_CELLS];
};

/* Watched from then on, of a watch of so long. */
void chanstat__init(struct chanstat *s, uint64_t duration_ns, uint64_t from_ns);
void chanstat__done(struct chanstat *s);
/* Looks come in the order of time. 0 or -ENOMEM. */
int chanstat__look(struct chanstat *s, const struct chanstat_look *l);
/* A search saw so many in its queues. */
void chanstat__queued(struct chanstat *s, uint32_t senders, uint32_t receivers);
/* No look comes any more: it was watched until then. 0 or -ENOMEM. */
int chanstat__end(struct chanstat *s, uint64_t to_ns);
/* After the end: the figures of ret; bursts are in s. */
void chanstat__tell(const struct chanstat *s, struct chan_life *ret);

#endif
