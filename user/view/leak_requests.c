/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/leak_requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "view/leaks.h"

#define TEXT_BYTES 1100 /* of what paths have in common: a path has 1024 at most */

struct item { /* a goroutine, and its request */
	const struct grequest *r;
	uint8_t relation;
};

/* --- rows --- */

/* Of a path without a route: all but its last part. */
static size_t dir_len(const char *path)
{
	const char *last = path ? strrchr(path, '/') : NULL;

	return last ? (size_t)(last - path) : 0;
}

/* Not known comes first. */
static int compare_texts(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return strcmp(a, b);
}

/* 0: they are in one row. */
static int compare_keys(const struct item *x, const struct item *y)
{
	const size_t a = dir_len(x->r->path), b = dir_len(y->r->path);
	int by = (int)x->relation - (int)y->relation;

	if (!by)
		by = compare_texts(x->r->method, y->r->method);
	if (!by)
		by = compare_texts(x->r->route, y->r->route);
	if (by || x->r->route)
		return by;
	if (!x->r->path || !y->r->path)
		return (x->r->path != NULL) - (y->r->path != NULL);
	by = memcmp(x->r->path, y->r->path, a < b ? a : b);
	return by ? by : (a > b) - (a < b);
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	const int by = compare_keys(x, y);

	return by ? by : (x->r > y->r) - (x->r < y->r);
}

static int compare_requests(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return (x->r > y->r) - (x->r < y->r);
}

/* How many bytes of both are the same, up to the end of a part of them. */
static size_t common_len(const char *a, const char *b, size_t len)
{
	size_t i = 0, end = 0;

	while (i < len && b[i] && a[i] == b[i]) {
		if (a[i] == '/')
			end = i;
		i++;
	}
	return (i == len || a[i] == '/') && (!b[i] || b[i] == '/') ? i : end;
}

/* What the paths of a row have in common. */
static const char *common_path(struct leaks *l, const struct item *v, size_t nr)
{
	const char *first = v[0].r->path;
	size_t len = first ? strlen(first) : 0;
	bool same = true;
	char text[TEXT_BYTES];

	for (size_t i = 1; i < nr && first; i++) {
		const char *path = v[i].r->path;

		if (!path)
			return NULL;
		same &= !strcmp(first, path);
		len = common_len(first, path, len);
	}
	if (!first || same)
		return first ? framer__text(l->framer, first) : NULL;
	if (v[0].r->route && !len)
		return NULL;
	snprintf(text, sizeof(text), "%.*s%s", (int)len, first, v[0].r->route ? "" : "/...");
	return framer__text(l->framer, text);
}

static const char *known_text(struct leaks *l, const char *text)
{
	return text ? framer__text(l->framer, text) : NULL;
}

/* Those of one row, sorted by request. */
static struct leak_route route_of(struct leaks *l, const struct item *v, size_t nr)
{
	struct leak_route to = {
		.relation = v[0].relation,
		.method = known_text(l, v[0].r->method),
		.route = known_text(l, v[0].r->route),
		.path = common_path(l, v, nr),
		.count = nr,
	};

	for (size_t i = 0; i < nr; i++)
		if (!i || v[i].r != v[i - 1].r) {
			to.requests++;
			to.over += v[i].r->over;
		}
	return to;
}

/* Those of the most goroutines stay. */
static void leak_requests__add(struct leak_requests *q, const struct leak_route *row)
{
	uint32_t at = q->nr_routes;

	while (at && q->routes[at - 1].count < row->count)
		at--;
	if (q->nr_routes == LEAK_ROUTES_MAX) {
		q->others +=
			at == LEAK_ROUTES_MAX ? row->count : q->routes[LEAK_ROUTES_MAX - 1].count;
		if (at == LEAK_ROUTES_MAX)
			return;
	} else {
		q->nr_routes++;
	}
	memmove(&q->routes[at + 1], &q->routes[at], (q->nr_routes - 1 - at) * sizeof(*row));
	q->routes[at] = *row;
}

static void leak_requests__rows(struct leak_requests *q, struct leaks *l, struct item *v, size_t nr)
{
	size_t from = 0;

	qsort(v, nr, sizeof(*v), compare_items);
	for (size_t i = 1; i <= nr; i++) {
		struct leak_route row;

		if (i < nr && !compare_keys(&v[from], &v[i]))
			continue;
		row = route_of(l, v + from, i - from);
		leak_requests__add(q, &row);
		from = i;
	}
	qsort(v, nr, sizeof(*v), compare_requests);
	for (size_t i = 0; i < nr; i++)
		if (!i || v[i].r != v[i - 1].r) {
			q->of++;
			q->over += v[i].r->over;
		}
}

/* --- traces --- */

static void leak_requests__trace(struct leak_requests *q, const struct grequests *rs,
				 const struct grequest_of *of)
{
	const struct gtrace *t = grequests__trace(rs, of);

	if (q->nr_traces == LEAK_TRACES_MAX || !t)
		return;
	for (uint32_t i = 0; i < q->nr_traces; i++)
		if (!memcmp(q->traces[i], t->trace_id, sizeof(t->trace_id)))
			return;
	memcpy(q->traces[q->nr_traces++], t->trace_id, sizeof(t->trace_id));
}

/* --- contexts that have ended --- */

/* What it receives from may be the Done of a context that still lives. */
static bool may_look_at_its_end(const struct leaks *l, const struct leak_group *g, uint32_t group)
{
	return (g->class == LEAK_RECEIVE || g->class == LEAK_SELECT) &&
	       (!l->facts || (l->facts[group] & LEAK_FACT_DONE));
}

static bool ignores(const struct leaks *l, const struct leak_group *g, const struct leak_g *m,
		    const struct grequest_of *of, const struct grequest *r)
{
	const uint8_t last = (uint8_t)(leakset__nr_looks(l->set) - 1);

	if (g->class == LEAK_RUNS || m->wait_look == last || !of->cancelled)
		return false;
	if (of->relation != GREQUEST_SERVES && of->relation != GREQUEST_OF)
		return false;
	return r->over || !may_look_at_its_end(l, g, m->group);
}

static void leak_ignored__add(struct leak_ignored *to, const struct grequest_of *of)
{
	const uint64_t ns = of->has_deadline && of->left_ns < 0 ? (uint64_t)-of->left_ns : 0;

	to->count++;
	to->by[of->ended_by]++;
	if (!ns)
		return;
	if (!to->deadlines++ || ns < to->min_ns)
		to->min_ns = ns;
	if (ns > to->max_ns)
		to->max_ns = ns;
}

const struct leak_ignored *leak_requests__ignored(const struct leak_entry *e)
{
	const struct leak_ignored *i = e->requests ? &e->requests->ignored : NULL;

	return i && i->count && verdict_is_leak(e->verdict.kind) ? i : NULL;
}

const struct frame *leak_requests__where(const struct leaks *l, const struct leak_entry *e)
{
	const struct frame *v;
	size_t nr = 0;

	if (e->stack == DUMP_NO_STACK || dump__frames(l->d, e->stack, DUMP_FRAMES, &v, &nr))
		return NULL;
	for (size_t i = 0; i < nr; i++)
		if (v[i].own && !v[i].wrapper)
			return &v[i];
	return NULL;
}

const char *leak_requests__cure(const struct leaks *l, const struct leak_entry *e)
{
	switch (leaks__group(l, e)->class) {
	case LEAK_RECEIVE:
	case LEAK_SEND:
	case LEAK_SELECT:
	case LEAK_FOREVER: return "select with ctx.Done()";
	case LEAK_SLEEP: return "select with a timer and ctx.Done()";
	case LEAK_LOCK:
	case LEAK_WAITGROUP:
	case LEAK_COND:
	case LEAK_SEMAPHORE: return "wait for a channel instead, in a select with ctx.Done()";
	default: return "give it the context, or end it when ctx.Done() is closed";
	}
}

/* --- all of them --- */

static const struct grequest_of *request_of(const struct leaks *l, const struct leak_g *m,
					    const struct grequests *const *rs,
					    const struct grequest **ret)
{
	const struct grequest_of *of = &rs[m->rt]->of[l->d->rows[m->item].g];

	*ret = of->request ? &rs[m->rt]->v[of->request - 1] : NULL;
	return of;
}

/* v: room for one of each member. */
static int entry__requests(struct leaks *l, struct leak_entry *e, const struct grequests *const *rs,
			   struct item *v)
{
	const struct leak_group *g = leaks__group(l, e);
	scoped_mem struct leak_requests *q = calloc(1, sizeof(*q));
	size_t nr = 0;

	if (!q)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->nr; i++) {
		const struct leak_g *m = leakset__member(l->set, g->first + i);
		const struct grequest *r;
		const struct grequest_of *of = request_of(l, m, rs, &r);

		if (!r || r->kind == GREQUEST_OUTGOING)
			continue;
		v[nr++] = (struct item){ r, of->relation };
		leak_requests__trace(q, rs[m->rt], of);
		if (ignores(l, g, m, of, r))
			leak_ignored__add(&q->ignored, of);
	}
	if (!nr)
		return 0;
	leak_requests__rows(q, l, v, nr);
	free((void *)e->requests);
	e->requests = steal(q);
	return 0;
}

int leak_requests__note(struct leaks *l, const struct grequests *const *rs)
{
	scoped_mem struct item *v = NULL;
	int err = 0;

	v = reallocarray(NULL, leaks__most(l) + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < l->nr && !err; i++)
		err = entry__requests(l, &l->entries[i], rs, v);
	return err;
}
