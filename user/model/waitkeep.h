/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waitkeep: the edges of a waitgraph that go through channels, Conds and WaitGroups.
 *
 * Who holds a lock may wait for a channel. If nothing that can ever run refers to that channel
 * (heap/reach), only they could end the wait who refer to it and cannot run either. Where all of
 * these wait, directly or not, for the first, they are in a ring with it. The edge then goes to the
 * one of them that most likely should act (heap/chanops). Who waits for the same channel himself
 * ends no wait for it. Rings of channels alone are not looked for: a ring has a lock in it, or a
 * WaitGroup of which somebody will call Done. Pure.
 */
#ifndef PARKWATCH_MODEL_WAITKEEP_H
#define PARKWATCH_MODEL_WAITKEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "facts/goroutines.h"
#include "facts/reach.h"
#include "model/waitgraph.h"

/*
 * w has the edges of locks only.
 * *ret: one edge for each that waits so, hold is WAITGRAPH_KEEPS; to be freed. keeps are sorted. 0
 * or -ENOMEM.
 */
int waitkeep_edges(const struct census *c, const struct waitgraph *w, struct reach_keeping *keeps,
		   size_t nr, struct wait_edge **ret, size_t *ret_nr);

#endif
