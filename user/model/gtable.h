/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gtable: how each goroutine came to be, by runtime and goid.
 *
 * Fed with births, exits and the census, in any order; read by the profile. At most max goroutines:
 * when it is full, those that ended make room (their descendants keep the ancestry by its chain);
 * if all live, the new one is refused and counted.
 */
#ifndef PARKWATCH_MODEL_GTABLE_H
#define PARKWATCH_MODEL_GTABLE_H

#include <stddef.h>
#include <stdint.h>

#include <parkwatch/event.h>

#include "base/cleanup.h"
#include "model/chain.h"

#define GTABLE_MAX_DEFAULT 1000000

struct gorigin {
	struct chain_link made; /* stack_id PW_STACK_ID_NONE: from the census, only gopc is known */
	uint64_t parent_goid;   /* 0: unknown */
};

struct gtable;
int gtable__new(size_t max, struct gtable **ret);
void gtable__free(struct gtable *t);
DEFINE_SCOPED(gtable)

/*
 * A birth replaces what the census said; the census never replaces a birth. 0, -ENOSPC (counted),
 * -ENOMEM (counted).
 */
int gtable__put(struct gtable *t, uint16_t rt, uint64_t goid, const struct gorigin *o);
void gtable__ended(struct gtable *t, uint16_t rt, uint64_t goid);
/* NULL; borrowed until the next put */
const struct gorigin *gtable__get(const struct gtable *t, uint16_t rt, uint64_t goid);
/* Ancestry as far as it is known at the first call for this goroutine, or CHAIN_NONE. */
uint32_t gtable__chain(struct gtable *t, uint16_t rt, uint64_t goid);

const struct chainset *gtable__chains(const struct gtable *t);
size_t gtable__nr(const struct gtable *t);
uint64_t gtable__refused(const struct gtable *t); /* goroutines and chains */

#endif
