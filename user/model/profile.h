/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * profile: the aggregate of a recording: count and value by stack, wait reason and what the options
 * add.
 *
 * A pure function of what it is given: checked records, the census, what is open at the end. No
 * clock, no fd, no names. The session calls, in this order:
 *
 *	profile__new(opts)
 *	profile__begin(start_ns)		 recording starts
 *	profile__apply() profile__known()	 records and census entries, in any order among each other (but ancestry,
 *						 async, is what is known when a record comes: better the census first)
 *	profile__end(end_ns)			 recording stopped; the rest of the records is applied after it all the same
 *	profile__open_wait()			 each that waits still: entries of the map of goroutines, and who is not in it
 *	snap__take()
 * or, after a gap in which nobody recorded:
 *	profile__again()			 all but new() as above: what is recorded from then on is added
 * or, where time is only sampled: begin, then for each window
 *	profile__window()			 it begins; begin and end again, where there are records
 *	profile__sample()			 goroutines that were looked at; or records, as above
 *	profile__weigh()			 how much time it stands for
 * What was recorded before the first window is exact, and is not weighed.
 *
 * Values are nanoseconds inside [start, end] for blocked, block, sched and wakeups, those that a
 * sample stands for for cpu, those that Go charges an unlock with for mutex, the count for births and
 * exits, bytes for alloc. Chains are who made a goroutine, of wakeups who ended its wait, and who woke that
 * one: a link is a stack then; one without a stack: the wait ended, nobody was seen to end it. The number of rows, stacks and goroutines is bounded; what the bounds refuse is
 * counted: in = out + refused + filtered.
 */
#ifndef PARKWATCH_MODEL_PROFILE_H
#define PARKWATCH_MODEL_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <parkwatch/event.h>

#include "base/cleanup.h"
#include "golang/goroutine.h"

#define PROFILE_ROWS_DEFAULT 262144
/* different label texts; more become PROFILE_LABEL_NONE and are counted */
#define PROFILE_LABELS_MAX     16384
#define PROFILE_LABEL_TEXT_MAX 512 /* bytes; longer ones are cut */
#define PROFILE_LABEL_NONE     0
/* goroutines that are known as makers of others, PROFILE_ROOT_CREATED_BY without async */
#define PROFILE_MAKERS_MAX 131072
/* ways to a `go` statement that are kept apart, PROFILE_ROOT_CREATED_BY */
#define PROFILE_MADE_MAX 16384

enum profile_event {
	PROFILE_BLOCKED,
	PROFILE_BIRTHS,
	PROFILE_EXITS,
	PROFILE_SCHED,
	PROFILE_GOROUTINES, /* not recorded: goroutines of a census, counted */
	PROFILE_ALLOC,      /* bytes that were allocated */
	PROFILE_WAKEUPS,    /* waits as in blocked, by who ended them too */
	PROFILE_CPU,        /* what runs: each row's value is an estimate from its count */
	PROFILE_BLOCK,      /* waits up to who ends them, as Go's own block profile has them */
	PROFILE_MUTEX,      /* unlocks that others wait for, as Go's own mutex profile */
	PROFILE_WALL, /* all of their time, by state: looks, and samples of what runs (model/wall) */
};
#define PROFILE_EVENTS (PROFILE_WALL + 1)

/* Its values are nanoseconds. */
static inline bool profile_event_is_time(enum profile_event e)
{
	return e == PROFILE_BLOCKED || e == PROFILE_SCHED || e == PROFILE_WAKEUPS ||
	       e == PROFILE_CPU || e == PROFILE_BLOCK || e == PROFILE_MUTEX || e == PROFILE_WALL;
}

/* What happened counts whole where it is told; other times count as far as they lie in the recording. */
static inline bool profile_event_is_whole(enum profile_event e)
{
	return e == PROFILE_CPU || e == PROFILE_MUTEX;
}

/* It is one of Go's own profiles of contention. */
static inline bool profile_event_is_contention(enum profile_event e)
{
	return e == PROFILE_BLOCK || e == PROFILE_MUTEX;
}

/* From parking to running. */
static inline bool profile_event_is_wait(enum profile_event e)
{
	return e == PROFILE_BLOCKED || e == PROFILE_WAKEUPS;
}

enum profile_root {
	PROFILE_ROOT_NONE,
	PROFILE_ROOT_GOID,
	PROFILE_ROOT_CREATED_BY,
	PROFILE_ROOT_LABEL,
	PROFILE_ROOT_STATE,
	/* of the request that it works for (model/reqlabel); the last one adds no frame */
	PROFILE_ROOT_ROUTE,
	PROFILE_ROOT_TRACE,
	PROFILE_ROOT_SPAN,
	PROFILE_ROOT_REQUEST,
};
#define PROFILE_ROOTS (PROFILE_ROOT_REQUEST + 1)

static inline bool profile_root_is_of_requests(enum profile_root r)
{
	return r == PROFILE_ROOT_ROUTE || r == PROFILE_ROOT_TRACE || r == PROFILE_ROOT_SPAN ||
	       r == PROFILE_ROOT_REQUEST;
}

/* Rows are kept apart by a text of their goroutine. */
static inline bool profile_root_is_of_labels(enum profile_root r)
{
	return r == PROFILE_ROOT_LABEL || profile_root_is_of_requests(r);
}

/* how the size of an object and the sums of a row are known */
enum alloc_measure {
	ALLOC_EXACT, /* each object was counted, all of this size */
	/* each object was counted; they differ in size within this size class */
	ALLOC_UP_TO,
	/* the size class's sum is exact, its split among stacks is from samples */
	ALLOC_ESTIMATED,
	ALLOC_BY_REFILLS, /* as above, but from the hits of refill alone, which may alias */
	ALLOC_SAMPLED,    /* weighted from the runtime's own samples */
};

struct profile_opts {
	enum profile_event event;
	enum profile_root root;
	/* keep the ancestry of goroutines; needs births (and exits, for long runs) */
	bool async;
	uint32_t wakers; /* of wakeups: links of a chain; 0 is 1 */
	/* open waits below it are passed over, as BPF does with closed ones */
	uint64_t min_ns;
	size_t max_rows; /* 0: PROFILE_ROWS_DEFAULT; so for the next two */
	size_t max_goroutines;
	size_t max_stack_bytes;
};

/*
 * Who wants each exact event that has got into a row, by itself: who it happened to, when (waits: when
 * they ended), and its value. What is counted in windows is an estimate, and not told.
 */
struct row_key;
/* An interval of the recording. */
struct profile_cut {
	uint64_t begin_ns, end_ns;
	bool exact;        /* no window has begun yet */
	uint32_t windows;  /* that began in it */
	bool counts_least; /* there may be more */
};
struct profile_tap {
	void (*event)(void *ctx, const struct row_key *key, uint64_t goid, uint64_t at_ns,
		      uint64_t value);
	/* What a row gained in it, once for each row that did; then, with key NULL, its end. */
	void (*cut)(void *ctx, const struct profile_cut *c, const struct row_key *key,
		    uint64_t count, uint64_t value);
	void *ctx; /* event, cut: NULL if nobody wants them */
};

struct profile_stats {
	uint64_t in;       /* records that concern the event, open waits included */
	uint64_t out;      /* in rows */
	uint64_t refused;  /* no room for their row */
	uint64_t filtered; /* open waits below min_ns, or wholly outside the window */
	uint64_t stacks_refused, goroutines_refused, labels_refused;
};

struct profile;
int profile__new(const struct profile_opts *o, struct profile **ret);
void profile__free(struct profile *p);
DEFINE_SCOPED(profile)

void profile__tap(struct profile *p, const struct profile_tap *tap); /* a copy is kept */
void profile__begin(struct profile *p, uint64_t start_ns);
void profile__end(struct profile *p, uint64_t end_ns); /* UINT64_MAX until it is called */

/*
 * An id for a text: labels such as "k=v,k2=v2" for PROFILE_ROOT_LABEL, requests (model/reqlabel), names of types; "" is
 * PROFILE_LABEL_NONE.
 */
uint32_t profile__label(struct profile *p, const char *text);

/*
 * One checked record with the label of its goroutine. Kinds that do not concern the event only feed
 * what is known of stacks and goroutines. 0, or -ENOSPC: counted as refused; -ENOMEM: the same.
 */
int profile__apply(struct profile *p, const struct pw_hdr *h, uint32_t label);

/* The stack that made a goroutine whose birth was applied, where that is kept; PW_STACK_ID_NONE. */
uint64_t profile__creation(const struct profile *p, uint16_t rt, uint64_t goid);

/*
 * Many of the same kind at once, all inside the window. 0, or as above. Not with async, nor by goid
 * or label.
 */
int profile__waits(struct profile *p, uint16_t rt, const struct pw_wait_key *k,
		   const struct pw_wait_sum *s);
int profile__wakes(struct profile *p, uint16_t rt, const struct pw_wake_key *k,
		   const struct pw_wait_sum *s);

/*
 * One sample of what runs, by the stack that it was found to have. Outside of [start, end] it is
 * filtered. 0, or as above.
 */
int profile__cpu(struct profile *p, const struct pw_cpu *r, uint64_t stack_id, uint32_t label);

/*
 * Event wall: the same, of a goroutine that runs. Looks say how long all of them run: that is shared out
 * among such samples. is_wanted false: it has its share, and is not told.
 */
int profile__ran(struct profile *p, const struct pw_cpu *r, uint64_t stack_id, uint32_t label,
		 bool is_wanted);

/*
 * Event wall: system calls, and C, are told one by one too: by PW_CALL in profile__apply() and
 * profile__waits(), and by profile__open_wait(). That was all of them, from the beginning to the end: what
 * looks say of them is not needed.
 */
void profile__calls_known(struct profile *p);

/*
 * One goroutine of the census of runtime rt: who made it, if that is asked for. What does not fit
 * is counted.
 */
void profile__known(struct profile *p, uint16_t rt, const struct goroutine *g);

/*
 * An entry of the map of goroutines after recording ended, or what would be one of a goroutine that
 * waited all the time: its open wait
 * (blocked; block in windows alone, for Go counts what has ended) or open ready (sched), if it has one, counts up to end_ns. gopc, startpc: 0 where the
 * session does not know them: then from births or the census, if kept.
 */
int profile__open_wait(struct profile *p, uint16_t rt, const struct pw_gstate *s, uint64_t gopc,
		       uint64_t startpc, uint32_t label);

/* Objects that were allocated. 0 or -ENOSPC, -ENOMEM: counted as refused, by the object. */
struct profile_alloc {
	uint64_t stack_id;
	uint64_t root; /* goid or gopc, as the profile's root says; else 0 */
	uint32_t type; /* of profile__label() */
	enum alloc_measure measure;
	uint64_t object_bytes; /* of one object, or the size class */
	uint64_t objects, bytes;
};
int profile__alloc(struct profile *p, uint16_t rt, const struct profile_alloc *a);

/*
 * Another window begins. length_ns: of the time that it stands for; factor: how much longer than
 * the window's own that is;
 * count_factor: how many times as many there were as it has counted.
 * profile__stack(): a stack that somebody stands in, for samples (PW_STACK_ID_NONE where there is
 * no room).
 */
void profile__again(struct profile *p);
void profile__window(struct profile *p);
void profile__weigh(struct profile *p, double factor, double count_factor, uint64_t length_ns);

/*
 * Event wall: how many goroutines a look has met, whoever is wanted, before it is weighed; and how many
 * there were on average, which is counted more often (model/rowset).
 */
void profile__met(struct profile *p, uint64_t number);
void profile__number(struct profile *p, double mean);

/*
 * An interval ends, the next begins: tells what rows gained since the last cut, or in the beginning
 * since the recording began. After profile__weigh(), where there is a window.
 */
void profile__cut(struct profile *p, uint64_t end_ns);
uint64_t profile__cut_ns(const struct profile *p); /* where the next one begins */

/* One goroutine that was looked at, and stands for `value`. */
struct profile_sample {
	uint64_t stack_id;
	struct goroutine who;
	uint64_t value;
	uint32_t label, reason;
	uint32_t call; /* of profile__label(): the system call that it is in, event wall; else 0 */
	uint16_t rt;
	bool counts; /* not one that was counted at an earlier look */
};
uint64_t profile__stack(struct profile *p, const uint64_t *pcs, size_t nr, bool truncated);
/* 0 or -ENOSPC, -ENOMEM: counted as refused */
int profile__sample(struct profile *p, const struct profile_sample *s);

/* Counted so far. */
void profile__stats(const struct profile *p, struct profile_stats *ret);

/* For snap: what rows are made of, borrowed. */
struct rowset;
struct stackset;
struct chainset;
const struct profile_opts *profile__opts(const struct profile *p);
void profile__span(const struct profile *p, uint64_t *ret_start_ns, uint64_t *ret_end_ns);
uint64_t profile__first_ns(const struct profile *p); /* when it began first */
uint32_t profile__windows(const struct profile *p);  /* 0: values are no estimates */
/* counts are what was seen: there may be more */
bool profile__counts_least(const struct profile *p);
const struct rowset *profile__rows(const struct profile *p);
/* Event wall: samples of what ran; NULL: another event. unwanted: of them, what is not told. */
const struct rowset *profile__ran_rows(const struct profile *p, uint64_t *ret_unwanted_ns);
/* Event wall: system calls and C, by stack and root; NULL: they are not known one by one. */
const struct rowset *profile__called_rows(const struct profile *p);
/* by gopc, chain and rt: births; NULL without PROFILE_ROOT_CREATED_BY */
const struct rowset *profile__made(const struct profile *p);
const struct stackset *profile__stacks(const struct profile *p);
const struct chainset *profile__chains(const struct profile *p);
/* "" for PROFILE_LABEL_NONE */
const char *profile__label_text(const struct profile *p, uint32_t id);

#endif
