/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * otlp: what is watched, as a request of OTLP/HTTP in JSON (opentelemetry-proto 1.11):
 * go.goroutine.count of OpenTelemetry's conventions, by state, and our own metrics.
 *
 * A target is a resource. Of one there are as many points as it has series in /metrics. Plain text out.
 */
#ifndef PARKWATCH_SERVE_OTLP_H
#define PARKWATCH_SERVE_OTLP_H

#include "base/textbuf.h"
#include "serve/watched.h"

#define OTLP_NS (10 * NS_PER_SEC) /* from one to the next */

/* now_ns: Unix time. Those without a look are left out. False: there is nothing to tell. */
bool otlp__metrics(struct watched *const *targets, size_t nr, uint64_t now_ns, struct textbuf *to);

#endif
