/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/waitkeep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/order.h"
#include "model/components.h"

#define NONE       UINT32_MAX
#define ROUNDS_MAX 64 /* after which what is left is not believed */

struct sieve {
	const struct census *c;
	const struct waitgraph *w;
	struct reach_keeping *keeps; /* by g, then by whom; those that count first */
	size_t nr;
	/*
	 * numbers in the census of all in edges and keeps, sorted: node i is gs[i]; owned, as all
	 * that follows
	 */
	uint32_t *gs;
	size_t nr_gs;
	uint32_t *first, *to; /* edges, as components_of() takes them */
	uint32_t *component;  /* of each node */
	bool *locked;         /* of each component: a wait for a lock is inside */
	bool by_code;         /* `able` counts */
	/*
	 * of each node: keeps on the way to one in its component that waits for a lock; NONE: not known
	 */
	uint32_t *far;
};

static int compare_keeps(const void *a, const void *b)
{
	const struct reach_keeping *x = a, *y = b;

	if (x->g != y->g)
		return x->g < y->g ? -1 : 1;
	if (x->by != y->by)
		return x->by < y->by ? -1 : 1;
	return x->steps < y->steps ? -1 : x->steps > y->steps;
}

static uint32_t node_of(const struct sieve *s, uint32_t g)
{
	const uint32_t *at = bsearch(&g, s->gs, s->nr_gs, sizeof(g), order_u32);

	return (uint32_t)(at - s->gs);
}

/* --- what counts --- */

/* It waits for the same thing, so it does nothing else to it. */
static bool waits_too(const struct census *c, const struct reach_keeping *k)
{
	const struct census_g *by = &c->gs[k->by];

	for (uint32_t i = by->waits_at; i < by->waits_at + by->nr_waits; i++)
		if (c->waits[i].kind == c->waits[k->wait].kind &&
		    c->waits[i].addr == c->waits[k->wait].addr)
			return true;
	return false;
}

static void sieve__sort(struct sieve *s)
{
	size_t nr = 0;

	for (size_t i = 0; i < s->nr; i++)
		if (!waits_too(s->c, &s->keeps[i]))
			s->keeps[nr++] = s->keeps[i];
	s->nr = nr;
	if (nr)
		qsort(s->keeps, nr, sizeof(*s->keeps), compare_keeps);
}

static int sieve__nodes(struct sieve *s)
{
	const size_t room = 2 * (s->w->nr_edges + s->nr) + 1;
	size_t nr = 0;

	s->gs = calloc(room, sizeof(*s->gs));
	s->first = calloc(room + 1, sizeof(*s->first));
	s->to = calloc(room, sizeof(*s->to));
	s->component = calloc(room, sizeof(*s->component));
	s->locked = calloc(room, sizeof(*s->locked));
	s->far = calloc(room, sizeof(*s->far));
	if (!s->gs || !s->first || !s->to || !s->component || !s->locked || !s->far)
		return -ENOMEM;
	for (size_t i = 0; i < s->w->nr_edges; i++) {
		s->gs[nr++] = s->w->edges[i].g;
		s->gs[nr++] = s->w->edges[i].to;
	}
	for (size_t i = 0; i < s->nr; i++) {
		s->gs[nr++] = s->keeps[i].g;
		s->gs[nr++] = s->keeps[i].by;
	}
	qsort(s->gs, nr, sizeof(*s->gs), order_u32);
	for (size_t i = 0; i < nr; i++)
		if (!s->nr_gs || s->gs[s->nr_gs - 1] != s->gs[i])
			s->gs[s->nr_gs++] = s->gs[i];
	return 0;
}

/* Edges of locks and of what is kept, both sorted by who waits. */
static int sieve__components(struct sieve *s)
{
	size_t e = 0, k = 0, nr = 0;
	uint32_t nr_components;
	int err;

	for (size_t i = 0; i < s->nr_gs; i++) {
		s->first[i] = (uint32_t)nr;
		for (; e < s->w->nr_edges && s->w->edges[e].g == s->gs[i]; e++)
			s->to[nr++] = node_of(s, s->w->edges[e].to);
		for (; k < s->nr && s->keeps[k].g == s->gs[i]; k++)
			s->to[nr++] = node_of(s, s->keeps[k].by);
	}
	s->first[s->nr_gs] = (uint32_t)nr;
	err = components_of(s->first, s->to, s->nr_gs, s->component, &nr_components);
	if (err)
		return err;
	memset(s->locked, 0, nr_components * sizeof(*s->locked));
	for (size_t i = 0; i < s->w->nr_edges; i++) {
		const uint32_t from = s->component[node_of(s, s->w->edges[i].g)];

		s->locked[from] |= from == s->component[node_of(s, s->w->edges[i].to)];
	}
	return 0;
}

static size_t end_of(const struct sieve *s, size_t i)
{
	const uint32_t g = s->keeps[i].g;

	while (i < s->nr && s->keeps[i].g == g)
		i++;
	return i;
}

/* Who could end the wait is in the cycle, each of them. */
static bool is_closed(const struct sieve *s, size_t from, size_t end)
{
	const uint32_t component = s->component[node_of(s, s->keeps[from].g)];

	for (size_t i = from; i < end; i++)
		if (s->component[node_of(s, s->keeps[i].by)] != component)
			return false;
	return s->locked[component];
}

/* Until all that is left is closed: one that is not takes others along. */
static int sieve__close(struct sieve *s)
{
	for (unsigned int round = 0; s->nr; round++) {
		size_t nr = 0;
		int err = sieve__components(s);

		if (err)
			return err;
		for (size_t i = 0, end; i < s->nr; i = end) {
			end = end_of(s, i);
			if (!is_closed(s, i, end))
				continue;
			memmove(&s->keeps[nr], &s->keeps[i], (end - i) * sizeof(*s->keeps));
			nr += end - i;
		}
		if (nr == s->nr)
			break;
		s->nr = round == ROUNDS_MAX ? 0 : nr;
	}
	return 0;
}

/* --- one edge for each --- */

static int compare_by(const void *a, const void *b)
{
	const struct reach_keeping *x = a, *y = b;

	return x->by < y->by ? -1 : x->by > y->by;
}

/* Breadth first, from those that wait for a lock back to those that wait for what these have. */
static int sieve__far(struct sieve *s)
{
	scoped_mem struct reach_keeping *by = calloc(s->nr + 1, sizeof(*by));
	scoped_mem uint32_t *queue = calloc(s->nr_gs + 1, sizeof(*queue));
	size_t head = 0, tail = 0;

	if (!by || !queue)
		return -ENOMEM;
	if (s->nr) /* without one there is no keeps */
		memcpy(by, s->keeps, s->nr * sizeof(*by));
	qsort(by, s->nr, sizeof(*by), compare_by);
	memset(s->far, 0xff, s->nr_gs * sizeof(*s->far));
	for (size_t i = 0; i < s->w->nr_edges; i++) {
		const uint32_t node = node_of(s, s->w->edges[i].g);

		if (s->far[node] != NONE ||
		    s->component[node] != s->component[node_of(s, s->w->edges[i].to)])
			continue;
		s->far[node] = 0;
		queue[tail++] = node;
	}
	while (head < tail) {
		const uint32_t node = queue[head++];
		size_t lo = 0, hi = s->nr;

		while (lo < hi) {
			const size_t mid = lo + (hi - lo) / 2;

			if (by[mid].by < s->gs[node])
				lo = mid + 1;
			else
				hi = mid;
		}
		for (; lo < s->nr && by[lo].by == s->gs[node]; lo++) {
			const uint32_t from = node_of(s, by[lo].g);

			if (s->far[from] != NONE)
				continue;
			s->far[from] = s->far[node] + 1;
			queue[tail++] = from;
		}
	}
	return 0;
}

/*
 * By its code; nearer to a lock; then who has it itself; then who is older: what serves others
 * began before them.
 */
static bool is_better(const struct sieve *s, const struct reach_keeping *x,
		      const struct reach_keeping *y)
{
	const uint32_t far_x = s->far[node_of(s, x->by)], far_y = s->far[node_of(s, y->by)];

	if (s->by_code && !x->able != !y->able)
		return x->able;
	if (far_x != far_y)
		return far_x < far_y;
	if (x->steps != y->steps)
		return x->steps < y->steps;
	return s->c->gs[x->by].who.goid < s->c->gs[y->by].who.goid;
}

static size_t sieve__choose(const struct sieve *s, struct wait_edge *v)
{
	size_t nr = 0;

	for (size_t i = 0, end; i < s->nr; i = end) {
		const struct reach_keeping *best = &s->keeps[i];
		uint32_t all = 1;

		end = end_of(s, i);
		for (size_t k = i + 1; k < end; k++) {
			all += s->keeps[k].by != s->keeps[k - 1].by;
			if (is_better(s, &s->keeps[k], best))
				best = &s->keeps[k];
		}
		v[nr++] = (struct wait_edge){ .g = best->g,
					      .to = best->by,
					      .wait = best->wait,
					      .hold = WAITGRAPH_KEEPS + all - 1 };
	}
	return nr;
}

/* Do some of these edges make a cycle without a lock? Each node has one at most. */
static int sieve__turns(const struct sieve *s, const struct wait_edge *v, size_t nr)
{
	enum { ON_WAY = 1, OVER = 2 };
	scoped_mem uint32_t *next = malloc((s->nr_gs + 1) * sizeof(*next));
	scoped_mem uint8_t *seen = calloc(s->nr_gs + 1, sizeof(*seen));

	if (!next || !seen)
		return -ENOMEM;
	memset(next, 0xff, s->nr_gs * sizeof(*next));
	for (size_t i = 0; i < nr; i++)
		next[node_of(s, v[i].g)] = node_of(s, v[i].to);
	for (size_t i = 0; i < s->nr_gs; i++) {
		uint32_t at = (uint32_t)i;

		while (at != NONE && !seen[at]) {
			seen[at] = ON_WAY;
			at = next[at];
		}
		if (at != NONE && seen[at] == ON_WAY)
			return 1;
		for (at = (uint32_t)i; at != NONE && seen[at] == ON_WAY; at = next[at])
			seen[at] = OVER;
	}
	return 0;
}

/* What the code says is a hint. Nearer to a lock from edge to edge, there is one in each cycle. */
static int sieve__edges(struct sieve *s, struct wait_edge **ret, size_t *ret_nr)
{
	scoped_mem struct wait_edge *v = calloc(s->nr + 1, sizeof(*v));
	int turns;

	if (!v)
		return -ENOMEM;
	s->by_code = true;
	*ret_nr = sieve__choose(s, v);
	turns = sieve__turns(s, v, *ret_nr);
	if (turns < 0)
		return turns;
	s->by_code = false;
	if (turns)
		*ret_nr = sieve__choose(s, v);
	*ret = steal(v);
	return 0;
}

int waitkeep_edges(const struct census *c, const struct waitgraph *w, struct reach_keeping *keeps,
		   size_t nr, struct wait_edge **ret, size_t *ret_nr)
{
	struct sieve s = { .c = c, .w = w, .keeps = keeps, .nr = nr };
	int err;

	sieve__sort(&s);
	err = sieve__nodes(&s);
	if (!err)
		err = sieve__close(&s);
	if (!err)
		err = sieve__far(&s);
	if (!err)
		err = sieve__edges(&s, ret, ret_nr);
	free(s.gs);
	free(s.first);
	free(s.to);
	free(s.component);
	free(s.locked);
	free(s.far);
	return err;
}
