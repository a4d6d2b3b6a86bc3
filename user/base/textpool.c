// SPDX-License-Identifier: BSD-2-Clause
#include "base/textpool.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/clean.h"

struct text {
	UT_hash_handle hh;
	char text[];
};

struct textpool {
	struct text *by_text;
	size_t bytes;
};

int textpool__new(struct textpool **ret)
{
	struct textpool *tp = calloc(1, sizeof(*tp));

	if (!tp)
		return -ENOMEM;
	*ret = tp;
	return 0;
}

void textpool__free(struct textpool *tp)
{
	struct text *t, *next;

	if (!tp)
		return;
	HASH_ITER(hh, tp->by_text, t, next)
	{
		HASH_DEL(tp->by_text, t);
		free(t);
	}
	free(tp);
}

/* As clean(), but control characters stay. */
static size_t keep(char *to, const char *from)
{
	size_t at = 0;

	while (*from) {
		size_t len = utf8_length(from);

		if (at + (len ? len : 1) > TEXT_MAX)
			break;
		memcpy(to + at, len ? from : "?", len ? len : 1);
		at += len ? len : 1;
		from += len ? len : 1;
	}
	to[at] = 0;
	return at;
}

static struct text *insert(struct textpool *tp, const char *clean_text, size_t len)
{
	unsigned int count = HASH_COUNT(tp->by_text);
	size_t bytes = sizeof(struct text) + len + 1;
	struct text *t;

	if (bytes > TEXTPOOL_BYTES_MAX - tp->bytes)
		return NULL;
	t = malloc(bytes);
	if (!t)
		return NULL;
	memcpy(t->text, clean_text, len + 1);
	HASH_ADD_KEYPTR(hh, tp->by_text, t->text, len, t);
	if (HASH_COUNT(tp->by_text) == count) {
		free(t);
		return NULL;
	}
	tp->bytes += bytes;
	return t;
}

static const char *get(struct textpool *tp, const char *text, bool verbatim)
{
	char buf[TEXT_MAX + 1];
	size_t len = verbatim ? keep(buf, text) : clean(buf, sizeof(buf), text);
	struct text *t;

	HASH_FIND(hh, tp->by_text, buf, len, t);
	if (!t)
		t = insert(tp, buf, len);
	return t ? t->text : "?";
}

const char *textpool__get(struct textpool *tp, const char *text)
{
	return get(tp, text, false);
}

const char *textpool__verbatim(struct textpool *tp, const char *text)
{
	return get(tp, text, true);
}

const char *textpool__vformat(struct textpool *tp, const char *fmt, va_list args)
{
	char buf[TEXT_MAX + 1];

	vsnprintf(buf, sizeof(buf), fmt, args);
	return textpool__get(tp, buf);
}

const char *textpool__format(struct textpool *tp, const char *fmt, ...)
{
	const char *text;
	va_list args;

	va_start(args, fmt);
	text = textpool__vformat(tp, fmt, args);
	va_end(args);
	return text;
}
