// SPDX-License-Identifier: BSD-2-Clause
#include "locks/wayout.h"

#include <errno.h>
#include <stdlib.h>

struct tour {
	struct gofns *fns;
	const struct gofn *fn;
	bool *seen;     /* by instruction */
	uint32_t *todo; /* what is seen and not done */
	size_t nr_todo;
	uint32_t call; /* that it stands in; UINT32_MAX: none */
	int found;     /* enum wayout */
};

static void tour__add(struct tour *t, uint32_t at)
{
	t->found |= at == t->call ? WAYOUT_AGAIN : 0;
	if (at >= t->fn->nr_uops) {
		t->found |= WAYOUT_OUT;
	} else if (!t->seen[at]) {
		t->seen[at] = true;
		t->todo[t->nr_todo++] = at;
	}
}

/* A jump table leads anywhere in the function. */
static void tour__jump(struct tour *t, const struct uop *u)
{
	uint32_t to;

	if (!u->target)
		for (uint32_t i = 0; i < t->fn->nr_uops; i++)
			tour__add(t, i);
	else if (!gofn__index(t->fn, u->target, &to))
		tour__add(t, to);
	else
		t->found |= WAYOUT_OUT;
}

static bool comes_back(struct tour *t, const struct uop *u)
{
	struct gofn *callee;

	return !u->target || gofns__at(t->fns, u->target, &callee) ||
	       callee->lock.role != LOCKFN_NO_RETURN;
}

static void tour__step(struct tour *t, const struct uop *u, uint32_t at)
{
	t->found |= u->kind == UOP_RET ? WAYOUT_OUT : 0;
	if (u->kind == UOP_JMP || u->kind == UOP_JCC)
		tour__jump(t, u);
	if (u->kind == UOP_JMP || u->kind == UOP_RET || u->kind == UOP_STOP ||
	    (u->kind == UOP_CALL && !comes_back(t, u)))
		return;
	tour__add(t, at + 1);
}

int wayout_from(struct gofns *fns, uint64_t pc, bool is_return)
{
	struct gofn *fn;
	uint32_t at;
	struct tour t = { .fns = fns };
	int err = gofns__at(fns, pc - is_return, &fn);

	if (!err)
		err = gofns__decode(fns, fn);
	if (err == -ENOMEM)
		return err;
	if (err || gofn__index(fn, pc, &at) || fn->lock.role != LOCKFN_PLAIN)
		return WAYOUT_OUT;
	t.fn = fn;
	t.call = is_return && at ? at - 1 : UINT32_MAX;
	t.seen = calloc(fn->nr_uops, sizeof(*t.seen));
	t.todo = calloc(fn->nr_uops, sizeof(*t.todo));
	if (t.seen && t.todo)
		tour__add(&t, at);
	while (t.nr_todo) {
		const uint32_t next = t.todo[--t.nr_todo];

		tour__step(&t, &fn->uops[next], next);
	}
	err = t.seen && t.todo ? t.found : -ENOMEM;
	free(t.seen);
	free(t.todo);
	return err;
}
