/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stackpool: each stack of a census once, under a number from 0 on.
 *
 * At most CENSUS_PCS_MAX pcs in all.
 */
#ifndef PARKWATCH_CENSUS_STACKPOOL_H
#define PARKWATCH_CENSUS_STACKPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "census/census.h"

struct stackpool;
int stackpool__new(struct stackpool **ret);
void stackpool__free(struct stackpool *sp);
DEFINE_SCOPED(stackpool)

/*
 * The stack's number, for one more goroutine that stands in it. -ENOSPC: over the limit; -ENOMEM.
 */
int stackpool__add(struct stackpool *sp, const uint64_t *pcs, size_t nr, bool truncated,
		   uint32_t *ret);
/* Moves all into c->stacks and c->pcs; nothing may be added afterwards. -ENOMEM. */
int stackpool__take(struct stackpool *sp, struct census *c);

#endif
