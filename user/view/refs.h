/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * refs: what keeps what goroutines wait for, or the object at an address, from being garbage: paths
 * from a root to it, with names.
 *
 * Over a dump (which goroutines are wanted). Goroutines that were made at one place and wait at one
 * place for one reason are a group; equal paths of a group are told once. engine/refs_build finds and
 * names them; the renderers (refs_text, refs_json) only read it.
 */
#ifndef PARKWATCH_VIEW_REFS_H
#define PARKWATCH_VIEW_REFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "facts/reach.h"
#include "view/dump.h"
#include "view/place.h"
#include "view/recording.h"

#define REFS_GOALS_MAX 4096 /* goroutines of a runtime that are searched for */
#define REFS_TOP       3    /* paths of a group that are told, if nobody asks for more */
#define REFS_MADE      3    /* places where a ticker may have been made; of more none is told */
/* goroutines that are named of those that refer to what nothing reaches */
#define REFS_KEEPERS 8

enum ref_verdict {
	REF_HELD,      /* there is a path to what it waits for */
	REF_UNREACHED, /* nothing that can still run refers to it, in each look */
	/* the same in this look, but not in the one before: too new to tell */
	REF_ONCE,
	REF_UNKNOWN, /* it could not be decided */
	REF_RAN,     /* it went on while it was looked at */
	/*
	 * not searched for: it can go on by itself, what it waits for is not known, or it is main
	 * or the runtime's own
	 */
	REF_NO_OBJECT,
	REF_NOT_SEARCHED, /* there are too many */
	REF_VERDICTS
};
const char *ref_verdict_word(enum ref_verdict v);

/* Texts are the framer's; "" where nothing is known. */
struct ref_step {
	uint8_t kind; /* enum reach_kind */
	/*
	 * offset is that of the word that refers to the next step, field its name; of a goroutine:
	 * in the frame, of size bytes, from its stack pointer; behind these lie its arguments
	 */
	bool refers;
	uint64_t addr, size, offset, goid;
	const char *name;    /* of a variable, also in a frame: "srv.pool" */
	const char *field;   /* ".pool.conns[3]" */
	const char *section; /* of a variable: ".bss" */
	const char *type;    /* of a variable */
	/*
	 * what a goroutine does: "sleep"; of an object that is waited for what is: "mutex", at
	 * offset; of a timer: "every 1 s"
	 */
	const char *word;
	struct place place; /* of a frame */
};

/* What one of a group waits for, and what holds that. */
struct ref_path {
	/*
	 * no steps: of what can run only the goroutine itself, or others of its kind, refer to it
	 */
	uint32_t steps_at, nr_steps;
	/* address; with object_type, of one of a select's channels; else 0 */
	uint64_t object;
	const char *object_type;
	uint64_t period_ns, fires_in_ns; /* of the timer that feeds it */
	const char *held_in; /* what holds that timer: "main.poller.tick"; "" not known */
	uint64_t timer;      /* address of it */
	/*
	 * where that timer was made; of several nobody knows which one it was, and there may be
	 * more, of which the code does not say the period
	 */
	struct place made[REFS_MADE];
	uint32_t nr_made, made_elsewhere;
	/*
	 * no steps, but there may be some: the time was up, or what refers to it changed meanwhile
	 */
	bool undecided;
	bool fed;      /* it is fed by a running timer */
	uint32_t nr;   /* goroutines of the group that have it */
	uint64_t goid; /* one of them; 0: of an address */
	uint64_t hash; /* of what is told */
	uint16_t rt;
	bool cut; /* there are more steps, at the root */
};

struct ref_group {
	uint32_t nr; /* goroutines; 0: an address was asked for */
	uint32_t of[REF_VERDICTS];
	uint32_t row;                /* of the dump: one of them */
	uint32_t paths_at, nr_paths; /* the commonest first */
	uint64_t object;         /* what one of them waits for; 0: nothing that has an address */
	uint64_t object_size;    /* of the address that was asked for */
	const char *object_type; /* "chan int" */
	struct place place;      /* where they are blocked */
	uint64_t keepers[REFS_KEEPERS]; /* goids: of the first unreached one */
	uint64_t unreached;             /* goid of that */
	size_t nr_keepers;
	bool kept_by_itself; /* it is one of its keepers */
};

struct refs {                     /* read only for others; arrays owned */
	struct dump *d;           /* rows: the goroutines that are wanted; borrowed */
	uint8_t *verdicts;        /* enum ref_verdict, by row; NULL: an address was asked for */
	struct ref_group *groups; /* largest first */
	size_t nr;
	struct ref_path *paths;
	size_t nr_paths, paths_room;
	struct ref_step *steps;
	size_t nr_steps, steps_room;
	uint32_t of[REF_VERDICTS];
};
void refs__free(struct refs *rs);
DEFINE_SCOPED(refs)

/* How many paths of a group are told: top, of a select for each thing that it waits for. */
uint64_t refs__paths_told(const struct refs *rs, const struct ref_group *g, uint64_t top);

struct refs_show {
	const struct report_meta *meta;
	unsigned int looks;
	uint64_t heap_bytes, ns; /* searched through, in the last look; time of all */
	const char *doubt;       /* why not all could be decided; "": it could */
	uint64_t top;            /* paths of a group that are told */
};

/* 0 or negative errno of writing, -ENOMEM; with a cause. */
int refs_show__text(const struct refs *rs, const struct refs_show *s, FILE *out, struct cause *why);
int refs_show__json(const struct refs *rs, const struct refs_show *s, FILE *out, struct cause *why);

#endif
