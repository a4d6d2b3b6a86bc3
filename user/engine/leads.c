// SPDX-License-Identifier: BSD-2-Clause
#include "engine/leads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/notes.h"
#include "heap/chanlead.h"
#include "view/leak_incident.h"

#define CHANS 8192 /* that are asked about */
/* goroutines that may be the one: of more nobody knows whether it is the only one */
#define OTHERS 8192
#define DEPTH  48 /* frames */
#define FEW    5  /* that wait in a group: of less nothing is asked */

struct pairing {
	struct leaks *l;
	const struct census *c;
	uint16_t rt;
	struct chanlead *v;
	size_t nr;
	uint32_t *others;
	size_t nr_others;
};

static const struct leak_group *group_of(const struct leaks *l, uint16_t rt, uint64_t goid)
{
	const struct leak_g *g = leakset__get(l->set, rt, goid);

	return g ? leakset__group(l->set, g->group) : NULL;
}

static bool waits_in_vain(const struct leaks *l, const struct leak_group *g)
{
	const size_t last = leakset__nr_looks(l->set) - 1;

	return g && (g->class == LEAK_RECEIVE || g->class == LEAK_SELECT) &&
	       g->role == LEAK_ROLE_NONE && !g->timer && g->count[last] >= FEW &&
	       g->count[last] > g->count[0];
}

static bool is_receive(const struct census_wait *w)
{
	return w->kind == CENSUS_WAIT_CHAN && w->direction != CENSUS_DIR_SEND;
}

static int compare_leads(const void *a, const void *b)
{
	const struct chanlead *x = a, *y = b;

	return x->chan < y->chan ? -1 : x->chan > y->chan;
}

static void fold(struct pairing *p)
{
	size_t nr = 0;

	if (p->nr)
		qsort(p->v, p->nr, sizeof(*p->v), compare_leads);
	for (size_t i = 0; i < p->nr; i++)
		if (nr && p->v[nr - 1].chan == p->v[i].chan)
			p->v[nr - 1].shared = true;
		else
			p->v[nr++] = p->v[i];
	p->nr = nr;
}

static void add_waits(struct pairing *p, const struct census_g *g)
{
	for (uint32_t k = 0; k < g->nr_waits; k++) {
		const struct census_wait *w = &p->c->waits[g->waits_at + k];

		if (p->nr == CHANS)
			fold(p);
		if (is_receive(w) && p->nr < CHANS)
			p->v[p->nr++] = (struct chanlead){ .chan = w->addr };
	}
}

/*
 * Of those that grow not all need be asked: they are alike. False: there are more of the others
 * than can be.
 */
static bool collect(struct pairing *p)
{
	for (int grow = 0; grow < 2; grow++)
		for (size_t i = 0; i < p->c->nr; i++) {
			const struct census_g *g = &p->c->gs[i];
			const struct leak_group *gr = group_of(p->l, p->rt, g->who.goid);

			if (waits_in_vain(p->l, gr) != grow ||
			    (gr && gr->role == LEAK_ROLE_RUNTIME))
				continue;
			if (p->nr_others < OTHERS)
				p->others[p->nr_others++] = (uint32_t)i;
			else if (!grow)
				return false;
			if (grow)
				add_waits(p, g);
		}
	fold(p);
	return true;
}

static int note_one(const struct pairing *p, const struct census_g *g)
{
	const struct leak_g *from = leakset__get(p->l->set, p->rt, g->who.goid);

	for (uint32_t k = 0; k < g->nr_waits && from && p->nr; k++) {
		const struct chanlead key = { .chan = p->c->waits[g->waits_at + k].addr };
		const struct chanlead *lead =
			is_receive(&p->c->waits[g->waits_at + k])
				? bsearch(&key, p->v, p->nr, sizeof(key), compare_leads)
				: NULL;

		if (lead && lead->by != CHANLEAD_NONE)
			return leak_incident__lead(p->l, p->rt, g->who.goid,
						   p->c->gs[lead->by].who.goid, from->object,
						   lead->shared ? LEAK_LEAD_CLOSE
								: LEAK_LEAD_VALUE);
	}
	return 0;
}

static int note_all(struct pairing *p)
{
	int err = 0;

	for (size_t i = 0; i < p->c->nr && !err; i++)
		if (waits_in_vain(p->l, group_of(p->l, p->rt, p->c->gs[i].who.goid)))
			err = note_one(p, &p->c->gs[i]);
	return err;
}

static int note_runtime(struct leaks *l, uint16_t rt, const struct snapshot *t)
{
	const struct addrspace *as = proc__mem(t->target.proc);
	const struct goruntime *gr = goproc__runtime(t->target.gp, rt);
	scoped(nearby) near = NULL;
	scoped(census) c = NULL;
	scoped_mem struct chanlead *v = calloc(CHANS, sizeof(*v));
	scoped_mem uint32_t *others = calloc(OTHERS, sizeof(*others));
	struct pairing p = { .l = l, .rt = rt, .v = v, .others = others };
	int err =
		v && others ? nearby__new(as, gr, NEARBY_ARRAYS, LEADS_BUDGET_NS, &near) : -ENOMEM;

	if (!err)
		err = census__read(as, gr, DEPTH, &c);
	p.c = c;
	if (err || !collect(&p))
		return err == -ENOMEM ? err : 0;
	err = chanleads_find(&(struct chanlead_in){ .as = as,
						    .rt = gr,
						    .census = c,
						    .gs = others,
						    .nr = p.nr_others,
						    .near = near },
			     v, p.nr);
	if (!err)
		return note_all(&p);
	note_debug("who would end waits at channels is not known: %s", strerror(-err));
	return err == -ENOMEM ? err : 0;
}

int leads_note(struct leaks *l, const struct snapshot *t)
{
	bool any = false;
	int err = 0;

	for (size_t i = 0; i < leakset__nr_groups(l->set); i++)
		any |= waits_in_vain(l, leakset__group(l->set, i));
	for (uint16_t rt = 0; rt < t->target.nr && any && !err; rt++)
		err = note_runtime(l, rt, t);
	return err;
}
