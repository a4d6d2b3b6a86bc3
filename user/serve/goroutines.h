/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * goroutines: /api/v1/targets/ID/goroutines: those of the last look, as `dump` shows them.
 *
 * The query has dump's filters under their names (state, wait, older, goid, p, func, created-by, label,
 * not), and sort=, top=, group= and at=. With group= the answer is JSON, else one goroutine a line. Regular
 * expressions come over HTTP: what makes one dear is refused.
 */
#ifndef PARKWATCH_SERVE_GOROUTINES_H
#define PARKWATCH_SERVE_GOROUTINES_H

#include "serve/reading.h"

void goroutines_read(const struct reading *r, struct http_answer *a);

#endif
