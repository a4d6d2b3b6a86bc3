// SPDX-License-Identifier: BSD-2-Clause
#include "base/textbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/cleanup.h"

void textbuf__init(struct textbuf *b, FILE *out)
{
	*b = (struct textbuf){ .out = out };
}

void textbuf__done(struct textbuf *b)
{
	free(b->v);
	*b = (struct textbuf){ .err = b->err };
}

static void pass_on(struct textbuf *b)
{
	errno = 0;
	if (b->nr && !b->err && fwrite(b->v, 1, b->nr, b->out) != b->nr)
		b->err = errno ? -errno : -EIO;
	b->nr = 0;
}

int textbuf__finish(struct textbuf *b)
{
	if (b->out)
		pass_on(b);
	return b->err;
}

char *textbuf__room(struct textbuf *b, size_t n)
{
	size_t want = b->cap ? b->cap : b->out ? TEXTBUF_STREAM_BYTES : 256;
	char *v;

	if (b->out && n > b->cap - b->nr)
		pass_on(b);
	if (b->err)
		return NULL;
	if (n <= b->cap - b->nr)
		return b->v + b->nr;
	if (n > SIZE_MAX / 4 - b->nr) {
		b->err = -ENOMEM;
		return NULL;
	}
	while (want - b->nr < n)
		want *= 2;
	v = realloc(b->v, want);
	if (!v) {
		b->err = -ENOMEM;
		return NULL;
	}
	b->v = v;
	b->cap = want;
	return b->v + b->nr;
}

void textbuf__u64(struct textbuf *b, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	textbuf__bytes(b, digits + at, sizeof(digits) - at);
}

void textbuf__i64(struct textbuf *b, int64_t n)
{
	if (n < 0)
		textbuf__bytes(b, "-", 1);
	textbuf__u64(b, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

void textbuf__hex(struct textbuf *b, uint64_t n)
{
	char digits[18];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[n & 15];
		n >>= 4;
	} while (n);
	digits[--at] = 'x';
	digits[--at] = '0';
	textbuf__bytes(b, digits + at, sizeof(digits) - at);
}

void textbuf__vformat(struct textbuf *b, const char *fmt, va_list args)
{
	char *text = NULL;
	int n = vasprintf(&text, fmt, args);

	if (n < 0) {
		b->err = b->err ? b->err : -ENOMEM;
		return;
	}
	textbuf__bytes(b, text, (size_t)n);
	free(text);
}

void textbuf__format(struct textbuf *b, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	textbuf__vformat(b, fmt, args);
	va_end(args);
}

void textbuf__size(struct textbuf *b, uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double n = (double)bytes;
	size_t u = 0;

	while (n >= 1000 && u + 1 < ARRAY_SIZE(units)) {
		n /= 1000;
		u++;
	}
	textbuf__format(b, u && n < 100 ? "%.1f %s" : "%.0f %s", n, units[u]);
}
