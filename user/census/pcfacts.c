/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/pcfacts.h"
#include "golang/gofacts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FACTS_MAX 16384 /* a power of two; of two pcs that share a place the later stays */
#define PART      16    /* facts that are allocated at once: most programs wait at few pcs */

struct pcfacts {
	struct gosym *sym;
	int go_minor;
	struct pcfact *parts[FACTS_MAX / PART]; /* NULL: none of it is known */
	struct pcfact alone;                    /* where there is no memory for its part */
	struct goframe frames[GOSYM_INLINE_MAX];
};

int pcfacts__new(struct gosym *sym, int go_minor, struct pcfacts **ret)
{
	struct pcfacts *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->sym = sym;
	f->go_minor = go_minor;
	*ret = f;
	return 0;
}

void pcfacts__free(struct pcfacts *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(f->parts); i++)
		free(f->parts[i]);
	free(f);
}

static bool is_preempted(const char *func)
{
	return !strcmp(func, "runtime.asyncPreempt") || !strncmp(func, "runtime.debugCallV", 18);
}

/* Go 1.21 runtime/traceback.go (*unwinder).symPC; before, only sigpanic's caller was taken at its
 * very pc. */
static bool is_injected(const char *func, int go_minor)
{
	return !strcmp(func, "runtime.sigpanic") ||
	       (gofacts_has(go_minor, GO_INJECTED_CALLS) && is_preempted(func));
}

static enum pc_role role_of(const char *func, int go_minor)
{
	if (!strcmp(func, "runtime.goexit"))
		return PC_GOEXIT;
	if (is_injected(func, go_minor))
		return PC_INJECTED;
	if (!strcmp(func, "runtime.semacquire1"))
		return PC_SEMACQUIRE;
	if (!strcmp(func, "sync.runtime_notifyListWait") || !strcmp(func, "runtime.notifyListWait"))
		return PC_NOTIFY_WAIT;
	if (!strncmp(func, "internal/poll.runtime_pollWait", 30))
		return PC_NETPOLL;
	if (!strcmp(func, "runtime.corostart"))
		return PC_COROSTART;
	return PC_PLAIN;
}

/* Go 1.24 moved the body of sync.Mutex to internal/sync. */
static enum pc_lock lock_of(const char *func)
{
	static const struct {
		const char *func;
		enum pc_lock lock;
	} locks[] = {
		{ "internal/sync.(*Mutex).lockSlow", PC_LOCK_MUTEX },
		{ "internal/sync.(*Mutex).Lock", PC_LOCK_MUTEX },
		{ "sync.(*Mutex).lockSlow", PC_LOCK_MUTEX },
		{ "sync.(*Mutex).Lock", PC_LOCK_MUTEX },
		{ "sync.(*RWMutex).RLock", PC_LOCK_RLOCK },
		{ "sync.(*RWMutex).Lock", PC_LOCK_LOCK },
		{ "sync.(*WaitGroup).Wait", PC_LOCK_WAITGROUP },
		{ "sync.(*Cond).Wait", PC_LOCK_COND },
	};

	for (size_t i = 0; i < ARRAY_SIZE(locks); i++)
		if (!strcmp(func, locks[i].func))
			return locks[i].lock;
	return PC_LOCK_NONE;
}

/* The line is that of the call before pc; a role may be that of a function which was inlined there
 * (PGO). */
static void pcfacts__learn(struct pcfacts *f, struct pcfact *fact)
{
	struct gofunc func;
	int nr;

	fact->is_entry =
		f->sym && !gosym__func_at(f->sym, fact->pc, &func) && func.entry == fact->pc;
	if (!f->sym || gosym__spdelta(f->sym, fact->pc, &fact->spdelta))
		fact->spdelta = -1;
	nr = f->sym ? gosym__frames(f->sym, fact->pc, true, f->frames, ARRAY_SIZE(f->frames)) : 0;
	fact->of_runtime = nr > 0;
	for (int i = 0; i < nr; i++) {
		fact->of_runtime &= !strncmp(f->frames[i].func, "runtime.", 8);
		fact->by_signal |= !strcmp(f->frames[i].func, "runtime.sigpanic") ||
				   is_preempted(f->frames[i].func);
		if (fact->role == PC_PLAIN)
			fact->role = (uint8_t)role_of(f->frames[i].func, f->go_minor);
		if (fact->lock == PC_LOCK_NONE)
			fact->lock = (uint8_t)lock_of(f->frames[i].func);
		fact->writer |= lock_of(f->frames[i].func) == PC_LOCK_LOCK;
	}
}

static struct pcfact *pcfacts__place(struct pcfacts *f, uint64_t pc)
{
	const size_t at = (pc ^ pc >> 14) % FACTS_MAX;
	struct pcfact **part = &f->parts[at / PART];

	if (!*part)
		*part = calloc(PART, sizeof(**part));
	return *part ? &(*part)[at % PART] : &f->alone;
}

struct pcfact *pcfacts__get(struct pcfacts *f, uint64_t pc)
{
	struct pcfact *fact = pcfacts__place(f, pc);

	if (fact->pc != pc || !pc) {
		*fact = (struct pcfact){ .pc = pc };
		pcfacts__learn(f, fact);
	}
	return fact;
}
