/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * feed: what goes to the sinks, and when: OTLP metrics of all targets every OTLP_NS; the goroutines of
 * each to Pyroscope every PYROSCOPE_NS, as an OTLP profile every OTLP_PROFILES_NS; each regular recording of waits or
 * allocations as OTLP profiles when it has come; long waits of goroutines in a trace as OTLP spans, after each look; to the webhook and
 * as OTLP logs leaks of a place that was not told before, storms and slow leaks. What is made out of a look, a report or a
 * recording is made by readers.
 */
#ifndef PARKWATCH_SERVE_FEED_H
#define PARKWATCH_SERVE_FEED_H

#include "serve/sinks.h"
#include "serve/watched.h"

struct feed {
	uint64_t otlp_ns; /* the next one */
};

struct readers;
void feed__tick(struct feed *f, struct sinks *sinks, struct readers *readers,
		struct watched *const *targets, size_t nr, uint64_t now_ns);

/* It has a new report. */
void feed__leaks(struct sinks *sinks, struct readers *readers, struct watched *w);
/* Its last look found something. */
void feed__alarms(struct sinks *sinks, const struct watched *w);

#endif
