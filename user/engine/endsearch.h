/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * endsearch: one more pass of the search in a watch: who could end the loops that a timer wakes.
 * See view/leak_ends.h.
 */
#ifndef PARKWATCH_ENGINE_ENDSEARCH_H
#define PARKWATCH_ENGINE_ENDSEARCH_H

#include "engine/snapshot.h"
#include "view/leaks.h"

/*
 * After leaks__facts(), with the censuses of the last look. What cannot be searched says nothing. 0
 * or -ENOMEM.
 */
int endsearch(struct leaks *l, const struct snapshot *t, uint64_t budget_ns);

#endif
