/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serving: whether a goroutine serves a connection of net/http, and which request it is at.
 *
 * HTTP/1: the frame of net/http.(*conn).serve has the connection, or the response that is being
 * written, in a live variable. It counts if each leads to the other: conn.curReq is the response,
 * and response.conn the connection. While the connection waits for the next request, curReq is nil
 * (Go net/http/server.go, 1.15 to 1.27). Not thread-safe.
 */
#ifndef PARKWATCH_REQUESTS_SERVING_H
#define PARKWATCH_REQUESTS_SERVING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "requests/liveslots.h"
#include "requests/prover.h"
#include "requests/webtypes.h"

enum serving_state {
	SERVING_NOTHING, /* it serves no connection, or that waits for a request */
	SERVING_REQUEST,
	SERVING_UNCLEAR, /* it may be at a request, and nobody knows at which */
};

struct serving;
/* All borrowed until free. -ENOMEM; errors of the tables of the code. */
int serving__new(const struct goruntime *rt, struct prover *p, const struct webtypes *w,
		 struct serving **ret);
void serving__free(struct serving *s);
DEFINE_SCOPED(serving)

/* Whether goroutines that start there serve connections. */
bool serving__starts_at(struct serving *s, uint64_t startpc);
/* *ret: the address of the net/http.Request, only with SERVING_REQUEST. */
enum serving_state serving__of(struct serving *s, const struct liveslots *slots, uint64_t *ret);

#endif
