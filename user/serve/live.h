/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * live: GET /api/v1/events/stream: what happens, as it happens, as server-sent events: `event` is an element of /api/v1/events,
 * `target` one of /api/v1/targets, after each look at it. A comment comes every LIVE_BEAT_NS, so both ends see whether the other is there.
 *
 * At most LIVE_CLIENTS_MAX clients. One that does not take LIVE_QUEUE_BYTES in time is cut off, and counted.
 */
#ifndef PARKWATCH_SERVE_LIVE_H
#define PARKWATCH_SERVE_LIVE_H

#include "serve/events.h"
#include "serve/http.h"

#define LIVE_CLIENTS_MAX 32
#define LIVE_QUEUE_BYTES (256u << 10)
#define LIVE_BEAT_NS     (5 * NS_PER_SEC)

struct live_client;
struct live {                                    /* zeroed: there is no client */
	struct live_client *v[LIVE_CLIENTS_MAX]; /* owned */
	size_t nr;
	uint64_t seen;    /* events that were told */
	uint64_t beat_ns; /* the next one */
	uint64_t refused, cut;
};

void live_get(struct live *l, const struct events *e, struct http_answer *a);
/* Now and then: what is new among the events; a beat. */
void live__tick(struct live *l, const struct events *e, uint64_t now_ns);
void live__target(struct live *l, const struct watched *t); /* it was looked at */

#endif
