/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chans: the channels and locks with somebody waiting, each with who waits there and where.
 *
 * Over a dump (names, sites, which goroutines are wanted) and what the census room read of the objects. Waiters at the same
 * place, made at the same place, going the same way are a group; objects that look alike down to their groups are a fold: that
 * is what a person reads. The renderers (chans_text, chans_json) only read it.
 */
#ifndef PARKWATCH_REPORT_CHANS_H
#define PARKWATCH_REPORT_CHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cause.h"
#include "census/gchan.h"
#include "census/ghold.h"
#include "census/glock.h"
#include "model/waitgraph.h"
#include "report/dump.h"
#include "report/place.h"
#include "report/renderer.h"

/* What was read of one runtime. None may be NULL. */
struct chans_source {
	const struct goruntime *rt;
	const struct gchans *chans;
	const struct glocks *locks;
	const struct gholds *holds;
	const struct waitgraph *graph;
};

enum object_kind { OBJECT_CHAN, OBJECT_LOCK, OBJECT_NOTHING };

struct object_waiter {
	uint32_t row;		/* of the dump */
	uint32_t wait;		/* index into census.waits; of OBJECT_NOTHING it has none */
	uint32_t place;		/* index into chans.places */
	uint8_t way;		/* enum census_wait_way */
	bool select;
};

struct waiter_group {
	uint32_t first;		/* index into chans.waiters; they follow each other by goid */
	uint32_t nr;
	uint64_t oldest_ns;	/* the longest wait; DUMP_UNKNOWN if nobody knows of any */
};

struct object {
	uint64_t addr;
	uint64_t shape;		/* of all that makes it look like another */
	const char *type;	/* of the elements of a channel: "*main.job"; "" unknown */
	uint32_t index;		/* into gchans.v or glocks.v */
	uint32_t first, nr;	/* waiters */
	uint32_t groups_at, nr_groups;
	uint16_t rt;
	uint8_t kind;		/* enum object_kind. NOTHING: nil channels, select without cases: nobody can end these waits */
};

struct object_fold {
	uint32_t first, nr;	/* objects; they follow each other */
	uint64_t nr_waiters;	/* of all of them */
};

struct chans {			/* read only for everybody but chans.c */
	struct dump *d;		/* borrowed */
	const struct chans_source *sources; /* by rt; borrowed */
	struct object *objects;	/* in the order of the folds */
	size_t nr;
	struct object_fold *folds; /* most waiters first */
	size_t nr_folds;
	struct object_waiter *waiters;
	size_t nr_waiters;
	struct waiter_group *groups;
	size_t nr_groups;
	struct place *places;
	size_t nr_places;
	size_t unsettled;	/* objects whose numbers are not known */
};

/* as: the process, for the names of types. All borrowed until free. 0 or -ENOMEM. */
int chans__new(struct dump *d, const struct chans_source *sources, const struct addrspace *as, struct chans **ret);
void chans__free(struct chans *cs);
DEFINE_SCOPED(chans)

static inline const struct gchan *chans__chan(const struct chans *cs, const struct object *o)
{
	return &cs->sources[o->rt].chans->v[o->index];
}

static inline const struct glock *chans__lock(const struct chans *cs, const struct object *o)
{
	return &cs->sources[o->rt].locks->v[o->index];
}

struct chans_show {
	const struct report_meta *meta;	/* pid, comm, exe, go_version, wall_start_ns */
	bool elements;		/* they were read: show them */
};

/* 0 or negative errno of writing, -ENOMEM; with a cause. */
int chans_show__text(struct chans *cs, const struct chans_show *s, FILE *out, struct cause *why);
int chans_show__json(struct chans *cs, const struct chans_show *s, FILE *out, struct cause *why);

#endif
