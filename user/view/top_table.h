/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * top_table: a table of `top` and what a person chose to see of it: order, filter, the row that is
 * selected. top_page__put() makes the lines of a page of it; a terminal, or a file, shows them.
 *
 * Pure. Texts of cells are clean (base/textpool); titles are cleaned here. So no line does anything to
 * a terminal.
 */
#ifndef PARKWATCH_VIEW_TOP_TABLE_H
#define PARKWATCH_VIEW_TOP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/textpool.h"

#define TOP_COLUMNS_MAX 12
#define TOP_LINE_MAX    1024 /* bytes of a line, its NUL included: longer ones are cut */
#define TOP_FILTER_MAX  64
#define TOP_TITLES_MAX  3

struct top_column {
	const char *name; /* "GOROUTINES" */
	int width;        /* negative: flush left; the last one is as long as it is */
	char key;         /* sorts by it; 0: none does */
	bool by_text;     /* in the order of its texts; else the largest number first */
	const char *what; /* it says */
};

struct top_row {
	uint64_t id;                    /* the same row of a later table has it too */
	double number[TOP_COLUMNS_MAX]; /* NAN: not known, comes last */
	const char *cell[TOP_COLUMNS_MAX];
};

struct top_table {
	const struct top_column *columns;
	size_t nr_columns;
	int width
		[TOP_COLUMNS_MAX]; /* as of columns; 0: it is not shown, and nothing is sorted by it */
	bool in_order;             /* lines of a text: not sorted, not filtered */
	struct top_row *rows;      /* owned */
	size_t nr, room;
	size_t nr_shown;        /* of top_table__arrange(): the first ones */
	struct textpool *texts; /* owned */
};

/* 0 or -ENOMEM. top_table__done() frees what it has, also after an error. */
int top_table__init(struct top_table *t, const struct top_column *columns, size_t nr_columns);
void top_table__done(struct top_table *t);
/* Its cells are "" and its numbers NAN. NULL: no memory. Borrowed until the next one. */
struct top_row *top_table__add(struct top_table *t, uint64_t id);

struct top_choice {
	size_t sort; /* a column; if equal: those right of it, and then from the left */
	bool reverse;
	char filter
		[TOP_FILTER_MAX]; /* shown are rows with it in a cell, capitals or not; "": all */
	bool chosen;              /* a row is; else the first one is selected, whichever it is */
	uint64_t selected;        /* the row's id */
	size_t at,
		first; /* the selected row, and the first one on the page: of those that are shown */
};

/* In that order, those that the filter takes first. The selected row stays selected while it is there. */
void top_table__arrange(struct top_table *t, struct top_choice *c);
/* So many rows down, or up; as far as there are any. After top_table__arrange(). */
void top_choice__move(struct top_choice *c, const struct top_table *t, long rows);
/* By the column left or right of this one that can be sorted by. */
void top_choice__next_column(struct top_choice *c, const struct top_table *t, int step);
/* False: no column has this key. Twice the same: the other way round. */
bool top_choice__key(struct top_choice *c, const struct top_table *t, char key);

enum top_look { TOP_PLAIN, TOP_TITLE, TOP_HEAD, TOP_SELECTED, TOP_STATUS };

struct top_page {
	char title[TOP_TITLES_MAX][TOP_LINE_MAX];
	size_t nr_titles;
	const struct top_table *table; /* arranged */
	const char *status;            /* the last line */
};

/* What shows line y, with text that is one line and harmless. */
typedef void (*top_put)(void *ctx, size_t y, enum top_look look, const char *text);
/* height: lines; as many rows as fit, with the selected one; 0: all rows, no status, nothing is selected. */
void top_page__put(const struct top_page *p, struct top_choice *c, size_t height, top_put put,
		   void *ctx);

#endif
