// SPDX-License-Identifier: BSD-2-Clause
#include "model/rowset.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

_Static_assert(sizeof(struct row_key) == 48, "keys are hashed as bytes");

struct entry {
	struct rowset_row row;	/* first: rowset__next() goes from it to the entry */
	UT_hash_handle hh;
};

struct rowset {
	struct entry *by_key;
	size_t max;
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
	HASH_ITER(hh, rs->by_key, e, next) {
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

int rowset__add(struct rowset *rs, const struct row_key *key, uint64_t value)
{
	struct entry *e;
	int err;

	HASH_FIND(hh, rs->by_key, key, sizeof(*key), e);
	if (!e) {
		err = insert(rs, key, &e);
		if (err)
			return err;
	}
	e->row.count++;
	if (__builtin_add_overflow(e->row.value, value, &e->row.value))
		e->row.value = UINT64_MAX;
	return 0;
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
