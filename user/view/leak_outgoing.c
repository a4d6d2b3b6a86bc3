/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/leak_outgoing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/leaks.h"

#define TEXT_BYTES 4096 /* of a path: 1,024 bytes, each escaped */

struct item { /* a goroutine, and what it has sent */
	const struct grequest *r;
	uint64_t wait_ns; /* DUMP_UNKNOWN */
};

/* --- rows --- */

/* Of a path: all but its last part. */
static size_t dir_len(const char *path)
{
	const char *last = path ? strrchr(path, '/') : NULL;

	return last ? (size_t)(last - path) : 0;
}

/* 0: they are in one row. */
static int compare_keys(const struct item *x, const struct item *y)
{
	const size_t a = dir_len(x->r->path), b = dir_len(y->r->path);
	int by = strcmp(x->r->host, y->r->host);

	if (!by)
		by = strcmp(x->r->scheme, y->r->scheme);
	if (!by)
		by = strcmp(x->r->method, y->r->method);
	if (by || !x->r->path || !y->r->path)
		return by ? by : (x->r->path != NULL) - (y->r->path != NULL);
	by = memcmp(x->r->path, y->r->path, a < b ? a : b);
	return by ? by : (a > b) - (a < b);
}

static int compare_items(const void *a, const void *b)
{
	return compare_keys(a, b);
}

static const char *path_of(struct leaks *l, const struct item *v, size_t nr)
{
	const char *first = v[0].r->path;
	char text[TEXT_BYTES];
	bool same = true;

	if (!first)
		return NULL;
	for (size_t i = 1; i < nr && same; i++)
		same = !strcmp(first, v[i].r->path);
	if (same)
		return framer__text(l->framer, first);
	snprintf(text, sizeof(text), "%.*s/...", (int)dir_len(first), first);
	return framer__text(l->framer, text);
}

/* Those of one row. */
static struct leak_sent sent_of(struct leaks *l, const struct item *v, size_t nr)
{
	struct leak_sent to = {
		.method = framer__text(l->framer, v[0].r->method),
		.scheme = framer__text(l->framer, v[0].r->scheme),
		.host = framer__text(l->framer, v[0].r->host),
		.path = path_of(l, v, nr),
		.count = nr,
	};

	for (size_t i = 0; i < nr; i++) {
		if (v[i].wait_ns == DUMP_UNKNOWN)
			continue;
		if (!to.timed++ || v[i].wait_ns < to.min_ns)
			to.min_ns = v[i].wait_ns;
		if (v[i].wait_ns > to.max_ns)
			to.max_ns = v[i].wait_ns;
	}
	return to;
}

/* Those of the most goroutines stay. */
static void leak_outgoing__add(struct leak_outgoing *q, const struct leak_sent *row)
{
	uint32_t at = q->nr;

	q->count += row->count;
	while (at && q->v[at - 1].count < row->count)
		at--;
	if (q->nr == LEAK_OUTGOING_MAX) {
		q->others += at == LEAK_OUTGOING_MAX ? row->count : q->v[q->nr - 1].count;
		if (at == LEAK_OUTGOING_MAX)
			return;
	} else {
		q->nr++;
	}
	memmove(&q->v[at + 1], &q->v[at], (q->nr - 1 - at) * sizeof(*row));
	q->v[at] = *row;
}

/* --- all of them --- */

/* v: room for one of each member. */
static int entry__outgoing(struct leaks *l, struct leak_entry *e, const struct grequests *const *rs,
			   struct item *v)
{
	const struct leak_group *g = leaks__group(l, e);
	struct leak_outgoing *q;
	size_t nr = 0, from = 0;

	for (uint32_t i = 0; i < g->nr; i++) {
		const struct leak_g *m = leakset__member(l->set, g->first + i);
		const struct dump_row *r = &l->d->rows[m->item];
		const struct grequest_of *of = &rs[m->rt]->of[r->g];

		if (of->calls)
			v[nr++] = (struct item){ &rs[m->rt]->v[of->calls - 1],
						 dump__wait_ns(l->d, r) };
	}
	if (!nr)
		return 0;
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	qsort(v, nr, sizeof(*v), compare_items);
	for (size_t i = 1; i <= nr; i++) {
		struct leak_sent row;

		if (i < nr && !compare_keys(&v[from], &v[i]))
			continue;
		row = sent_of(l, v + from, i - from);
		leak_outgoing__add(q, &row);
		from = i;
	}
	free((void *)e->outgoing);
	e->outgoing = q;
	return 0;
}

int leak_outgoing__note(struct leaks *l, const struct grequests *const *rs)
{
	scoped_mem struct item *v = NULL;
	int err = 0;

	v = reallocarray(NULL, leaks__most(l) + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < l->nr && !err; i++)
		err = entry__outgoing(l, &l->entries[i], rs, v);
	return err;
}
