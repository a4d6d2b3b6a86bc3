/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rowset: sums by key: the rows of a profile before they have stacks. Written by profile, read by
 * snap.
 *
 * At most max rows; a new key beyond that is refused (the profile counts it), known keys go on.
 * What was seen in windows only is a sample: the rows keep how much their windows differ.
 */
#ifndef PARKWATCH_MODEL_ROWSET_H
#define PARKWATCH_MODEL_ROWSET_H

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

/* hashed as bytes: no padding; 0 where it does not matter to the event */
struct row_key {
	uint64_t stack_id;
	uint64_t root; /* goid, gopc or label id, as the profile's root says */
	uint64_t gopc, startpc;
	uint32_t reason;
	uint32_t chain;
	uint64_t type;  /* label id of the type's name: allocations, as the next two */
	uint64_t bytes; /* of an object */
	uint32_t rt;
	uint32_t measure; /* enum alloc_measure */
};

struct rowset_row {
	struct row_key key;
	uint64_t count, value;         /* stay at UINT64_MAX rather than wrap */
	uint64_t cut_count, cut_value; /* of these, told by rowset__cut() */
	/* For rowset__spread(). */
	uint32_t window;     /* the last one that it was in */
	uint64_t here_count; /* its count in that one */
	/* its value in that one, and in the one before; a ns, once they are weighed */
	double here, before;
	/* of the differences between windows that follow each other, up to that one */
	double squares;
	double with_seen; /* for rowset__value(): of its value in each window, times what was seen in that one */
};

struct rowset;
int rowset__new(size_t max, struct rowset **ret);
void rowset__free(struct rowset *rs);
DEFINE_SCOPED(rowset)

/* One more with this value. 0, -ENOSPC, -ENOMEM. */
int rowset__add(struct rowset *rs, const struct row_key *key, uint64_t value);
/* count more, with this value together. 0: what is counted elsewhere has this much more. */
int rowset__add_many(struct rowset *rs, const struct row_key *key, uint64_t count, uint64_t value);
/*
 * From here on all belongs to windows, and to number 0 at first; what was added before is no
 * sample.
 */
void rowset__sampled(struct rowset *rs);
void rowset__next_window(struct rowset *rs);
/*
 * The window of length_ns is over. Values that were added in it stand for factor times as much
 * (less than 1: 1), counts for count_factor times as many. Once a window.
 */
void rowset__weigh(struct rowset *rs, double factor, double count_factor, uint64_t length_ns);
/*
 * How much of something there was in the window that is weighed next; and how much on average, over all
 * of the time, which is known better than from windows. Values follow it (rowset__value()).
 */
void rowset__saw(struct rowset *rs, double seen);
void rowset__average(struct rowset *rs, double mean);
/*
 * The row's value, corrected for the chance that windows met more or less of that than there was: by as
 * much as the row goes along with it from window to window. One that is always the same is not changed; if
 * all rows together are what is seen, their sum is the average, times the time. Where it was the same in
 * all windows, nobody knows which rows go along: all of them do. Without an average: as it is. Never below 0.
 */
uint64_t rowset__value(const struct rowset *rs, const struct rowset_row *row);
/*
 * The standard error of the row's value, as the sum over windows that are a sample of the time,
 * without what is none: from the differences between windows that follow each other, so that what
 * changes slowly is no error. unseen: one more difference, of what may have changed and back
 * between two of them. 0 for fewer than two windows.
 */
double rowset__spread(const struct rowset *rs, const struct rowset_row *row, double unseen);
/* Tells of each row that has grown since the last cut what it gained. */
void rowset__cut(struct rowset *rs,
		 void (*gain)(void *ctx, const struct row_key *key, uint64_t count, uint64_t value),
		 void *ctx);
/* of all rows, without a key. Borrowed */
const struct rowset_row *rowset__total(const struct rowset *rs);
size_t rowset__nr(const struct rowset *rs);
/* The rows in order of arrival: begin with NULL, ends with NULL. Borrowed until the next add. */
const struct rowset_row *rowset__next(const struct rowset *rs, const struct rowset_row *row);

#endif
