/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timeline: what each goroutine did, moment by moment, for the last stretch of a recording.
 *
 * Fed with rounds (struct pw_round) as they come, and with what goes on when recording stops; when it
 * is over, it says for each goroutine what it was doing, one slice after the other, and who woke it.
 * A pure function of what it is given. Memory is bounded: rounds are kept in a ring, of which those
 * that ended before the window go first; when the bytes are used up the oldest go, and the window
 * begins later: timeline_span.full. Not thread-safe.
 *
 *	timeline__new(opts)
 *	timeline__begin(ns)	recording starts, or goes on after a gap
 *	timeline__add()		each round
 *	timeline__lost()	events that were lost, seen so by then
 *	timeline__end(ns)	recording stopped
 *	timeline__open()	each goroutine as it was then
 *	timeline__order()	once; then what is asked
 *
 * One that was recorded (model/timeline_facts) begins with timeline__new_of(), timeline__keep() and
 * timeline__keep_mark() instead.
 */
#ifndef PARKWATCH_MODEL_TIMELINE_H
#define PARKWATCH_MODEL_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/event.h>

#include "base/cleanup.h"

#define TIMELINE_WINDOW_NS (5 * 1000000000ULL)
#define TIMELINE_BYTES     (64u << 20)
#define TIMELINE_MARKS_MAX 4096 /* of losses and gaps: of more the last one is for all */
#define TIMELINE_STEPS     1000 /* of a window, in which goroutines are counted */
#define TIMELINE_NOBODY    UINT32_MAX

struct timeline_opts {
	uint64_t window_ns; /* 0: TIMELINE_WINDOW_NS */
	size_t max_bytes;   /* of rounds; 0: TIMELINE_BYTES */
};

struct timeline;
int timeline__new(const struct timeline_opts *o, struct timeline **ret);
void timeline__free(struct timeline *t);
DEFINE_SCOPED(timeline)

void timeline__begin(struct timeline *t, uint64_t ns);
void timeline__add(struct timeline *t, const struct pw_round *r);
/* total: of all events that were lost since the recording began */
void timeline__lost(struct timeline *t, uint64_t now_ns, uint64_t total);
void timeline__end(struct timeline *t, uint64_t ns);
/* An entry of the map of goroutines, or what would be one. gopc, startpc: 0 where nobody knows them. */
void timeline__open(struct timeline *t, uint16_t rt, const struct pw_gstate *s, uint64_t gopc,
		    uint64_t startpc);

/* --- when all is there --- */

int timeline__order(struct timeline *t); /* 0 or -ENOMEM */

struct timeline_span {
	uint64_t begin_ns, end_ns; /* of the window */
	uint64_t first_ns;         /* of the recording */
	bool full;                 /* shorter than asked for: the bytes were used up */
};
void timeline__span(const struct timeline *t, struct timeline_span *ret);

/*
 * A struct pw_round without what nobody shows; or how it was when recording stopped. After order() its
 * moments ascend, each in the window.
 */
struct timeline_round {
	uint64_t goid;
	uint64_t ran_ns, start_ns, left_ns, ready_ns, end_ns;
	uint64_t waker_goid, waker, stack_id;
	uint64_t gopc, startpc;
	uint16_t rt, reason;
	uint8_t is_open; /* what was so when recording stopped: nothing follows */
	uint8_t is_ended;
	uint16_t pad;
};
size_t timeline__nr_rounds(const struct timeline *t); /* by rt, goid and time */
const struct timeline_round *timeline__round(const struct timeline *t, size_t i);

struct timeline_goroutine {
	uint64_t goid, gopc, startpc; /* gopc, startpc: 0: nobody knows them */
	uint16_t rt;
};
size_t timeline__nr(const struct timeline *t); /* by rt and goid, ascending */
const struct timeline_goroutine *timeline__goroutine(const struct timeline *t, size_t i);

enum timeline_state { TIMELINE_RUNNING, TIMELINE_READY, TIMELINE_WAITING, TIMELINE_STATES };

struct timeline_slice {
	enum timeline_state state;
	uint64_t begin_ns, end_ns; /* begin < end */
	/* waiting: where, and for what; ready: where it had waited, NONE: it had not */
	uint64_t stack_id;
	uint32_t reason;
	bool is_made; /* ready: since it was made */
	/* ready: who made it so: its number, if it is seen to run then, else TIMELINE_NOBODY */
	uint32_t waker;
	uint64_t waker_goid;  /* 0: no goroutine did, or nobody knows */
	uint64_t waker_stack; /* PW_STACK_ID_NONE: no wait was seen to be ended */
};
typedef void (*timeline_fn)(void *ctx, const struct timeline_slice *s);
/* In order of time; none overlaps the one before. */
void timeline__slices(const struct timeline *t, size_t i, timeline_fn fn, void *ctx);

/* Goroutines by state, at TIMELINE_STEPS moments of the window. */
struct timeline_count {
	uint64_t at_ns;
	uint32_t nr[TIMELINE_STATES];
};
void timeline__counts(const struct timeline *t, struct timeline_count ret[TIMELINE_STEPS]);

struct timeline_mark {
	uint64_t begin_ns, end_ns; /* lost events: some time in it; a gap: all of it */
	uint64_t lost;             /* 0: a gap: nobody recorded */
};
size_t timeline__nr_marks(const struct timeline *t);
const struct timeline_mark *timeline__mark(const struct timeline *t, size_t i);

/* --- one that was recorded --- */

/* Of that span, with max_bytes of rounds; then its rounds in any order, its marks, timeline__order(). */
int timeline__new_of(const struct timeline_span *span, size_t max_bytes, struct timeline **ret);
int timeline__keep(struct timeline *t,
		   const struct timeline_round *r); /* -ENOSPC: no room for it */
void timeline__keep_mark(struct timeline *t, const struct timeline_mark *m);

#endif
