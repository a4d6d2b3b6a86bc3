// SPDX-License-Identifier: BSD-2-Clause
#include "view/flametree.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/arena.h"

struct edge { /* hashed as bytes: no padding */
	const struct flamenode *parent;
	const char *name; /* equal texts have equal pointers */
};

struct entry {
	struct flamenode node; /* first */
	UT_hash_handle hh;
	struct edge edge;
};

struct flametree {
	struct flamenode root;
	struct arena arena;
	struct entry *by_edge;
	size_t left_out;
};

void flametree__free(struct flametree *t)
{
	if (!t)
		return;
	HASH_CLEAR(hh, t->by_edge);
	arena__done(&t->arena);
	free(t);
}

/* Errors of rows are taken to be independent of each other. */
static void add_value(struct flamenode *n, const struct snap_row *row)
{
	if (__builtin_add_overflow(n->value, row->value, &n->value))
		n->value = UINT64_MAX;
	n->error = hypot(n->error, (double)row->error);
}

static struct flamenode *child_of(struct flametree *t, struct flamenode *parent, const char *name)
{
	const struct edge edge = { .parent = parent, .name = name };
	unsigned int count = HASH_COUNT(t->by_edge);
	struct entry *e;

	HASH_FIND(hh, t->by_edge, &edge, sizeof(edge), e);
	if (e)
		return &e->node;
	e = arena__alloc(&t->arena, sizeof(*e));
	if (!e)
		return NULL;
	e->edge = edge;
	e->node.name = name;
	HASH_ADD(hh, t->by_edge, edge, sizeof(e->edge), e);
	if (HASH_COUNT(t->by_edge) == count)
		return NULL;
	e->node.next = parent->child;
	parent->child = &e->node;
	return &e->node;
}

static int add_row(struct flametree *t, const struct frames *fr, const struct snap_row *row)
{
	const char *roots[FRAMES_ROOTS];
	const size_t nr_roots = frames__roots(fr, roots);
	struct flamenode *n = &t->root;
	size_t i;

	add_value(n, row);
	for (i = 0; i < nr_roots + fr->nr; i++) {
		n = child_of(t, n, i < nr_roots ? roots[i] : fr->v[i - nr_roots].name);
		if (!n)
			return -ENOMEM;
		add_value(n, row);
	}
	return 0;
}

static int node_before(const void *a, const void *b)
{
	const struct flamenode *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int sort_children(struct flamenode *n)
{
	scoped_mem struct flamenode **v = NULL;
	struct flamenode *c;
	size_t nr = 0, i;

	for (c = n->child; c; c = c->next)
		nr++;
	if (nr < 2)
		return 0;
	v = calloc(nr, sizeof(struct flamenode *));
	if (!v)
		return -ENOMEM;
	for (i = 0, c = n->child; c; c = c->next)
		v[i++] = c;
	qsort(v, nr, sizeof(struct flamenode *), node_before);
	for (i = 0; i < nr; i++)
		v[i]->next = i + 1 < nr ? v[i + 1] : NULL;
	n->child = v[0];
	return 0;
}

int flametree__new(const struct report *r, struct rowframer *f, struct flametree **ret)
{
	scoped(flametree) t = calloc(1, sizeof(*t));
	struct entry *e;
	size_t i;
	int err;

	if (!t)
		return -ENOMEM;
	t->root.name = "all";
	for (i = 0; i < r->snap->nr; i++) {
		struct frames fr;

		err = rowframer__row(f, r->snap, &r->snap->rows[i], &fr);
		if (!err && r->snap->rows[i].value)
			err = add_row(t, &fr, &r->snap->rows[i]);
		if (err)
			return err;
	}
	t->root.error = (double)r->snap->error; /* which is known of all of them together */
	err = sort_children(&t->root);
	for (e = t->by_edge; e && !err; e = e->hh.next)
		err = sort_children(&e->node);
	if (err)
		return err;
	*ret = steal(t);
	return 0;
}

static int value_after(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x > *y ? -1 : *x < *y;
}

/* No node is wider than its parent, so leaving out by width never orphans one. */
static void leave_out_below(struct flamenode *n, uint64_t least)
{
	struct flamenode **c = &n->child;

	while (*c) {
		if ((*c)->value < least)
			*c = (*c)->next;
		else
			c = &(*c)->next;
	}
}

void flametree__cut(struct flametree *t, size_t max_nodes)
{
	size_t nr = HASH_COUNT(t->by_edge), i = 0;
	scoped_mem uint64_t *values = NULL;
	uint64_t least;
	struct entry *e;

	if (nr <= max_nodes)
		return;
	values = calloc(nr, sizeof(*values));
	if (!values)
		return; /* a large page then, not a wrong one */
	for (e = t->by_edge; e; e = e->hh.next)
		values[i++] = e->node.value;
	qsort(values, nr, sizeof(*values), value_after);
	least = values[max_nodes] + 1;
	leave_out_below(&t->root, least);
	for (e = t->by_edge; e; e = e->hh.next)
		leave_out_below(&e->node, least);
	for (i = 0; i < nr; i++)
		t->left_out += values[i] < least;
}

const struct flamenode *flametree__root(const struct flametree *t)
{
	return &t->root;
}

size_t flametree__left_out(const struct flametree *t)
{
	return t->left_out;
}
