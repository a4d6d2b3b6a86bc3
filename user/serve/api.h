/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api: what `parkwatch serve` answers over HTTP.
 *
 *	/metrics			Prometheus text, or OpenMetrics by the Accept header; ?target=ID
 *	/sd				discovery by HTTP (serve/sd)
 *	/api/v1/targets			{"targets":[...]}
 *	/api/v1/targets/ID		one of them
 *	/api/v1/targets/ID/chans	the JSON of `chans` at the last look, while goroutines wait for locks
 *	/api/v1/targets/ID/goroutines	goroutines at the last look: the jsonl of `dump`, and its filters
 *	/-/healthy, /-/ready		200; ready: all processes that were there at the start are known
 */
#ifndef PARKWATCH_SERVE_API_H
#define PARKWATCH_SERVE_API_H

#include "serve/http.h"
#include "serve/metrics.h"

struct api_in { /* borrowed for the call */
	struct metrics_in metrics;
	bool ready;
};

void api_get(const struct api_in *in, const struct http_request *q, struct http_answer *a);

struct json_writer;
void api_target(struct json_writer *w, const struct watched *t); /* an element of targets */

#endif
