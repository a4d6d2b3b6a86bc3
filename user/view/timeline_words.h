/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timeline_words: what slices and tracks of a timeline (model/timeline) are called: each wait, each
 * stack that ended one, and each place where goroutines were made is named once.
 */
#ifndef PARKWATCH_VIEW_TIMELINE_WORDS_H
#define PARKWATCH_VIEW_TIMELINE_WORDS_H

#include <stdint.h>

#include "base/cleanup.h"
#include "model/stackset.h"
#include "model/timeline.h"
#include "names/sites.h"
#include "view/place.h"
#include "view/waker.h"

/* Texts are of the framer, as all here. */
struct wait_words {
	const char *reason; /* "chan receive" */
	const char *name;   /* "chan receive: main.worker" */
	struct place
		place; /* the leaf: the innermost function that is not of the runtime and its kind */
	uint32_t id;   /* 1 and on, in the order in which they were asked for first */
};

struct waker_words {
	enum waker_kind kind;
	const char *word;   /* "[timer]"; of a goroutine NULL */
	struct place place; /* func NULL: nobody knows */
};

struct timeline_words;
/* namers by rt, stacks: borrowed until free */
int timeline_words__new(const struct namer *namers, size_t nr_namers, const struct stackset *stacks,
			struct timeline_words **ret);
void timeline_words__free(struct timeline_words *w);
DEFINE_SCOPED(timeline_words)

/* NULL: no memory. Borrowed until free. */
const struct wait_words *timeline_words__wait(struct timeline_words *w, uint16_t rt,
					      uint64_t stack_id, uint32_t reason);
/* Of a slice of who is ready. 0 or -ENOMEM. */
int timeline_words__waker(struct timeline_words *w, uint16_t rt, const struct timeline_slice *s,
			  struct waker_words *ret);
/* The number of the place where goroutines were made; SITES_NONE: nobody knows it. */
uint32_t timeline_words__site(struct timeline_words *w, uint16_t rt, uint64_t gopc);
/* "created by main.main, /src/main.go:42" */
const char *timeline_words__made(struct timeline_words *w, uint32_t site);
/* "goroutine 18 main.worker" */
const char *timeline_words__goroutine(struct timeline_words *w, const struct timeline_goroutine *g);

#endif
