/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * labelbook: the pprof labels of goroutines: each set once, for most goroutines share theirs or have
 * none.
 *
 * A set is known by its pointer (census_g.labels), which the target may use for another one later:
 * a book is of one moment, as a census is. At most LABELBOOK_SETS_MAX sets and LABELBOOK_BYTES_MAX
 * bytes; what is beyond counts as unread. census/labels_read fills it from a target. Not thread-safe.
 */
#ifndef PARKWATCH_FACTS_LABELBOOK_H
#define PARKWATCH_FACTS_LABELBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define LABELBOOK_SETS_MAX  1048576
#define LABELBOOK_BYTES_MAX (128u << 20)

struct label_text {
	const char *key, *value; /* as the target has them: any byte but NUL */
};

struct labelbook;
int labelbook__new(struct labelbook **ret); /* 0 or -ENOMEM */
void labelbook__free(struct labelbook *b);
DEFINE_SCOPED(labelbook)

bool labelbook__has(const struct labelbook *b, uint64_t ptr);
/* The set at ptr, which is not there yet; texts are copied. 0 or -ENOMEM. */
int labelbook__put(struct labelbook *b, uint64_t ptr, const struct label_text *v, size_t nr);
/* So many more could not be read. */
void labelbook__miss(struct labelbook *b, uint64_t more);

/*
 * Sorted by key, borrowed; *ret_nr 0: it has no labels, they could not be read, or nobody read
 * them.
 */
const struct label_text *labelbook__get(const struct labelbook *b, uint64_t ptr, size_t *ret_nr);
uint64_t labelbook__unread(const struct labelbook *b); /* sets that could not be read */

#endif
