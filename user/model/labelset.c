// SPDX-License-Identifier: BSD-2-Clause
#include "model/labelset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct label {
	UT_hash_handle hh;
	uint32_t id;
	char text[];
};

struct labelset {
	size_t max, text_max;
	struct label *labels;
	const struct label **by_id; /* [0] is not used */
};

int labelset__new(size_t max, size_t text_max, struct labelset **ret)
{
	scoped(labelset) s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->max = max;
	s->text_max = text_max;
	s->by_id = calloc(max + 1, sizeof(struct label *));
	if (!s->by_id)
		return -ENOMEM;
	*ret = steal(s);
	return 0;
}

void labelset__free(struct labelset *s)
{
	struct label *l, *next;

	if (!s)
		return;
	HASH_ITER(hh, s->labels, l, next)
	{
		HASH_DEL(s->labels, l);
		free(l);
	}
	free(s->by_id);
	free(s);
}

uint32_t labelset__id(struct labelset *s, const char *text)
{
	const size_t len = strnlen(text, s->text_max);
	const uint32_t nr = HASH_COUNT(s->labels);
	struct label *l;

	if (!len)
		return 0;
	HASH_FIND(hh, s->labels, text, len, l);
	if (l)
		return l->id;
	l = nr < s->max ? malloc(sizeof(*l) + len + 1) : NULL;
	if (!l)
		return 0;
	l->id = nr + 1;
	memcpy(l->text, text, len);
	l->text[len] = 0;
	HASH_ADD_KEYPTR(hh, s->labels, l->text, len, l);
	if (HASH_COUNT(s->labels) == nr) {
		free(l);
		return 0;
	}
	s->by_id[l->id] = l;
	return l->id;
}

const char *labelset__text(const struct labelset *s, uint32_t id)
{
	return id && id <= HASH_COUNT(s->labels) ? s->by_id[id]->text : "";
}
