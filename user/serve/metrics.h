/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * metrics: what is watched, as Prometheus text (version 0.0.4) or OpenMetrics 1.0.
 *
 * Bounded: for each target three series for each state and each wait reason that it has ever had at a
 * look (some twenty; golang/gostate has less than a hundred), one for each of LEAK_SITES_MAX places
 * that leak, three for each of REQUEST_ROUTES_MAX routes, and some thirty more. No goroutine, no stack, no address is a label.
 */
#ifndef PARKWATCH_SERVE_METRICS_H
#define PARKWATCH_SERVE_METRICS_H

#include "base/textbuf.h"
#include "serve/configured.h"
#include "serve/sinks.h"
#include "serve/store.h"
#include "serve/watched.h"

struct live;
struct readers;

struct metrics_in { /* borrowed for the call */
	struct watched *const *targets;
	size_t nr;
	const struct store *store; /* NULL: no history is on disk */
	uint64_t worker_restarts;  /* of all targets, those that have ended too */
	const struct configured *config;
	const struct sinks *sinks;
	const struct http *http;
	const struct readers *readers;
	const struct live *live;
	const struct secrets *secrets;
	const struct rights *rights; /* at the start */
	const struct surroundings *around;
	const struct pods *pods;
	bool open_metrics;
	bool one; /* that target alone, and nothing of ourselves */
};

/* OpenMetrics calls a counter by its name without _total: so does name. */
void metrics__head(const struct metrics_in *in, struct textbuf *to, const char *name,
		   const char *type, const char *help);
void metrics_label(struct textbuf *to, const char *name, const char *value); /* name="value" */

void metrics__write(const struct metrics_in *in, struct textbuf *to);

#endif
