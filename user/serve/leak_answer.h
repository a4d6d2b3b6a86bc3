/* SPDX-License-Identifier: BSD-2-Clause */
/* leak_answer: GET /api/v1/targets/ID/leaks: the JSON of `leaks`, of the last report: in a process of its own (serve/reading). */
#ifndef PARKWATCH_SERVE_LEAK_ANSWER_H
#define PARKWATCH_SERVE_LEAK_ANSWER_H

struct http_answer;
struct reading;
void leaks_read(const struct reading *r, struct http_answer *a);

#endif
