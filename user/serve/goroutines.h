/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goroutines: /api/v1/targets/ID/goroutines: those of the last look, as `dump` shows them.
 *
 * The query has dump's filters under their names (state, wait, older, goid, p, func, created-by, label,
 * not), and sort=, top=, group=, trace_id= and at=. With group= the answer is JSON, else one goroutine a line. Regular
 * expressions come over HTTP: what makes one dear is refused.
 */
#ifndef PARKWATCH_SERVE_GOROUTINES_H
#define PARKWATCH_SERVE_GOROUTINES_H

#include "names/filter.h"
#include "serve/reading.h"

/* A filter of dump, as the query names it. 0, -EINVAL with a cause, -ENOMEM. */
int goroutines_filter(struct filter *f, const struct http_value *v, struct cause *why);

/* trace_id=: the digits of a trace's id, or the first ones. *ret: borrowed from text. 0 or -EINVAL with a cause. */
int trace_asked(const char *text, const char **ret, struct cause *why);

void goroutines_read(const struct reading *r, struct http_answer *a);

#endif
