/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tally: the goroutines of one target at a look, counted by row: those that were made at one place,
 * stand at one place and do one thing. And who came and who went since the look before.
 *
 * It is fed with one look after the other, goroutine by goroutine, by the process that looks; what
 * comes of a look is as small as the program has places, and goes into a history (model/history). No
 * clock, no descriptor. Not thread-safe.
 *
 * What looks cannot see: a goroutine that lives from one look to the next only in between. So births
 * and exits are those *seen by looks*: goids that were not there at the look before, or are there no
 * more.
 *
 * Bounds: HISTORY_ROWS_MAX rows, more are summed as `other`; up to 32 bytes for each goroutine of the
 * last look, of at most TALLY_GOIDS_MAX.
 */
#ifndef PARKWATCH_MODEL_TALLY_H
#define PARKWATCH_MODEL_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "golang/gostate.h"

#define TALLY_GOIDS_MAX   (1u << 20)
#define TALLY_UNKNOWN     UINT64_MAX
#define TALLY_LONG_WAIT_S 3600

struct tally_row {
	const char *made, *blocked; /* borrowed; "": not known */
	enum gostate state;
	uint64_t nr, waiting, stack_bytes, births, exits;
	uint64_t oldest_ns;  /* the longest wait that is known; 0: none is */
	uint64_t first;      /* id of the goroutine that came first; nr 0: there is none */
	uint32_t oldest_s;   /* the longest wait, as far as looks saw it too */
	uint32_t long_waits; /* goroutines that wait for TALLY_LONG_WAIT_S or longer */
};

struct tally_look {             /* what a look says */
	struct tally_row *rows; /* of one row each; those that nobody is in any more, too */
	size_t nr;
	struct tally_row other; /* those that have no row; no place, no state */
	uint64_t by_state[GOSTATE_MAX];
	uint64_t oldest_ns[GOSTATE_MAX]; /* the longest wait that is known; 0: none is */
	uint64_t over_goids;             /* whose id was over the bound */
};

/* All of them. */
uint64_t tally_look__goroutines(const struct tally_look *l);

struct tally;
int tally__new(struct tally **ret); /* 0 or -ENOMEM */
void tally__free(struct tally *t);
DEFINE_SCOPED(tally)

struct tally_g {
	uint64_t id;          /* tells it from all others of the target; a goid, and its runtime */
	uint64_t wait_ns;     /* how long it waits, at least; TALLY_UNKNOWN */
	uint64_t stack_bytes; /* that it has */
	uint32_t row;
	enum gostate state;
};

/* now_ns: never runs back. */
void tally__begin(struct tally *t, uint64_t now_ns);
/* The row of such goroutines, new or known; HISTORY_OTHER: there is no room. In a look only. */
uint32_t tally__row(struct tally *t, const char *made, const char *blocked, enum gostate state);
void tally__add(struct tally *t, const struct tally_g *g);
/* *ret is borrowed until the next begin. 0; -ENOMEM: the look does not count. */
int tally__end(struct tally *t, struct tally_look *ret);

#endif
