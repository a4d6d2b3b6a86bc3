/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * holdnames: the names of the variables that hold what leaks wait for, as far as the program has
 * symbols. See leak_holder.
 */
#ifndef PARKWATCH_ENGINE_HOLDNAMES_H
#define PARKWATCH_ENGINE_HOLDNAMES_H

#include "engine/snapshot.h"
#include "view/leaks.h"

/*
 * After leaks__finish(): of entries that count. Symbols are read only if there is one that a
 * variable holds. 0 or -ENOMEM.
 */
int holdnames_note(struct leaks *l, const struct snapshot *t, bool suspects);

#endif
