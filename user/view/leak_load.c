// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/leak_names.h"

#define SOME 10 /* one in so many may belong to nobody: its connection has just gone */

struct maker { /* or the goroutine itself */
	uint64_t goid;
	uint16_t rt;
	uint32_t group; /* of whom it made; of who is served: 0 */
};

struct makers {
	struct maker *v;
	size_t nr;
};

/* Who reads from a connection whose client is there, and who made such a one: in order. */
struct load {
	struct makers readers, parents;
};

static int compare(const void *a, const void *b)
{
	const struct maker *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->rt != y->rt)
		return x->rt < y->rt ? -1 : 1;
	return x->goid < y->goid ? -1 : x->goid > y->goid;
}

static void sort(struct makers *m)
{
	if (m->nr)
		qsort(m->v, m->nr, sizeof(*m->v), compare);
}

/* How many there are of it. */
static size_t count(const struct makers *m, uint16_t rt, uint64_t goid)
{
	const struct maker key = { goid, rt, 0 };
	size_t low = 0, high = m->nr, nr = 0;

	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (compare(&m->v[mid], &key) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	while (low + nr < m->nr && !compare(&m->v[low + nr], &key))
		nr++;
	return nr;
}

/* 0: nobody knows. */
static uint64_t parent_of(const struct leaks *l, const struct dump_row *r)
{
	const struct census_g *g = dump__g(l->d, r);
	const struct gorigin *o =
		g->who.parent_goid ? NULL : births__of(l->births, r->rt, g->who.goid);

	return o ? o->parent_goid : g->who.parent_goid;
}

static const struct leak_g *g_of(const struct leaks *l, const struct dump_row *r)
{
	return leakset__get(l->set, r->rt, dump__g(l->d, r)->who.goid);
}

/*
 * Between two requests a connection of net/http says nothing of those that its handlers made, nor
 * of its accept loop's others.
 */
static bool is_between_requests(const struct leaks *l, const struct dump_row *r)
{
	const size_t stack = dump__stack(l->d, r);
	const struct frame *v;
	size_t nr = 0, i = 0;

	if (stack == DUMP_NO_STACK || dump__frames(l->d, stack, DUMP_FRAMES, &v, &nr))
		return true;
	while (i < nr && strcmp(v[i].name, "net/http.(*conn).serve"))
		i++;
	return i < nr;
}

static void find_readers(const struct leaks *l, struct load *to)
{
	for (size_t i = 0; i < l->d->nr; i++) {
		const struct dump_row *r = &l->d->rows[i];
		const struct leak_g *g = g_of(l, r);
		const struct leak_group *gr = g ? leakset__group(l->set, g->group) : NULL;
		const uint64_t up = parent_of(l, r);

		if (!gr || !gr->served ||
		    (gr->role == LEAK_ROLE_KEEPALIVE && is_between_requests(l, r)))
			continue;
		to->readers.v[to->readers.nr++] =
			(struct maker){ dump__g(l->d, r)->who.goid, r->rt, 0 };
		if (up)
			to->parents.v[to->parents.nr++] = (struct maker){ up, r->rt, 0 };
	}
	sort(&to->readers);
	sort(&to->parents);
}

/*
 * It is the program that waits, not what it asks a library for on behalf of its client; or nothing
 * of it is on the stack.
 */
static bool waits_itself(struct leaks *l, const struct leak_group *gr, const struct dump_row *r)
{
	const struct place *p = leak_names__place_at(l->names, gr->key.place);
	const size_t stack = dump__stack(l->d, r);
	const struct frame *v;
	size_t nr = 0, i = 0;

	if (stack == DUMP_NO_STACK || dump__frames(l->d, stack, DUMP_FRAMES, &v, &nr))
		return false;
	while (i < nr && !v[i].own)
		i++;
	return i == nr || !strcmp(v[i].name, p->func);
}

static bool may_belong(const struct leak_group *gr, size_t last)
{
	switch (gr->class) {
	case LEAK_SELECT:
	case LEAK_RECEIVE:
	case LEAK_SLEEP:
	case LEAK_COND: break;
	default: return false;
	}
	return gr->role == LEAK_ROLE_NONE && !gr->served && gr->count[last] > gr->count[0];
}

static bool can_be_told_to_end(const struct leaks *l, uint32_t group)
{
	return l->facts && (l->facts[group] & LEAK_FACT_DONE) &&
	       leakset__group(l->set, group)->class == LEAK_SELECT;
}

/* Whose connection it may be: the goroutine that stands for it in the load. */
static uint64_t link_of(struct leaks *l, const struct load *of, const struct dump_row *r,
			uint32_t group)
{
	const uint64_t goid = dump__g(l->d, r)->who.goid;

	return can_be_told_to_end(l, group) && count(&of->parents, r->rt, goid) ? goid
										: parent_of(l, r);
}

/* links: of one group after the other, in order. */
static void judge(struct leaks *l, const struct load *of, const struct makers *links)
{
	size_t all = 0, belong = 0, run;

	for (size_t i = 0; i < links->nr; i += run) {
		const struct maker *m = &links->v[i];
		size_t have =
			count(&of->readers, m->rt, m->goid) + count(&of->parents, m->rt, m->goid);

		for (run = 0; i + run < links->nr && !compare(&links->v[i + run], m); run++)
			;
		all += run;
		belong += run < have ? run : have;
		if (i + run < links->nr && links->v[i + run].group == m->group)
			continue;
		if (SOME * (all - belong) <= all)
			leakset__served(l->set, m->group);
		all = belong = 0;
	}
}

static int find_those_that_belong(struct leaks *l, const struct load *of)
{
	const size_t last = leakset__nr_looks(l->set) - 1;
	struct makers links = { .v = reallocarray(NULL, l->d->nr + 1, sizeof(*links.v)) };

	for (size_t i = 0; i < l->d->nr && links.v; i++) {
		const struct dump_row *r = &l->d->rows[i];
		const struct leak_g *g = g_of(l, r);
		const struct leak_group *gr = g ? leakset__group(l->set, g->group) : NULL;

		if (!gr || !may_belong(gr, last) || !waits_itself(l, gr, r))
			continue;
		/* Who was made before the watch may have no known maker, before Go 1.21. */
		if (parent_of(l, r))
			links.v[links.nr++] =
				(struct maker){ link_of(l, of, r, g->group), r->rt, g->group };
	}
	if (!links.v)
		return -ENOMEM;
	sort(&links);
	judge(l, of, &links);
	free(links.v);
	return 0;
}

int leak_load__note(struct leaks *l)
{
	struct load of = { { NULL, 0 }, { NULL, 0 } };
	int err = 0;

	if (!l->d)
		return 0;
	of.readers.v = reallocarray(NULL, l->d->nr + 1, sizeof(*of.readers.v));
	of.parents.v = reallocarray(NULL, l->d->nr + 1, sizeof(*of.parents.v));
	if (!of.readers.v || !of.parents.v)
		err = -ENOMEM;
	if (!err)
		find_readers(l, &of);
	if (of.readers.nr)
		err = find_those_that_belong(l, &of);
	free(of.readers.v);
	free(of.parents.v);
	return err;
}
