/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/chanops.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "locks/gofn.h"

#define FRAMES_MAX 32 /* of one stack, innermost first */

enum { SENDS = 1, RECEIVES = 2, CLOSES = 4, SIGNALS = 8, DONE = 16, KNOWN = 128 };

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

struct finder {
	struct gofns *fns;
	struct gofunc funcs[ARRAY_SIZE(calls)]; /* entry 0: the program has none */
	const struct census *c;
	uint8_t *of_stack;
	size_t looked;
};

static unsigned int ops_of_call(const struct finder *f, uint64_t target)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (target == f->funcs[i].entry)
			return calls[i].ops;
	return 0;
}

static unsigned int ops_of_code(struct finder *f, uint64_t pc)
{
	unsigned int ops = 0;
	struct gofn *fn;

	gofns__trim(f->fns);
	if (gofns__at(f->fns, pc, &fn) || gofns__decode(f->fns, fn))
		return 0;
	for (uint32_t i = 0; i < fn->nr_uops; i++)
		if ((fn->uops[i].kind == UOP_CALL || fn->uops[i].kind == UOP_JMP) && fn->uops[i].target)
			ops |= ops_of_call(f, fn->uops[i].target);
	return ops;
}

static unsigned int ops_of_stack(struct finder *f, uint32_t stack)
{
	const struct census_stack *s = &f->c->stacks[stack];

	if (f->of_stack[stack] || f->looked == CHANOPS_STACKS_MAX)
		return f->of_stack[stack];
	f->looked++;
	f->of_stack[stack] = KNOWN;
	for (uint32_t i = 0; i < s->nr_pcs && i < FRAMES_MAX; i++)
		f->of_stack[stack] |= (uint8_t)ops_of_code(f, f->c->pcs[s->pcs_at + i] - 1);
	return f->of_stack[stack];
}

static unsigned int wanted(const struct census_wait *w)
{
	if (w->kind == CENSUS_WAIT_COND)
		return SIGNALS;
	if (w->kind == CENSUS_WAIT_WAITGROUP)
		return DONE;
	return w->way == CENSUS_WAY_SEND      ? RECEIVES
	       : w->way == CENSUS_WAY_RECEIVE ? SENDS | CLOSES
					      : SENDS | RECEIVES | CLOSES;
}

int chanops_mark(const struct addrspace *as, const struct goruntime *rt, const struct census *c, struct reach_keeping *keeps, size_t nr)
{
	scoped_mem uint8_t *of_stack = calloc(c->nr_stacks + 1, sizeof(*of_stack));
	scoped(gofns) fns = NULL;
	struct finder f = { .c = c, .of_stack = of_stack };
	const char *names[ARRAY_SIZE(calls)];
	int err = of_stack ? gofns__new(as, rt, &fns) : -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		names[i] = calls[i].func;
	if (!err)
		err = gosym__find(rt->sym, 0, names, ARRAY_SIZE(names), f.funcs);
	if (err) /* no hint */
		return err == -ENOMEM ? err : 0;
	f.fns = fns;
	for (size_t i = 0; i < nr; i++) {
		const uint32_t stack = c->gs[keeps[i].by].stack;

		if (stack != CENSUS_NO_STACK)
			keeps[i].able = ops_of_stack(&f, stack) & wanted(&c->waits[keeps[i].wait]);
	}
	return 0;
}
