/* SPDX-License-Identifier: BSD-2-Clause */
#include "facts/labelbook.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

struct known_set {
	UT_hash_handle hh;
	uint64_t ptr;
	size_t nr;
	struct label_text v[]; /* behind it the texts */
};

struct labelbook {
	struct known_set *known;
	size_t bytes;
	uint64_t unread;
};

int labelbook__new(struct labelbook **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void labelbook__free(struct labelbook *b)
{
	struct known_set *k, *next;

	if (!b)
		return;
	HASH_ITER(hh, b->known, k, next)
	{
		HASH_DEL(b->known, k);
		free(k);
	}
	free(b);
}

static struct known_set *labelbook__find(const struct labelbook *b, uint64_t ptr)
{
	struct known_set *k;

	HASH_FIND(hh, b->known, &ptr, sizeof(ptr), k);
	return k;
}

static const char *put(char **to, const char *text)
{
	const size_t bytes = strlen(text) + 1;
	char *at = memcpy(*to, text, bytes);

	*to += bytes;
	return at;
}

bool labelbook__has(const struct labelbook *b, uint64_t ptr)
{
	return labelbook__find(b, ptr);
}

void labelbook__miss(struct labelbook *b, uint64_t more)
{
	b->unread += more;
}

int labelbook__put(struct labelbook *b, uint64_t ptr, const struct label_text *v, size_t nr)
{
	const unsigned int count = HASH_COUNT(b->known);
	size_t bytes = sizeof(struct known_set) + nr * sizeof(struct label_text);
	struct known_set *k;
	char *to;

	for (size_t i = 0; i < nr; i++)
		bytes += strlen(v[i].key) + strlen(v[i].value) + 2;
	if (count >= LABELBOOK_SETS_MAX || b->bytes + bytes > LABELBOOK_BYTES_MAX) {
		b->unread++;
		return 0;
	}
	k = malloc(bytes);
	if (!k)
		return -ENOMEM;
	k->ptr = ptr;
	k->nr = nr;
	to = (char *)&k->v[nr];
	for (size_t i = 0; i < nr; i++) {
		k->v[i].key = put(&to, v[i].key);
		k->v[i].value = put(&to, v[i].value);
	}
	HASH_ADD(hh, b->known, ptr, sizeof(k->ptr), k);
	if (HASH_COUNT(b->known) == count) {
		free(k);
		return -ENOMEM;
	}
	b->bytes += bytes;
	return 0;
}

const struct label_text *labelbook__get(const struct labelbook *b, uint64_t ptr, size_t *ret_nr)
{
	const struct known_set *k = ptr ? labelbook__find(b, ptr) : NULL;

	*ret_nr = k ? k->nr : 0;
	return k ? k->v : NULL;
}

uint64_t labelbook__unread(const struct labelbook *b)
{
	return b->unread;
}
