/* SPDX-License-Identifier: BSD-2-Clause */
/* leaklabels: the labels by which a watch for leaks tells its entries. */
#ifndef PARKWATCH_ENGINE_LEAKLABELS_H
#define PARKWATCH_ENGINE_LEAKLABELS_H

#include "engine/snapshot.h"
#include "view/leaks.h"

/* After leaks__finish(). Reads into b, borrowed as long as l lives. 0 or -ENOMEM. */
int leaklabels_note(struct leaks *l, const struct snapshot *t, struct labelbook *b);

#endif
