/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probes_set: the programs that are loaded for all Go runtimes of one process, and who uses them.
 * Part of engine/probes, which says what users may do; nobody else looks into it.
 *
 * A set has one user, and goes with it. If it is one of a worker (struct shared_probes), others of
 * its jobs may become users too: then each point has one link as long as any of them needs it. A
 * record goes to each user that recorded it; what is no record (sums of waits, what pw_gs tells of
 * waits) is for the one user that has runs, who begins and ends it: there is one at a time. What the
 * programs record is what those want that record at the moment. Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_PROBES_SET_H
#define PARKWATCH_ENGINE_PROBES_SET_H

#include "engine/probes.h"
#include "probe/calibrate.h"

#define PROBES_USERS_MAX 8 /* of a set */

struct probes_set {
	struct probes_opts o; /* of the first user */
	struct proc *proc;    /* borrowed */
	struct goproc *gp;    /* borrowed */
	size_t nr_rt;
	struct plan *plans[GOPROC_RUNTIMES_MAX];
	struct probes_points points[GOPROC_RUNTIMES_MAX]; /* that are loaded */
	struct attach *attaches[GOPROC_RUNTIMES_MAX];
	const struct kfeat *kf;
	struct calibration cal;
	bool calibrated;
	struct ring *ring;
	struct probes *users[PROBES_USERS_MAX]; /* in the order in which they came */
	size_t nr_users;
	struct probes *limiter;         /* the user whose hits are limited; NULL: none */
	bool was_shared;                /* it has had several */
	uint64_t settled[PW_POINT_MAX]; /* hits, when it was last said who pays for them */
};

struct probes { /* one user */
	struct probes_set *set;
	struct probes_points points[GOPROC_RUNTIMES_MAX]; /* of the set, that it needs */
	uint32_t all;                                     /* of all runtimes */
	struct attach_want want;
	ring_fn fn;
	void *ctx;                  /* borrowed */
	struct shared_probes *in;   /* borrowed; NULL: of nobody else */
	uint64_t came_ns;           /* when it became a user */
	bool on;                    /* it needs links */
	bool records;               /* from start to stop */
	bool listens;               /* from start until the ring was read after stop */
	uint64_t from_ns, until_ns; /* records of that time are its own */
	uint64_t cut_ns;            /* its recording was ended by others than itself; 0: no */
	enum probes_cut cut;
	uint64_t events;               /* records that it was given, stacks not counted */
	uint64_t before[PW_STAT_MAX];  /* counters, when it came */
	uint64_t unpaid[PW_POINT_MAX]; /* hits since then that another one paid for */
};

int probes_set__new(const struct probes_opts *o, struct proc *proc, struct goproc *gp,
		    struct probes *first, struct cause *why);
/* -ENOENT: that set has not what it needs; else it is a user. */
int probes_set__join(struct probes_set *s, const struct probes_opts *o, struct probes *u);
/* The last one frees it. */
void probes_set__leave(struct probes_set *s, struct probes *u);

/* Recording has ended by itself, if it has: that is known of each user from then on. */
void probes_set__see_cut(struct probes_set *s);
/* As attach__limit(), of this user: the last who says it. Those that record go on beside it. */
void probes_set__limit(struct probes_set *s, struct probes *u, int64_t hits);
/* Hits count for the points of those that record, and for no others; nobody does: for none. */
void probes_set__switch(struct probes_set *s);
int probes_set__link(struct probes_set *s, struct cause *why); /* what users need that are on */
void probes_set__unlink(struct probes_set *s);                 /* what none of them needs */
/* PW_STAT_MAX of them, of all runtimes and users */
void probes_set__stats(const struct probes_set *s, uint64_t *stats);
/*
 * Who pays for a hit, of those whose links need it: who records waits, for then a park is dear; else
 * the first of them.
 */
bool probes_set__pays(const struct probes_set *s, const struct probes *u, int point);

#endif
