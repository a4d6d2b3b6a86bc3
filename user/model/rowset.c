// SPDX-License-Identifier: BSD-2-Clause
#include "model/rowset.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

_Static_assert(sizeof(struct row_key) == 64, "keys are hashed as bytes");

struct entry {
	struct rowset_row row; /* first: rowset__next() goes from it to the entry */
	UT_hash_handle hh;
};

struct rowset {
	struct entry *by_key;
	size_t max;
	uint32_t window;
	double lengths2; /* sum of the squares of the windows' lengths */
	/* For rowset__value(): as far as windows were weighed. Seen: without what was in the first. */
	double first_seen, seen;
	bool saw, averaged;
	double lengths, lengths_seen, lengths_seen2;
	double mean;
	struct rowset_row total;
};

int rowset__new(size_t max, struct rowset **ret)
{
	struct rowset *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return -ENOMEM;
	rs->max = max;
	*ret = rs;
	return 0;
}

void rowset__free(struct rowset *rs)
{
	struct entry *e, *next;

	if (!rs)
		return;
	HASH_ITER(hh, rs->by_key, e, next)
	{
		HASH_DEL(rs->by_key, e);
		free(e);
	}
	free(rs);
}

static int insert(struct rowset *rs, const struct row_key *key, struct entry **ret)
{
	size_t count = HASH_COUNT(rs->by_key);
	struct entry *e;

	if (count >= rs->max)
		return -ENOSPC;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->row.key = *key;
	HASH_ADD(hh, rs->by_key, row.key, sizeof(e->row.key), e);
	if (HASH_COUNT(rs->by_key) == count) {
		free(e);
		return -ENOMEM;
	}
	*ret = e;
	return 0;
}

/*
 * Differences to the window before and, if it was not in the one after, to that; the first has none
 * before.
 */
static double squares_so_far(const struct rowset_row *row, uint32_t next)
{
	const double d = row->window ? row->here - row->before : 0;

	return row->squares + d * d + (next > row->window + 1 ? row->here * row->here : 0);
}

static void go_to_window(struct rowset_row *row, uint32_t window)
{
	row->squares = squares_so_far(row, window);
	row->before = window == row->window + 1 ? row->here : 0;
	row->here = 0;
	row->here_count = 0;
	row->window = window;
}

static void grow(uint64_t *sum, uint64_t by)
{
	if (__builtin_add_overflow(*sum, by, sum))
		*sum = UINT64_MAX;
}

static void add(struct rowset_row *row, uint32_t window, uint64_t count, uint64_t value)
{
	if (row->window != window)
		go_to_window(row, window);
	grow(&row->count, count);
	grow(&row->value, value);
	row->here_count += count;
	row->here += (double)value;
}

int rowset__add_many(struct rowset *rs, const struct row_key *key, uint64_t count, uint64_t value)
{
	struct entry *e;
	int err;

	HASH_FIND(hh, rs->by_key, key, sizeof(*key), e);
	if (!e) {
		err = insert(rs, key, &e);
		if (err)
			return err;
		e->row.window = rs->window;
	}
	add(&e->row, rs->window, count, value);
	add(&rs->total, rs->window, count, value);
	return 0;
}

int rowset__add(struct rowset *rs, const struct row_key *key, uint64_t value)
{
	return rowset__add_many(rs, key, 1, value);
}

static void forget_windows(struct rowset_row *row)
{
	row->window = 0;
	row->here_count = 0;
	row->here = row->before = row->squares = 0;
}

void rowset__sampled(struct rowset *rs)
{
	for (struct entry *e = rs->by_key; e; e = e->hh.next)
		forget_windows(&e->row);
	forget_windows(&rs->total);
	rs->window = 0;
	rs->lengths2 = 0;
}

void rowset__next_window(struct rowset *rs)
{
	rs->window++;
}

static void weigh(const struct rowset *rs, struct rowset_row *row, double factor,
		  double count_factor, uint64_t length_ns)
{
	const double more = row->here * (factor - 1);

	row->with_seen += row->here * factor * rs->seen;
	row->here *= factor / (double)length_ns;
	row->value = (double)row->value + more < (double)UINT64_MAX
			     ? row->value + (uint64_t)(more + 0.5)
			     : UINT64_MAX;
	grow(&row->count, (uint64_t)((double)row->here_count * (count_factor - 1) + 0.5));
	row->here_count = 0;
}

void rowset__weigh(struct rowset *rs, double factor, double count_factor, uint64_t length_ns)
{
	if (!length_ns)
		return;
	factor = factor > 1 ? factor : 1;
	count_factor = count_factor > 1 ? count_factor : 1;
	rs->lengths2 += (double)length_ns * (double)length_ns;
	for (struct entry *e = rs->by_key; e; e = e->hh.next)
		if (e->row.window == rs->window)
			weigh(rs, &e->row, factor, count_factor, length_ns);
	if (rs->total.window == rs->window)
		weigh(rs, &rs->total, factor, count_factor, length_ns);
	rs->lengths += (double)length_ns;
	rs->lengths_seen += (double)length_ns * rs->seen;
	rs->lengths_seen2 += (double)length_ns * rs->seen * rs->seen;
}

void rowset__saw(struct rowset *rs, double seen)
{
	if (!rs->saw)
		rs->first_seen = seen;
	rs->saw = true;
	rs->seen = seen - rs->first_seen;
}

void rowset__average(struct rowset *rs, double mean)
{
	rs->averaged = rs->saw;
	rs->mean = mean - rs->first_seen;
}

/* Linear regression on what was seen, windows weighted by their lengths: a control variate. */
uint64_t rowset__value(const struct rowset *rs, const struct rowset_row *row)
{
	const double spread = rs->lengths_seen2 * rs->lengths - rs->lengths_seen * rs->lengths_seen;
	const double along = row->with_seen * rs->lengths - (double)row->value * rs->lengths_seen;
	const double missed = rs->mean * rs->lengths - rs->lengths_seen;
	double value;

	if (!rs->averaged || rs->lengths <= 0)
		return row->value;
	if (spread > 0) {
		value = (double)row->value + along / spread * missed;
	} else { /* nobody knows who it was */
		const double all = rs->first_seen * rs->lengths + rs->lengths_seen;

		value = (double)row->value * (all > 0 ? 1 + missed / all : 1);
	}
	return value <= 0 ? 0 : value < (double)UINT64_MAX ? (uint64_t)(value + 0.5) : UINT64_MAX;
}

void rowset__cut(struct rowset *rs,
		 void (*gain)(void *ctx, const struct row_key *key, uint64_t count, uint64_t value),
		 void *ctx)
{
	for (struct entry *e = rs->by_key; e; e = e->hh.next) {
		struct rowset_row *r = &e->row;

		if (r->count == r->cut_count && r->value == r->cut_value)
			continue;
		gain(ctx, &r->key, r->count - r->cut_count, r->value - r->cut_value);
		r->cut_count = r->count;
		r->cut_value = r->value;
	}
}

const struct rowset_row *rowset__total(const struct rowset *rs)
{
	return &rs->total;
}

double rowset__spread(const struct rowset *rs, const struct rowset_row *row, double unseen)
{
	const uint32_t nr = rs->window + 1;
	const double squares = squares_so_far(row, nr) + unseen * unseen;

	return nr < 2 ? 0 : sqrt(squares * rs->lengths2 / (2.0 * (nr - 1)));
}

size_t rowset__nr(const struct rowset *rs)
{
	return HASH_COUNT(rs->by_key);
}

const struct rowset_row *rowset__next(const struct rowset *rs, const struct rowset_row *row)
{
	const struct entry *e = (const struct entry *)row;

	return (const struct rowset_row *)(e ? e->hh.next : rs->by_key);
}
