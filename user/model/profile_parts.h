/* SPDX-License-Identifier: BSD-2-Clause */
/* profile_parts: what the files of profile have in common: profile, and profile_wall. For nobody else. */
#ifndef PARKWATCH_MODEL_PROFILE_PARTS_H
#define PARKWATCH_MODEL_PROFILE_PARTS_H

#include "model/profile.h"

struct gtable;
struct labelset;

struct profile {
	struct profile_opts opts;
	uint64_t start_ns, end_ns, first_ns;
	uint32_t windows;
	bool counts_least;
	uint64_t cut_ns; /* end of the last cut; 0: there was none */
	uint32_t cut_windows;
	struct stackset *stacks;
	struct gtable *origins;  /* async, and for exits; else empty */
	struct chainset *wakers; /* of wakeups; else NULL */
	struct rowset *rows;
	/* of wall: samples of what ran, which share out the time that looks say; else NULL */
	struct rowset *ran;
	uint64_t ran_unwanted_ns;
	uint64_t ran_cut_ns; /* of all samples, told by cuts */
	/* of wall: system calls and C, told one by one; else NULL */
	struct rowset *called;
	bool calls_known;
	/* root CREATED_BY: births by `go` statement and ancestry; else NULL */
	struct rowset *made;
	struct labelset *labels;
	struct profile_stats stats;
	struct profile_tap tap;
};

/* What rows are told apart by, besides their stack. */
static inline uint64_t profile__root(const struct profile *p, uint64_t goid, uint64_t gopc,
				     uint32_t label)
{
	switch (p->opts.root) {
	case PROFILE_ROOT_GOID: return goid;
	case PROFILE_ROOT_CREATED_BY: return gopc;
	case PROFILE_ROOT_LABEL:
	case PROFILE_ROOT_ROUTE:
	case PROFILE_ROOT_TRACE:
	case PROFILE_ROOT_SPAN:
	case PROFILE_ROOT_REQUEST: return label;
	default: return 0; /* state follows from the reason */
	}
}

/* Event wall: system calls, and C, that went on so long; one that goes on at the end. */
int profile__add_calls(struct profile *p, uint16_t rt, uint64_t stack_id, uint64_t gopc,
		       const struct pw_wait_sum *s);
int profile__open_call(struct profile *p, uint16_t rt, const struct pw_gstate *s, uint64_t gopc);

#endif
