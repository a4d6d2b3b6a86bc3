/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * served: which groups of a watch wait for clients that are there: connections that were accepted
 * here, whose other end is somebody else's. More of these is load, and no leak as far as is known.
 * Where the other end is the process's own, or gone, nothing is said.
 */
#ifndef PARKWATCH_ENGINE_SERVED_H
#define PARKWATCH_ENGINE_SERVED_H

#include "engine/snapshot.h"
#include "view/leaks.h"

/* After the last look, with its censuses, before leaks__finish(). 0 or -ENOMEM. */
int served_note(struct leaks *l, const struct snapshot *t);

#endif
