/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pw_writer: facts into a .pw file (facts/pw_file), segment by segment.
 *
 * Call pw_writer__room() before facts that belong together: a segment ends only there. If it returns
 * another number than before, a new segment has begun, and that knows no names and no stacks yet.
 * Memory: a segment and its names. Not thread-safe.
 */
#ifndef PARKWATCH_FACTS_PW_WRITER_H
#define PARKWATCH_FACTS_PW_WRITER_H

#include <stdint.h>
#include <stdio.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "facts/facts.pb-c.h"

struct pw_writer;

/* out: borrowed; positions count from where it is now. 0 or -ENOMEM. */
int pw_writer__new(FILE *out, struct pw_writer **ret);
void pw_writer__free(struct pw_writer *w);
DEFINE_SCOPED(pw_writer)

/* The number of the segment that the next facts are in. Errors are kept for pw_writer__end(). */
uint32_t pw_writer__room(struct pw_writer *w);
/* The id of a text in this segment; 0: it is empty or there is no room. */
uint32_t pw_writer__name(struct pw_writer *w, const char *text);
/* f: with fact_case and its message set. */
void pw_writer__fact(struct pw_writer *w, const Pw__Fact *f);
/* A time that this segment tells of. */
void pw_writer__time(struct pw_writer *w, uint64_t ns);

/* The last segment, index and tail. 0, or what went wrong first: -ENOMEM, -E2BIG, an errno of writing. */
int pw_writer__end(struct pw_writer *w, struct cause *why);

#endif
