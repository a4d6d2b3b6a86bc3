/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history_api: GET /api/v1/targets/ID/history?span=10m: the history of a target as series of numbers,
 * one element a cell, the oldest first; null where nobody looked; empty where there was no look yet. Up to 10 min come in steps of 10 s,
 * up to 2 h in steps of 1 min, up to 48 h in steps of 1 h. Goroutines are the mean of the looks of a
 * cell; the HISTORY_API_SITES rows with the most goroutines are told one by one, the rest as `other`.
 */
#ifndef PARKWATCH_SERVE_HISTORY_API_H
#define PARKWATCH_SERVE_HISTORY_API_H

#include "serve/http.h"
#include "serve/watched.h"

#define HISTORY_API_SITES 20

void history_get(const struct watched *t, const struct http_request *q, struct http_answer *a);

#endif
