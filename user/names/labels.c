// SPDX-License-Identifier: BSD-2-Clause
#include "names/labels.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/json_writer.h"

struct known_set {
	UT_hash_handle hh;
	uint64_t ptr;
	struct label_set set; /* last */
};

struct labels {
	const struct labelbook *book;
	struct framer *framer;
	struct known_set *known;
	struct known_set *unkept; /* the last one, if there was no room to keep it */
};

static const struct label_set no_labels = { .text = "", .same = "" };

int labels__new(const struct labelbook *book, struct framer *f, struct labels **ret)
{
	struct labels *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->book = book;
	l->framer = f;
	*ret = l;
	return 0;
}

static void forget(struct labels *l)
{
	struct known_set *k, *next;

	HASH_ITER(hh, l->known, k, next)
	{
		HASH_DEL(l->known, k);
		free(k);
	}
	free(l->unkept);
	l->unkept = NULL;
}

void labels__free(struct labels *l)
{
	if (!l)
		return;
	forget(l);
	free(l);
}

/* "k=v,k2=v2" */
static void put_line(struct textbuf *to, const struct label_set *set)
{
	for (size_t i = 0; i < set->nr; i++) {
		textbuf__bytes(to, ",", i ? 1 : 0);
		textbuf__text(to, set->v[i].key);
		textbuf__bytes(to, "=", 1);
		textbuf__text(to, set->v[i].value);
	}
}

/* Tells all sets apart. */
static void put_exact(struct textbuf *to, const struct label_set *set)
{
	struct json_writer w;

	jsonw_init(&w, to);
	jsonw_start_object(&w);
	for (size_t i = 0; i < set->nr; i++)
		jsonw_string_field(&w, set->v[i].key, set->v[i].value);
	jsonw_end_object(&w);
}

static const char *text_of(struct labels *l, const struct label_set *set, bool exact)
{
	struct textbuf b;
	const char *text;

	textbuf__init(&b, NULL);
	(exact ? put_exact : put_line)(&b, set);
	textbuf__bytes(&b, "", 1);
	text = b.err ? "?" : framer__text(l->framer, b.v);
	textbuf__done(&b);
	return text;
}

static struct known_set *make_set(struct labels *l, uint64_t ptr)
{
	size_t nr;
	const struct label_text *v = labelbook__get(l->book, ptr, &nr);
	struct known_set *k;

	k = calloc(1, sizeof(*k) + nr * sizeof(k->set.v[0]));
	if (!k)
		return NULL;
	k->ptr = ptr;
	k->set.nr = nr;
	for (size_t i = 0; i < nr; i++) {
		k->set.v[i].key = framer__verbatim(l->framer, v[i].key);
		k->set.v[i].value = framer__verbatim(l->framer, v[i].value);
	}
	/* An empty set and none are the same. */
	k->set.text = nr ? text_of(l, &k->set, false) : no_labels.text;
	k->set.same = nr ? text_of(l, &k->set, true) : no_labels.same;
	return k;
}

const struct label_set *labels__get(struct labels *l, uint64_t ptr)
{
	struct known_set *k;
	unsigned int count;

	if (!ptr || !l->book)
		return &no_labels;
	HASH_FIND(hh, l->known, &ptr, sizeof(ptr), k);
	if (k)
		return &k->set;
	if (HASH_COUNT(l->known) >= LABELS_SETS_MAX)
		forget(l);
	k = make_set(l, ptr);
	if (!k)
		return &no_labels;
	count = HASH_COUNT(l->known);
	HASH_ADD(hh, l->known, ptr, sizeof(k->ptr), k);
	if (HASH_COUNT(l->known) == count) {
		free(l->unkept);
		l->unkept = k;
	}
	return &k->set;
}
