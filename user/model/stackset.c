// SPDX-License-Identifier: BSD-2-Clause
#include "model/stackset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define INTERN_TRIES 16 /* neighbours of a hash that is taken by another stack */

struct entry {
	UT_hash_handle hh;
	uint64_t id;
	uint32_t nr;
	bool truncated;
	uint64_t pcs[];
};

struct stackset {
	struct entry *by_id;
	size_t bytes, max_bytes;
	uint64_t refused;
};

int stackset__new(size_t max_bytes, struct stackset **ret)
{
	struct stackset *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->max_bytes = max_bytes;
	*ret = s;
	return 0;
}

void stackset__free(struct stackset *s)
{
	struct entry *e, *next;

	if (!s)
		return;
	HASH_ITER(hh, s->by_id, e, next)
	{
		HASH_DEL(s->by_id, e);
		free(e);
	}
	free(s);
}

static bool entry_is(const struct entry *e, const uint64_t *pcs, size_t nr, bool truncated)
{
	return e->nr == nr && e->truncated == truncated && !memcmp(e->pcs, pcs, nr * sizeof(*pcs));
}

static struct entry *find(const struct stackset *s, uint64_t id)
{
	struct entry *e;

	HASH_FIND(hh, s->by_id, &id, sizeof(id), e);
	return e;
}

static int insert(struct stackset *s, uint64_t id, const uint64_t *pcs, size_t nr, bool truncated)
{
	size_t bytes = sizeof(struct entry) + nr * sizeof(*pcs);
	size_t count = HASH_COUNT(s->by_id);
	struct entry *e;

	if (bytes > s->max_bytes - s->bytes)
		return -ENOSPC;
	e = malloc(bytes);
	if (!e)
		return -ENOMEM;
	e->id = id;
	e->nr = (uint32_t)nr;
	e->truncated = truncated;
	memcpy(e->pcs, pcs, nr * sizeof(*pcs));
	HASH_ADD(hh, s->by_id, id, sizeof(e->id), e);
	if (HASH_COUNT(s->by_id) == count) {
		free(e);
		return -ENOMEM;
	}
	s->bytes += bytes;
	return 0;
}

int stackset__add(struct stackset *s, uint64_t id, const uint64_t *pcs, size_t nr, bool truncated)
{
	const struct entry *e;
	int err;

	if (id < PW_STACK_ID_MIN || nr < 1 || nr > PW_STACK_MAX)
		return -EINVAL;
	e = find(s, id);
	if (e)
		err = entry_is(e, pcs, nr, truncated) ? 0 : -EEXIST;
	else
		err = insert(s, id, pcs, nr, truncated);
	if (err)
		s->refused++;
	return err;
}

/* FNV-1a by words; the ids of BPF come from a hash of its own, so equal stacks may have two ids. */
static uint64_t hash_pcs(const uint64_t *pcs, size_t nr)
{
	uint64_t h = 0xcbf29ce484222325ULL;
	size_t i;

	for (i = 0; i < nr; i++) {
		h = (h ^ pcs[i]) * 0x100000001b3ULL;
		h ^= h >> 29;
	}
	return h < PW_STACK_ID_MIN ? h + PW_STACK_ID_MIN : h;
}

int stackset__intern(struct stackset *s, const uint64_t *pcs, size_t nr, bool truncated,
		     uint64_t *ret_id)
{
	uint64_t id;
	int i, err;

	if (nr > PW_STACK_MAX) {
		nr = PW_STACK_MAX;
		truncated = true;
	}
	if (nr < 1)
		return -EINVAL;
	id = hash_pcs(pcs, nr);
	err = -EEXIST;
	for (i = 0; i < INTERN_TRIES; i++, id++) {
		const struct entry *e;

		if (id < PW_STACK_ID_MIN)
			id = PW_STACK_ID_MIN;
		e = find(s, id);
		if (e && !entry_is(e, pcs, nr, truncated))
			continue;
		err = e ? 0 : insert(s, id, pcs, nr, truncated);
		break;
	}
	if (err) {
		s->refused++;
		return err;
	}
	*ret_id = id;
	return 0;
}

int stackset__get(const struct stackset *s, uint64_t id, struct stack *ret)
{
	const struct entry *e = find(s, id);

	if (!e)
		return -ENOENT;
	*ret = (struct stack){ .nr = e->nr, .truncated = e->truncated, .pcs = e->pcs };
	return 0;
}

size_t stackset__nr(const struct stackset *s)
{
	return HASH_COUNT(s->by_id);
}

uint64_t stackset__refused(const struct stackset *s)
{
	return s->refused;
}
