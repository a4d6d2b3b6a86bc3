/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/chanops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "locks/gofn.h"

#define FRAMES_MAX 32 /* of one stack, innermost first */
#define CLOSURES   16 /* of a function */

enum {
	SENDS = CHANOP_SENDS,
	RECEIVES = CHANOP_RECEIVES,
	CLOSES = CHANOP_CLOSES,
	SIGNALS = CHANOP_SIGNALS,
	DONE = CHANOP_DONE,
	KNOWN = 128
};

/* Go 1.15 to 1.27 cmd/compile: what channel operations are compiled to. */
static const struct {
	const char *func;
	uint8_t ops;
} calls[] = {
	{ "runtime.chansend1", SENDS },
	{ "runtime.selectnbsend", SENDS },
	{ "runtime.chanrecv1", RECEIVES },
	{ "runtime.chanrecv2", RECEIVES },
	{ "runtime.selectnbrecv", RECEIVES },
	{ "runtime.selectnbrecv2", RECEIVES },
	{ "runtime.selectgo", SENDS | RECEIVES },
	{ "runtime.closechan", CLOSES },
	{ "sync.(*Cond).Signal", SIGNALS },
	{ "sync.(*Cond).Broadcast", SIGNALS },
	{ "sync.runtime_notifyListNotifyOne", SIGNALS },
	{ "sync.runtime_notifyListNotifyAll", SIGNALS },
	{ "sync.(*WaitGroup).Done", DONE },
	{ "sync.(*WaitGroup).Add", DONE },
};

struct chanops {
	const struct addrspace *as; /* borrowed, as rt */
	const struct goruntime *rt;
	struct gofns *fns;
	struct gofunc funcs[ARRAY_SIZE(calls)]; /* entry 0: the program has none */
};

struct finder {
	struct chanops *ops;
	const struct census *c;
	uint8_t *of_stack;
	size_t looked;
};

int chanops__new(const struct addrspace *as, const struct goruntime *rt, struct chanops **ret)
{
	scoped(chanops) o = calloc(1, sizeof(*o));
	const char *names[ARRAY_SIZE(calls)];
	int err = o ? gofns__new(as, rt, &o->fns) : -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		names[i] = calls[i].func;
	if (!err)
		err = gosym__find(rt->sym, 0, names, ARRAY_SIZE(names), o->funcs);
	if (err)
		return err;
	o->as = as;
	o->rt = rt;
	*ret = steal(o);
	return 0;
}

void chanops__free(struct chanops *o)
{
	if (!o)
		return;
	gofns__free(o->fns);
	free(o);
}

struct gofns *chanops__fns(struct chanops *o)
{
	return o->fns;
}

static unsigned int ops_of_call(const struct chanops *o, uint64_t target)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (target == o->funcs[i].entry)
			return calls[i].ops;
	return 0;
}

static unsigned int ops_of_code(struct chanops *o, uint64_t pc)
{
	unsigned int ops = 0;
	struct gofn *fn;

	gofns__trim(o->fns);
	if (gofns__at(o->fns, pc, &fn) || gofns__decode(o->fns, fn))
		return 0;
	for (uint32_t i = 0; i < fn->nr_uops; i++)
		if ((fn->uops[i].kind == UOP_CALL || fn->uops[i].kind == UOP_JMP) &&
		    fn->uops[i].target)
			ops |= ops_of_call(o, fn->uops[i].target);
	return ops;
}

/* Its name, of the function that the compiler made; "": none. */
static const char *name_at(const struct chanops *o, uint64_t pc)
{
	struct goframe frames[GOSYM_INLINE_MAX];
	const int nr = gosym__frames(o->rt->sym, pc, false, frames, ARRAY_SIZE(frames));

	return nr > 0 ? frames[nr - 1].func : "";
}

/*
 * An address that the code takes: of a function, or, of a closure without variables, of a word in
 * read-only data that is. 0: of none.
 */
static uint64_t taken_function(const struct chanops *o, const struct uop *u)
{
	const struct uop_operand *m = &u->op[1];
	struct gofunc fn;
	uint64_t at;

	if (u->kind != UOP_LEA || m->type != UOP_MEM || m->base != UOP_NO_REG ||
	    m->index != UOP_NO_REG)
		return 0;
	if (!gosym__func_at(o->rt->sym, m->value, &fn))
		return fn.entry == m->value ? fn.entry : 0;
	return !addrspace__read(o->as, m->value, &at, sizeof(at)) &&
			       !gosym__func_at(o->rt->sym, at, &fn) && fn.entry == at
		       ? at
		       : 0;
}

/* Closures of f are f.func1, f.deferwrap1 and so on, in every Go: its name comes first. */
static size_t closures_of(struct chanops *o, uint64_t pc, uint64_t to[CLOSURES])
{
	const char *name = name_at(o, pc);
	const size_t len = strlen(name);
	struct gofn *fn;
	size_t nr = 0;

	if (!len || gofns__at(o->fns, pc, &fn) || gofns__decode(o->fns, fn))
		return 0;
	for (uint32_t i = 0; i < fn->nr_uops && nr < CLOSURES; i++) {
		const uint64_t at = taken_function(o, &fn->uops[i]);
		const char *other = at ? name_at(o, at) : "";

		if (!strncmp(other, name, len) && other[len] == '.')
			to[nr++] = at;
	}
	return nr;
}

static unsigned int ops_of_closures(struct chanops *o, uint64_t pc)
{
	uint64_t at[CLOSURES];
	const size_t nr = closures_of(o, pc, at);
	unsigned int ops = 0;

	for (size_t i = 0; i < nr; i++)
		ops |= ops_of_code(o, at[i]);
	return ops;
}

unsigned int chanops__at(struct chanops *o, uint64_t pc, bool closures)
{
	return ops_of_code(o, pc) | (closures ? ops_of_closures(o, pc) : 0);
}

static unsigned int ops_of_stack(struct finder *f, uint32_t stack)
{
	const struct census_stack *s = &f->c->stacks[stack];

	if (f->of_stack[stack] || f->looked == CHANOPS_STACKS_MAX)
		return f->of_stack[stack];
	f->looked++;
	f->of_stack[stack] = KNOWN;
	for (uint32_t i = 0; i < s->nr_pcs && i < FRAMES_MAX; i++)
		f->of_stack[stack] |= (uint8_t)ops_of_code(f->ops, f->c->pcs[s->pcs_at + i] - 1);
	return f->of_stack[stack];
}

static unsigned int wanted(const struct census_wait *w)
{
	if (w->kind == CENSUS_WAIT_COND)
		return SIGNALS;
	if (w->kind == CENSUS_WAIT_WAITGROUP)
		return DONE;
	return w->direction == CENSUS_DIR_SEND      ? RECEIVES
	       : w->direction == CENSUS_DIR_RECEIVE ? SENDS | CLOSES
						    : SENDS | RECEIVES | CLOSES;
}

int chanops_mark(const struct addrspace *as, const struct goruntime *rt, const struct census *c,
		 struct reach_keeping *keeps, size_t nr)
{
	scoped_mem uint8_t *of_stack = calloc(c->nr_stacks + 1, sizeof(*of_stack));
	scoped(chanops) ops = NULL;
	struct finder f = { .c = c, .of_stack = of_stack };
	int err = of_stack ? chanops__new(as, rt, &ops) : -ENOMEM;

	if (err) /* no hint */
		return err == -ENOMEM ? err : 0;
	f.ops = ops;
	for (size_t i = 0; i < nr; i++) {
		const uint32_t stack = c->gs[keeps[i].by].stack;

		if (stack != CENSUS_NO_STACK)
			keeps[i].able = ops_of_stack(&f, stack) & wanted(&c->waits[keeps[i].wait]);
	}
	return 0;
}
