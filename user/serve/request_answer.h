/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request_answer: /api/v1/targets/ID/requests: the requests of the last look, as `requests -f json` shows them.
 *
 * The query has route=, trace_id=, at=, and the filters of serve/goroutines: a request is shown if one of its goroutines is, with those
 * that are.
 */
#ifndef PARKWATCH_SERVE_REQUEST_ANSWER_H
#define PARKWATCH_SERVE_REQUEST_ANSWER_H

#include "serve/reading.h"

void requests_read(const struct reading *r, struct http_answer *a);

#endif
