/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch_parts: what watch.c looks with, and watch_proof.c searches the heap with; nobody else looks
 * into it.
 */
#ifndef PARKWATCH_ENGINE_WATCH_PARTS_H
#define PARKWATCH_ENGINE_WATCH_PARTS_H

#include "base/deadline.h"
#include "engine/allocwatch.h"
#include "engine/codecheck.h"
#include "engine/contention.h"
#include "engine/optional_probes.h"
#include "engine/snapshot.h"
#include "engine/watch.h"
#include "heap/grefs.h"
#include "host/recorders.h"
#include "model/governor.h"
#include "model/lookplan.h"
#include "pipe/decode.h"

#define WATCH_LATER_MAX (8u << 20) /* words of 8 bytes */

enum watch_phase {
	WATCH_LOOKS, /* until the last look */
	WATCH_KNOTS, /* channels and locks are read, with moments in between */
};

struct watch {
	struct watch_opts o;
	struct deadline until; /* of all that is read */
	struct snapshot *t;
	/* of the last look, as the last search has read them; NULL: there was none */
	struct grefs *refs[GOPROC_RUNTIMES_MAX];
	struct optional_probes lives, parks;
	struct allocwatch *allocs; /* NULL: none */
	struct cause allocs_why;   /* why there are none, or they say nothing */
	struct cause requests_why; /* "": they were read, or nobody asked */
	double allocs_ns;          /* what they have cost */
	struct leaks *leaks;
	struct labelbook *labels; /* of the last look */
	struct pipe_stats pipe;
	uint64_t start_ns, cpu_start_ns, cpu_ns;
	size_t looks;
	struct lookplan plan;
	enum watch_phase phase;
	struct contention contention; /* of runtime contention_rt */
	size_t contention_rt;
	size_t next;         /* the look that comes next */
	uint64_t drained_ns; /* when the rings were drained last */
	struct losses lost;  /* of births and exits */
	struct codecheck code;
	struct recorders *recorders; /* NULL: there are no probes */
	struct governor governor;
	struct watch_end end;
	bool ended;
	bool stopping; /* the end is asked for */
	bool lends;    /* other jobs may step: the leaks are not touched */
	/* of a ring that it shares, what those took out meanwhile: each record after its length */
	uint64_t *later;
	size_t nr_later, later_room;
	uint64_t dropped; /* beyond WATCH_LATER_MAX */
};

/*
 * Of the budget of the proof, and before all reading ends: a search ends by itself a little
 * earlier, and tells what it has. 0: none.
 */
uint64_t watch__proof_left(struct watch *w);
/* Searches the heap for what still refers to what is waited for; what is not decided is said. */
void watch__search(struct watch *w);
/* At the end: who could end loops that a timer wakes. */
int watch__search_ends(struct watch *w);

#endif
