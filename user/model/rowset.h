/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rowset: sums by key: the rows of a profile before they have stacks. Written by profile, read by snap.
 *
 * At most max rows; a new key beyond that is refused (the profile counts it), known keys go on.
 */
#ifndef PARKWATCH_MODEL_ROWSET_H
#define PARKWATCH_MODEL_ROWSET_H

#include <stddef.h>
#include <stdint.h>

#include "base/own.h"

struct row_key {		/* hashed as bytes: no padding; 0 where it does not matter to the event */
	uint64_t stack_id;
	uint64_t root;		/* goid, gopc or label id, as the profile's root says */
	uint64_t gopc, startpc;
	uint32_t reason;
	uint32_t chain;
	uint64_t rt;
};

struct rowset_row {
	struct row_key key;
	uint64_t count;
	uint64_t value;		/* stays at UINT64_MAX rather than wrap */
};

struct rowset;
int rowset__new(size_t max, struct rowset **ret);
void rowset__free(struct rowset *rs);
DEFINE_SCOPED(rowset)

/* One more with this value. 0, -ENOSPC, -ENOMEM. */
int rowset__add(struct rowset *rs, const struct row_key *key, uint64_t value);

size_t rowset__nr(const struct rowset *rs);
/* The rows in order of arrival: begin with NULL, ends with NULL. Borrowed until the next add. */
const struct rowset_row *rowset__next(const struct rowset *rs, const struct rowset_row *row);

#endif
