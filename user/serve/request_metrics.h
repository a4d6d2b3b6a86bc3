/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request_metrics: the metrics of requests under way, by route. Called by serve/metrics. Bounded: REQUEST_ROUTES_MAX routes of a target,
 * and what is "other".
 */
#ifndef PARKWATCH_SERVE_REQUEST_METRICS_H
#define PARKWATCH_SERVE_REQUEST_METRICS_H

#include "serve/metrics.h"

void request_metrics__write(const struct metrics_in *in, struct textbuf *to);

#endif
