/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leaks: the censuses of one watch with names: groups of goroutines, what each is, and what a
 * developer needs to end it.
 *
 *	leaks__new()
 *	leaks__look()	 for each census; borrows the last one until free
 *	leaks__record() leaks__life() births and exits that probes saw
 *	leaks__goals() leaks__proved()	after a look: whom to search for, and what was found
 *	leaks__asks() leaks__facts()	for each runtime, of channels, timers and locks at the last look
 *	leaks__allocated() after the last look; may be left out
 *	leaks__finish()	 verdicts, patterns
 *	leak_requests__note()	which requests they work for (view/leak_requests); may be left out
 *	leak_outgoing__note()	and which they have sent (view/leak_outgoing); the same
 *	leaks__keepers() leaks__heap()	for each runtime, whose heap is to be counted, and how much it is; may be left out
 *	leaks__rank()	 in the order of what costs most
 *
 * It translates what has names into numbers for model/leakset, and back. The renderers only read
 * it.
 */
#ifndef PARKWATCH_VIEW_LEAKS_H
#define PARKWATCH_VIEW_LEAKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "facts/channels.h"
#include "facts/reach.h"
#include "model/verdict.h"
#include "view/called.h"
#include "view/chans.h"
#include "view/dump.h"
#include "view/leak_ends.h"
#include "view/leak_pattern.h"
#include "view/place.h"
#include "view/recording.h"

#define LEAKS_PARENTS_MAX 8  /* of a chain of creators that are told */
#define LEAKS_GOIDS       10 /* told of a group */
#define LEAK_HEAP_UNKNOWN UINT64_MAX
#define LEAKS_GOALS       8192  /* of a group that are searched for */
#define LEAKS_GOALS_MAX   65536 /* in all */

struct leak_parent {
	uint64_t goid;        /* it is there still: */
	uint32_t start, made; /* sites of the dump, or SITES_NONE */
};

struct leak_allocs { /* what was allocated during the watch */
	/*
	 * some of it, by one goroutine; of one there may be several. goid 0: nobody knows whose it
	 * was
	 */
	struct leak_allocated {
		uint64_t goid;
		uint64_t bytes; /* estimated */
		uint64_t seen;  /* objects, of those that the estimate is made of */
		uint16_t rt;
	} * parts;
	size_t nr;
	uint32_t windows; /* in which objects were seen */
	/* how long parkwatch was stopped or held up: what was allocated then is left out */
	uint64_t gap_ns;
};

struct leak_cause {             /* what is put in order: an entry with those that wait behind it */
	uint64_t bytes, nr;     /* of all of them */
	uint32_t group;         /* of the first of them */
	enum verdict_kind kind; /* of that */
	int place;              /* 0: it is the first; 1: in a cycle with it; 2: behind it */
};

struct leak_incidents;
struct leak_outgoing;
struct leak_requests;
struct leak_entry {     /* one group with members at the last look */
	uint32_t group; /* of the leakset */
	struct verdict verdict;
	bool known;                         /* silenced: in the baseline or the allow list */
	const struct leak_pattern *pattern; /* NULL: it has no name */
	const char *reason;                 /* "chan send" */
	struct place place;                 /* where they are blocked; else what they run */
	bool blocked;
	uint32_t start, made; /* sites of the dump, or SITES_NONE */
	size_t stack;         /* of the dump, the commonest; DUMP_NO_STACK */
	uint32_t nr_stacks;   /* different ones */
	/*
	 * made where this one is, itself too: verdict.births and exits are of all of them together
	 */
	uint32_t site_groups;
	/* of what they wait for: "chan"; NULL: nothing that has an address */
	const char *kind;
	uint64_t heap_bytes; /* that only its goroutines keep in use; LEAK_HEAP_UNKNOWN */
	/* that all have; NULL: none, or not the same. Owned by leaks */
	const struct label_set *labels;
	const struct leak_requests *requests; /* NULL: nothing is known. Owned by leaks */
	const struct leak_outgoing
		*outgoing; /* NULL: they have sent none that is known. The same */
	struct leak_parent parents[LEAKS_PARENTS_MAX];
	size_t nr_parents;
	struct called called;
	const char *maker; /* view/maker; NULL: not known */
	/* group of the entry that it is told with: view/leak_call; its own: none */
	uint32_t call;
	struct leak_cause cause;
};

struct leaks { /* read only for everybody but leaks.c and leaks_entry.c */
	struct framer *framer;
	struct leak_names *names;
	struct leakset *set;
	struct births *births;
	struct dump *d; /* of the last look */
	/* by group: the root of the way to what one of it waits for; kind < 0: none */
	struct leak_holder {
		int kind; /* enum reach_kind */
		uint64_t goid, addr;
		const char *name; /* of the variable at addr; NULL: not known */
		/* ways that were found; those that begin in a frame of the first goroutine */
		uint32_t asked, first;
	} * holders;
	size_t nr_holders;
	struct leak_peers *peers;         /* view/leak_peer; NULL: none */
	struct leak_incidents *incidents; /* view/leak_incident; NULL: nobody asked */
	struct leak_ends ends;
	/* enum leak_fact of each group, as far as channels and locks say; NULL: nobody asked */
	uint32_t *facts;
	/*
	 * of each group: where one that waits for a lock of its own has locked it; func NULL: not
	 * known; NULL as facts
	 */
	struct place *locked_at;
	struct leak_pattern *patterns; /* what the entries are called */
	struct leak_sum {
		uint64_t bytes, seen;
	} * allocated; /* by group, and [nr_groups]: by all goroutines, those that ended too; NULL: nobody knows */
	uint32_t alloc_windows;
	uint64_t alloc_gap_ns; /* as leak_allocs.gap_ns */
	struct leak_entry *entries;
	uint32_t *entry_of; /* by group, as they are now: view/leak_call */
	size_t nr;
	/* goroutines but the runtime's own, at the first look and the last */
	size_t nr_first, nr_last;
	uint64_t unsettled, refused; /* of all looks */
	struct verdict_opts opts;
};

/* namers: by rt, borrowed. 0 or -ENOMEM. */
int leaks__new(const struct namer *namers, size_t nr_rt, struct leaks **ret);
void leaks__free(struct leaks *l);
DEFINE_SCOPED(leaks)

/*
 * in->framer is ours to set. The censuses of a look may go when the next look is taken. taken_ns:
 * CLOCK_MONOTONIC. 0, -ENOMEM,
 * -ENOSPC: that were too many looks.
 */
int leaks__look(struct leaks *l, const struct dump_input *in, uint64_t taken_ns);
/* how they were made: births, their stacks, exits; others are passed over */
void leaks__record(struct leaks *l, const struct pw_hdr *h);
/* gopc, startpc: of a birth or exit at ts_ns. The runtime's own goroutines are passed over. */
void leaks__life(struct leaks *l, uint16_t rt, uint64_t gopc, uint64_t startpc, uint64_t ts_ns,
		 bool birth);
/* After the last look: these were all of them. */
void leaks__lives(struct leaks *l);
/* When a goroutine parked last; and: these were all that parked since the first look. */
void leaks__parked(struct leaks *l, uint16_t rt, uint64_t goid, uint64_t since_ns);
void leaks__parks(struct leaks *l);
/*
 * Goroutines of runtime rt that have been in one wait since an earlier look, the oldest of each
 * group: numbers in the census of the last look. *ret is the caller's. 0 or -ENOMEM.
 */
int leaks__goals(const struct leaks *l, uint16_t rt, uint32_t **ret, size_t *ret_nr);
/* What one pass over these told, in the census of the last look. */
void leaks__proved(struct leaks *l, uint16_t rt, const struct reach_answer *a);

/*
 * There is a way to what this goroutine of the group waits for: its root is the group's holder.
 * anew: what was found before does not count. 0 or -ENOMEM.
 */
int leaks__held(struct leaks *l, uint32_t group, const struct reach_goal *goal, bool anew);

/*
 * Of runtime rt, at the last look: whose timers leaks__facts() wants, as indexes into census.gs;
 * the caller's. 0 or -ENOMEM.
 */
int leaks__asks(const struct leaks *l, uint16_t rt, uint32_t **ret_gs, size_t *ret_nr);
/* source, feeds: of runtime rt, at the last look. 0 or -ENOMEM. */
int leaks__facts(struct leaks *l, uint16_t rt, const struct chans_source *source,
		 const struct chanfeeds *feeds);
/* borrowed for the call. 0 or -ENOMEM */
int leaks__allocated(struct leaks *l, const struct leak_allocs *a);
int leaks__finish(struct leaks *l, const struct verdict_opts *o); /* 0 or -ENOMEM */
/*
 * After leaks__finish(): of runtime rt the label pointers that entries are told by, for
 * snapshot__labels_at(); the caller's. 0 or -ENOMEM.
 */
int leaks__labelled(const struct leaks *l, uint16_t rt, uint64_t **ret, size_t *ret_nr);
/* entries have their labels then; borrowed until free. 0 or -ENOMEM */
int leaks__label(struct leaks *l, const struct labelbook *labels);
/*
 * Which goroutines of runtime rt belong to a leak: of each in the census of the last look the
 * number of its entry, or UINT32_MAX. What an object is kept by several counts for the first of
 * these. *ret is the caller's. 0 or -ENOMEM.
 */
int leaks__keepers(const struct leaks *l, uint16_t rt, bool suspects, uint32_t **ret);
/* bytes: by entry, of the goroutines of one runtime; they are added up. NULL: it is not known. */
void leaks__heap(struct leaks *l, const uint64_t *bytes);
void leaks__rank(struct leaks *l);
/*
 * What the last look tells of an entry whose group is known: stacks, makers, what they wait for. 0
 * or -ENOMEM.
 */
int leaks__see_entry(const struct leaks *l, struct leak_entry *e);
/* 0 where it is not known */
static inline uint64_t leak_entry__heap(const struct leak_entry *e)
{
	return e->heap_bytes == LEAK_HEAP_UNKNOWN ? 0 : e->heap_bytes;
}

static inline const struct leak_group *leaks__group(const struct leaks *l,
						    const struct leak_entry *e)
{
	return leakset__group(l->set, e->group);
}

/* Goroutines of the largest group. */
static inline size_t leaks__most(const struct leaks *l)
{
	size_t most = 0;

	for (size_t i = 0; i < l->nr; i++)
		if (leaks__group(l, &l->entries[i])->nr > most)
			most = leaks__group(l, &l->entries[i])->nr;
	return most;
}

/* What members of the group allocated, NULL: of all goroutines; NULL if it is not known. */
static inline const struct leak_sum *leaks__allocs(const struct leaks *l,
						   const struct leak_entry *e)
{
	return l->allocated ? &l->allocated[e ? e->group : leakset__nr_groups(l->set)] : NULL;
}

/*
 * The part of cpu_ns, which the program used while it was watched, that the group did, as often as
 * it was seen on a processor.
 */
uint64_t leaks__cpu_ns(const struct leaks *l, const struct leak_entry *e, uint64_t cpu_ns);
/* members that nothing can wake */
uint32_t leaks__proven(const struct leaks *l, const struct leak_entry *e);
/* Some members: those that nothing can wake first. Room for LEAKS_GOIDS; returns how many. */
size_t leaks__goids(const struct leaks *l, const struct leak_entry *e, uint64_t *goids);
/* Counts as one: suspects only where they are asked for. */
bool leak_entry__counts(const struct leak_entry *e, bool suspects);

struct leaks_show {
	const struct report_meta *meta;
	/* why it is not known what they allocated; NULL: it is, or nobody asked */
	const char *allocs_why;
	/* why it is not known which requests they work for; NULL: it is, or nobody asked */
	const char *requests_why;
	double cpu_pct;  /* what the watch cost the target; < 0: not known */
	uint64_t cpu_ns; /* that the target used while it was watched; 0: not known */
	struct {
		unsigned int passes;
		uint64_t heap_bytes, ns, cpu_ns;
		const char *doubt; /* what was not searched through, and why; "": nothing */
	} proof;
	bool suspects; /* they count */
	bool all;      /* what is no leak too */
};

/* 0 or negative errno of writing, -ENOMEM; with a cause. */
int leaks_show__text(struct leaks *l, const struct leaks_show *s, FILE *out, struct cause *why);
int leaks_show__json(struct leaks *l, const struct leaks_show *s, FILE *out, struct cause *why);
/* What leaks, for the formats of record: rows are counts of goroutines. Borrows from l. */
int leaks_show__snap(struct leaks *l, const struct leaks_show *s, struct snap **ret);

#endif
