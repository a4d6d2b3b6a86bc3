/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * top_rows: what the tables of `top` have in them: the Go processes of a machine, the sites of one, and
 * the stack of a site. Pure: out of looks.
 *
 * A look is a cell of 10 s of a history (model/history), whatever time lies between two: so the history
 * keeps the last TOP_LOOKS looks as they were, and top_looks has their times.
 */
#ifndef PARKWATCH_VIEW_TOP_ROWS_H
#define PARKWATCH_VIEW_TOP_ROWS_H

#include "model/history.h"
#include "view/processes.h"
#include "view/top_table.h"

struct dump;
struct dump_row;

#define TOP_LOOKS 60

/* When the last looks were: the newest is at_ns[(nr - 1) % TOP_LOOKS]. */
struct top_looks {
	uint64_t at_ns[TOP_LOOKS];
	uint64_t nr; /* in all */
};
void top_looks__add(struct top_looks *l, uint64_t now_ns);
/* What the look that comes next is told as the time, by history__look(). */
uint64_t top_looks__history_ns(const struct top_looks *l);
/* age 0: the newest; less than top_looks__kept() */
uint64_t top_looks__at_ns(const struct top_looks *l, size_t age);
static inline size_t top_looks__kept(const struct top_looks *l)
{
	return l->nr < TOP_LOOKS ? (size_t)l->nr : TOP_LOOKS;
}

/* --- sites of a process: made here, standing there, in this state --- */

enum top_site_column {
	TOP_SITE_TREND,
	TOP_SITE_GOROUTINES,
	TOP_SITE_BIRTHS,
	TOP_SITE_BLOCKED,
	TOP_SITE_MADE,
	TOP_SITE_STATE,
	TOP_SITE_OLDEST,
	TOP_SITE_STANDS,
	TOP_SITE_COLUMNS
};
/*
 * Of the looks that are kept. oldest_ns: by row of the history, HISTORY_OTHER too; 0: not known. A row's
 * id is that of the history. 0 or -ENOMEM.
 */
int top_sites__new(const struct history *h, const struct top_looks *l, const uint64_t *oldest_ns,
		   struct top_table *ret);

/* --- processes --- */

enum top_process_column {
	TOP_PROCESS_PID,
	TOP_PROCESS_LEAKS,
	TOP_PROCESS_TREND,
	TOP_PROCESS_GOROUTINES,
	TOP_PROCESS_NAME,
	TOP_PROCESS_GO,
	TOP_PROCESS_AGE,
	TOP_PROCESS_CONTAINER,
	TOP_PROCESS_POD, /* this and those below: where one of them is known */
	TOP_PROCESS_WORKLOAD,
	TOP_PROCESS_LABELS,
	TOP_PROCESS_EXE,
	TOP_PROCESS_COLUMNS
};
/* The goroutines of each process at the last looks. */
struct top_counts;
int top_counts__new(struct top_counts **ret);
void top_counts__free(struct top_counts *c);
DEFINE_SCOPED(top_counts)
/* A look at them. Those that are not among them are forgotten. 0 or -ENOMEM */
int top_counts__look(struct top_counts *c, const struct processes *p, uint64_t now_ns);
/* After that look. A row's id is the PID. 0 or -ENOMEM. */
int top_processes__new(const struct processes *p, const struct top_counts *c,
		       struct top_table *ret);

/* --- the stack of a goroutine, as Go's tracebacks show it; r NULL: it has none to show --- */

int top_stack__new(struct dump *d, const struct dump_row *r, struct top_table *ret);
/* lines: end with NULL, borrowed; then the keys that sort a table. */
int top_help__new(const char *const *lines, const struct top_table *of, struct top_table *ret);

#endif
