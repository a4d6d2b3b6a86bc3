/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/alloctypes.h"

#include <errno.h>
#include <string.h>

#include "golang/gotype.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct entry {
	struct {
		uint64_t addr, rt;
	} key;
	struct alloctype type;
	UT_hash_handle hh;
};

struct alloctypes {
	const struct addrspace *as; /* borrowed, as the next */
	struct profile *profile;
	size_t max;
	struct entry *by_addr;
};

int alloctypes__new(const struct addrspace *as, struct profile *profile, size_t max,
		    struct alloctypes **ret)
{
	struct alloctypes *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	*t = (struct alloctypes){ .as = as, .profile = profile, .max = max };
	*ret = t;
	return 0;
}

void alloctypes__free(struct alloctypes *t)
{
	struct entry *e, *next;

	if (!t)
		return;
	HASH_ITER(hh, t->by_addr, e, next)
	{
		HASH_DEL(t->by_addr, e);
		free(e);
	}
	free(t);
}

static struct alloctype alloctypes__read(const struct alloctypes *t, const struct goruntime *rt,
					 uint64_t addr)
{
	struct alloctype type = { .name = PROFILE_LABEL_NONE, .pointers = true };
	char name[PROFILE_LABEL_TEXT_MAX];

	(void)gotype_pointers(t->as, addr, &type.pointers);
	if (!gotype_name(t->as, rt, addr, name, sizeof(name)))
		type.name = profile__label(t->profile, name);
	return type;
}

struct alloctype alloctypes__get(struct alloctypes *t, const struct goruntime *rt, uint16_t rt_nr,
				 uint64_t addr)
{
	unsigned int nr = HASH_COUNT(t->by_addr);
	struct entry find, *e;

	memset(&find, 0, sizeof(find));
	find.key.addr = addr;
	find.key.rt = rt_nr;
	if (!addr)
		return find.type;
	HASH_FIND(hh, t->by_addr, &find.key, sizeof(find.key), e);
	if (e)
		return e->type;
	find.type = alloctypes__read(t, rt, addr);
	e = nr < t->max ? malloc(sizeof(*e)) : NULL;
	if (!e)
		return find.type;
	*e = find;
	HASH_ADD(hh, t->by_addr, key, sizeof(e->key), e);
	if (HASH_COUNT(t->by_addr) == nr)
		free(e);
	return find.type;
}
