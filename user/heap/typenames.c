/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/typenames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "golang/gotype.h"

struct known_type {
	UT_hash_handle hh;
	uint64_t type;
	const char *name;
};

struct typenames {
	const struct addrspace *as;
	const struct goruntime *rt;
	struct arena *names;
	struct known_type *known;
};

int typenames__new(const struct addrspace *as, const struct goruntime *rt, struct arena *names,
		   struct typenames **ret)
{
	struct typenames *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->as = as;
	t->rt = rt;
	t->names = names;
	*ret = t;
	return 0;
}

void typenames__free(struct typenames *t)
{
	struct known_type *k, *next;

	if (!t)
		return;
	HASH_ITER(hh, t->known, k, next)
	{
		HASH_DEL(t->known, k);
		free(k);
	}
	free(t);
}

const char *typenames__get(struct typenames *t, uint64_t type)
{
	unsigned int count = HASH_COUNT(t->known);
	char name[GOTYPE_NAME_MAX];
	struct known_type *k;

	HASH_FIND(hh, t->known, &type, sizeof(type), k);
	if (k)
		return k->name;
	if (count >= TYPENAMES_MAX)
		return "";
	if (gotype_name(t->as, t->rt, type, name, sizeof(name)))
		name[0] = '\0';
	k = malloc(sizeof(*k));
	if (!k)
		return "";
	k->type = type;
	k->name = arena__copy(t->names, name, strlen(name) + 1);
	if (k->name)
		HASH_ADD(hh, t->known, type, sizeof(k->type), k);
	if (HASH_COUNT(t->known) > count)
		return k->name;
	free(k);
	return "";
}
