/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chans: the channels and locks with somebody waiting, each with who waits there and where.
 *
 * Over a dump (names, sites, which goroutines are wanted) and what the census room read of the
 * objects. Waiters at the same place, made at the same place, going the same way are a group;
 * objects that look alike down to their groups are a fold: that is what a person reads. So are
 * locks whose holders stand at the same places, and deadlocks whose goroutines do. The renderers
 * (chans_text, chans_json) only read it.
 */
#ifndef PARKWATCH_VIEW_CHANS_H
#define PARKWATCH_VIEW_CHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cause.h"
#include "facts/waits.h"
#include "view/dump.h"
#include "view/place.h"
#include "view/recording.h"

enum object_kind { OBJECT_CHAN, OBJECT_LOCK, OBJECT_NOTHING };

struct object_waiter {
	uint32_t row;      /* of the dump */
	uint32_t wait;     /* index into census.waits; of OBJECT_NOTHING it has none */
	uint32_t place;    /* index into chans.places */
	uint8_t direction; /* enum census_direction */
	bool select;
};

struct waiter_group {
	uint32_t first; /* index into chans.waiters; they follow each other by goid */
	uint32_t nr;
	uint64_t oldest_ns; /* the longest wait; DUMP_UNKNOWN if nobody knows of any */
};

struct object_holder {
	struct place release, stand; /* where it will release the lock, and where it is */
	uint32_t hold;               /* index into gholds.v */
	uint32_t g;                  /* index into census.gs */
	uint8_t kind;                /* enum ghold_kind */
};

/* Holders of one lock with the same places; they follow each other. */
struct holder_group {
	uint32_t first; /* index into chans.holders */
	uint32_t nr;
};

struct object {
	uint64_t addr;
	uint64_t shape;     /* of all that makes it look like another */
	const char *type;   /* of the elements of a channel: "*main.job"; "" unknown */
	uint32_t index;     /* into gchans.v or glocks.v */
	uint32_t first, nr; /* waiters */
	uint32_t groups_at, nr_groups;
	uint32_t holders_at, nr_holders; /* groups of them */
	uint16_t rt;
	/*
	 * enum object_kind. NOTHING: nil channels, select without cases: nobody can end these waits
	 */
	uint8_t kind;
};

struct object_fold {
	uint32_t first, nr;  /* objects; they follow each other */
	uint64_t nr_waiters; /* of all of them */
};

struct cycle { /* a deadlock */
	uint64_t shape;
	uint32_t index; /* into waitgraph.cycles */
	uint16_t rt;
};

struct cycle_fold {
	uint32_t first, nr; /* cycles; they follow each other */
	uint64_t behind;    /* goroutines behind all of them */
};

struct chans {                              /* read only for everybody but chans.c */
	struct dump *d;                     /* borrowed */
	const struct chans_source *sources; /* by rt; borrowed */
	struct object *objects;             /* in the order of the folds */
	size_t nr;
	struct object_fold *folds; /* most waiters first */
	size_t nr_folds;
	struct object_waiter *waiters;
	size_t nr_waiters;
	struct waiter_group *groups;
	size_t nr_groups;
	struct object_holder *holders;
	size_t nr_holders;
	struct holder_group *holder_groups;
	size_t nr_holder_groups;
	struct cycle *cycles; /* in the order of the folds */
	size_t nr_cycles;
	struct cycle_fold *cycle_folds;
	size_t nr_cycle_folds;
	struct place *places;
	size_t nr_places;
	size_t unsettled; /* objects whose numbers are not known */
};

/* as: the process, for the names of types. All borrowed until free. 0 or -ENOMEM. */
int chans__new(struct dump *d, const struct chans_source *sources, struct chans **ret);
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

/* --- pieces, for the others of this family --- */

/* The holders of each lock, grouped. 0 or -ENOMEM. */
int chans__find_holders(struct chans *cs);
/* The deadlocks, folded. 0 or -ENOMEM. */
int chans__fold_cycles(struct chans *cs);

static inline uint64_t shape_mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
	return hash ^ hash >> 29;
}

static inline uint64_t shape_of_place(uint64_t hash, const struct place *p)
{
	return shape_mix(shape_mix(shape_mix(hash, (uintptr_t)p->func), (uintptr_t)p->file),
			 p->line);
}

/* Locks with 4 to 7 waiters at a place are alike, and those with 8 to 15. */
static inline uint32_t shape_of_count(uint32_t nr)
{
	return nr ? 32 - (uint32_t)__builtin_clz(nr) : 0;
}

struct watched_chans;

struct chans_show {
	const struct report_meta *meta; /* pid, comm, exe, go_version, wall_start_ns */
	bool elements;                  /* they were read: show them */
	/* that they were watched; borrowed. NULL: they were not; never for html */
	const struct watched_chans *watched;
};

/* 0 or negative errno of writing, -ENOMEM; with a cause. */
int chans_show__text(struct chans *cs, const struct chans_show *s, FILE *out, struct cause *why);
int chans_show__json(struct chans *cs, const struct chans_show *s, FILE *out, struct cause *why);
int chans_show__html(struct chans *cs, const struct chans_show *s, FILE *out, struct cause *why);

#endif
