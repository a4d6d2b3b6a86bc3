/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * answer: how a body is written into an answer: piece by piece to whoever reads it (serve/reader), or into memory.
 */
#ifndef PARKWATCH_SERVE_ANSWER_H
#define PARKWATCH_SERVE_ANSWER_H

#include <stdio.h>

#include "base/cause.h"

struct http_answer;

/*
 * type: of the body. write: 0, or negative errno with a cause. What it wrote before an error is dropped; if the client has some of it
 * already, a->broken says so. 0, what write said, or -ENOMEM with a cause.
 */
int answer_write(struct http_answer *a, const char *type,
		 int (*write)(const void *ctx, FILE *out, struct cause *why), const void *ctx,
		 struct cause *why);

#endif
