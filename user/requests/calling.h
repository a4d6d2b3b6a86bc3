/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calling: the request that a goroutine is in the call of, sent by the program itself.
 *
 * A frame of net/http's client tells (Transport.roundTrip, persistConn.roundTrip and so on, those of
 * its HTTP/2, and of golang.org/x/net/http2): a live variable of it is the http.Request, or the
 * transportRequest around it. The innermost such frame counts; where it has none any more, those
 * that called it from the same package. So it is said of who waits for the answer, and of
 * goroutines of the client that send the request, or wait until its answer has been read. A request
 * that is only in hand was not sent, or is answered. Of a call of gRPC the frames are those of its
 * clientStream, from the call to the end of its answer. Go 1.15 to 1.27, google.golang.org/grpc
 * 1.83; of another one nothing is said if its clientStream is another. Not thread-safe.
 */
#ifndef PARKWATCH_REQUESTS_CALLING_H
#define PARKWATCH_REQUESTS_CALLING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "requests/liveslots.h"
#include "requests/prover.h"
#include "requests/webtypes.h"

struct calling {
	uint64_t request; /* address of the net/http.Request; 0: none */
	/* address of what a client of HTTP/2 has for one request; 0: none. Others may know which */
	uint64_t stream;
	uint64_t call; /* address of what a client of gRPC has for one call; 0: none */
};

struct callings;
/* All borrowed until free. -ENOMEM; errors of the tables of the code. */
int callings__new(const struct goruntime *rt, struct prover *p, const struct webtypes *w,
		  struct callings **ret);
void callings__free(struct callings *c);
DEFINE_SCOPED(callings)

/* Whether this return address lies in a function of the client. */
bool callings__is_client(struct callings *c, uint64_t pc);
/* Of the goroutine whose slots these are. */
struct calling callings__of(struct callings *c, const struct liveslots *slots);

#endif
