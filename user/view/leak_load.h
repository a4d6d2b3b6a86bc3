/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_load: groups of which each goroutine belongs to a client's connection, and the clients are
 * there (leak_group.served): who writes to it, who pings it, the handler of its request. They grow
 * with the connections, so more of them is load too.
 *
 * Whose connection it is tells who made whom: who reads from it made the goroutine, or was made by
 * it, or one goroutine made both; and no more of them than of connections. A handler counts if it
 * waits for the end of its request as well: else it is stuck, whether the client is there or not.
 */
#ifndef PARKWATCH_VIEW_LEAK_LOAD_H
#define PARKWATCH_VIEW_LEAK_LOAD_H

#include "view/leaks.h"

/* After the last look, when it is known what is served, before leakset__finish(). 0 or -ENOMEM. */
int leak_load__note(struct leaks *l);

#endif
