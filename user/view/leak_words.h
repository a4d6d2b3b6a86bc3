/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_words: why a group is taken for what it is, as one sentence with its numbers, the same in
 * every format; and words for numbers.
 */
#ifndef PARKWATCH_VIEW_LEAK_WORDS_H
#define PARKWATCH_VIEW_LEAK_WORDS_H

#include "view/leaks.h"
#include "base/textbuf.h"

void leak_words__why(const struct leaks *l, const struct leak_entry *e, struct textbuf *to);
/*
 * By what those are held that a search found held, of a group where leak_group.reached says that
 * there are some.
 */
void leak_words__held(const struct leaks *l, const struct leak_entry *e, struct textbuf *to);
/*
 * Blocked in a library: the line of the program's own code that is in the call; NULL: none.
 * Borrowed until the next frames are asked for.
 */
const struct frame *leak_words__own_line(const struct leaks *l, const struct leak_entry *e);
void leak_words__number(uint64_t n, struct textbuf *to); /* "1,606" */
/* "138 mutexes"; kind: leak_entry.kind */
void leak_words__things(const char *kind, uint64_t n, struct textbuf *to);
void leak_words__age(uint64_t ns, struct textbuf *to); /* "3m20s": what counts, no more */

#endif
