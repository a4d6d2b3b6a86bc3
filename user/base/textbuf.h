/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * textbuf: text that is put together piece by piece: kept in memory, or passed on to a stream
 * whenever it is full.
 *
 * Made for output of a million lines: a number costs no call of printf. Errors stick: after one
 * all that is put is dropped, and textbuf__finish() tells the first one.
 */
#ifndef PARKWATCH_BASE_TEXTBUF_H
#define PARKWATCH_BASE_TEXTBUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* passed on in pieces of about this size: they stay in the processor's cache */
#define TEXTBUF_STREAM_BYTES (1u << 16)

struct textbuf {
	char *v; /* owned; not NUL-terminated */
	size_t nr, cap;
	FILE *out; /* borrowed; NULL: all is kept */
	int err;   /* first error: -ENOMEM, or of writing */
};

void textbuf__init(struct textbuf *b, FILE *out);
void textbuf__done(struct textbuf *b);
int textbuf__finish(struct textbuf *b); /* passes the rest on. 0, or the first error */

/*
 * Room for n bytes more at v + nr, or NULL after an error. For those who write in place; they add
 * to nr.
 */
char *textbuf__room(struct textbuf *b, size_t n);

static inline void textbuf__bytes(struct textbuf *b, const void *bytes, size_t n)
{
	char *to;

	if (!n)
		return;
	to = n <= b->cap - b->nr ? b->v + b->nr : textbuf__room(b, n);
	if (to) {
		memcpy(to, bytes, n);
		b->nr += n;
	}
}

static inline void textbuf__text(struct textbuf *b, const char *text)
{
	textbuf__bytes(b, text, strlen(text));
}

void textbuf__u64(struct textbuf *b, uint64_t n);
void textbuf__i64(struct textbuf *b, int64_t n);
void textbuf__hex(struct textbuf *b, uint64_t n);      /* 0xc000012345 */
void textbuf__size(struct textbuf *b, uint64_t bytes); /* 1.2 MB */
void textbuf__format(struct textbuf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void textbuf__vformat(struct textbuf *b, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

#endif
