// SPDX-License-Identifier: BSD-2-Clause
#include "report/sites.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "golang/gosystem.h"
#include "report/traceback.h"

struct site_key {		/* hashed as bytes: no padding */
	uint64_t pc;
	uint32_t rt, kind;
};

struct site_node {
	UT_hash_handle hh;
	struct site_key key;
	uint32_t site;
};

struct sites_index {
	struct framer *framer;
	const struct namer *namers;
	struct site_node *by_key;
	struct site_node *last[SITE_KINDS]; /* goroutines of one kind come in rows */
	size_t cap;		/* of sites.v */
};

int sites__new(struct framer *f, const struct namer *namers, struct sites **ret)
{
	scoped(sites) s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->index = calloc(1, sizeof(*s->index));
	if (!s->index)
		return -ENOMEM;
	s->index->framer = f;
	s->index->namers = namers;
	*ret = steal(s);
	return 0;
}

void sites__free(struct sites *s)
{
	struct site_node *n, *next;

	if (!s)
		return;
	if (s->index)
		HASH_ITER(hh, s->index->by_key, n, next) {
			HASH_DEL(s->index->by_key, n);
			free(n);
		}
	free(s->index);
	free(s->v);
	free(s);
}

static void fill_made(struct sites *ss, const struct pick *pick, struct site *s)
{
	const struct frame *v, *outer;
	size_t nr;

	if (framer__at(ss->index->framer, s->rt, s->pc, true, &v, &nr))
		return;
	/* As printcreatedby1(): the function that is really there, the line of what was inlined into it. */
	outer = &v[nr - 1];
	s->func = outer->name;
	s->file = v[0].file;
	s->line = v[0].line;
	s->known = outer->entry || outer->file[0];
	s->shown = s->known && traceback_shows(ss->index->namers[s->rt].go_minor, outer, outer->name, NULL, false);
	s->offset = s->known && s->pc > outer->entry ? s->pc - outer->entry : 0;
	s->hits = pick ? pick__hits(pick, PICK_CREATED_BY, s->func) : 0;
}

static void fill_start(struct sites *ss, struct site *s)
{
	/* They call the user's functions while these names are on the stack. Go 1.25 has new ones. */
	static const char *const users[] = { "runtime.runfinq", "runtime.runFinalizers", "runtime.runCleanups" };
	const struct frame *v;
	struct frame start;
	size_t nr;

	if (!framer__at(ss->index->framer, s->rt, s->pc, false, &v, &nr)) {
		const char *func = v[nr - 1].name;

		s->system = gosystem_start(func);
		for (size_t i = 0; i < ARRAY_SIZE(users); i++)
			s->runs_users |= !strcmp(func, users[i]);
	}
	if (framer__start(ss->index->framer, s->rt, s->pc, &start))
		return;
	s->func = start.name;
	s->file = start.file;
	s->line = start.line;
	s->known = start.entry || start.file[0];
}

static struct site_node *sites__add(struct sites *ss, const struct site_key *key, const struct pick *pick)
{
	struct sites_index *x = ss->index;
	unsigned int count = HASH_COUNT(x->by_key);
	struct site_node *n;
	struct site *s;

	if (ss->nr == SITES_MAX)
		return NULL;
	if (ss->nr == x->cap) {
		size_t cap = x->cap ? 2 * x->cap : 64;

		s = reallocarray(ss->v, cap, sizeof(*s));
		if (!s)
			return NULL;
		ss->v = s;
		x->cap = cap;
	}
	n = calloc(1, sizeof(*n));
	if (!n)
		return NULL;
	n->key = *key;
	n->site = (uint32_t)ss->nr;
	HASH_ADD(hh, x->by_key, key, sizeof(n->key), n);
	if (HASH_COUNT(x->by_key) == count) {
		free(n);
		return NULL;
	}
	s = &ss->v[ss->nr++];
	*s = (struct site){ .pc = key->pc, .rt = (uint16_t)key->rt, .kind = (uint8_t)key->kind, .func = "?", .file = "" };
	if (key->kind == SITE_MADE)
		fill_made(ss, pick, s);
	else
		fill_start(ss, s);
	return n;
}

uint32_t sites__of(struct sites *ss, uint16_t rt, enum site_kind kind, uint64_t pc, const struct pick *pick)
{
	const struct site_key key = { .pc = pc, .rt = rt, .kind = kind };
	struct sites_index *x = ss->index;
	struct site_node *n = x->last[kind];

	if (!pc)
		return SITES_NONE;
	if (!n || n->key.pc != pc || n->key.rt != rt) {
		HASH_FIND(hh, x->by_key, &key, sizeof(key), n);
		if (!n)
			n = sites__add(ss, &key, pick);
		x->last[kind] = n;
	}
	return n ? n->site : SITES_NONE;
}
