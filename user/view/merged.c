// SPDX-License-Identifier: BSD-2-Clause
#include "view/merged.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/arena.h"

struct seen_frame { /* hashed as bytes: texts are interned, so pointers tell them apart */
	const char *name, *file;
	uint64_t line;
};

struct entry {
	struct merged_row row;
	struct seen_frame *key;
	UT_hash_handle hh;
};

struct merged {
	struct rowframer *framer;
	struct arena arena;
	struct entry *by_key;
	struct entry **rows;
	size_t nr;
};

void merged__free(struct merged *m)
{
	if (!m)
		return;
	HASH_CLEAR(hh, m->by_key);
	free(m->rows);
	arena__done(&m->arena);
	rowframer__free(m->framer);
	free(m);
}

static int merged__make(struct merged *m, const struct snap_row *row, const struct frames *fr,
			const struct seen_frame *key, size_t bytes, struct entry **ret)
{
	const unsigned int nr = HASH_COUNT(m->by_key);
	struct entry *e = arena__alloc(&m->arena, sizeof(*e));

	if (!e)
		return -ENOMEM;
	e->key = arena__copy(&m->arena, key, bytes);
	e->row.like = row;
	e->row.frames = *fr;
	e->row.frames.v = arena__copy(&m->arena, fr->v, (fr->nr + 1) * sizeof(*fr->v));
	if (!e->key || !e->row.frames.v)
		return -ENOMEM;
	HASH_ADD_KEYPTR(hh, m->by_key, e->key, bytes, e);
	*ret = e;
	return HASH_COUNT(m->by_key) > nr ? 0 : -ENOMEM;
}

static int merged__add(struct merged *m, const struct report *r, const struct snap_row *row,
		       struct seen_frame *key)
{
	struct entry *e;
	struct frames fr;
	size_t bytes;
	int err = rowframer__row(m->framer, r->snap, row, &fr);

	if (err)
		return err;
	key[0] = (struct seen_frame){ fr.root, fr.state, 0 };
	key[1] = (struct seen_frame){ fr.called.text, fr.called.file, fr.called.line };
	for (size_t i = 0; i < fr.nr; i++)
		key[i + 2] = (struct seen_frame){ fr.v[i].name, fr.v[i].file, fr.v[i].line };
	bytes = (fr.nr + 2) * sizeof(*key);
	HASH_FIND(hh, m->by_key, key, bytes, e);
	if (!e)
		err = merged__make(m, row, &fr, key, bytes, &e);
	if (err)
		return err;
	e->row.count += row->count;
	if (__builtin_add_overflow(e->row.value, row->value, &e->row.value))
		e->row.value = UINT64_MAX;
	e->row.error = hypot(e->row.error, (double)row->error);
	return 0;
}

static int compare_rows(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	if (x->row.value != y->row.value)
		return x->row.value > y->row.value ? -1 : 1;
	for (size_t i = 0; i < x->row.frames.nr && i < y->row.frames.nr; i++) {
		int d = strcmp(x->row.frames.v[i].name, y->row.frames.v[i].name);

		if (d)
			return d;
	}
	return x->row.frames.nr < y->row.frames.nr ? -1 : x->row.frames.nr > y->row.frames.nr;
}

int merged__new(const struct report *r, struct merged **ret)
{
	scoped_mem struct seen_frame *key = calloc(FRAMES_MAX + 2, sizeof(*key));
	scoped(merged) m = calloc(1, sizeof(*m));
	int err;

	if (!m || !key)
		return -ENOMEM;
	err = rowframer__new(r->namers, r->nr_namers, r->full, &m->framer);
	for (size_t i = 0; i < r->snap->nr && !err; i++)
		err = merged__add(m, r, &r->snap->rows[i], key);
	if (err)
		return err;
	m->rows = calloc(HASH_COUNT(m->by_key) + 1, sizeof(struct entry *));
	if (!m->rows)
		return -ENOMEM;
	for (struct entry *e = m->by_key; e; e = e->hh.next)
		m->rows[m->nr++] = e;
	qsort(m->rows, m->nr, sizeof(struct entry *), compare_rows);
	*ret = steal(m);
	return 0;
}

size_t merged__nr(const struct merged *m)
{
	return m->nr;
}

const struct merged_row *merged__row(const struct merged *m, size_t i)
{
	return &m->rows[i]->row;
}
