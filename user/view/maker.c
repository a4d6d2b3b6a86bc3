// SPDX-License-Identifier: BSD-2-Clause
#include "view/maker.h"

#include <string.h>

#include "golang/gostd.h"

struct found {
	const char *func;
	uint64_t by;  /* the goroutine that called it */
	uint64_t top; /* the first that it made, on the way to the one that was asked for */
};

/* --- births --- */

struct walk {
	const struct callers *c;
	uint16_t rt;
	const char *func; /* the outermost of a library */
	bool own;         /* the program's own was reached */
};

static int walk__pc(struct walk *w, uint64_t pc, bool is_return)
{
	const struct frame *v;
	size_t nr;
	int err = framer__at(w->c->d->framer, w->rt, pc, is_return, &v, &nr);

	for (size_t i = 0; i < nr && !err && !w->own; i++) {
		w->own = v[i].own && !v[i].wrapper;
		if (!w->own && !v[i].wrapper &&
		    (!w->func || !gostd_has(v[i].name) || gostd_has(w->func)))
			w->func = v[i].name;
	}
	return err;
}

static int walk__link(struct walk *w, const struct chain_link *link)
{
	struct stack st;
	int err = 0;

	if (births__stack(w->c->births, link->stack_id, &st))
		return walk__pc(w, link->gopc, true);
	for (uint32_t i = 0; i < st.nr && !w->own && !err; i++)
		err = walk__pc(w, st.pcs[i], i > 0);
	return err;
}

/* 1, 0: it is not known, -ENOMEM. */
static int find(const struct callers *c, const struct dump_row *r, struct found *ret)
{
	struct walk w = { .c = c, .rt = r->rt };
	const struct gorigin *o;
	struct chain chain;
	int err = 0;

	ret->by = dump__g(c->d, r)->who.goid;
	if (births__chain(c->births, r->rt, ret->by, &chain) ||
	    chain.links[0].stack_id == PW_STACK_ID_NONE)
		return 0;
	for (uint32_t i = 0; i < chain.nr && !w.own && !err; i++) {
		ret->top = ret->by;
		o = ret->by ? births__of(c->births, r->rt, ret->by) : NULL;
		ret->by = o ? o->parent_goid : 0;
		err = walk__link(&w, &chain.links[i]);
	}
	ret->func = w.func;
	return err ? err : w.own && w.func;
}

static bool is_running_still(const struct callers *c, uint16_t rt, const struct found *f)
{
	const struct frame *v;
	struct dump_row up;
	size_t stack, nr = 0;

	if (!f->by || !c->find(c->ctx, rt, f->by, &up))
		return false;
	stack = dump__stack(c->d, &up);
	if (stack == DUMP_NO_STACK || dump__frames(c->d, stack, DUMP_FRAMES, &v, &nr))
		return false;
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(v[i].name, f->func))
			return true;
	return false;
}

int maker_of(const struct callers *c, const struct dump_row *const *rows, size_t nr,
	     const char **ret)
{
	const struct site *made = nr ? dump__site(c->d, rows[0]->made) : NULL;
	struct found first = { NULL, 0, 0 };
	size_t calls = 0;

	*ret = NULL;
	if (!c->births || !made || !made->known || made->own)
		return 0;
	for (size_t i = 0; i < nr && i < MAKER_ASKED; i++) {
		struct found f;
		const int err = find(c, rows[i], &f);

		if (err < 0)
			return err;
		if (!err)
			continue;
		if (first.func && strcmp(first.func, f.func))
			return 0; /* several ways lead there */
		calls += !first.func || first.top != f.top;
		if (!first.func && is_running_still(c, rows[i]->rt, &f))
			return 0;
		first = f;
	}
	/* One call may have made many: then it is not the calls that nobody ends. */
	if (calls > 1 && !strstr(first.func, ".func"))
		*ret = first.func;
	return 0;
}
