/* SPDX-License-Identifier: BSD-2-Clause */
/* look_answer: what a look at a target says, as the answer to a request: in a process of its own (serve/reading). */
#ifndef PARKWATCH_SERVE_LOOK_ANSWER_H
#define PARKWATCH_SERVE_LOOK_ANSWER_H

#include <stdio.h>

#include "serve/http.h"
#include "serve/reading.h"
#include "view/replay.h"

struct look_view {
	const char *type; /* media type */
	/* r: of the look. 0, -ENOENT: the look has none of it; or another error. */
	int (*write)(const struct replay *r, const void *ctx, FILE *out, struct cause *why);
	const void *ctx;
};

/* 0: it is answered. -ENOENT: it is not, for the look has none of it. */
int look_answer(const struct reading *of, const struct look_view *v, struct http_answer *a);

/* GET /api/v1/targets/ID/chans: the JSON of `chans`, while goroutines wait for locks; of a recording of channels that were watched, that of `chans -d`. */
void chans_read(const struct reading *r, struct http_answer *a);

#endif
