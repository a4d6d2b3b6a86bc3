/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serving: whether a goroutine serves a connection of net/http, and which request it is at.
 *
 * HTTP/1: the frame of net/http.(*conn).serve has the connection, or the response that is being
 * written, in a live variable. It counts if each leads to the other: conn.curReq is the response,
 * and response.conn the connection. While the connection waits for the next request, curReq is nil
 * (Go net/http/server.go, 1.15 to 1.27). It must have called the handler, and the handler must not
 * have returned.
 * HTTP/2: a goroutine of its own runs the handler; its frame of runHandler has the responseWriter,
 * or its state, which has the request (h2_bundle.go; from 1.27 on net/http/internal/http2; the same
 * of golang.org/x/net/http2).
 * gRPC: the frames that handle a call of its server have its stream, or a context that has it
 * (google.golang.org/grpc server.go, 1.56 to 1.85). Not thread-safe.
 */
#ifndef PARKWATCH_REQUESTS_SERVING_H
#define PARKWATCH_REQUESTS_SERVING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "facts/requests.h"
#include "requests/contexts.h"
#include "requests/hands.h"
#include "requests/liveslots.h"
#include "requests/prover.h"
#include "requests/webtypes.h"

enum serving_state {
	SERVING_NOTHING, /* it serves none, or a connection that waits for a request */
	SERVING_REQUEST,
	SERVING_UNCLEAR, /* it may be at a request, and nobody knows at which */
};

struct serving;
/* All borrowed until free. -ENOMEM; errors of the tables of the code. */
int serving__new(const struct goruntime *rt, struct prover *p, const struct webtypes *w,
		 const struct contexts *c, struct serving **ret);
void serving__free(struct serving *s);
DEFINE_SCOPED(serving)

/* Whether goroutines that start there serve connections. */
bool serving__starts_at(struct serving *s, uint64_t startpc);
/* Whether this return address is of a function that tells of a server. */
bool serving__is_server(struct serving *s, uint64_t pc);
struct serving_request {
	uint64_t addr;
	const struct webtypes_request *of; /* what lies there; NULL: a stream of gRPC */
	enum grequest_kind kind;
};
/* hands: of the same goroutine. *ret: only with SERVING_REQUEST. */
enum serving_state serving__of(struct serving *s, const struct liveslots *slots,
			       const struct hand *hands, size_t nr_hands,
			       struct serving_request *ret);

#endif
