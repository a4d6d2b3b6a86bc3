// SPDX-License-Identifier: BSD-2-Clause
/* leaks_entry: after the last look: what each group is, in the order in which a person wants to
 * read it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/radix.h"
#include "view/leak_bodies.h"
#include "view/leak_call.h"
#include "view/leak_incident.h"
#include "view/leak_load.h"
#include "view/leak_names.h"
#include "view/leak_naming.h"
#include "view/leak_peer.h"
#include "view/leak_pool.h"
#include "view/leak_setup.h"
#include "view/leaks.h"
#include "view/maker.h"

#define LABELS_ASKED 1024 /* members whose labels are compared */

static const struct leak_g *member(const struct leaks *l, const struct leak_group *g, uint32_t i)
{
	return leakset__member(l->set, g->first + i);
}

static const struct dump_row *row_of(const struct leaks *l, const struct leak_g *m)
{
	return &l->d->rows[m->item];
}

/* The commonest, and how many different ones there are. */
static int entry__stack(const struct leaks *l, const struct leak_group *g, struct leak_entry *e)
{
	scoped_mem uint64_t *stacks = reallocarray(NULL, g->nr, sizeof(*stacks));
	uint32_t run = 0, most = 0;
	int err;

	e->stack = DUMP_NO_STACK;
	if (!stacks)
		return -ENOMEM;
	for (uint32_t i = 0; i < g->nr; i++)
		stacks[i] = member(l, g, i)->stack;
	err = radix_sort(stacks, g->nr, 1);
	if (err)
		return err;
	for (uint32_t i = 0; i < g->nr && stacks[i] != UINT32_MAX; i++) {
		run = i && stacks[i] == stacks[i - 1] ? run + 1 : 1;
		e->nr_stacks += run == 1;
		if (run > most) {
			most = run;
			e->stack = (size_t)stacks[i];
		}
	}
	return 0;
}

static int entry__labels(const struct leaks *l, const struct leak_group *g, struct leak_entry *e)
{
	const struct label_set *set = dump__labels(l->d, row_of(l, member(l, g, 0)));
	const size_t bytes = sizeof(*set) + set->nr * sizeof(set->v[0]);
	struct label_set *copy;

	if (!set->nr)
		return 0;
	copy = malloc(bytes);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, set, bytes);
	for (uint32_t i = 1; i < g->nr && i < LABELS_ASKED; i++)
		if (dump__labels(l->d, row_of(l, member(l, g, i)))->text != copy->text) {
			free(copy);
			return 0;
		}
	e->labels = copy;
	return 0;
}

int leaks__labelled(const struct leaks *l, uint16_t rt, uint64_t **ret, size_t *ret_nr)
{
	uint64_t *ptrs = calloc(l->d->nr + 1, sizeof(*ptrs));
	size_t nr = 0;

	if (!ptrs)
		return -ENOMEM;
	for (size_t i = 0; i < l->nr; i++) {
		const struct leak_group *g = leaks__group(l, &l->entries[i]);

		for (uint32_t k = 0; k < g->nr && k < LABELS_ASKED && nr < l->d->nr; k++) {
			const struct dump_row *r = row_of(l, member(l, g, k));

			if (r->rt == rt && dump__g(l->d, r)->labels)
				ptrs[nr++] = dump__g(l->d, r)->labels;
		}
	}
	*ret = ptrs;
	*ret_nr = nr;
	return 0;
}

int leaks__label(struct leaks *l, const struct labelbook *labels)
{
	int err = dump__label(l->d, labels);

	for (size_t i = 0; i < l->nr && !err; i++)
		if (leaks__group(l, &l->entries[i])->role != LEAK_ROLE_RUNTIME)
			err = entry__labels(l, leaks__group(l, &l->entries[i]), &l->entries[i]);
	return err;
}

/* Creators that are there still, of the first member. */
static void entry__parents(const struct leaks *l, const struct leak_group *g, struct leak_entry *e)
{
	const struct leak_g *m = member(l, g, 0);

	while (e->nr_parents < LEAKS_PARENTS_MAX) {
		const struct dump_row *r;
		uint64_t goid = dump__g(l->d, row_of(l, m))->who.parent_goid;

		m = goid ? leakset__get(l->set, m->rt, goid) : NULL;
		if (!m)
			break;
		r = row_of(l, m);
		e->parents[e->nr_parents++] =
			(struct leak_parent){ .goid = goid, .start = r->start, .made = r->made };
	}
}

/* Where they are blocked. Nobody knows where: the function that they run. */
static struct place entry__place(const struct leaks *l, const struct leak_group *g, uint32_t start)
{
	const struct site *s = g->key.place ? NULL : dump__site(l->d, start);

	return s ? (struct place){ s->func, s->file, s->line }
		 : *leak_names__place_at(l->names, g->key.place);
}

static bool row_by_goid(const void *ctx, uint16_t rt, uint64_t goid, struct dump_row *ret)
{
	const struct leaks *l = ctx;
	const struct leak_g *m = leakset__get(l->set, rt, goid);

	if (m)
		*ret = *row_of(l, m);
	return m;
}

static int entry__called(const struct leaks *l, const struct leak_group *g, struct leak_entry *e)
{
	const struct callers c = { .d = l->d,
				   .births = l->births,
				   .watched = leakset__lives_known(l->set),
				   .find = row_by_goid,
				   .ctx = l };
	const struct dump_row *rows[CALLED_ASKED];
	uint32_t nr = 0;
	int err;

	while (nr < g->nr && nr < CALLED_ASKED) {
		/* the youngest first: their births may have been seen */
		rows[nr] = row_of(l, member(l, g, g->nr - 1 - nr));
		nr++;
	}
	err = called_of(&c, rows, nr, &e->called);
	return err || !verdict_is_leak(e->verdict.kind) ? err : maker_of(&c, rows, nr, &e->maker);
}

int leaks__see_entry(const struct leaks *l, struct leak_entry *e)
{
	const struct leak_group *g = leaks__group(l, e);
	const struct dump_row *r = row_of(l, member(l, g, 0));
	const struct census_g *cg = dump__g(l->d, r);

	e->start = r->start;
	e->made = r->made;
	if (cg->nr_waits)
		e->kind = dump_wait_kind(
			(enum census_wait_kind)l->d->in.censuses[r->rt]->waits[cg->waits_at].kind);
	entry__parents(l, g, e);
	return entry__stack(l, g, e);
}

static int entry__init(const struct leaks *l, uint32_t group, struct leak_entry *e)
{
	const struct leak_group *g = leakset__group(l->set, group);
	int err;

	*e = (struct leak_entry){
		.group = group,
		.reason = gostate_word((enum gostate)g->key.reason),
		.blocked = g->key.place != 0,
		.heap_bytes = LEAK_HEAP_UNKNOWN,
	};
	err = leaks__see_entry(l, e);
	e->place = entry__place(l, g, e->start);
	verdict_of(l->set, g, &l->opts, &e->verdict);
	if (!err)
		err = entry__called(l, g, e);
	return err;
}

/* How many groups each line of code has that made one. */
static int leaks__sites(struct leaks *l)
{
	scoped_mem uint32_t *of_place = calloc(LEAK_NAMES_MAX, sizeof(*of_place));

	if (!of_place)
		return -ENOMEM;
	for (size_t i = 0; i < l->nr; i++)
		of_place[leaks__group(l, &l->entries[i])->key.made]++;
	for (size_t i = 0; i < l->nr; i++)
		l->entries[i].site_groups = of_place[leaks__group(l, &l->entries[i])->key.made];
	return 0;
}

static int rank(const struct leak_entry *e)
{
	return e->cause.kind < VERDICT_SUSPECT ? 0 : (int)e->cause.kind;
}

/* The cause that costs most, then what costs most of it; ctx: the leaks. */
static int compare_entries(const void *a, const void *b, void *ctx)
{
	const struct leak_entry *x = a, *y = b;
	const struct leak_group *gx = leaks__group(ctx, x), *gy = leaks__group(ctx, y);
	const uint64_t bx = gx->stack_bytes + leak_entry__heap(x),
		       by = gy->stack_bytes + leak_entry__heap(y);

	if (rank(x) != rank(y))
		return rank(x) - rank(y);
	if (x->cause.bytes != y->cause.bytes)
		return x->cause.bytes > y->cause.bytes ? -1 : 1;
	if (x->cause.nr != y->cause.nr)
		return x->cause.nr > y->cause.nr ? -1 : 1;
	if (x->cause.group != y->cause.group)
		return x->cause.group < y->cause.group ? -1 : 1;
	if (x->cause.place != y->cause.place)
		return x->cause.place - y->cause.place;
	if (bx != by)
		return bx > by ? -1 : 1;
	if (gx->nr != gy->nr)
		return gx->nr > gy->nr ? -1 : 1;
	return x->group < y->group ? -1 : 1;
}

int leaks__finish(struct leaks *l, const struct verdict_opts *o)
{
	const size_t nr_groups = leakset__nr_groups(l->set);
	int err;

	/* Nobody could ask the channels: any of them may be a timer's. */
	for (size_t i = 0; i < nr_groups && !l->facts; i++)
		if (leakset__group(l->set, i)->class == LEAK_RECEIVE ||
		    leakset__group(l->set, i)->class == LEAK_SELECT)
			leakset__timer(l->set, (uint32_t)i, false);
	l->opts = *o;
	err = leak_bodies__note(l);
	if (!err)
		err = leak_setup__note(l);
	if (!err)
		err = leak_load__note(l);
	if (!err)
		err = leakset__finish(l->set, o->min_age_ns);
	l->entries = calloc(nr_groups + 1, sizeof(*l->entries));
	if (!l->entries)
		return -ENOMEM;
	for (size_t i = 0; i < nr_groups && !err; i++)
		if (leakset__group(l->set, i)->nr)
			err = entry__init(l, (uint32_t)i, &l->entries[l->nr++]);
	if (!err)
		err = leaks__sites(l);
	if (!err)
		err = leak_naming(l);
	if (!err)
		err = leak_pool__note(l);
	if (!err)
		err = leak_peer__note(l);
	if (!err)
		err = leak_incident__join(l);
	if (!err)
		err = leak_call__join(l);
	if (!err)
		leaks__rank(l);
	return err;
}

void leaks__rank(struct leaks *l)
{
	leak_incident__sum(l);
	leak_call__sum(l);
	if (l->nr)
		qsort_r(l->entries, l->nr, sizeof(*l->entries), compare_entries, l);
	leak_incident__sum(l); /* they have moved */
	leak_call__sum(l);
}

/* --- the heap that they keep --- */

static bool is_counted(const struct leak_entry *e, bool suspects)
{
	return verdict_is_leak(e->verdict.kind) && (suspects || e->verdict.kind != VERDICT_SUSPECT);
}

int leaks__keepers(const struct leaks *l, uint16_t rt, bool suspects, uint32_t **ret)
{
	const size_t nr = l->d->in.censuses[rt]->nr;
	scoped_mem uint32_t *entries = reallocarray(NULL, nr + 1, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	memset(entries, 0xff, (nr + 1) * sizeof(*entries));
	for (size_t i = 0; i < l->nr; i++) {
		const struct leak_group *g = leaks__group(l, &l->entries[i]);

		for (uint32_t k = 0; k < g->nr && is_counted(&l->entries[i], suspects); k++)
			if (member(l, g, k)->rt == rt)
				entries[row_of(l, member(l, g, k))->g] = (uint32_t)i;
	}
	*ret = steal(entries);
	return 0;
}

void leaks__heap(struct leaks *l, const uint64_t *bytes)
{
	for (size_t i = 0; i < l->nr; i++) {
		struct leak_entry *e = &l->entries[i];

		e->heap_bytes = bytes ? leak_entry__heap(e) + bytes[i] : LEAK_HEAP_UNKNOWN;
	}
}

uint64_t leaks__cpu_ns(const struct leaks *l, const struct leak_entry *e, uint64_t cpu_ns)
{
	const uint64_t all = leakset__on_cpu(l->set);

	return all ? (uint64_t)((double)cpu_ns * leaks__group(l, e)->on_cpu / (double)all) : 0;
}

uint32_t leaks__proven(const struct leaks *l, const struct leak_entry *e)
{
	const struct leak_group *g = leaks__group(l, e);

	if (e->verdict.kind != VERDICT_LEAKED)
		return 0;
	if (g->class == LEAK_FOREVER)
		return g->nr;
	return g->leaked > g->unreached ? g->leaked : g->unreached;
}

size_t leaks__goids(const struct leaks *l, const struct leak_entry *e, uint64_t *goids)
{
	const struct leak_group *g = leaks__group(l, e);
	size_t nr = 0;

	for (int proven = 1; proven >= 0; proven--)
		for (uint32_t i = 0; i < g->nr && nr < LEAKS_GOIDS; i++) {
			const struct leak_g *m = member(l, g, i);

			if (proven == (m->leaked || m->unreached >= LEAK_PASSES))
				goids[nr++] = m->goid;
		}
	return nr;
}

bool leak_entry__counts(const struct leak_entry *e, bool suspects)
{
	return !e->known && verdict_is_leak(e->verdict.kind) &&
	       (suspects || e->verdict.kind != VERDICT_SUSPECT);
}
