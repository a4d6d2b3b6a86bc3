// SPDX-License-Identifier: BSD-2-Clause
#include "report/textpool.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

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
	HASH_ITER(hh, tp->by_text, t, next) {
		HASH_DEL(tp->by_text, t);
		free(t);
	}
	free(tp);
}

/* Length of the valid UTF-8 sequence at str (1 to 4), 0 if it is not one. str ends with NUL. */
static size_t utf8_length(const char *str)
{
	/* Unicode 15, table 3-7: the second byte has narrower limits after E0, ED, F0 and F4. */
	const unsigned char *s = (const unsigned char *)str;
	unsigned char low = 0x80, high = 0xbf;
	size_t len, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < len; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return len;
}

/* Copies at most TEXT_MAX bytes, whole characters only. */
static size_t clean(char *to, const char *from, bool verbatim)
{
	size_t at = 0;

	while (*from) {
		size_t len = utf8_length(from);
		/* U+0080 to U+009F are control characters too, U+2028 and U+2029 end a line. */
		unsigned char c = (unsigned char)from[0], d = (unsigned char)from[1];
		bool control = c < 0x20 || c == 0x7f || (len == 2 && c == 0xc2 && d < 0xa0) ||
			       (len == 3 && c == 0xe2 && d == 0x80 &&
				((unsigned char)from[2] & 0xfe) == 0xa8);

		if (at + (len ? len : 1) > TEXT_MAX)
			break;
		if (!len || (control && !verbatim)) {
			to[at++] = '?';
			from += len ? len : 1;
			continue;
		}
		memcpy(to + at, from, len);
		at += len;
		from += len;
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
	size_t len = clean(buf, text, verbatim);
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

const char *textpool__format(struct textpool *tp, const char *fmt, ...)
{
	char buf[TEXT_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return textpool__get(tp, buf);
}
