// SPDX-License-Identifier: BSD-2-Clause
#include "base/textbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/clean.h"
#include "base/own.h"

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

/* Not the first byte of what must be escaped, or may. */
static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && c != '"' && c != '\\' && c != 0x7f && c != '\xc2' && c != '\xd8' && c != '\xe2';
}

/* Of a character of at most three bytes. */
static unsigned int rune_of(const char *text, size_t len)
{
	const unsigned char *s = (const unsigned char *)text;

	return len == 1 ? s[0] :
	       len == 2 ? (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu) :
			  (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
}

/* What follows a plain part: one character, or its first byte. Returns its length. */
static size_t put_escaped(struct textbuf *b, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const size_t len = utf8_length(text);
	const unsigned int c = *text == '"' || *text == '\\' || is_unseen(text, len) ? rune_of(text, len) : 0;
	const char letter = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c == '"' || c == '\\' ? (char)c : 0;

	if (!len)
		textbuf__text(b, "\\ufffd"); /* not from names/textpool: JSON has no such byte */
	else if (!c)
		textbuf__bytes(b, text, len);
	else if (letter)
		textbuf__bytes(b, (char[]){ '\\', letter }, 2);
	else
		textbuf__bytes(b, (char[]){ '\\', 'u', hex[c >> 12], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15] }, 6);
	return len ? len : 1;
}

void textbuf__json(struct textbuf *b, const char *text)
{
	textbuf__bytes(b, "\"", 1);
	while (*text) {
		size_t n = 0;

		while (is_plain(text[n]))
			n++;
		textbuf__bytes(b, text, n);
		text += n;
		if (*text)
			text += put_escaped(b, text);
	}
	textbuf__bytes(b, "\"", 1);
}

void textbuf__json_again(struct textbuf *b, const char *json, size_t len)
{
	const char *end = json + len;

	while (json < end) {
		const size_t n = utf8_length(json);

		if (n && (!is_unseen(json, n) || *json == '\n' || *json == '\r' || *json == '\t')) {
			textbuf__bytes(b, json, n);
			json += n;
		} else {
			json += put_escaped(b, json);
		}
	}
}

void textbuf__json_u64(struct textbuf *b, const char *before, uint64_t n)
{
	textbuf__text(b, before);
	textbuf__u64(b, n);
}

void textbuf__json_text(struct textbuf *b, const char *before, const char *text)
{
	textbuf__text(b, before);
	if (text)
		textbuf__json(b, text);
	else
		textbuf__text(b, "null");
}

void textbuf__format(struct textbuf *b, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->err = b->err ? b->err : -ENOMEM;
		return;
	}
	textbuf__bytes(b, text, (size_t)n);
	free(text);
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
