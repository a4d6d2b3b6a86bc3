/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recorded_view: GET /api/v1/targets/ID/profile?view=VIEW&seconds=N&format=FORMAT: what a recording of N seconds saw that is made for
 * the question (serve/recorder), where the target's level or --allow-jobs allows that. VIEW is an event of `record -e`. And
 * GET /api/v1/targets/ID/chans?seconds=N: its channels, watched for so long.
 */
#ifndef PARKWATCH_SERVE_RECORDED_VIEW_H
#define PARKWATCH_SERVE_RECORDED_VIEW_H

#include "serve/http.h"

struct api_in;
struct reading;
struct watched;

void recorded_view_get(const struct api_in *in, const struct watched *t,
		       const struct http_request *q, struct http_answer *a);
void recorded_chans_get(const struct api_in *in, const struct watched *t,
			const struct http_request *q, struct http_answer *a);
/* In a process of its own (serve/reading). */
void recorded_view_read(const struct reading *r, struct http_answer *a);

#endif
