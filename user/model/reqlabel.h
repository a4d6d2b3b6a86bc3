/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reqlabel: the request that a row is of, as the one text by which rows are kept apart (profile__label()), and
 * back.
 *
 * Of a row without a request the text says why. A text of anything else, as one may be in a file that somebody
 * sent, is such a reason. Pure.
 */
#ifndef PARKWATCH_MODEL_REQLABEL_H
#define PARKWATCH_MODEL_REQLABEL_H

#include <stddef.h>

#include "model/profile.h"

#define REQLABEL_TEXT_MAX PROFILE_LABEL_TEXT_MAX

/* Why there is no request. */
#define REQLABEL_NO_LOOK "no look met it"
#define REQLABEL_NONE    "none in hand"
#define REQLABEL_SEVERAL "several in hand"
#define REQLABEL_CHANGED "not the same before and after"
#define REQLABEL_HAS     "has one in hand, does not serve it"
#define REQLABEL_NOBODY  "no goroutine"
#define REQLABEL_REFUSED "too many requests" /* to keep apart */

struct reqlabel {             /* of a request all but `why`, "" where it is not known */
	const char *route;    /* "GET /quote/{id}" */
	const char *trace_id; /* 32 digits, as the next one has 16 */
	const char *span_id;
	const char *span; /* its name */
	const char *why;  /* there is none; NULL: there is one */
};

/* Cut where it has no room; bytes that would be taken for something else become '?'. */
void reqlabel__put(const struct reqlabel *l, char *text, size_t size);
/* buf: what *ret points into. */
void reqlabel__get(const char *text, char buf[REQLABEL_TEXT_MAX + 1], struct reqlabel *ret);

#endif
