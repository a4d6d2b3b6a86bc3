/* SPDX-License-Identifier: BSD-2-Clause */
#include "locks/codeplace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
	uint64_t key; /* pc * 2 + is_return */
	UT_hash_handle hh;
	struct codeplace place;
};

struct codeplaces {
	struct lockwalk *w; /* borrowed */
	struct entry *entries;
};

int codeplaces__new(struct lockwalk *w, struct codeplaces **ret)
{
	struct codeplaces *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return -ENOMEM;
	ps->w = w;
	*ret = ps;
	return 0;
}

void codeplaces__free(struct codeplaces *ps)
{
	struct entry *e, *next;

	if (!ps)
		return;
	HASH_ITER(hh, ps->entries, e, next)
	{
		HASH_DEL(ps->entries, e);
		walkmemos__done(&e->place.memos);
		free(e);
	}
	free(ps);
}

size_t codeplaces__memory_bytes(const struct codeplaces *ps)
{
	const struct entry *e;
	size_t bytes = sizeof(*ps);

	for (e = ps->entries; e; e = e->hh.next)
		bytes += sizeof(*e) + walkmemos__memory_bytes(&e->place.memos);
	return bytes;
}

/* --- what the tables tell --- */

/* The outermost function of package sync that the code at pc was inlined from. */
static struct lockfn inlined_lock(struct gosym *sym, uint64_t pc, bool is_return)
{
	struct lockfn lock = { LOCKFN_PLAIN, LOCK_NONE, LOCK_MUTEX };
	struct goframe frames[GOSYM_INLINE_MAX];
	int nr = gosym__frames(sym, pc, is_return, frames, GOSYM_INLINE_MAX);

	for (int i = 0; i < nr; i++) {
		struct lockfn f = lockfn_of(frames[i].func);

		if (f.role == LOCKFN_LOCK)
			lock = f;
	}
	return lock;
}

/*
 * runtime.semacquire1(addr *uint32, ...) needs addr again after the wait. It is on the stack up to
 * Go 1.16; from then on the code as a rule keeps it in the room that the caller has for it, but not
 * if it was compiled without optimisation.
 */
static bool codeplaces__keeps_sema(struct codeplaces *ps, const struct codeplace *p)
{
	if (!ps->w->regabi)
		return true;
	if (gofns__decode(ps->w->fns, p->fn))
		return false;
	for (uint32_t i = 0; i < p->fn->nr_uops; i++) {
		const struct uop_operand *op = p->fn->uops[i].op;

		if (p->fn->uops[i].kind == UOP_MOV && op[0].type == UOP_MEM &&
		    op[0].base == UOP_SP && op[0].value == (uint64_t)p->delta + 8 &&
		    op[0].size == 8 && op[1].type == UOP_REG && op[1].reg == ps->w->isa->args[0])
			return true;
	}
	return false;
}

static void codeplaces__look_up(struct codeplaces *ps, uint64_t pc, bool is_return,
				struct codeplace *p)
{
	struct gosym *sym = gofns__runtime(ps->w->fns)->sym;
	struct goframe frame;

	p->err = gofns__at(ps->w->fns, is_return ? pc - 1 : pc, &p->fn);
	if (!p->err)
		p->err = gosym__spdelta(sym, pc, &p->delta);
	if (p->err)
		return;
	p->lock = p->fn->lock;
	p->is_sync = p->lock.role == LOCKFN_LOCK;
	p->is_runtime = p->lock.role != LOCKFN_LOCK && p->lock.role != LOCKFN_PLAIN;
	if (p->lock.role == LOCKFN_PLAIN)
		p->lock = inlined_lock(sym, pc, is_return);
	p->acquires = p->is_runtime && gosym__frames(sym, p->fn->entry, false, &frame, 1) == 1 &&
		      !strcmp(frame.func, "runtime.semacquire1");
	p->keeps_sema = p->acquires && codeplaces__keeps_sema(ps, p);
}

int codeplaces__get(struct codeplaces *ps, uint64_t pc, bool is_return, struct codeplace **ret)
{
	uint64_t key = pc << 1 | is_return;
	struct entry *e;

	HASH_FIND(hh, ps->entries, &key, sizeof(key), e);
	if (!e) {
		if (HASH_COUNT(ps->entries) >= CODEPLACES_MAX)
			return -ENOSPC;
		e = calloc(1, sizeof(*e));
		if (!e)
			return -ENOMEM;
		e->key = key;
		codeplaces__look_up(ps, pc, is_return, &e->place);
		HASH_ADD(hh, ps->entries, key, sizeof(e->key), e);
		if (!e->hh.tbl) {
			free(e);
			return -ENOMEM;
		}
	}
	*ret = &e->place;
	return 0;
}

/* --- what the code can do --- */

/* Every instruction that can be reached, each once. */
struct tour {
	struct lockwalk *w;
	struct codeplace *p;
	const struct gofn *fn;
	bool *seen;     /* owned; by instruction */
	uint32_t *todo; /* owned */
	size_t nr_todo;
};

static void tour__meet(struct tour *t, struct lockfn lock)
{
	t->p->gives |= lock.act == LOCK_GIVE || lock.act == LOCK_ADD;
	t->p->takes |= lock.act == LOCK_TAKE || lock.act == LOCK_TRY;
}

/* A call, or what leaves the function by a jump. false: it does not come back. */
static bool tour__call(struct tour *t, uint64_t target)
{
	struct gofn *callee;
	unsigned int effects;

	if (!target) {
		t->p->gives = t->p->takes = true;
		return true;
	}
	if (gofns__at(t->w->fns, target, &callee))
		return true;
	if (callee->lock.role == LOCKFN_LOCK)
		tour__meet(t, callee->lock);
	effects = lockwalk__effects(t->w, callee);
	t->p->gives |= callee->lock.role == LOCKFN_DEFERRETURN ||
		       (effects & (LOCKWALK_GIVES | LOCKWALK_DONE));
	t->p->takes |= (effects & LOCKWALK_TAKES) != 0;
	return callee->lock.role != LOCKFN_NO_RETURN;
}

static void tour__add(struct tour *t, uint32_t at)
{
	if (at >= t->fn->nr_uops || t->seen[at])
		return;
	t->seen[at] = true;
	t->todo[t->nr_todo++] = at;
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
		tour__call(t, u->target);
}

static void tour__step(struct tour *t, uint32_t at)
{
	const struct uop *u = &t->fn->uops[at];

	if (u->lock_act != LOCK_NONE)
		tour__meet(t, (struct lockfn){ LOCKFN_LOCK, u->lock_act, u->lock_kind });
	if (u->kind == UOP_JMP || u->kind == UOP_JCC)
		tour__jump(t, u);
	if (u->kind == UOP_CALL && !tour__call(t, u->target))
		return;
	if (u->kind != UOP_STOP && u->kind != UOP_RET && u->kind != UOP_JMP)
		tour__add(t, at + 1);
}

static int codeplaces__tour(struct codeplaces *ps, struct codeplace *p, uint32_t at)
{
	struct tour t = { .w = ps->w, .p = p, .fn = p->fn };

	t.seen = calloc(p->fn->nr_uops, sizeof(*t.seen));
	t.todo = calloc(p->fn->nr_uops, sizeof(*t.todo));
	if (t.seen && t.todo) {
		tour__add(&t, at);
		while (t.nr_todo)
			tour__step(&t, t.todo[--t.nr_todo]);
	}
	free(t.todo);
	free(t.seen);
	return t.seen && t.todo ? 0 : -ENOMEM;
}

int codeplaces__explore(struct codeplaces *ps, uint64_t pc, struct codeplace *p)
{
	uint32_t at;
	int err;

	if (p->explored || p->err)
		return 0;
	err = gofns__decode(ps->w->fns, p->fn);
	if (err == -ENOMEM)
		return err;
	p->blind = err || gofn__index(p->fn, pc, &at);
	err = p->blind ? 0 : codeplaces__tour(ps, p, at);
	p->explored = !err;
	return err;
}
