/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/callsites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "view/calls.h"
#include "view/dump.h"
#include "names/framer.h"

/* How much is known, best first. Those of one rank are told by how many there are of each. */
enum rank { RANK_DIRECT, RANK_ANCESTOR, RANK_STANDS, RANK_LIBRARY, RANK_UNSEEN, RANKS };

struct site_entry {
	struct site_key { /* hashed as bytes: no padding */
		uint64_t gopc, rt;
	} key;
	bool own;                                /* or the runtime's, or nobody knows where it is */
	uint32_t asked;                          /* of the census */
	struct place_tally places[RANK_LIBRARY]; /* by rank */
	struct called first[RANKS];              /* how: CALLED_OWN: none of this rank */
	UT_hash_handle hh;
};

struct callsites {
	const struct namer *namers; /* borrowed */
	size_t nr_namers;
	struct framer *framer; /* owned; full */
	struct site_entry *sites;
};

int callsites__new(const struct namer *namers, size_t nr, struct callsites **ret)
{
	scoped(callsites) cs = calloc(1, sizeof(*cs));
	int err;

	if (!cs)
		return -ENOMEM;
	cs->namers = namers;
	cs->nr_namers = nr;
	err = framer__new(namers, nr, &cs->framer);
	if (err)
		return err;
	*ret = steal(cs);
	return 0;
}

void callsites__free(struct callsites *cs)
{
	struct site_entry *e, *next;

	if (!cs)
		return;
	HASH_ITER(hh, cs->sites, e, next)
	{
		HASH_DEL(cs->sites, e);
		free(e);
	}
	framer__free(cs->framer);
	free(cs);
}

/* --- what is kept --- */

static enum rank rank_of(enum called_how how)
{
	switch (how) {
	case CALLED_BIRTH:
	case CALLED_CREATOR:
	case CALLED_OTHERS: return RANK_DIRECT;
	case CALLED_ANCESTOR: return RANK_ANCESTOR;
	case CALLED_STANDS: return RANK_STANDS;
	case CALLED_LIBRARY: return RANK_LIBRARY;
	case CALLED_OWN:
	case CALLED_UNSEEN:
	case CALLED_UNWATCHED: break;
	}
	return RANK_UNSEEN;
}

static int callsites__is_own(struct callsites *cs, uint16_t rt, uint64_t gopc, bool *ret)
{
	const struct frame *v;
	size_t nr;
	int err = gopc ? framer__at(cs->framer, rt, gopc, true, &v, &nr) : 0;

	if (!err)
		*ret = !gopc || v[0].own || !(v[nr - 1].entry || v[nr - 1].file[0]) ||
		       !strncmp(v[nr - 1].name, "runtime.", 8);
	return err;
}

/* NULL in *ret: there is no room. */
static int callsites__get(struct callsites *cs, uint16_t rt, uint64_t gopc, struct site_entry **ret)
{
	const struct site_key key = { .gopc = gopc, .rt = rt };
	const unsigned int before = HASH_COUNT(cs->sites);
	struct site_entry *e;
	int err;

	HASH_FIND(hh, cs->sites, &key, sizeof(key), e);
	*ret = e;
	if (e || before == CALLSITES_MAX)
		return 0;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	e->key = key;
	err = callsites__is_own(cs, rt, gopc, &e->own);
	if (!err)
		HASH_ADD(hh, cs->sites, key, sizeof(e->key), e);
	if (HASH_COUNT(cs->sites) == before) {
		free(e);
		return -ENOMEM;
	}
	*ret = e;
	return 0;
}

static void site_entry__add(struct site_entry *e, const struct called *c, uint64_t count)
{
	const enum rank rank = rank_of(c->how);

	if (e->first[rank].how == CALLED_OWN)
		e->first[rank] = *c;
	if (rank < RANK_LIBRARY)
		place_tally__add(&e->places[rank], &c->place, count);
}

/* --- goroutines that are there --- */

static int callsites__row(struct callsites *cs, struct dump *d, const struct dump_row *r)
{
	struct site_entry *e;
	struct called c;
	int err = callsites__get(cs, r->rt, dump__g(d, r)->who.gopc, &e);

	if (err || !e || e->own || r->system || e->asked++ >= CALLED_ASKED)
		return err;
	err = calls__of(d, r, &c);
	if (!err && c.how != CALLED_OWN)
		site_entry__add(e, &c, 1);
	return err;
}

int callsites__census(struct callsites *cs, const struct census *const *censuses)
{
	const struct dump_input in = { .censuses = censuses,
				       .namers = cs->namers,
				       .nr = cs->nr_namers,
				       .framer = cs->framer };
	scoped(dump) d = NULL;
	int err = dump__new(&in, &(struct dump_opts){ .system = false }, &d);

	for (size_t i = 0; !err && i < d->nr; i++)
		err = callsites__row(cs, d, &d->rows[i]);
	return err;
}

/* --- births that were seen --- */

/* 1 and the place, 0: nothing of the program's own is on the stack. */
static int own_on(struct callsites *cs, uint16_t rt, const struct snap_stack *s, struct place *ret)
{
	const struct frame *v;
	size_t nr;

	for (uint32_t i = 0; i < s->stack.nr; i++) {
		const int err = framer__at(cs->framer, rt, s->stack.pcs[i], i > 0, &v, &nr);

		if (err)
			return err;
		if (place_own(v, nr, ret))
			return 1;
	}
	return 0;
}

/* One that made its creator, or that one's. */
static int own_above(struct callsites *cs, uint16_t rt, const struct snap_link *l,
		     struct place *ret)
{
	const struct frame *v;
	size_t nr;
	int found = own_on(cs, rt, &l->made, ret);

	if (found || l->made.state == SNAP_STACK_SEEN || !l->gopc)
		return found;
	found = framer__at(cs->framer, rt, l->gopc, true, &v, &nr);
	return found ? found : place_own(v, nr, ret);
}

/* UNSEEN: the stack of the birth is lost, and nothing else is known. */
static int called_of_chain(struct callsites *cs, uint16_t rt, const struct snap_chain *c,
			   struct called *ret)
{
	int found = 0;

	*ret = (struct called){ .how = CALLED_UNSEEN, .place = { "?", "", 0 } };
	for (uint32_t i = 0; i < c->nr && !found; i++) {
		found = i ? own_above(cs, rt, &c->links[i], &ret->place)
			  : own_on(cs, rt, &c->links[i].made, &ret->place);
		if (found > 0)
			ret->how = i ? CALLED_ANCESTOR : CALLED_BIRTH;
	}
	if (!found && c->nr && c->links[0].made.state == SNAP_STACK_SEEN)
		ret->how = CALLED_LIBRARY;
	return found < 0 ? found : 0;
}

int callsites__births(struct callsites *cs, const struct snap *s)
{
	int err = 0;

	for (size_t i = 0; i < s->nr_made && !err; i++) {
		const struct snap_made *m = &s->made[i];
		struct site_entry *e;
		struct called c;

		err = callsites__get(cs, m->rt, m->gopc, &e);
		if (err || !e || e->own)
			continue;
		err = called_of_chain(cs, m->rt, &m->chain, &c);
		if (!err)
			site_entry__add(e, &c, m->count);
	}
	return err;
}

/* --- what is asked --- */

static void site_entry__tell(const struct site_entry *e, struct callsite *ret)
{
	enum rank rank = 0;
	struct place_tally left;

	while (rank < RANK_UNSEEN && e->first[rank].how == CALLED_OWN)
		rank++;
	ret->called.how = CALLED_UNSEEN;
	if (e->first[rank].how != CALLED_OWN)
		ret->called = e->first[rank];
	if (rank >= RANK_LIBRARY)
		return;
	left = e->places[rank];
	(void)place_tally__take(&left, &ret->called.place);
	ret->others = left.nr;
	(void)place_tally__take(&left, &ret->other);
}

int callsites__at(struct callsites *cs, uint16_t rt, uint64_t gopc, const struct snap_stack *made,
		  struct callsite *ret)
{
	struct site_entry *e;
	int found = 0, err = callsites__get(cs, rt, gopc, &e);

	*ret = (struct callsite){ .called = { .how = CALLED_OWN, .place = { "?", "", 0 } } };
	if (err || !e || e->own)
		return err;
	if (made && made->state == SNAP_STACK_SEEN)
		found = own_on(cs, rt, made, &ret->called.place);
	if (found > 0)
		ret->called.how = CALLED_BIRTH;
	else
		site_entry__tell(e, ret);
	return found < 0 ? found : 0;
}
