// SPDX-License-Identifier: BSD-2-Clause
#include "view/calls.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/radix.h"

struct asked {
	struct asked_key { /* hashed as bytes: no padding */
		uint64_t parent;
		uint32_t made, rt;
	} key;
	struct called called;
	UT_hash_handle hh;
};

struct calls {
	struct asked *asked, *last; /* goroutines of one maker come in rows */
	struct by_goid {
		uint64_t goid;
		uint32_t g;
		uint16_t rt;
	} * by_goid; /* all of the censuses, ascending */
	size_t nr;
};
_Static_assert(offsetof(struct by_goid, goid) == 0 && sizeof(struct by_goid) == 16,
	       "sorted by it as it is");

void calls__free(struct calls *c)
{
	struct asked *a, *next;

	if (!c)
		return;
	HASH_ITER(hh, c->asked, a, next)
	{
		HASH_DEL(c->asked, a);
		free(a);
	}
	free(c->by_goid);
	free(c);
}
DEFINE_SCOPED(calls)

static int compare(const void *a, const void *b)
{
	const struct by_goid *x = a, *y = b;

	if (x->goid != y->goid)
		return x->goid < y->goid ? -1 : 1;
	return (int)x->rt - (int)y->rt;
}

static int calls__new(const struct dump *d, struct calls **ret)
{
	scoped(calls) c = calloc(1, sizeof(*c));
	size_t nr = 0;
	int err;

	if (!c)
		return -ENOMEM;
	for (size_t i = 0; i < d->in.nr; i++)
		nr += d->in.censuses[i]->nr;
	c->by_goid = reallocarray(NULL, nr + 1, sizeof(*c->by_goid));
	if (!c->by_goid)
		return -ENOMEM;
	for (size_t i = 0; i < d->in.nr; i++)
		for (size_t g = 0; g < d->in.censuses[i]->nr; g++)
			c->by_goid[c->nr++] = (struct by_goid){ d->in.censuses[i]->gs[g].who.goid,
								(uint32_t)g, (uint16_t)i };
	/* by rt, among equals, they are */
	err = radix_sort((uint64_t *)c->by_goid, c->nr, sizeof(*c->by_goid) / sizeof(uint64_t));
	if (err)
		return err;
	*ret = steal(c);
	return 0;
}

static bool find(const void *ctx, uint16_t rt, uint64_t goid, struct dump_row *ret)
{
	const struct calls *c = ctx;
	const struct by_goid key = { .goid = goid, .rt = rt };
	const struct by_goid *at = bsearch(&key, c->by_goid, c->nr, sizeof(key), compare);

	if (at)
		*ret = (struct dump_row){
			.g = at->g, .rt = at->rt, .made = SITES_NONE, .start = SITES_NONE
		};
	return at;
}

static struct asked *calls__ask(struct dump *d, const struct dump_row *r,
				const struct asked_key *key)
{
	const struct callers from = { .d = d, .find = find, .ctx = d->calls };
	const unsigned int before = HASH_COUNT(d->calls->asked);
	struct asked *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->key = *key;
	if (!called_of(&from, &r, 1, &a->called))
		HASH_ADD(hh, d->calls->asked, key, sizeof(a->key), a);
	if (HASH_COUNT(d->calls->asked) > before)
		return a;
	free(a);
	return NULL;
}

int calls__of(struct dump *d, const struct dump_row *r, struct called *ret)
{
	const struct asked_key key = { .parent = dump__g(d, r)->who.parent_goid,
				       .made = r->made,
				       .rt = r->rt };
	const struct site *made = dump__site(d, r->made);
	struct asked *a;
	int err;

	*ret = (struct called){ .how = CALLED_OWN, .place = { "?", "", 0 } };
	if (!made || !made->known || made->own || r->system)
		return 0;
	err = d->calls ? 0 : calls__new(d, &d->calls);
	if (err)
		return err;
	a = d->calls->last;
	if (!a || a->key.parent != key.parent || a->key.made != key.made || a->key.rt != key.rt)
		HASH_FIND(hh, d->calls->asked, &key, sizeof(key), a);
	if (!a)
		a = calls__ask(d, r, &key);
	if (!a)
		return -ENOMEM;
	d->calls->last = a;
	*ret = a->called;
	return 0;
}

void calls__text(struct dump *d, const struct dump_row *r, const char *before, struct textbuf *to)
{
	struct called c;
	const int err = calls__of(d, r, &c);

	if (err && !to->err)
		to->err = err;
	if (err || !called__known(&c))
		return;
	textbuf__text(to, before);
	called__text(&c, to);
	textbuf__text(to, "\n");
}

void calls__json(struct dump *d, const struct dump_row *r, struct json_writer *w)
{
	struct called c;
	const int err = calls__of(d, r, &c);

	jsonw_fail(w, err);
	jsonw_name(w, "called_from");
	if (err)
		jsonw_null(w);
	else
		called__json(&c, w);
}
