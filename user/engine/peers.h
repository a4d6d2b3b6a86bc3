/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peers: connections that a watched process has dialled, to others or to itself, and who is at
 * their ends, for view/leak_peer. Where it has none to itself, and none of HTTP clients that become
 * more, nothing is read but its table of descriptors.
 */
#ifndef PARKWATCH_ENGINE_PEERS_H
#define PARKWATCH_ENGINE_PEERS_H

#include "engine/snapshot.h"
#include "view/leaks.h"

#define PEERS_BUDGET_NS (2 * NS_PER_SEC)

/*
 * After the last look, with its censuses, before leaks__finish(). What cannot be read says nothing.
 * 0 or -ENOMEM.
 */
int peers_note(struct leaks *l, const struct snapshot *t);

#endif
