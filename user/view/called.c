// SPDX-License-Identifier: BSD-2-Clause
#include "view/called.h"

#include <errno.h>
#include <string.h>

#define CREATORS_MAX 16 /* one above the other */
/* pcs of stacks that are looked through for a creator that has no number */
#define WORDS_BUDGET 20000000

typedef unsigned long long ull;

static struct framer *framer_of(const struct callers *c)
{
	return c->d->framer;
}

static int own_at(const struct callers *c, uint16_t rt, uint64_t pc, bool is_return,
		  struct place *ret)
{
	const struct frame *v;
	size_t nr;
	int err = framer__at(framer_of(c), rt, pc, is_return, &v, &nr);

	return err ? err : place_own(v, nr, ret) ? 1 : 0;
}

/* --- births that were seen --- */

/* One creation: 1 and the place; 0: nothing of the program's own. */
static int own_at_link(const struct callers *c, uint16_t rt, const struct chain_link *link,
		       struct place *ret)
{
	struct stack st;
	int found = 0;

	if (births__stack(c->births, link->stack_id, &st))
		return own_at(c, rt, link->gopc, true, ret);
	for (uint32_t i = 0; i < st.nr && !found; i++)
		found = own_at(c, rt, st.pcs[i], i > 0, ret);
	return found;
}

/*
 * By its own birth, or from link 1 on: by those of its creators. 1 and the place; 0: nothing of the
 * program's own; -ENOENT: its birth was not seen; -ENOMEM.
 */
static int own_of_birth(const struct callers *c, uint16_t rt, uint64_t goid, bool before,
			struct place *ret, bool *ret_ancestor)
{
	struct chain chain;
	int found = 0;

	*ret_ancestor = false;
	if (!c->births || births__chain(c->births, rt, goid, &chain))
		return -ENOENT;
	if (!before && chain.links[0].stack_id == PW_STACK_ID_NONE)
		return -ENOENT;
	for (uint32_t i = before; i < chain.nr && !found; i++) {
		found = own_at_link(c, rt, &chain.links[i], ret);
		*ret_ancestor = i;
	}
	return found;
}

static int by_births(const struct callers *c, const struct dump_row *const *rows, size_t nr,
		     struct called *ret)
{
	struct place_tally direct = { .nr = 0 }, above = { .nr = 0 };
	bool seen = false, ancestor;
	struct place p;

	for (size_t i = 0; i < nr; i++) {
		const int found = own_of_birth(c, rows[i]->rt, dump__g(c->d, rows[i])->who.goid,
					       false, &p, &ancestor);

		if (found == -ENOMEM)
			return found;
		seen |= found >= 0;
		if (found > 0)
			place_tally__add(ancestor ? &above : &direct, &p, 1);
	}
	if (place_tally__most(&direct, &ret->place))
		ret->how = CALLED_BIRTH;
	else if (place_tally__most(&above, &ret->place))
		ret->how = CALLED_ANCESTOR;
	else if (seen)
		ret->how = CALLED_LIBRARY;
	return 0;
}

static int by_others(const struct callers *c, const struct dump_row *r, struct called *ret)
{
	const uint64_t goid =
		c->births ? births__commonest(c->births, r->rt, dump__g(c->d, r)->who.gopc) : 0;
	bool ancestor;
	int found = goid ? own_of_birth(c, r->rt, goid, false, &ret->place, &ancestor) : 0;

	if (found > 0)
		ret->how = CALLED_OTHERS;
	return found == -ENOMEM ? found : 0;
}

static int by_ancestors(const struct callers *c, const struct dump_row *const *rows, size_t nr,
			struct called *ret)
{
	bool ancestor;

	for (size_t i = 0; i < nr && ret->how >= CALLED_LIBRARY; i++) {
		const int found = own_of_birth(c, rows[i]->rt, dump__g(c->d, rows[i])->who.goid,
					       true, &ret->place, &ancestor);

		if (found == -ENOMEM)
			return found;
		if (found > 0)
			ret->how = CALLED_ANCESTOR;
	}
	return 0;
}

/* --- creators that are there still --- */

static uint64_t parent_of(const struct callers *c, const struct dump_row *r)
{
	const struct census_g *g = dump__g(c->d, r);
	const struct gorigin *o =
		c->births && !g->who.parent_goid ? births__of(c->births, r->rt, g->who.goid) : NULL;

	return o ? o->parent_goid : g->who.parent_goid;
}

/*
 * The first own frame of a stack; with entry != 0 of what called the function that begins there, if
 * that is on the stack. 1, 0 or
 * -ENOMEM.
 */
static int own_on_stack(const struct callers *c, size_t stack, uint64_t entry, struct place *ret)
{
	const struct frame *v;
	size_t nr = 0, from = 0;
	int err;

	if (stack == DUMP_NO_STACK)
		return 0;
	err = dump__frames(c->d, stack, DUMP_FRAMES, &v, &nr);
	if (err)
		return err;
	while (entry && from < nr && (v[from].inlined || v[from].entry != entry))
		from++;
	return place_own(v + from, nr - from, ret);
}

/* The function with the `go` statement. */
static int function_of(const struct callers *c, const struct dump_row *r, uint64_t *ret_entry)
{
	const struct frame *v;
	size_t nr;
	int err = framer__at(framer_of(c), r->rt, dump__g(c->d, r)->who.gopc, true, &v, &nr);

	*ret_entry = err ? 0 : v[nr - 1].entry;
	return err;
}

static bool creator_of(const struct callers *c, const struct dump_row *r, struct dump_row *ret)
{
	const uint64_t goid = parent_of(c, r);

	return goid && c->find(c->ctx, r->rt, goid, ret);
}

/* The creators that are in the function with the `go` statement still. */
static int by_creators(const struct callers *c, const struct dump_row *const *rows, size_t nr,
		       struct called *ret)
{
	uint64_t entry;
	int err = function_of(c, rows[0], &entry);

	if (err || !entry)
		return err;
	for (size_t i = 0; i < nr; i++) {
		struct dump_row up;
		const int found =
			creator_of(c, rows[i], &up)
				? own_on_stack(c, dump__stack(c->d, &up), entry, &ret->place)
				: 0;

		if (found < 0)
			return found;
		if (found) {
			ret->how = CALLED_CREATOR;
			ret->goid = dump__g(c->d, &up)->who.goid;
			return 0;
		}
	}
	return 0;
}

/*
 * Where its creator is, or where that was made; else the same of the creator's creator, and so on.
 * 1, 0 or -ENOMEM.
 */
static int own_above(const struct callers *c, const struct dump_row *r, struct called *ret)
{
	struct dump_row up = *r;
	int found = 0;

	for (int i = 0; !found && i < CREATORS_MAX && creator_of(c, &up, &up); i++) {
		const struct census_g *g = dump__g(c->d, &up);

		found = own_on_stack(c, dump__stack(c->d, &up), 0, &ret->place);
		ret->how = found > 0 ? CALLED_STANDS : ret->how;
		ret->goid = found > 0 ? g->who.goid : 0;
		if (found || g->who.goid == 1)
			continue;
		found = own_at(c, up.rt, g->who.gopc, true, &ret->place);
		ret->how = found > 0 ? CALLED_ANCESTOR : ret->how;
	}
	return found;
}

static int by_those_above(const struct callers *c, const struct dump_row *const *rows, size_t nr,
			  struct called *ret)
{
	int found = 0;

	for (size_t i = 0; i < nr && !found; i++)
		found = own_above(c, rows[i], ret);
	return found < 0 ? found : 0;
}

static bool is_in(const struct census *cs, const struct census_stack *st, const struct gofunc *f)
{
	for (uint32_t i = 0; i < st->nr_pcs; i++)
		if (cs->pcs[st->pcs_at + i] - 1 >= f->entry && cs->pcs[st->pcs_at + i] - 1 < f->end)
			return true;
	return false;
}

/*
 * Before Go 1.21 a goroutine does not know who made it: whoever is in that function, if all were
 * called from one place.
 */
static int by_anybody(const struct callers *c, const struct dump_row *r, struct called *ret)
{
	const struct namer *n = &c->d->in.namers[r->rt];
	size_t budget = WORDS_BUDGET;
	struct place_tally t = { .nr = 0 };
	struct gofunc f;
	struct place p;

	if (parent_of(c, r) || namer__caller(n, dump__g(c->d, r)->who.gopc, &f))
		return 0;
	for (size_t i = 0; i < c->d->nr_stacks; i++) {
		uint16_t rt;
		const struct census_stack *st = dump__stack_at(c->d, i, &rt);
		int found;

		if (st->nr_pcs > budget)
			return 0;
		budget -= st->nr_pcs;
		if (rt != r->rt || !is_in(c->d->in.censuses[rt], st, &f))
			continue;
		found = own_on_stack(c, i, f.entry, &p);
		if (found < 0)
			return found;
		if (found)
			place_tally__add(&t, &p, 1);
	}
	if (t.nr == 1 && place_tally__most(&t, &ret->place))
		ret->how = CALLED_CREATOR;
	return 0;
}

int called_of(const struct callers *c, const struct dump_row *const *rows, size_t nr,
	      struct called *ret)
{
	const struct site *made = nr ? dump__site(c->d, rows[0]->made) : NULL;
	int err;

	*ret = (struct called){ .how = CALLED_OWN, .place = { "?", "", 0 } };
	if (!made || !made->known || made->own || rows[0]->system)
		return 0;
	nr = nr < CALLED_ASKED ? nr : CALLED_ASKED;
	ret->how = CALLED_UNSEEN;
	err = by_births(c, rows, nr, ret);
	if (!err && ret->how == CALLED_UNSEEN)
		err = by_creators(c, rows, nr, ret);
	if (!err && ret->how == CALLED_UNSEEN)
		err = by_anybody(c, rows[0], ret);
	if (!err && ret->how == CALLED_UNSEEN)
		err = by_others(c, rows[0], ret);
	if (!err && ret->how >= CALLED_LIBRARY)
		err = by_those_above(c, rows, nr, ret);
	if (!err)
		err = by_ancestors(c, rows, nr, ret);
	if (!err && ret->how == CALLED_UNSEEN && !c->watched)
		ret->how = CALLED_UNWATCHED;
	return err;
}

/* --- words --- */

static const char *const names[] = {
	[CALLED_OWN] = "own",
	[CALLED_BIRTH] = "birth",
	[CALLED_CREATOR] = "creator",
	[CALLED_OTHERS] = "others",
	[CALLED_STANDS] = "stands",
	[CALLED_ANCESTOR] = "ancestor",
	[CALLED_LIBRARY] = "libraries",
	[CALLED_UNSEEN] = "not seen",
	[CALLED_UNWATCHED] = "not seen",
};

const char *called__how(const struct called *c)
{
	return names[c->how];
}

static void put_place(const struct place *p, struct textbuf *to)
{
	textbuf__format(to, "%s %s:%u", p->func, p->file[0] ? p->file : "?", p->line);
}

void called__text(const struct called *c, struct textbuf *to)
{
	if (c->how == CALLED_LIBRARY)
		textbuf__text(to, "libraries alone: nothing of the main module was on the stack");
	if (c->how == CALLED_UNSEEN)
		textbuf__text(to, "not seen: it was made before watching");
	if (c->how == CALLED_UNWATCHED)
		textbuf__text(to, "not seen: not all births were watched");
	if (c->how == CALLED_STANDS)
		textbuf__format(to, "not seen: by goroutine %llu, which is at ", (ull)c->goid);
	if (called__known(c))
		put_place(&c->place, to);
	if (c->how == CALLED_CREATOR && c->goid)
		textbuf__format(to, ", where goroutine %llu still is", (ull)c->goid);
	if (c->how == CALLED_OTHERS)
		textbuf__text(to, ", as others that were made there");
	if (c->how == CALLED_ANCESTOR)
		textbuf__text(to, ", which made its creator");
}

void called__json(const struct called *c, struct json_writer *w)
{
	const bool known = called__known(c);

	if (c->how == CALLED_OWN) {
		jsonw_null(w);
		return;
	}
	jsonw_start_object(w);
	jsonw_string_field(w, "func", known ? c->place.func : NULL);
	jsonw_string_field(w, "file", known ? c->place.file : NULL);
	jsonw_uint_or_null_field(w, "line", c->place.line, known);
	jsonw_string_field(w, "how", names[c->how]);
	if (c->goid)
		jsonw_uint_field(w, "goid", c->goid);
	jsonw_end_object(w);
}
