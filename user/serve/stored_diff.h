/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stored_diff: what a target's goroutines did in one time, beside what they did in another, earlier or not:
 *
 *	GET /api/v1/targets/ID/diff?view=goroutines|blocked&base_from=UNIX&base_to=UNIX&from=UNIX&to=UNIX
 *		&format=folded|json|text|html
 *
 * Each of the two as serve/stored_sums reads it, with its bounds; compared as `parkwatch diff` does. Of blocked, in
 * folded stacks only, the second one is scaled to the length of the first one.
 */
#ifndef PARKWATCH_SERVE_STORED_DIFF_H
#define PARKWATCH_SERVE_STORED_DIFF_H

struct http_answer;
struct http_request;
struct store;

void diff_get(const struct store *s, const char *target, const struct http_request *q,
	      struct http_answer *a);

#endif
