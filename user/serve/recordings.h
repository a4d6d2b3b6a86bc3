/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recordings: what the supervisor knows of the recordings of one target: when the next one is due
 * (model/recording_plan), the one that goes on, and of each event the newest whole one of a regular turn.
 *
 * Bounded: one of an event has at most RECORDING_BYTES_MAX; a larger one is refused and counted.
 */
#ifndef PARKWATCH_SERVE_RECORDINGS_H
#define PARKWATCH_SERVE_RECORDINGS_H

#include "model/profile.h"
#include "model/recording_plan.h"
#include "serve/frame.h"
#include "serve/level.h"

#define RECORDING_BYTES_MAX (8u << 20)
/* No event, but recorded as one: channels that were watched (serve/recording_chans). */
#define RECORDING_CHANS  ((enum profile_event)PROFILE_EVENTS)
#define RECORDING_EVENTS (PROFILE_EVENTS + 1)

/* Of a level: how long a regular recording is, and how long it is from its begin to the next one's. */
#define RECORDING_PROFILE_S        10
#define RECORDING_PROFILE_EVERY_NS (60 * NS_PER_SEC)
#define RECORDING_FULL_S           60
#define RECORDING_FULL_EVERY_NS    0

struct recorded {
	char *pw; /* owned, a recording; NULL: there is none */
	size_t len;
	uint64_t came_ns;
};

struct recordings {
	struct recording_plan plan;
	struct frame_reader from; /* the worker's pipe */
	/* of the one that goes on */
	uint32_t seconds;
	bool asked;   /* by somebody who waits for it: it was no regular turn */
	uint32_t got; /* events that came: 1 << enum profile_event */
	struct recorded newest[RECORDING_EVENTS];
	/* of all */
	uint64_t nr, failed;
	uint64_t lost;       /* events */
	uint64_t cpu_ns;     /* of ours */
	double probes_ns;    /* that they cost the target */
	uint64_t cpu_now_ns; /* of ours, by the one that goes on */
};

void recordings__init(struct recordings *r);
void recordings__done(struct recordings *r);

/* Events of a regular turn: 1 << enum profile_event; 0: that level has none. */
uint32_t recordings_regular(enum level level, uint32_t *ret_seconds, uint64_t *ret_every_ns);

void recordings__begin(struct recordings *r, uint32_t seconds, bool asked, uint64_t now_ns);
/*
 * What its pipe has now. id: for the log. 1: one of *ret_event is whole: the frame's body, until the
 * next call; 0: it goes on; -EPIPE: it is over; another error: what came makes no sense, and it is over.
 */
int recordings__read(struct recordings *r, const char *id, enum profile_event *ret_event);
/* It is over. True: nothing came of it, which is counted. */
bool recordings__end(struct recordings *r);
/* The frame's body is the newest of that event from here on. */
void recordings__keep(struct recordings *r, enum profile_event event, uint64_t now_ns);

#endif
