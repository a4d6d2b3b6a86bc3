/* SPDX-License-Identifier: BSD-2-Clause */
/* leak_words: why a group is taken for what it is, as one sentence with its numbers, the same in every format. */
#ifndef PARKWATCH_REPORT_LEAK_WORDS_H
#define PARKWATCH_REPORT_LEAK_WORDS_H

#include "report/leaks.h"
#include "report/textbuf.h"

void leak_words__why(const struct leaks *l, const struct leak_entry *e, struct textbuf *to);
void leak_words__age(uint64_t ns, struct textbuf *to);		/* "3m20s": what counts, no more */

#endif
