/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <errno.h>

#include "heap/refgraph.h"

static uint32_t object(struct refgraph *g, uint64_t base)
{
	uint32_t n = REFGRAPH_NONE;

	cr_assert_eq(refgraph__object(g, base, 0, &n), 0);
	return n;
}

static uint32_t goroutine(struct refgraph *g, uint32_t number)
{
	uint32_t n = REFGRAPH_NONE;

	cr_assert_eq(refgraph__goroutine(g, number, &n), 0);
	return n;
}

static void edge(struct refgraph *g, uint32_t from, uint32_t to)
{
	cr_assert_eq(refgraph__edge(g, from, to, 8), 0);
}

static size_t frontier(struct refgraph *g, uint32_t goal, bool again, uint32_t *first)
{
	scoped_mem uint32_t *nodes = NULL;
	size_t nr = 0;

	cr_assert_eq(refgraph__frontier(g, &goal, 1, again, &nodes, &nr), 0);
	if (nr)
		*first = nodes[0];
	return nr;
}

static const struct refroot global = { .kind = REFROOT_GLOBAL, .addr = 0x1000 };

Test(refgraph, has_one_node_for_each_object)
{
	scoped(refgraph) g = NULL;
	uint32_t a, b;

	cr_assert_eq(refgraph__new(&g), 0);
	a = object(g, 0xc000);
	for (uint64_t i = 1; i < 50000; i++)
		object(g, 0xc000 + 96 * i);
	cr_expect_eq(object(g, 0xc000), a);
	cr_expect_eq(g->nr_nodes, 50000);
	cr_expect_eq(refgraph__find(g, 0xc001), REFGRAPH_NONE);
	b = refgraph__find(g, 0xc000 + 96 * 49999);
	cr_expect_eq(g->nodes[b].base, 0xc000 + 96 * 49999);
}

Test(refgraph, tells_objects_of_one_block_apart)
{
	scoped(refgraph) g = NULL;
	uint32_t a, b, again;

	cr_assert_eq(refgraph__new(&g), 0);
	cr_assert_eq(refgraph__object(g, 0x1000, 8, &a), 0);
	cr_assert_eq(refgraph__object(g, 0x1000, 16, &b), 0);
	cr_assert_eq(refgraph__object(g, 0x1000, 8, &again), 0);
	cr_expect_neq(a, b);
	cr_expect_eq(a, again);
	cr_expect(refnode_is_meant(&g->nodes[a], 0x1007));
	cr_expect_not(refnode_is_meant(&g->nodes[a], 0x1008));
	cr_expect(refnode_is_meant(&g->nodes[b], 0x1000));
	cr_expect(refnode_is_meant(&g->nodes[b], 0x1008));
	cr_expect_eq(refgraph__find(g, 0x1000), a);
	cr_expect_eq(g->nodes[a].same, b);
}

Test(refgraph, reaches_all_that_a_root_leads_to)
{
	scoped(refgraph) g = NULL;
	uint32_t a, b, c, other;

	cr_assert_eq(refgraph__new(&g), 0);
	a = object(g, 1);
	b = object(g, 2);
	c = goroutine(g, 0);
	other = object(g, 3);
	edge(g, a, b);
	edge(g, b, c);
	edge(g, c, a); /* a ring */
	edge(g, other, b);
	cr_expect_not(g->nodes[c].reached);
	cr_assert_eq(refgraph__reach(g, a, &global), 0);
	cr_expect(g->nodes[a].reached && g->nodes[b].reached && g->nodes[c].reached);
	cr_expect_not(g->nodes[other].reached, "it refers, nobody refers to it");
	cr_expect_eq(g->roots[g->nodes[a].root].addr, 0x1000);
	cr_expect_eq(g->edges[g->nodes[c].via].from, b);
}

Test(refgraph, reaches_what_a_reached_one_turns_out_to_refer_to)
{
	scoped(refgraph) g = NULL;
	uint32_t a, b, c;

	cr_assert_eq(refgraph__new(&g), 0);
	a = object(g, 1);
	b = object(g, 2);
	c = object(g, 3);
	edge(g, b, c);
	cr_assert_eq(refgraph__reach(g, a, &global), 0);
	edge(g, a, b);
	cr_expect(g->nodes[b].reached && g->nodes[c].reached);
	edge(g, a, c);
	cr_expect_eq(g->nr_edges, 2, "what is reached needs no more edges");
}

Test(refgraph, has_each_edge_once)
{
	scoped(refgraph) g = NULL;
	uint32_t a, b, c;

	cr_assert_eq(refgraph__new(&g), 0);
	a = object(g, 1);
	b = object(g, 2);
	c = object(g, 3);
	edge(g, a, b);
	edge(g, a, c);
	edge(g, a, b);
	cr_expect_eq(g->nr_edges, 2);
}

Test(refgraph, searches_only_for_what_serves_a_goal)
{
	scoped(refgraph) g = NULL;
	uint32_t goal, waited, holder, idle, first = REFGRAPH_NONE;

	cr_assert_eq(refgraph__new(&g), 0);
	goal = goroutine(g, 0);
	waited = object(g, 1);
	holder = object(g, 2);
	idle = object(g, 3);
	edge(g, waited, goal);
	cr_expect_eq(frontier(g, goal, false, &first), 1);
	cr_expect_eq(first, waited);
	cr_expect(g->nodes[waited].wanted);
	refgraph__searched(g, &first, 1);
	cr_expect_not(g->nodes[waited].wanted);
	cr_expect_eq(frontier(g, goal, false, &first), 0, "all was searched for");
	edge(g, holder, waited);
	cr_expect_eq(frontier(g, goal, false, &first), 1);
	cr_expect_eq(first, holder);
	cr_expect(refgraph__serves(g, waited));
	cr_expect_not(refgraph__serves(g, idle));
	cr_expect_eq(frontier(g, goal, true, &first), 2, "all of them again");
	cr_assert_eq(refgraph__reach(g, waited, &global), 0);
	cr_expect_eq(frontier(g, goal, true, &first), 0, "the goal is reached");
}

Test(refgraph, searches_through_other_goroutines)
{
	scoped(refgraph) g = NULL;
	uint32_t goal, waited, other, its, first = REFGRAPH_NONE;

	cr_assert_eq(refgraph__new(&g), 0);
	goal = goroutine(g, 0);
	other = goroutine(g, 1);
	waited = object(g, 1);
	its = object(g, 2);
	edge(g, waited, goal);
	edge(g, its, other);
	edge(g, other, waited);
	refgraph__searched(g, &waited, 1);
	cr_expect_eq(frontier(g, goal, false, &first), 1);
	cr_expect_eq(first, its, "whether the other can run decides");
}

Test(refgraph, goes_the_short_way)
{
	scoped(refgraph) g = NULL;
	uint32_t goal, top, n[4];

	cr_assert_eq(refgraph__new(&g), 0);
	goal = goroutine(g, 0);
	top = object(g, 1);
	for (uint32_t i = 0; i < 4; i++)
		n[i] = object(g, 2 + i);
	edge(g, top, n[0]);
	edge(g, n[0], goal);
	edge(g, top, n[1]); /* and over three others */
	edge(g, n[1], n[2]);
	edge(g, n[2], n[3]);
	edge(g, n[3], goal);
	cr_assert_eq(refgraph__reach(g, top, &global), 0);
	cr_expect_eq(g->edges[g->nodes[goal].via].from, n[0]);
}

Test(refgraph, counts_what_finds_no_room)
{
	scoped(refgraph) g = NULL;
	uint32_t n;

	cr_assert_eq(refgraph__new(&g), 0);
	object(g, 1);
	object(g, 2);
	g->nr_edges = REFGRAPH_EDGES_MAX;
	cr_expect_eq(refgraph__edge(g, 0, 1, 0), -ENOSPC);
	cr_expect_eq(g->lost, 1);
	g->nr_edges = 0;
	g->nr_nodes = REFGRAPH_NODES_MAX;
	cr_expect_eq(refgraph__goroutine(g, 0, &n), -ENOSPC);
	cr_expect_eq(g->lost, 2);
	g->nr_nodes = 2;
}
