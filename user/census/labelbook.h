/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * labelbook: the pprof labels of goroutines, read from the target: each set once, for most
 * goroutines share theirs or have none.
 *
 * A set is known by its pointer (census_g.labels), which the target may use for another one later:
 * a book is of one moment, as a census is. At most LABELBOOK_SETS_MAX sets and LABELBOOK_BYTES_MAX
 * bytes; what is beyond counts as unread. Loop thread.
 */
#ifndef PARKWATCH_CENSUS_LABELBOOK_H
#define PARKWATCH_CENSUS_LABELBOOK_H

#include <stddef.h>
#include <stdint.h>

#include "base/addrspace.h"
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

/*
 * The set at ptr, of a goroutine of Go 1.minor, unless it is known; 0 is none. as: what must not be
 * told refuses to be read (heap/gosecret). 0 or -ENOMEM.
 */
int labelbook__read(struct labelbook *b, const struct addrspace *as, int minor, uint64_t ptr);

/*
 * Sorted by key, borrowed; *ret_nr 0: it has no labels, they could not be read, or nobody read
 * them.
 */
const struct label_text *labelbook__get(const struct labelbook *b, uint64_t ptr, size_t *ret_nr);
uint64_t labelbook__unread(const struct labelbook *b); /* sets that could not be read */

#endif
