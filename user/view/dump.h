/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump: the goroutines of a census with names: which ones are shown, in which order, what each does
 * and where it was made.
 *
 * Over the censuses of all Go runtimes of a process. It has 16 bytes a goroutine of its own; names,
 * stacks, labels and what filters say of them are worked out once for all goroutines that share
 * them. The renderers (dump_text, dump_json, dump_group, dump_diff, dump_snap) only read it.
 */
#ifndef PARKWATCH_VIEW_DUMP_H
#define PARKWATCH_VIEW_DUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "facts/goroutines.h"
#include "facts/requests.h"
#include "golang/gostate.h"
#include "model/profile.h"
#include "model/snap.h"
#include "names/framer.h"
#include "names/labels.h"
#include "names/filter.h"
#include "names/sites.h"
#include "base/textbuf.h"

#define DUMP_NO_STACK   SIZE_MAX
#define DUMP_UNKNOWN    UINT64_MAX
#define DUMP_STATUS_MAX 16

/* All borrowed as long as the dump lives. Arrays by rt. */
struct dump_input {
	const struct census *const *censuses;
	const struct namer *namers;
	size_t nr;                      /* runtimes */
	const struct labelbook *labels; /* of all runtimes; NULL: nobody has any */
	/* of the goroutines of each census; NULL: nobody asked */
	const struct grequests *const *requests;
	/* of the same namers, full; so texts of several dumps are the same. NULL: one of its own */
	struct framer *framer;
};

enum dump_sort { DUMP_SORT_GOID, DUMP_SORT_AGE, DUMP_SORT_STACK, DUMP_SORT_STATE };

struct dump_opts {
	const struct filter *filter; /* borrowed for the call; NULL: all */
	bool system;                 /* the runtime's own goroutines too */
	/* age: oldest first; stack: the commonest look first; equal ones by goid */
	enum dump_sort sort;
	size_t top; /* only the first ones, after sorting; 0: all */
	/* wrappers are shown: stacks that differ in them only are two */
	bool full;
	/* only goroutines in, or for a request in, a trace whose id begins so; NULL: all */
	const char *trace;
	/* only those that still wait though their context has ended: the input has requests */
	bool over_deadline;
};

struct dump_row {
	uint32_t g; /* of the census of rt */
	uint16_t rt;
	uint16_t state : 15; /* what it does: index of states */
	uint16_t system : 1; /* the runtime's own */
	/* index of sites, or SITES_NONE; start: of a wrapper, what it was seen to run */
	uint32_t made, start;
};

/* Of all goroutines, the shown and the others; the runtime's own only with system. */
struct dump_counts {
	size_t nr;
	size_t by_status[DUMP_STATUS_MAX];
	size_t unsettled, refused, not_read; /* as in struct census */
	struct census_dead dead;             /* known: of all runtimes */
};

struct dump { /* read only for everybody but dump.c */
	struct dump_input in;
	struct dump_row *rows; /* the shown ones, in their order */
	size_t nr;
	struct sites *sites;
	size_t nr_stacks; /* of all runtimes: numbers of dump_stack() */
	bool full;
	struct dump_counts counts;
	struct framer *framer; /* owned, unless it is that of the input */
	struct labels *labels;
	uint16_t states[GOSTATE_MAX]; /* enum gostate, in the order in which they were met */
	size_t nr_states;
	struct dump_index *index; /* of dump.c */
	struct calls *calls;      /* owned; of view/calls */
};

/* 0 or -ENOMEM */
int dump__new(const struct dump_input *in, const struct dump_opts *o, struct dump **ret);
void dump__free(struct dump *d);
DEFINE_SCOPED(dump)

static inline const struct census_g *dump__g(const struct dump *d, const struct dump_row *r)
{
	return &d->in.censuses[r->rt]->gs[r->g];
}

/* Of a dump that is in the order of goids. false: it is not there; of two the first is told. */
bool dump__find(const struct dump *d, uint16_t rt, uint64_t goid, uint32_t *ret_row);

static inline enum gostate dump__state(const struct dump *d, const struct dump_row *r)
{
	return (enum gostate)d->states[r->state];
}

/*
 * The wait in the newest Go's words, or if it does not wait its status: "chan receive", "running".
 */
static inline const char *dump__word(const struct dump *d, const struct dump_row *r)
{
	return gostate_word(dump__state(d, r));
}

/* The same of any goroutine of the census of runtime rt, shown or not. */
const char *dump__word_of(struct dump *d, uint16_t rt, uint32_t g);

const char *dump__status(const struct dump *d, const struct dump_row *r); /* never NULL */
/* NULL: it does not wait */
const char *dump__reason(const struct dump *d, const struct dump_row *r);
/* how long it waits, at least; or DUMP_UNKNOWN */
uint64_t dump__wait_ns(const struct dump *d, const struct dump_row *r);
/* borrowed until the next call */
const struct label_set *dump__labels(const struct dump *d, const struct dump_row *r);
/* from here on these, borrowed as long as the dump lives. 0 or -ENOMEM */
int dump__label(struct dump *d, const struct labelbook *labels);
/* NULL: nobody asked for requests */
static inline const struct grequest_of *dump__request(const struct dump *d,
						      const struct dump_row *r)
{
	return d->in.requests ? &d->in.requests[r->rt]->of[r->g] : NULL;
}

/* NULL for SITES_NONE */
static inline const struct site *dump__site(const struct dump *d, uint32_t i)
{
	return i == SITES_NONE ? NULL : &d->sites->v[i];
}

/* Stacks of all runtimes are numbered in one row. DUMP_NO_STACK: it has none. */
size_t dump__stack(const struct dump *d, const struct dump_row *r);
const struct census_stack *dump__stack_at(const struct dump *d, size_t stack, uint16_t *ret_rt);

enum dump_detail {
	DUMP_TRACEBACK, /* the frames that Go's traceback prints */
	DUMP_FRAMES,    /* all but wrappers */
	DUMP_ALL,       /* all */
};
/*
 * Stacks that look the same, frame for frame with functions, files and lines, have one number.
 * Known after dump__looks(), of the rows that are shown; 0 for DUMP_NO_STACK.
 */
int dump__looks(struct dump *d); /* 0 or -ENOMEM */
uint32_t dump__look(const struct dump *d, const struct dump_row *r);

/*
 * Frames of a stack, innermost first, named as in Go's tracebacks. *ret is borrowed until the next
 * call. 0 or -ENOMEM.
 */
int dump__frames(struct dump *d, size_t stack, enum dump_detail detail, const struct frame **ret,
		 size_t *ret_nr);

/* "chan", "mutex", ...: kinds of what is waited for, the same everywhere. */
const char *dump_wait_kind(enum census_wait_kind kind);

/*
 * For the formats of record: rows are counts of goroutines. Borrows stacks and texts from the dump
 * and its censuses.
 */
int dump__snap(struct dump *d, enum profile_root root, struct snap **ret);

#endif
