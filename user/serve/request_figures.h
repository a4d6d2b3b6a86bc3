/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request_figures: the requests of a look in figures, for metrics: how many are under way on each
 * route, how old the oldest is, how many are past their deadline. A worker works them out, and
 * sends them with its digest: hostile input.
 *
 * Only requests that the program serves count, not those that it sends. Bounded: at most
 * REQUEST_ROUTES_MAX pairs of a method and a route, those with the most requests; the rest is one
 * sum. Methods that HTTP does not know are one: clients choose them.
 */
#ifndef PARKWATCH_SERVE_REQUEST_FIGURES_H
#define PARKWATCH_SERVE_REQUEST_FIGURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define REQUEST_ROUTES_MAX 20
#define REQUEST_ROUTE_MAX  160 /* bytes, with NUL; a longer one loses its end */
#define REQUEST_METHOD_MAX 8
#define REQUEST_LONG_NS    NS_PER_SEC /* a wait that a trace is to know of */

struct request_route {
	char method[REQUEST_METHOD_MAX]; /* "GET"; "other"; "": not known, as of gRPC */
	char route[REQUEST_ROUTE_MAX];   /* "unknown": it is not known */
	uint64_t under_way, past_deadline;
	uint64_t oldest_ns; /* at least so old; 0: not known */
};

struct request_figures { /* a plain value */
	uint64_t known;  /* 1: they were read */
	struct request_route routes[REQUEST_ROUTES_MAX];
	uint64_t nr;
	struct request_route other; /* what has no place in routes, together */
	uint64_t over;              /* requests that are over, and left goroutines behind */
	/* when the youngest long wait began of those in a trace, CLOCK_MONOTONIC; 0: there is none */
	uint64_t traced_since_ns;
};

struct dump;
struct dump_row;
struct grequest_of;
/* It waits for REQUEST_LONG_NS or longer, and has a span of a trace in hand. */
bool request_figures_is_traced(const struct dump *d, const struct dump_row *row,
			       const struct grequest_of *of);
/* d: its input may have requests. 0 or -ENOMEM. */
int request_figures_of(const struct dump *d, struct request_figures *ret);
/* As bytes of who may be mistaken. 0 or -EBADMSG. */
int request_figures__unpack(const char *bytes, size_t len, struct request_figures *ret);
/*
 * Those of the newest look take the place of to. A route that was there stays, with no request,
 * until another one needs its place: so its series goes on.
 */
void request_figures__follow(struct request_figures *to, const struct request_figures *now);

/* One more request, or several. */
void request_figures__add(struct request_figures *f, const struct request_route *r);

#endif
