/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * api: what `parkwatch serve` answers over HTTP: at once, or what is made out of a recording by readers (serve/readers).
 *
 *	/metrics			Prometheus text, or OpenMetrics by the Accept header; ?target=ID
 *	/sd				discovery by HTTP (serve/sd)
 *	/api/v1/targets			{"targets":[...]}
 *	/api/v1/targets/ID		one of them
 *	/api/v1/targets/ID/chans	the JSON of `chans` at the last look, while goroutines wait for locks; watched now: serve/recorded_view
 *	/api/v1/targets/ID/goroutines	goroutines at the last look: the jsonl of `dump`, and its filters
 *	/api/v1/targets/ID/requests	requests at the last look: the JSON of `requests`: serve/request_answer
 *	/api/v1/targets/ID/history	what its looks saw within ?span=: serve/history_api
 *	/api/v1/targets/ID/profile	stacks of a past interval: serve/stored_sums; recorded now: serve/recorded_view
 *	/api/v1/targets/ID/diff		those of two intervals, side by side: serve/stored_diff
 *	/api/v1/events			{"events":[...]}: the newest
 *	/api/v1/events/stream		as they happen: serve/live
 *	/debug/pprof/NAME		Go's own profiles of a target: serve/debug_pprof
 *	/-/healthy, /-/ready		200; ready: all processes that were there at the start are known
 */
#ifndef PARKWATCH_SERVE_API_H
#define PARKWATCH_SERVE_API_H

#include "serve/events.h"
#include "serve/http.h"
#include "serve/metrics.h"

struct api_in { /* borrowed for the call */
	struct metrics_in metrics;
	const struct events *events;
	struct recorder *recorder;
	struct readers *readers;
	struct live *live;
	bool allow_jobs; /* what costs a target something may be asked for */
	bool ready;
};

/* NULL: there is none. */
struct watched *api_find(const struct api_in *in, const char *id, size_t len);

/* {"error":"..."}, with that status. */
void api_error(struct http_answer *a, unsigned int status, const char *text);
void api_get(const struct api_in *in, const struct http_request *q, struct http_answer *a);

struct json_writer;
void api_target(struct json_writer *w, const struct watched *t); /* an element of targets */

#endif
