/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/contended.h"

#include <errno.h>
#include <string.h>
/* no memory for the table: hh.tbl stays NULL, and nothing is kept */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "golang/gocontention.h"

#define LEAVES_MAX 32 /* functions that a stack begins with: enough to see what they are for */

struct left_out {
	struct {
		uint64_t stack_id, rt;
	} key;
	UT_hash_handle hh;
};

struct contended {
	struct goproc *gp; /* borrowed */
	enum gocontention profile;
	struct left_out *left_out;
};

int contended__new(struct goproc *gp, enum profile_event event, struct contended **ret)
{
	struct contended *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->gp = gp;
	c->profile = event == PROFILE_MUTEX ? GOCONTENTION_MUTEX : GOCONTENTION_BLOCK;
	*ret = c;
	return 0;
}

void contended__free(struct contended *c)
{
	struct left_out *l, *next;

	if (!c)
		return;
	HASH_ITER(hh, c->left_out, l, next)
	{
		HASH_DEL(c->left_out, l);
		free(l);
	}
	free(c);
}

/* The functions that it begins with, innermost first. */
static size_t leaves(const struct contended *c, uint16_t rt, const uint64_t *pcs, size_t nr_pcs,
		     const char *ret[LEAVES_MAX])
{
	struct goframe frames[GOSYM_INLINE_MAX];
	size_t nr = 0;

	for (size_t i = 0; i < nr_pcs && nr < LEAVES_MAX; i++) {
		const int n = gosym__frames(goproc__runtime(c->gp, rt)->sym, pcs[i], i > 0, frames,
					    ARRAY_SIZE(frames));

		for (int k = 0; k < n && nr < LEAVES_MAX; k++)
			ret[nr++] = frames[k].func;
	}
	return nr;
}

static struct left_out *find(const struct contended *c, uint16_t rt, uint64_t stack_id)
{
	struct left_out *l, of;

	memset(&of, 0, sizeof(of));
	of.key.stack_id = stack_id;
	of.key.rt = rt;
	HASH_FIND(hh, c->left_out, &of.key, sizeof(of.key), l);
	return l;
}

void contended__learn(struct contended *c, uint16_t rt, uint64_t stack_id, const uint64_t *pcs,
		      size_t nr)
{
	const char *funcs[LEAVES_MAX];
	struct left_out *l;

	if (gocontention_has(c->profile, funcs, leaves(c, rt, pcs, nr, funcs)) ||
	    find(c, rt, stack_id) || HASH_COUNT(c->left_out) >= CONTENDED_MAX)
		return;
	l = calloc(1, sizeof(*l));
	if (!l)
		return;
	l->key.stack_id = stack_id;
	l->key.rt = rt;
	HASH_ADD(hh, c->left_out, key, sizeof(l->key), l);
	if (!l->hh.tbl)
		free(l);
}

bool contended__has(const struct contended *c, uint16_t rt, uint64_t stack_id)
{
	return !find(c, rt, stack_id);
}

bool contended__waits(const struct contended *c, uint16_t rt, const struct census *in,
		      const struct census_g *g)
{
	const struct census_stack *st = g->stack == CENSUS_NO_STACK ? NULL : &in->stacks[g->stack];
	enum gowait wait = gowait_of(goproc__runtime(c->gp, rt)->minor, g->reason);
	const char *funcs[LEAVES_MAX];
	size_t nr = st ? leaves(c, rt, in->pcs + st->pcs_at, st->nr_pcs, funcs) : 0;

	if (c->profile == GOCONTENTION_MUTEX)
		return gowait_class(gowait_refine(wait, funcs, nr)) == GOWAIT_CLASS_LOCK;
	return gocontention_waits(wait) && gocontention_has(c->profile, funcs, nr);
}
