/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stored_diff: what a target's goroutines did in one time, beside what they did in another, earlier or not:
 *
 *	GET /api/v1/targets/ID/diff?view=VIEW&base_from=UNIX&base_to=UNIX&from=UNIX&to=UNIX
 *		&format=folded|json|text|html
 *
 * Views and bounds are those of serve/stored_sums; compared as `parkwatch diff` does. Of births, exits, alloc and blocked
 * the second one is scaled as if it were recorded for as long as the first one. Where one of the two times has no recording
 * of waits, both are those of looks: in folded stacks only, scaled to the length of the first one.
 */
#ifndef PARKWATCH_SERVE_STORED_DIFF_H
#define PARKWATCH_SERVE_STORED_DIFF_H

struct http_answer;
struct reading;

void diff_read(const struct reading *of, struct http_answer *a);

#endif
