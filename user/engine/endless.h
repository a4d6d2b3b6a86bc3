/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * endless: which groups of a watch run code that has no way to end (locks/wayout): who sleeps for a
 * minute need not be seen to wake. And which will come by again, if nobody ends them before.
 */
#ifndef PARKWATCH_ENGINE_ENDLESS_H
#define PARKWATCH_ENGINE_ENDLESS_H

#include "engine/snapshot.h"
#include "view/leaks.h"

/*
 * After the last look and leaks__facts(), with its censuses, before leaks__finish(). 0 or -ENOMEM.
 */
int endless_note(struct leaks *l, const struct snapshot *t);

#endif
