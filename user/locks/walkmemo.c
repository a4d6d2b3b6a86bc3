/* SPDX-License-Identifier: BSD-2-Clause */
#include "locks/walkmemo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GIVEN_MAX 16 /* of one that is kept */

struct walkmemo {
	const struct gofn *callee;
	int64_t start_unknown;
	size_t nr_kept;
	struct lock_use kept[LOCKPATH_USES_MAX];
	/* what it came to */
	int exits;
	bool lost;
	int64_t unknown;
	uint64_t sema;
	size_t nr_uses, nr_given;
	struct lock_use use[LOCKPATH_USES_MAX];
	struct lock_given given[GIVEN_MAX];
	bool used;
	size_t nr_loads;
	struct {
		struct livemem_load at;
		bool addr_in_stack, value_in_stack; /* then counted from the frame's sp on */
	} load[];
};

void walkmemos__done(struct walkmemos *ms)
{
	for (size_t i = 0; i < WALKMEMOS_MAX; i++)
		free(ms->v[i]);
	memset(ms, 0, sizeof(*ms));
}

static size_t walkmemo_bytes(size_t nr_loads)
{
	const struct walkmemo *m = NULL;

	return sizeof(*m) + nr_loads * sizeof(m->load[0]);
}

size_t walkmemos__memory_bytes(const struct walkmemos *ms)
{
	size_t bytes = 0;

	for (size_t i = 0; i < WALKMEMOS_MAX && ms->v[i]; i++)
		bytes += walkmemo_bytes(ms->v[i]->nr_loads);
	return bytes;
}

bool walkmemos__wants(const struct walkmemos *ms)
{
	return ms->futile < WALKMEMO_FUTILE;
}

static bool is_in_stack(const struct livemem *m, uint64_t addr)
{
	return addr >= m->stack_lo && addr < m->stack_hi;
}

static bool same_start(const struct walkmemo *k, const struct walk_start *s)
{
	return k->callee == s->callee && k->start_unknown == s->unknown &&
	       k->nr_kept == s->nr_kept &&
	       (!s->nr_kept || !memcmp(k->kept, s->kept, s->nr_kept * sizeof(k->kept[0])));
}

static bool same_loads(const struct walkmemo *k, struct livemem *m)
{
	for (size_t i = 0; i < k->nr_loads; i++) {
		const struct livemem_load *l = &k->load[i].at;
		uint64_t addr = l->addr + (k->load[i].addr_in_stack ? m->sp : 0);
		uint64_t want = l->value + (k->load[i].value_in_stack ? m->sp : 0), value = 0;

		if (k->load[i].addr_in_stack != is_in_stack(m, addr) ||
		    (livemem__word(m, addr, &value) == 0) != l->readable || value != want ||
		    k->load[i].value_in_stack != is_in_stack(m, value))
			return false;
	}
	return true;
}

bool walkmemos__recall(struct walkmemos *ms, struct lockwalk *w, const struct walk_start *start,
		       struct lockpath *p, int *ret_exits)
{
	for (size_t i = 0; i < WALKMEMOS_MAX && ms->v[i]; i++) {
		struct walkmemo *k = ms->v[i];

		if (!same_start(k, start) || !same_loads(k, w->mem))
			continue;
		k->used = true;
		ms->futile = 0;
		p->nr_uses = k->nr_uses;
		memcpy(p->use, k->use, k->nr_uses * sizeof(k->use[0]));
		p->unknown = k->unknown;
		w->lost = k->lost;
		w->sema = k->sema;
		w->nr_given = k->nr_given;
		memcpy(w->given, k->given, k->nr_given * sizeof(k->given[0]));
		*ret_exits = k->exits;
		return true;
	}
	return false;
}

/* A lock that lies in the stack is another one for each goroutine. */
static bool can_be_told(const struct lockwalk *w, const struct lockpath *p)
{
	if (w->nr_given > GIVEN_MAX || w->mem->nr_loads > LIVEMEM_LOADS_MAX ||
	    is_in_stack(w->mem, w->sema))
		return false;
	for (size_t i = 0; i < p->nr_uses; i++)
		if (is_in_stack(w->mem, p->use[i].lock))
			return false;
	for (size_t i = 0; i < w->nr_given; i++)
		if (is_in_stack(w->mem, w->given[i].lock))
			return false;
	return true;
}

void walkmemos__keep(struct walkmemos *ms, const struct lockwalk *w, const struct walk_start *start,
		     const struct lockpath *p, int exits)
{
	const struct livemem *m = w->mem;
	struct walkmemo *k;

	if (!can_be_told(w, p))
		return;
	k = calloc(1, walkmemo_bytes(m->nr_loads));
	if (!k)
		return;
	k->callee = start->callee;
	k->start_unknown = start->unknown;
	k->nr_kept = start->nr_kept;
	if (start->nr_kept)
		memcpy(k->kept, start->kept, start->nr_kept * sizeof(k->kept[0]));
	k->exits = exits;
	k->lost = w->lost;
	k->sema = w->sema;
	k->unknown = p->unknown;
	k->nr_uses = p->nr_uses;
	memcpy(k->use, p->use, p->nr_uses * sizeof(k->use[0]));
	k->nr_given = w->nr_given;
	memcpy(k->given, w->given, w->nr_given * sizeof(k->given[0]));
	k->nr_loads = m->nr_loads;
	for (size_t i = 0; i < m->nr_loads; i++) {
		struct livemem_load l = m->load[i];

		k->load[i].addr_in_stack = is_in_stack(m, l.addr);
		k->load[i].value_in_stack = is_in_stack(m, l.value);
		l.addr -= k->load[i].addr_in_stack ? m->sp : 0;
		l.value -= k->load[i].value_in_stack ? m->sp : 0;
		k->load[i].at = l;
	}
	ms->futile += ms->v[ms->next] && !ms->v[ms->next]->used;
	free(ms->v[ms->next]);
	ms->v[ms->next] = k;
	ms->next = (ms->next + 1) % WALKMEMOS_MAX;
}
