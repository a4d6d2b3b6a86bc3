/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * requests: which request each goroutine works for, from the memory of the process alone, of a
 * stripped program too, without stopping it.
 *
 * What is said is a fact about memory, and each word means one (facts/requests):
 *	serves	it runs the handler of the request now: its frame of net/http's server has the
 *		connection, and that the request.
 *	of	a live variable of it, or a closure that one holds, has the request, or a context
 *		that was made from the request's own; or it waits for the Done channel of such a
 *		context. With over: of a request that nobody serves any more.
 *	awaited by	it has no request in hand, but what who serves that one waits for: a
 *		channel to send to or close, a WaitGroup.
 *	made in	it has nothing of all that, and who serves the request made it, and serves no other.
 * And of who sends a request of the program's own, or waits for its answer: which one it calls
 * (requests/calling).
 * Of a goroutine that has several requests in hand only their number is said. The rule is: right or
 * silent. Who made a goroutine says nothing (a connection serves many requests), nor do contexts
 * that frameworks put back into pools, nor words that no pointer map calls alive (liveslots), nor
 * memory that is not proved to be what it seems (prover).
 *
 * The program runs on. So all is read twice (pass), the second time only what the first has found;
 * what is not the same in both is not said, nor what rests on a goroutine that moved from the first
 * reading until after the second. Go 1.15 to 1.27; of another Go, and of programs without
 * these servers, nothing is said: net/http, golang.org/x/net/http2, gRPC (serving).
 *
 * Time: some microseconds a goroutine; bounded by the deadline. Memory: PROVER_MEMORY_MAX for pages,
 * and 24 bytes for each thing in hand. The target's memory is hostile input.
 */
#ifndef PARKWATCH_REQUESTS_REQUESTS_H
#define PARKWATCH_REQUESTS_REQUESTS_H

#include <stdbool.h>

#include "base/addrspace.h"
#include "base/cause.h"
#include "base/cleanup.h"
#include "base/deadline.h"
#include "facts/goroutines.h"
#include "facts/requests.h"
#include "golang/goruntime.h"

/*
 * Reads one Go runtime as often as is wished: the types are found by name once, in some
 * milliseconds. Descriptors and code do not change (golang/gotypes, liveslots); nothing else is
 * kept from one reading to the next.
 */
struct requests_reader;
/* as, rt: borrowed until free. 0 or -ENOMEM, -EFAULT, -EBADMSG, -ESRCH. */
int requests_reader__new(const struct addrspace *as, const struct goruntime *rt,
			 struct requests_reader **ret);
void requests_reader__free(struct requests_reader *rr);
DEFINE_SCOPED(requests_reader)
/* A server that is known is linked in. */
bool requests_reader__knows_a_server(const struct requests_reader *rr);

/*
 * Of the goroutines of c: the same wait of each, or nothing. What was not read until the deadline
 * is not said: ret->cut. -ESRCH: the process has ended; -EFAULT, -EBADMSG: it makes no sense;
 * -ENOMEM; with a cause.
 */
int requests_reader__read(struct requests_reader *rr, const struct census *c,
			  struct deadline *until, struct grequests **ret, struct cause *why);

#endif
