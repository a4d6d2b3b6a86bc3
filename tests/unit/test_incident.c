/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/incident.h"

/* Goroutine i is in group[i]. */
static struct incidents *of(const uint32_t *group, size_t nr, size_t nr_groups,
			    const struct incident_edge *edges, size_t nr_edges)
{
	struct incident_edge copy[64];
	struct incidents *is = NULL;

	memcpy(copy, edges, nr_edges * sizeof(*edges));
	cr_assert_eq(incidents__new(group, nr, nr_groups, copy, nr_edges, &is), 0);
	return is;
}

static void expect_part(const struct incidents *is, uint32_t group, struct incident_part want)
{
	const struct incident_part *p = &is->parts[group];

	cr_expect_eq(p->incident, want.incident, "group %u: incident %u", group, p->incident);
	cr_expect_eq(p->root, want.root, "group %u: root", group);
	cr_expect_eq(p->cycle, want.cycle, "group %u: cycle", group);
	cr_expect_eq(p->nr, want.nr, "group %u: %u goroutines", group, p->nr);
	cr_expect_eq(p->first, want.first, "group %u: first %u", group, p->first);
	cr_expect_eq(p->next, want.next, "group %u: next %u", group, p->next);
}

Test(incident, has_one_who_hangs_and_those_who_wait_for_it)
{
	static const uint32_t group[] = { 0, 1, 1, 1, 2 };
	static const struct incident_edge edges[] = {
		{ 1, 0, true }, { 2, 0, true }, { 3, 0, true }, { 3, 0, true }
	};
	scoped(incidents) is = of(group, 5, 3, edges, 4);

	cr_expect_eq(is->nr, 1);
	cr_expect_eq(is->v[0].root, 0);
	cr_expect_eq(is->v[0].behind, 3);
	expect_part(is, 0, (struct incident_part){ 0, true, false, 1, 0, 0 });
	expect_part(is, 1, (struct incident_part){ 0, false, false, 3, 1, 0 });
	expect_part(is, 2, (struct incident_part){ .incident = INCIDENT_NONE });
}

Test(incident, is_one_for_all_who_hang_at_the_same_place)
{
	static const uint32_t group[] = { 0, 1, 0, 1, 1 };
	static const struct incident_edge edges[] = { { 1, 0, true },
						      { 3, 2, true },
						      { 4, 2, true } };
	scoped(incidents) is = of(group, 5, 2, edges, 3);

	cr_expect_eq(is->nr, 1);
	cr_expect_eq(is->v[0].first, 2, "for it most wait");
	expect_part(is, 0, (struct incident_part){ 0, true, false, 2, 2, 0 });
	expect_part(is, 1, (struct incident_part){ 0, false, false, 3, 1, 0 });
}

Test(incident, goes_back_along_a_chain)
{
	static const uint32_t group[] = { 0, 1, 2 };
	static const struct incident_edge edges[] = { { 2, 1, true }, { 1, 0, true } };
	scoped(incidents) is = of(group, 3, 3, edges, 2);

	expect_part(is, 0, (struct incident_part){ 0, true, false, 1, 0, 0 });
	expect_part(is, 1, (struct incident_part){ 0, false, false, 1, 1, 0 });
	expect_part(is, 2, (struct incident_part){ 0, false, false, 1, 2, 1 });
	cr_expect_eq(is->v[0].behind, 2);
}

Test(incident, has_a_ring_for_root_even_if_it_waits_for_somebody_else_too)
{
	static const uint32_t group[] = { 0, 1, 2, 3 };
	static const struct incident_edge edges[] = {
		{ 0, 1, true }, { 1, 0, true }, { 1, 3, true }, { 2, 3, true }, { 2, 0, true }
	};
	scoped(incidents) is = of(group, 4, 4, edges, 5);

	cr_expect_eq(is->nr, 1);
	expect_part(is, 0, (struct incident_part){ 0, true, true, 1, 0, 0 });
	expect_part(is, 1, (struct incident_part){ 0, true, true, 1, 1, 0 });
	cr_expect_eq(is->parts[2].incident, 0, "it waits for the cycle, which never ends");
	cr_expect_eq(is->parts[3].incident, INCIDENT_NONE);
}

Test(incident, has_one_who_waits_for_itself)
{
	static const uint32_t group[] = { 0, 1 };
	static const struct incident_edge edges[] = { { 0, 0, true }, { 1, 0, true } };
	scoped(incidents) is = of(group, 2, 2, edges, 2);

	expect_part(is, 0, (struct incident_part){ 0, true, true, 1, 0, 0 });
	expect_part(is, 1, (struct incident_part){ 0, false, false, 1, 1, 0 });
}

Test(incident, is_no_ring_where_an_edge_is_not_sure)
{
	static const uint32_t group[] = { 0, 1 };
	static const struct incident_edge edges[] = { { 0, 1, false }, { 1, 0, true } };
	scoped(incidents) is = of(group, 2, 2, edges, 2);

	expect_part(is, 0, (struct incident_part){ 0, true, false, 1, 0, 0 });
	expect_part(is, 1, (struct incident_part){ 0, false, false, 1, 1, 0 });
}

Test(incident, of_a_group_is_that_behind_which_most_of_it_wait)
{
	static const uint32_t group[] = { 0, 1, 2, 2, 2 };
	static const struct incident_edge edges[] = { { 2, 0, true },
						      { 3, 1, true },
						      { 4, 1, true } };
	scoped(incidents) is = of(group, 5, 3, edges, 3);

	cr_expect_eq(is->nr, 2);
	expect_part(is, 2, (struct incident_part){ 1, false, false, 2, 3, 1 });
	cr_expect_eq(is->v[0].behind, 1);
}

Test(incident, is_found_in_a_chain_as_long_as_one_likes)
{
	enum { NR = 200000 };
	scoped_mem uint32_t *group = calloc(NR, sizeof(*group));
	scoped_mem struct incident_edge *edges = calloc(NR, sizeof(*edges));
	scoped(incidents) is = NULL;

	for (uint32_t i = 0; i < NR; i++)
		edges[i] = (struct incident_edge){ (i + 1) % NR, i, true };
	cr_assert_eq(incidents__new(group, NR, 1, edges, NR, &is), 0);
	expect_part(is, 0, (struct incident_part){ 0, true, true, NR, 0, 0 });
}

Test(incident, is_not_made_of_numbers_that_are_too_high)
{
	static const uint32_t group[] = { 0, 1 };
	struct incident_edge edges[] = { { 0, 2, true } };
	struct incidents *is = NULL;

	cr_expect_eq(incidents__new(group, 2, 2, edges, 1, &is), -EINVAL);
	cr_expect_eq(incidents__new(group, 2, 1, edges, 0, &is), -EINVAL);
	cr_expect_null(is);
}
