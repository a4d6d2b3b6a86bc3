/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/refgraph.h"

#include <errno.h>
#include <string.h>

#define ROOM_FIRST  4096u
#define TABLE_FIRST 16384u
#define LOOK_MAX    64u /* edges that are compared before one is added */

int refgraph__new(struct refgraph **ret)
{
	scoped(refgraph) g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->work = g->work_last = REFGRAPH_NONE;
	g->table_mask = TABLE_FIRST - 1;
	g->table = malloc(TABLE_FIRST * sizeof(*g->table));
	if (!g->table)
		return -ENOMEM;
	memset(g->table, 0xff, TABLE_FIRST * sizeof(*g->table));
	*ret = steal(g);
	return 0;
}

void refgraph__free(struct refgraph *g)
{
	if (!g)
		return;
	free(g->nodes);
	free(g->edges);
	free(g->roots);
	free(g->table);
	free(g);
}

size_t refgraph__memory_bytes(const struct refgraph *g)
{
	return sizeof(*g) + g->nodes_room * sizeof(*g->nodes) + g->edges_room * sizeof(*g->edges) +
	       g->roots_room * sizeof(*g->roots) + (g->table_mask + 1ull) * sizeof(*g->table);
}

/* Room for one more element. */
static int grow(void **array, uint32_t *room, uint32_t nr, uint32_t max, size_t size)
{
	uint32_t more = *room ? *room + *room / 2 : ROOM_FIRST;
	void *p;

	if (nr >= max)
		return -ENOSPC;
	if (nr < *room)
		return 0;
	if (more > max)
		more = max;
	p = reallocarray(*array, more, size);
	if (!p)
		return -ENOMEM;
	*array = p;
	*room = more;
	return 0;
}

/* --- objects by address --- */

static uint32_t place_of(const struct refgraph *g, uint64_t base)
{
	return (uint32_t)((base * 0x9e3779b97f4a7c15ull) >> 32) & g->table_mask;
}

static void refgraph__put(struct refgraph *g, uint32_t node)
{
	uint32_t at = place_of(g, g->nodes[node].base);

	while (g->table[at] != REFGRAPH_NONE)
		at = (at + 1) & g->table_mask;
	g->table[at] = node;
}

/* Never more than half full. */
static int refgraph__grow_table(struct refgraph *g)
{
	uint32_t size = (g->table_mask + 1) * 2, *table, *old = g->table;
	uint32_t old_size = g->table_mask + 1;

	if (g->nr_nodes < old_size / 2)
		return 0;
	table = malloc(size * sizeof(*table));
	if (!table)
		return -ENOMEM;
	memset(table, 0xff, size * sizeof(*table));
	g->table = table;
	g->table_mask = size - 1;
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i] != REFGRAPH_NONE)
			refgraph__put(g, old[i]);
	free(old);
	return 0;
}

uint32_t refgraph__find(const struct refgraph *g, uint64_t base)
{
	uint32_t at = place_of(g, base);

	for (; g->table[at] != REFGRAPH_NONE; at = (at + 1) & g->table_mask)
		if (g->nodes[g->table[at]].base == base)
			return g->table[at];
	return REFGRAPH_NONE;
}

static int refgraph__node(struct refgraph *g, const struct refnode *n, uint32_t *ret)
{
	void *p = g->nodes;
	int err = grow(&p, &g->nodes_room, g->nr_nodes, REFGRAPH_NODES_MAX, sizeof(*g->nodes));

	g->nodes = p;
	if (err == -ENOSPC)
		g->lost++;
	if (err)
		return err;
	g->nodes[g->nr_nodes] = *n;
	*ret = g->nr_nodes++;
	return 0;
}

static const struct refnode fresh = {
	.in = REFGRAPH_NONE,
	.out = REFGRAPH_NONE,
	.same = REFGRAPH_NONE,
	.via = REFGRAPH_NONE,
	.root = REFGRAPH_NONE,
	.work = REFGRAPH_NONE,
};

int refgraph__object(struct refgraph *g, uint64_t base, uint8_t tiny_len, uint32_t *ret)
{
	uint32_t first = refgraph__find(g, base), i, node;
	struct refnode n = fresh;
	int err;

	for (i = first; i != REFGRAPH_NONE; i = g->nodes[i].same) {
		if (g->nodes[i].tiny_len == tiny_len) {
			*ret = i;
			return 0;
		}
	}
	n.base = base;
	n.tiny_len = tiny_len;
	err = refgraph__grow_table(g);
	if (!err)
		err = refgraph__node(g, &n, &node);
	if (err)
		return err;
	if (first == REFGRAPH_NONE) {
		refgraph__put(g, node);
	} else {
		g->nodes[node].same = g->nodes[first].same;
		g->nodes[first].same = node;
	}
	*ret = node;
	return 0;
}

int refgraph__goroutine(struct refgraph *g, uint32_t number, uint32_t *ret)
{
	struct refnode n = fresh;

	n.base = number;
	n.goroutine = true;
	return refgraph__node(g, &n, ret);
}

/* --- what is reached --- */

static void refgraph__mark(struct refgraph *g, uint32_t node, uint32_t via)
{
	struct refnode *n = &g->nodes[node];

	if (n->reached)
		return;
	n->reached = true;
	n->via = via;
	n->work = REFGRAPH_NONE;
	if (g->work == REFGRAPH_NONE)
		g->work = node;
	else
		g->nodes[g->work_last].work = node;
	g->work_last = node;
}

/* Those first that were reached first, so that ways are short. */
static void refgraph__propagate(struct refgraph *g)
{
	while (g->work != REFGRAPH_NONE) {
		const struct refnode *n = &g->nodes[g->work];

		for (uint32_t e = n->out; e != REFGRAPH_NONE; e = g->edges[e].next_out)
			refgraph__mark(g, g->edges[e].to, e);
		g->work = n->work;
	}
}

int refgraph__reach(struct refgraph *g, uint32_t node, const struct refroot *root)
{
	void *p = g->roots;
	int err;

	if (g->nodes[node].reached)
		return 0;
	err = grow(&p, &g->roots_room, g->nr_roots, UINT32_MAX, sizeof(*g->roots));
	g->roots = p;
	if (err)
		return err;
	g->roots[g->nr_roots] = *root;
	g->nodes[node].root = g->nr_roots++;
	refgraph__mark(g, node, REFGRAPH_NONE);
	refgraph__propagate(g);
	return 0;
}

static bool refgraph__has_edge(const struct refgraph *g, uint32_t from, uint32_t to)
{
	uint32_t out = g->nodes[from].out, in = g->nodes[to].in;

	for (unsigned int i = 0; i < LOOK_MAX && out != REFGRAPH_NONE && in != REFGRAPH_NONE; i++) {
		if (g->edges[out].to == to || g->edges[in].from == from)
			return true;
		out = g->edges[out].next_out;
		in = g->edges[in].next_in;
	}
	return false;
}

int refgraph__edge(struct refgraph *g, uint32_t from, uint32_t to, uint64_t offset)
{
	uint32_t last = g->nodes[from].out;
	void *p = g->edges;
	int err;

	if (g->nodes[to].reached || refgraph__has_edge(g, from, to))
		return 0;
	err = grow(&p, &g->edges_room, g->nr_edges, REFGRAPH_EDGES_MAX, sizeof(*g->edges));
	g->edges = p;
	if (err == -ENOSPC)
		g->lost++;
	if (err)
		return err;
	g->edges[g->nr_edges] = (struct refedge){ offset, from, to, g->nodes[to].in, last };
	g->nodes[to].in = g->nr_edges;
	g->nodes[from].out = g->nr_edges++;
	if (g->nodes[from].reached) {
		refgraph__mark(g, to, g->nodes[from].out);
		refgraph__propagate(g);
	}
	return 0;
}

/* --- what to search for --- */

/* Appends node unless it was seen in this round, or leads nowhere new. */
static void visit(struct refgraph *g, uint32_t node, uint32_t *queue, size_t *nr)
{
	struct refnode *n = &g->nodes[node];

	if (n->stamp == g->stamp || n->reached)
		return;
	n->stamp = g->stamp;
	queue[(*nr)++] = node;
}

int refgraph__frontier(struct refgraph *g, const uint32_t *goals, size_t nr_goals, bool again,
		       uint32_t **ret, size_t *ret_nr)
{
	uint32_t *queue = reallocarray(NULL, g->nr_nodes + 1ull, sizeof(*queue));
	size_t nr = 0, kept = 0;

	if (!queue)
		return -ENOMEM;
	g->stamp++;
	for (size_t i = 0; i < nr_goals; i++)
		visit(g, goals[i], queue, &nr);
	for (size_t i = 0; i < nr; i++)
		for (uint32_t e = g->nodes[queue[i]].in; e != REFGRAPH_NONE;
		     e = g->edges[e].next_in)
			visit(g, g->edges[e].from, queue, &nr);
	for (size_t i = 0; i < nr; i++) {
		struct refnode *n = &g->nodes[queue[i]];

		if (n->goroutine || (n->searched && !again))
			continue;
		n->wanted = true;
		queue[kept++] = queue[i];
	}
	*ret = queue;
	*ret_nr = kept;
	return 0;
}

void refgraph__searched(struct refgraph *g, const uint32_t *nodes, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		g->nodes[nodes[i]].wanted = false;
		g->nodes[nodes[i]].searched = true;
	}
}
