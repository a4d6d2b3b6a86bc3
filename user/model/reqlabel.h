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

#include <stdbool.h>
#include <stddef.h>

#include "facts/requests.h"
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

/*
 * That a goroutine works for it: not one that the program sent, nor who only waits for it or was made in it. q: the
 * request that `of` names; NULL: none.
 */
bool reqlabel_is_worked_for(const struct grequest_of *of, const struct grequest *q);
struct reqlabel_texts { /* what a label points into */
	char route[512];
	struct gtrace_text trace;
};
/*
 * What is known of it there. q NULL: only what the goroutine has in hand itself, its trace. Of who works for a request and
 * has no span itself the request's is not: but who serves one that no span is for, as its header's trace tells, is in the client's.
 */
void reqlabel__of(const struct grequest_of *of, const struct grequest *q,
		  struct reqlabel_texts *texts, struct reqlabel *ret);

/* Cut where it has no room; bytes that would be taken for something else become '?'. */
void reqlabel__put(const struct reqlabel *l, char *text, size_t size);
/* buf: what *ret points into. */
void reqlabel__get(const char *text, char buf[REQLABEL_TEXT_MAX + 1], struct reqlabel *ret);

#endif
