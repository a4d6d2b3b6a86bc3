/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * awaited: goroutines that have no request in hand, and yet have to do with one.
 *
 * A request awaits a goroutine if who serves it waits to receive from a channel, alone or in a
 * select, or for a sync.WaitGroup, and the goroutine has that very channel or WaitGroup in a live
 * variable or in a closure, waits for it by no means itself, and its code sends, closes or calls
 * Done (heap/chanops). It was made in a request if its creator serves that one and can serve no
 * other: HTTP/2, and gRPC but for its stream workers (Go 1.21 and later). Goroutines of net/http,
 * gRPC, package context and database/sql are awaited by none. If two requests await it, nothing is
 * said; a goroutine that has any request in hand, also one that is over, is passed over.
 */
#ifndef PARKWATCH_REQUESTS_AWAITED_H
#define PARKWATCH_REQUESTS_AWAITED_H

#include "requests/hands.h"
#include "requests/liveslots.h"
#include "requests/pass_state.h"

/*
 * Once it is known who serves, and whose each context is: fills relation, related and object of
 * those it finds, and adds idle ones to p->gs. -ETIMEDOUT, -ESRCH, -ENOSPC, -ENOMEM.
 */
int awaited__add(struct pass *p, struct liveslots_reader *reader, struct hands *hands);

#endif
