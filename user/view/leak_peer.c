// SPDX-License-Identifier: BSD-2-Clause
#include "view/leak_peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "view/leak_incident.h"

/*
 * Go 1.15 to 1.27 net/http/server.go: reads while the handler is at work, only to see the client
 * go.
 */
#define WATCHES "net/http.(*connReader).backgroundRead"

struct leak_peers {
	struct leak_peer *v; /* owned */
	size_t nr, room;
	/*
	 * by group: at which end most of those stand that are joined, above 0: the accepted one;
	 * owned
	 */
	int32_t *sides;
};

struct kind { /* of an entry */
	bool leaks, suspect, own, watches;
	bool unread; /* it waits for somebody to read what came (view/leak_bodies) */
};

void leak_peers__free(struct leak_peers *p)
{
	if (!p)
		return;
	free(p->v);
	free(p->sides);
	free(p);
}

int leak_peer__add(struct leaks *l, const struct leak_peer *p)
{
	struct leak_peers *ps = l->peers ? l->peers : calloc(1, sizeof(*ps));

	l->peers = ps;
	if (!ps)
		return -ENOMEM;
	if (ps->nr == LEAK_PEERS_MAX)
		return 0;
	if (vec__reserve(&ps->v, &ps->room, ps->nr + 1, sizeof(*ps->v)))
		return -ENOMEM;
	ps->v[ps->nr++] = *p;
	return 0;
}

/*
 * Those of one connection stand together; of a goroutine that waits on it and leads to it too, the
 * wait counts.
 */
static int compare_peers(const void *a, const void *b)
{
	const struct leak_peer *x = a, *y = b;

	if (x->rt != y->rt)
		return x->rt < y->rt ? -1 : 1;
	if (x->conn != y->conn)
		return x->conn < y->conn ? -1 : 1;
	if (x->goid != y->goid)
		return x->goid < y->goid ? -1 : 1;
	return y->waits - x->waits;
}

/* --- what the entries are --- */

static int kind_of(const struct leaks *l, const struct leak_entry *e, struct kind *to)
{
	const struct frame *v;
	size_t nr = 0;
	int err =
		e->stack == DUMP_NO_STACK ? 0 : dump__frames(l->d, e->stack, DUMP_FRAMES, &v, &nr);

	to->leaks = verdict_is_leak(e->verdict.kind);
	to->suspect = e->verdict.kind == VERDICT_SUSPECT;
	to->unread = leakset__group(l->set, e->group)->unread;
	for (size_t i = 0; i < nr && !err; i++) {
		to->own |= v[i].own && !v[i].wrapper;
		to->watches |= !strcmp(v[i].name, WATCHES);
	}
	return err;
}

/* By group. */
static int kinds_of(const struct leaks *l, struct kind *kinds)
{
	int err = 0;

	for (size_t i = 0; i < l->nr && !err; i++)
		err = kind_of(l, &l->entries[i], &kinds[l->entries[i].group]);
	return err;
}

/* --- one connection --- */

struct link { /* who waits for whom */
	const struct leak_g *from, *to;
};

struct links {
	struct link *v;
	size_t nr, room;
};

struct ends {
	struct leaks *l;
	struct links *links;
	const struct kind *kinds;
	const struct leak_peer *v;
	size_t nr;
};

static const struct leak_g *g_of(const struct ends *s, const struct leak_peer *p)
{
	return leakset__get(s->l->set, p->rt, p->goid);
}

/*
 * The lower, the rather is it the client that must move first. What is unread comes before the
 * other loops of its library, though their group may be worse: other connections have such too.
 */
static unsigned int rank_of(const struct ends *s, const struct leak_peer *p)
{
	const struct kind *k = &s->kinds[g_of(s, p)->group];

	return (!k->leaks                  ? 8
		: k->suspect && !k->unread ? 4
					   : 0) +
	       (k->own ? 0 : 2) + (p->waits || k->unread ? 0 : 1);
}

/* NULL: nobody is at the dialled end. */
static const struct leak_peer *client_of(const struct ends *s)
{
	const struct leak_peer *first = NULL;

	for (size_t i = 0; i < s->nr; i++)
		if (!s->v[i].accepted && g_of(s, &s->v[i]) &&
		    (!first || rank_of(s, &s->v[i]) < rank_of(s, first)))
			first = &s->v[i];
	return first;
}

/* Somebody reads at that end, and not only to see the other one go. */
static bool reads_at(const struct ends *s, bool accepted)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->v[i].accepted == accepted && s->v[i].reads && g_of(s, &s->v[i]) &&
		    !s->kinds[g_of(s, &s->v[i])->group].watches)
			return true;
	return false;
}

/*
 * Its wait is its own affair: for a lock, or to send, or for what nobody has. Who receives only
 * waits to be told something: a stub that says nothing does so too.
 */
static bool hangs_itself(const struct ends *s, const struct leak_peer *p)
{
	const struct leak_g *g = g_of(s, p);

	if (p->waits || p->context || !g || !s->kinds[g->group].leaks)
		return false;
	switch (leakset__group(s->l->set, g->group)->class) {
	case LEAK_SEND:
	case LEAK_LOCK:
	case LEAK_WAITGROUP:
	case LEAK_COND:
	case LEAK_SEMAPHORE: return true;
	case LEAK_RECEIVE:
	case LEAK_SELECT: return p->asks || g->leaked || g->unreached >= LEAK_PASSES;
	default: return false;
	}
}

/* The handler for which the client waits; NULL: none, or not known. */
static const struct leak_peer *handler_of(const struct ends *s)
{
	if (!reads_at(s, false) || reads_at(s, true))
		return NULL;
	for (size_t i = 0; i < s->nr; i++)
		if (s->v[i].accepted && hangs_itself(s, &s->v[i]))
			return &s->v[i];
	return NULL;
}

static int note_behind(const struct ends *s, const struct leak_peer *p, const struct leak_peer *to)
{
	const struct leak_g *g = g_of(s, p);
	struct links *ls = s->links;

	if (!g || g->group == g_of(s, to)->group || !s->kinds[g->group].leaks)
		return 0;
	if (vec__reserve(&ls->v, &ls->room, ls->nr + 1, sizeof(*ls->v)))
		return -ENOMEM;
	ls->v[ls->nr++] = (struct link){ g, g_of(s, to) };
	s->l->peers->sides[g->group] += p->accepted ? 1 : -1;
	s->l->peers->sides[g_of(s, to)->group] += to->accepted ? 1 : -1;
	return 0;
}

static int note_connection(const struct ends *s)
{
	const struct leak_peer *client = client_of(s), *handler = client ? handler_of(s) : NULL;
	int err = handler ? note_behind(s, client, handler) : 0;

	for (size_t i = 0; i < s->nr && !err; i++)
		if (client && &s->v[i] != handler &&
		    (!s->v[i].accepted || s->v[i].waits || s->v[i].context))
			err = note_behind(s, &s->v[i], client);
	return err;
}

/*
 * The other end is elsewhere, or nobody is known to be there: what a library runs for the
 * connection belongs to the call that uses it.
 */
static int note_loops(const struct ends *s)
{
	const struct leak_peer *client = client_of(s);
	const struct kind *k = client ? &s->kinds[g_of(s, client)->group] : NULL;
	int err = 0;

	for (size_t i = 0; i < s->nr && k && k->own && k->leaks && !k->suspect && !err; i++)
		if (g_of(s, &s->v[i]) && !s->kinds[g_of(s, &s->v[i])->group].own)
			err = note_behind(s, &s->v[i], client);
	return err;
}

static bool has_an_accepted_end(const struct leak_peer *v, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (v[i].accepted)
			return true;
	return false;
}

static int note_connections(const struct ends *all)
{
	int err = 0;

	for (size_t i = 0, nr; i < all->nr && !err; i += nr) {
		struct ends one = *all;

		one.v = &all->v[i];
		for (nr = 1;
		     i + nr < all->nr && one.v[nr].rt == one.v->rt && one.v[nr].conn == one.v->conn;
		     nr++)
			;
		one.nr = nr;
		err = has_an_accepted_end(one.v, nr) ? note_connection(&one) : note_loops(&one);
	}
	return err;
}

/* --- whole groups --- */

static int compare_groups(const struct link *x, const struct link *y)
{
	if (x->from->group != y->from->group)
		return x->from->group < y->from->group ? -1 : 1;
	return x->to->group < y->to->group ? -1 : x->to->group > y->to->group;
}

static int compare_links(const void *a, const void *b)
{
	const struct link *x = a, *y = b;
	const int c = compare_groups(x, y);

	return c ? c : x->from < y->from ? -1 : x->from > y->from;
}

/*
 * As far as the group was looked at, most of it wait for that other one: then the rest do, of whom
 * it is not known for which.
 */
static int note_rest(struct leaks *l, const struct link *v, size_t nr)
{
	const struct leak_group *from = leakset__group(l->set, v->from->group);
	const size_t asked = from->nr < LEAK_PEERS_OF_GROUP ? from->nr : LEAK_PEERS_OF_GROUP;
	const struct leak_g *to = v->to; /* the oldest */
	int err = 0;

	if (4 * nr < 3 * asked)
		return 0;
	for (size_t i = 0; i < nr; i++)
		to = v[i].to->goid < to->goid ? v[i].to : to;
	for (uint32_t i = 0; i < from->nr && !err; i++) {
		const struct leak_g *g = leakset__member(l->set, from->first + i);
		const struct link key = { g, to };

		if (g->rt == to->rt && !bsearch(&key, v, nr, sizeof(key), compare_links))
			err = leak_incident__behind(l, g->rt, g->goid, to->goid);
	}
	return err;
}

/* v: links from one group to another. */
static int note_links(struct leaks *l, const struct link *v, size_t nr)
{
	int err = 0;

	for (size_t i = 0; i < nr && !err; i++)
		err = leak_incident__behind(l, v[i].from->rt, v[i].from->goid, v[i].to->goid);
	return err ? err : note_rest(l, v, nr);
}

/*
 * v: all links from one group. It is of one kind if most of them lead to one other; else it is told
 * apart.
 */
static int note_group(struct leaks *l, const struct link *v, size_t nr)
{
	int err = 0;

	for (size_t i = 0, run; i < nr && !err; i += run) {
		for (run = 1; i + run < nr && !compare_groups(&v[i], &v[i + run]); run++)
			;
		if (4 * run >= 3 * nr)
			err = note_links(l, &v[i], run);
	}
	return err;
}

static int note_all(const struct ends *s)
{
	struct links *ls = s->links;
	int err = note_connections(s);

	if (ls->nr)
		qsort(ls->v, ls->nr, sizeof(*ls->v), compare_links);
	for (size_t i = 0, nr; i < ls->nr && !err; i += nr) {
		for (nr = 1; i + nr < ls->nr && ls->v[i + nr].from->group == ls->v[i].from->group;
		     nr++)
			;
		err = note_group(s->l, &ls->v[i], nr);
	}
	return err;
}

int leak_peer__note(struct leaks *l)
{
	struct leak_peers *ps = l->peers;
	scoped_mem struct kind *kinds = NULL;
	struct links links = { NULL, 0, 0 };
	int err;

	if (!ps)
		return 0;
	kinds = calloc(leakset__nr_groups(l->set) + 1, sizeof(*kinds));
	ps->sides = calloc(leakset__nr_groups(l->set) + 1, sizeof(*ps->sides));
	if (!kinds || !ps->sides)
		return -ENOMEM;
	err = kinds_of(l, kinds);
	qsort(ps->v, ps->nr, sizeof(*ps->v), compare_peers);
	if (!err)
		err = note_all(&(struct ends){ l, &links, kinds, ps->v, ps->nr });
	free(links.v);
	return err;
}

int leak_peer__side(const struct leaks *l, uint32_t group)
{
	return l->peers && l->peers->sides ? l->peers->sides[group] : 0;
}

int leak_peer__stands(struct leaks *l, uint32_t group, int side)
{
	if (!l->peers)
		l->peers = calloc(1, sizeof(*l->peers));
	if (l->peers && !l->peers->sides)
		l->peers->sides = calloc(leakset__nr_groups(l->set) + 1, sizeof(*l->peers->sides));
	if (!l->peers || !l->peers->sides)
		return -ENOMEM;
	l->peers->sides[group] = side;
	return 0;
}

bool leak_peer__is_other_end(const struct leaks *l, uint32_t group, uint32_t of)
{
	const int one = leak_peer__side(l, group), other = leak_peer__side(l, of);

	return one && other && (one > 0) != (other > 0);
}
