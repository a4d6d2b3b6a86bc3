// SPDX-License-Identifier: BSD-2-Clause
#include "serve/feed.h"

#include "base/clock.h"
#include "serve/otlp.h"

void feed__tick(struct feed *f, struct sinks *sinks, struct watched *const *targets, size_t nr,
		uint64_t now_ns)
{
	struct textbuf body;

	if (!sinks__wants(sinks, SINK_OTLP) || now_ns < f->otlp_ns)
		return;
	f->otlp_ns = now_ns + OTLP_NS;
	textbuf__init(&body, NULL);
	if (otlp__metrics(targets, nr, clock_ns(CLOCK_REALTIME), &body))
		sinks__put(sinks, SINK_OTLP, OTLP_METRICS, steal(body.v), body.nr);
	textbuf__done(&body);
}
