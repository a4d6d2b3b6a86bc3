/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * otlp_spans: long waits of goroutines that are in a trace, as a request of OTLP/HTTP traces in JSON: a span for each wait of
 * OTLP_SPANS_NS or longer, whose parent is the span that the goroutine has in hand.
 *
 * Each wait is told once: at the first look that sees it last so long. It begins when it is known to have begun, and ends with that
 * look, for nobody knows more. A goroutine that has no span of a trace in hand has none of ours.
 */
#ifndef PARKWATCH_SERVE_OTLP_SPANS_H
#define PARKWATCH_SERVE_OTLP_SPANS_H

#include "base/clock.h"
#include "base/textbuf.h"
#include "serve/request_figures.h"
#include "serve/watched.h"

#define OTLP_SPANS_NS  REQUEST_LONG_NS
#define OTLP_SPANS_MAX 1000 /* of one look */

/* What there is to tell at the last look, which is not in what was told up to t->spanned_ns. */
bool otlp_spans__due(const struct watched *t);
/* 0, or negative errno. */
int otlp_spans__push(const struct watched *t, struct textbuf *to);

#endif
