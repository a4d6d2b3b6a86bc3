/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracks: how a timeline is laid out in every format: the process, with its counts and what was lost;
 * in it the places where goroutines were made; in these a track a goroutine.
 */
#ifndef PARKWATCH_FORMAT_TRACKS_H
#define PARKWATCH_FORMAT_TRACKS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cause.h"
#include "view/recording.h"
#include "view/timeline_words.h"

/* Of a report: as Chrome's trace events, and as Perfetto's. As render() of format/renderer. */
int tracks__json(const struct report *r, FILE *out, struct cause *why);
int tracks__perfetto(const struct report *r, FILE *out, struct cause *why);

/* --- for these two --- */

struct tracks {
	const struct timeline *timeline; /* borrowed */
	struct timeline_words *words;
	struct timeline_span span;
	uint32_t *site; /* by goroutine: its place, from 0 on */
	uint8_t *told;  /* by place */
	char process[128];
};

/* -EOPNOTSUPP, with a cause: the recording has no timeline. */
int tracks__init(struct tracks *k, const struct report *r, struct cause *why);
void tracks__done(struct tracks *k);

/* The place of goroutine i, by name; NULL: it was told before. */
const char *tracks__site(struct tracks *k, size_t i);
/* "12 events were lost", "not recorded" */
void tracks__mark(const struct timeline_mark *m, char *text, size_t size);
/* That the window is shorter than asked for; "": it is not. */
const char *tracks__full(const struct tracks *k);
const char *tracks__state(enum timeline_state s); /* "running", "ready", "waiting" */

#endif
