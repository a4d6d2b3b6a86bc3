/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * waitkeep: the edges of a waitgraph that go through channels, Conds and WaitGroups.
 *
 * The holder of a lock may wait for a channel. If no goroutine that can ever run refers to that
 * channel (heap/reach), only those could end the wait that refer to it and cannot run either. If all
 * of these wait, directly or not, for the holder, they are in a cycle with it. The edge then goes to
 * the one that most likely should act (heap/chanops). A goroutine that waits for the same channel
 * ends no wait for it. Rings of channels alone are not looked for: a cycle has a lock in it, or a
 * WaitGroup for which somebody will call Done. Pure.
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
