/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/incident.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/components.h"

#define NONE UINT32_MAX

struct builder {
	const uint32_t *group;
	size_t nr, nr_groups;
	struct incident_edge *edges;
	size_t nr_edges;
	struct incidents *is;
	/* by goroutine; owned, as all that follows */
	uint32_t *first;     /* its edges, one more at the end */
	uint32_t *component; /* who wait for each other are one component */
	uint32_t *low, *path;
	/* by component: numbered so that each is waited for by higher ones only */
	uint32_t *root;   /* the component behind which it waits in the end; itself: it is one */
	uint32_t *behind; /* goroutines that wait for it */
	bool *cycle;
	uint32_t nr_components;
	uint32_t *joined; /* by group: one with the same incident, or itself */
};

static int compare_edges(const void *a, const void *b)
{
	const struct incident_edge *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	if (x->sure != y->sure)
		return x->sure ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

/* --- components: who wait for each other --- */

static void builder__index(struct builder *b)
{
	memset(b->first, 0, (b->nr + 1) * sizeof(*b->first));
	for (size_t i = 0; i < b->nr_edges; i++)
		b->first[b->edges[i].from + 1]++;
	for (size_t i = 0; i < b->nr; i++)
		b->first[i + 1] += b->first[i];
}

static int builder__components(struct builder *b)
{
	scoped_mem uint32_t *to = calloc(b->nr_edges + 1, sizeof(*to));

	if (!to)
		return -ENOMEM;
	builder__index(b);
	for (size_t i = 0; i < b->nr_edges; i++)
		to[i] = b->edges[i].to;
	return components_of(b->first, to, b->nr, b->component, &b->nr_components);
}

/* A cycle is never a guess. */
static bool builder__drop_unsure(struct builder *b)
{
	size_t nr = 0;

	for (size_t i = 0; i < b->nr_edges; i++) {
		const struct incident_edge *e = &b->edges[i];

		if (e->sure || b->component[e->from] != b->component[e->to])
			b->edges[nr++] = *e;
	}
	if (nr == b->nr_edges)
		return false;
	b->nr_edges = nr;
	return true;
}

/*
 * --- roots: of several that one waits for, a cycle comes first, then the surest ---
 */

static bool is_root(const struct builder *b, uint32_t component)
{
	return b->root[component] == component && (b->cycle[component] || b->behind[component]);
}

static void builder__roots(struct builder *b)
{
	for (uint32_t k = 0; k < b->nr_components; k++)
		b->root[k] = k;
	for (size_t g = 0; g < b->nr; g++)
		b->low[b->component[g]] = 0; /* from here on: goroutines of each component */
	for (size_t g = 0; g < b->nr; g++)
		b->cycle[b->component[g]] = ++b->low[b->component[g]] > 1;
	for (size_t i = 0; i < b->nr_edges; i++)
		b->cycle[b->component[b->edges[i].from]] |= b->edges[i].from == b->edges[i].to;
}

static int compare_components(const void *a, const void *b, void *ctx)
{
	const uint32_t *component = ctx;
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (component[x] != component[y])
		return component[x] < component[y] ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Those who are waited for come first. A cycle never ends, whatever else it waits for. */
static void builder__follow(struct builder *b)
{
	for (size_t g = 0; g < b->nr; g++)
		b->path[g] = (uint32_t)g;
	if (b->nr)
		qsort_r(b->path, b->nr, sizeof(*b->path), compare_components, b->component);
	for (size_t i = 0; i < b->nr; i++) {
		const uint32_t g = b->path[i], k = b->component[g];

		for (uint32_t e = b->first[g]; e < b->first[g + 1]; e++) {
			const uint32_t to = b->component[b->edges[e].to];

			if (b->cycle[k] || to == k || b->root[k] == b->root[to])
				continue;
			if (b->root[k] == k || (b->cycle[b->root[to]] && !b->cycle[b->root[k]]))
				b->root[k] = b->root[to];
		}
	}
	for (size_t g = 0; g < b->nr; g++)
		if (b->root[b->component[g]] != b->component[g])
			b->behind[b->root[b->component[g]]]++;
}

/* --- groups --- */

static uint32_t builder__joined(struct builder *b, uint32_t group)
{
	while (b->joined[group] != group)
		group = b->joined[group] = b->joined[b->joined[group]];
	return group;
}

static void builder__join(struct builder *b)
{
	uint32_t *group_of = b->low; /* of each component: that of the first goroutine met */

	for (size_t i = 0; i < b->nr_groups; i++)
		b->joined[i] = (uint32_t)i;
	memset(group_of, 0xff, b->nr * sizeof(*group_of));
	for (size_t g = 0; g < b->nr; g++) {
		const uint32_t k = b->component[g];
		uint32_t one, other;

		if (!is_root(b, k))
			continue;
		b->is->parts[b->group[g]].root = true;
		if (group_of[k] == NONE)
			group_of[k] = b->group[g];
		one = builder__joined(b, group_of[k]);
		other = builder__joined(b, b->group[g]);
		b->joined[one > other ? one : other] = one < other ? one : other;
	}
}

/* In the order of the groups with the lowest numbers. */
static int builder__number(struct builder *b)
{
	size_t nr = 0;

	for (size_t i = 0; i < b->nr_groups; i++)
		nr += b->is->parts[i].root && builder__joined(b, (uint32_t)i) == i;
	b->is->v = calloc(nr + 1, sizeof(*b->is->v));
	if (!b->is->v)
		return -ENOMEM;
	for (size_t i = 0; i < b->nr_groups; i++) {
		struct incident_part *p = &b->is->parts[i];
		const uint32_t set = builder__joined(b, (uint32_t)i);

		if (!p->root)
			continue;
		p->incident = set == i ? (uint32_t)b->is->nr++ : b->is->parts[set].incident;
		if (set == i)
			b->is->v[p->incident] = (struct incident){ .root = NONE, .first = NONE };
	}
	return 0;
}

static uint32_t builder__behind_first(const struct builder *b, uint32_t first)
{
	return b->behind[b->component[first]];
}

static void builder__sum_root(struct builder *b, uint32_t g)
{
	struct incident_part *p = &b->is->parts[b->group[g]];
	struct incident *in = &b->is->v[p->incident];
	const uint32_t k = b->component[g];

	if (!p->nr++ || builder__behind_first(b, g) > builder__behind_first(b, p->first))
		p->first = g;
	p->cycle |= b->cycle[k];
	if (in->first == NONE ||
	    builder__behind_first(b, g) > builder__behind_first(b, in->first)) {
		in->first = g;
		in->root = b->group[g];
	}
}

/* A goroutine that waits, and behind which incident. */
struct follower {
	uint32_t group, incident, g;
};

static int compare_followers(const void *a, const void *b)
{
	const struct follower *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->incident != y->incident)
		return x->incident < y->incident ? -1 : 1;
	return x->g < y->g ? -1 : x->g > y->g;
}

static void builder__follow_most(struct builder *b, const struct follower *v, size_t nr)
{
	for (size_t i = 0, end; i < nr; i = end) {
		struct incident_part *p = &b->is->parts[v[i].group];

		for (end = i + 1;
		     end < nr && v[end].group == v[i].group && v[end].incident == v[i].incident;)
			end++;
		b->is->v[v[i].incident].behind += (uint32_t)(end - i);
		if (p->root || end - i <= p->nr)
			continue;
		*p = (struct incident_part){ .incident = v[i].incident,
					     .nr = (uint32_t)(end - i),
					     .first = v[i].g,
					     .next = b->edges[b->first[v[i].g]].to };
	}
}

static int builder__sum(struct builder *b)
{
	scoped_mem struct follower *followers = calloc(b->nr + 1, sizeof(*followers));
	/* of each component that is a root */
	scoped_mem uint32_t *incident_of = calloc(b->nr + 1, sizeof(*incident_of));
	size_t nr = 0;

	if (!followers || !incident_of)
		return -ENOMEM;
	for (size_t g = 0; g < b->nr; g++) {
		if (!is_root(b, b->component[g]))
			continue;
		builder__sum_root(b, (uint32_t)g);
		incident_of[b->component[g]] = b->is->parts[b->group[g]].incident;
	}
	for (size_t g = 0; g < b->nr; g++)
		if (b->root[b->component[g]] != b->component[g])
			followers[nr++] = (struct follower){ b->group[g],
							     incident_of[b->root[b->component[g]]],
							     (uint32_t)g };
	if (nr)
		qsort(followers, nr, sizeof(*followers), compare_followers);
	builder__follow_most(b, followers, nr);
	return 0;
}

static int builder__init(struct builder *b)
{
	const size_t nr = b->nr + 1;

	b->first = calloc(nr + 1, sizeof(*b->first));
	b->component = calloc(nr, sizeof(*b->component));
	b->low = calloc(nr, sizeof(*b->low));
	b->path = calloc(nr, sizeof(*b->path));
	b->root = calloc(nr, sizeof(*b->root));
	b->behind = calloc(nr, sizeof(*b->behind));
	b->cycle = calloc(nr, sizeof(*b->cycle));
	b->joined = calloc(b->nr_groups + 1, sizeof(*b->joined));
	b->is->parts = calloc(b->nr_groups + 1, sizeof(*b->is->parts));
	if (!b->first || !b->component || !b->low || !b->path || !b->root || !b->behind ||
	    !b->cycle || !b->joined || !b->is->parts)
		return -ENOMEM;
	for (size_t i = 0; i < b->nr_groups; i++)
		b->is->parts[i] = (struct incident_part){ .incident = INCIDENT_NONE };
	return 0;
}

static void builder__done(struct builder *b)
{
	free(b->first);
	free(b->component);
	free(b->low);
	free(b->path);
	free(b->root);
	free(b->behind);
	free(b->cycle);
	free(b->joined);
}

static int builder__run(struct builder *b)
{
	int err = 0;

	for (size_t g = 0; g < b->nr && !err; g++)
		err = b->group[g] < b->nr_groups ? 0 : -EINVAL;
	for (size_t i = 0; i < b->nr_edges && !err; i++)
		err = b->edges[i].from < b->nr && b->edges[i].to < b->nr ? 0 : -EINVAL;
	if (err)
		return err;
	if (b->nr_edges)
		qsort(b->edges, b->nr_edges, sizeof(*b->edges), compare_edges);
	err = builder__init(b);
	if (!err)
		err = builder__components(b);
	if (!err && builder__drop_unsure(b))
		err = builder__components(b);
	if (err)
		return err;
	builder__roots(b);
	builder__follow(b);
	builder__join(b);
	err = builder__number(b);
	return err ? err : builder__sum(b);
}

int incidents__new(const uint32_t *group, size_t nr, size_t nr_groups, struct incident_edge *edges,
		   size_t nr_edges, struct incidents **ret)
{
	scoped(incidents) is = calloc(1, sizeof(*is));
	struct builder b = { .group = group,
			     .nr = nr,
			     .nr_groups = nr_groups,
			     .edges = edges,
			     .nr_edges = nr_edges,
			     .is = is };
	int err;

	if (!is)
		return -ENOMEM;
	if (nr >= UINT32_MAX || nr_edges >= UINT32_MAX)
		return -EINVAL;
	err = builder__run(&b);
	builder__done(&b);
	if (!err)
		*ret = steal(is);
	return err;
}

void incidents__free(struct incidents *is)
{
	if (!is)
		return;
	free(is->v);
	free(is->parts);
	free(is);
}
