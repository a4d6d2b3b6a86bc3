/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_metrics: the metrics of what leaks, of blocked time, and of what watching costs. Called by
 * serve/metrics, which tells the bound.
 */
#ifndef PARKWATCH_SERVE_LEAK_METRICS_H
#define PARKWATCH_SERVE_LEAK_METRICS_H

#include "serve/metrics.h"

void leak_metrics__write(const struct metrics_in *in, struct textbuf *to);

#endif
