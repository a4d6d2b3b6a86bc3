/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_peer: who is at work for the same connection is told with one of them: the loops of an HTTP
 * client behind the request. Of connections of the process with itself who waits on the accepted
 * end waits for the client on the dialled end, and is told behind it; but a client waits behind the
 * handler that hangs by itself.
 *
 * Who is at work for a connection is known of those that wait on its descriptor, and of others by
 * the way from their stack to it
 * (heap/gconn). Of each connection one client is the first: the one in the program's own code.
 * Nobody is joined but leaks.
 */
#ifndef PARKWATCH_VIEW_LEAK_PEER_H
#define PARKWATCH_VIEW_LEAK_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "view/leaks.h"

#define LEAK_PEERS_MAX      262144
#define LEAK_PEERS_OF_GROUP 1024 /* of which it is asked what they lead to */

struct leak_peer { /* a goroutine at an end of a connection */
	uint64_t goid;
	uint32_t conn; /* its dialled descriptor */
	uint16_t rt;
	bool accepted;     /* at that end */
	bool waits, reads; /* on the descriptor; it waits to read */
	bool context;      /* it waits for the end of a context, among others */
	bool asks;         /* accepted: it is at the dialled end of another connection too */
};

struct leak_peers;
void leak_peers__free(struct leak_peers *p); /* NULL is fine */
/* more than LEAK_PEERS_MAX are passed over. 0 or -ENOMEM */
int leak_peer__add(struct leaks *l, const struct leak_peer *p);
/* the entries are there, before leak_incident__join(). 0 or -ENOMEM */
int leak_peer__note(struct leaks *l);
/* the two groups stand at the two ends of connections */
bool leak_peer__is_other_end(const struct leaks *l, uint32_t group, uint32_t of);
/* > 0: most of it that are joined stand at the accepted end of connections, < 0: at the other; 0 */
int leak_peer__side(const struct leaks *l, uint32_t group);
/* The same, as a recording tells it. 0 or -ENOMEM */
int leak_peer__stands(struct leaks *l, uint32_t group, int side);

#endif
