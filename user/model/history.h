/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history: what looks saw of one target, kept for two days: three rings of cells, of 10 s, 1 min and
 * 1 h each.
 *
 * A cell has one entry for each row: goroutines that were made at one place, stand at one place and
 * do one thing. It is fed with looks (model/tally), one after the other; each counts in the newest cell of
 * all three rings. No clock, no descriptor: times are arguments. Not thread-safe.
 *
 * Blocked time is an estimate: the goroutines that wait at a look, times the time since the look before.
 *
 * Bounds: HISTORY_ROWS_MAX rows; more are summed as `other`, and counted. A cell keeps its
 * HISTORY_CELL_ROWS largest rows, of an hour HISTORY_HOUR_ROWS. Texts of sites are shared, counted by
 * reference, and cut at HISTORY_SITE_MAX bytes. That is 0.25 MB for a program with 20 rows, and never
 * more than 8 MB, however many goroutines there are.
 */
#ifndef PARKWATCH_MODEL_HISTORY_H
#define PARKWATCH_MODEL_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "golang/gostate.h"
#include "model/slow_leak.h"

#define HISTORY_ROWS_MAX   4096
#define HISTORY_OTHER      HISTORY_ROWS_MAX /* the row of those that have none */
#define HISTORY_CELL_ROWS  256
#define HISTORY_HOUR_ROWS  1024
#define HISTORY_SITE_MAX   255
#define HISTORY_ALARMS_MAX 16

enum history_ring { HISTORY_10S, HISTORY_1MIN, HISTORY_1H, HISTORY_RINGS };

/* Of one row in one cell. Sums stay at their largest number rather than wrap. */
struct history_entry {
	uint64_t blocked_ns; /* estimated */
	uint64_t stack_sum;  /* bytes, of all looks: divide by those of the cell */
	uint32_t sum;        /* goroutines, of all looks: the same */
	uint32_t least;      /* goroutines, of the looks that saw some: see history_cell__floor() */
	uint32_t births, exits;
	uint32_t oldest_s; /* the longest wait, at least */
	uint16_t row;
	uint16_t looks; /* that saw some */
};

/* what goroutines do, in short */
enum history_state {
	HISTORY_WAITING,
	HISTORY_RUNNING,
	HISTORY_RUNNABLE,
	HISTORY_SYSCALL,
	HISTORY_OTHERWISE,
	HISTORY_STATES
};
const char *history_state_word(enum history_state s);

struct history_cell {
	uint64_t slot;    /* its time is slot * step to (slot + 1) * step */
	uint64_t unix_ns; /* where that begins, by the wall clock at its first look */
	uint64_t states[HISTORY_STATES]; /* as sum */
	struct history_entry total, other;
	struct history_entry *v; /* owned; by row, ascending. Some may be all zero */
	size_t nr;
	uint16_t looks;
};

struct history;
struct tally_look;
int history__new(struct history **ret); /* 0 or -ENOMEM */
void history__free(struct history *h);
DEFINE_SCOPED(history)

/* --- a look --- */

/*
 * now_ns: never runs back; unix_ns: the same moment by the wall clock. ret_rows: the number here of each of
 * l->rows, HISTORY_OTHER: there is no room; NULL: nobody wants to know. 0; -EINVAL: it is before the last
 * look, that is counted; -ENOMEM. Then it does not count.
 */
int history__look(struct history *h, uint64_t now_ns, uint64_t unix_ns, const struct tally_look *l,
		  uint32_t *ret_rows);

/* --- what it found: of the last look --- */

enum history_alarm_kind { HISTORY_STORM, HISTORY_SLOW_LEAK };
struct history_alarm {
	enum history_alarm_kind kind;
	uint64_t births, alive, took_ns; /* storm: in the time since the look before */
	uint32_t row;                    /* slow leak */
	struct slow_leak leak;
};
/* A storm once until it has ended, a row that leaks once. Returns how many. */
size_t history__alarms(const struct history *h, const struct history_alarm **ret);

/* --- queries --- */

size_t history_cells(enum history_ring r);     /* 60, 120, 48 */
uint64_t history_step_ns(enum history_ring r); /* 10 s, 1 min, 1 h */
/*
 * age 0: the newest, which may still grow; 1: the one before; less than history_cells(). NULL: no
 * look was in its time. Borrowed until the next look.
 */
const struct history_cell *history__cell(const struct history *h, enum history_ring r, size_t age);
/* NULL: it is not in the cell */
const struct history_entry *history_cell__find(const struct history_cell *c, uint32_t row);
/* The fewest at any look of the cell. */
static inline uint32_t history_cell__floor(const struct history_cell *c,
					   const struct history_entry *e)
{
	return e && e->looks == c->looks ? e->least : 0;
}
/* Texts are borrowed until the next look. false: there is no such row. */
bool history__about(const struct history *h, uint32_t row, const char **ret_made,
		    const char **ret_blocked, enum gostate *ret_state);

struct history_counts {
	uint64_t rows, sites, bytes; /* now; bytes: memory */
	uint64_t over_rows;          /* goroutines that got no row, summed over looks */
	uint64_t over_goids;         /* whose goid was over the bound, summed over looks */
	uint64_t backwards;          /* looks that were before the last one */
	uint64_t cells_lost;         /* no memory */
};
struct history_counts history__counts(const struct history *h);

#endif
