/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history_api: GET /api/v1/targets/ID/history?span=10m: the history of a target as series of numbers,
 * one element a cell, the oldest first; null where nobody looked; empty where there was no look yet. Up to 10 min come in steps of 10 s,
 * up to 2 h in steps of 1 min, up to 48 h in steps of 1 h. Goroutines are the mean of the looks of a
 * cell; the HISTORY_API_SITES rows with the most goroutines are told one by one, the rest as `other`.
 */
#ifndef PARKWATCH_SERVE_HISTORY_API_H
#define PARKWATCH_SERVE_HISTORY_API_H

#include <stdbool.h>

#include "base/json_writer.h"
#include "serve/http.h"
#include "serve/watched.h"

#define HISTORY_API_SITES 20

bool history_is_span(const char *text); /* "10m", "90s", "48h" */
/* Of a target in a list: the member "history", goroutines and blocked time alone. span: one that is a span */
void history_put_totals(struct json_writer *w, const struct watched *t, const char *span);

void history_get(const struct watched *t, const struct http_request *q, struct http_answer *a);

#endif
