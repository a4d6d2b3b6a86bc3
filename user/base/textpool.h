/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * textpool: every text of a report once, clean: equal texts have equal pointers.
 *
 * Names come from the target, so they are cleaned (base/clean): a text is always one line and may
 * go into protobuf, JSON or a terminal. Texts of textpool__verbatim() are not cleaned. At most
 * TEXTPOOL_BYTES_MAX in all and TEXT_MAX a text: a longer text is cut, and when the pool is full a
 * text becomes "?".
 */
#ifndef PARKWATCH_BASE_TEXTPOOL_H
#define PARKWATCH_BASE_TEXTPOOL_H

#include <stddef.h>

#include <stdarg.h>

#include "base/cleanup.h"

#define TEXTPOOL_BYTES_MAX (256u << 20)
#define TEXT_MAX           4096

struct textpool;
int textpool__new(struct textpool **ret);
void textpool__free(struct textpool *tp);
DEFINE_SCOPED(textpool)

/* Never NULL; lives as long as the pool. */
const char *textpool__get(struct textpool *tp, const char *text);
/* control characters stay */
const char *textpool__verbatim(struct textpool *tp, const char *text);
const char *textpool__format(struct textpool *tp, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const char *textpool__vformat(struct textpool *tp, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));

#endif
