/* SPDX-License-Identifier: BSD-2-Clause */
/* leak_requests_put: which requests the goroutines of a leak work for, as text and as JSON. */
#ifndef PARKWATCH_FORMAT_LEAK_REQUESTS_PUT_H
#define PARKWATCH_FORMAT_LEAK_REQUESTS_PUT_H

#include "base/json_writer.h"
#include "view/leaks.h"

/* "1,684 goroutines, of 842 requests to GET /quote (route /quote/{id}), all over", and traces */
void leak_requests_put__text(const struct leak_entry *e, const char *why, struct textbuf *to);
/* Where ctx.Done() should be looked at, as a line of its own; nothing if they look at it. */
void leak_requests_put__cure(const struct leaks *l, const struct leak_entry *e, struct textbuf *to);
/* Members of an object: requests, calls, ignores_context. */
void leak_requests_put__json(const struct leaks *l, const struct leak_entry *e,
			     struct json_writer *w);

#endif
