/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * otlp_logs: what happened to a target, as a request of OTLP/HTTP logs in JSON: a record for each place
 * that leaks, and for each storm and slow leak, with the evidence as attributes. The place where they
 * are blocked has the names of OpenTelemetry's conventions (code.*), the rest is parkwatch.*.
 */
#ifndef PARKWATCH_SERVE_OTLP_LOGS_H
#define PARKWATCH_SERVE_OTLP_LOGS_H

#include "base/textbuf.h"
#include "serve/watched.h"

/* sites: bit i: of leaks.figures.sites[i]. t: has a report. now_ns: Unix time. 0, or negative errno. */
int otlp_logs__leaks(const struct watched *t, uint32_t sites, uint64_t now_ns, struct textbuf *to);
/* a: of the last look of t's history. 0 or -ENOMEM. */
int otlp_logs__alarm(const struct watched *t, const struct history_alarm *a, uint64_t now_ns,
		     struct textbuf *to);

#endif
