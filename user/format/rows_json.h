/* SPDX-License-Identifier: BSD-2-Clause */
/* rows_json: what a stack is in JSON, for all that tells stacks: members of the object that is open. */
#ifndef PARKWATCH_FORMAT_ROWS_JSON_H
#define PARKWATCH_FORMAT_ROWS_JSON_H

#include "base/json_writer.h"
#include "view/recording.h"
#include "view/rowframes.h"

/* The object of that name, begun: which program. It stays open. */
void rows_json__program(const struct report_meta *m, const char *name, struct json_writer *w);
/* "reason"; of allocations null, and "object"; then "root" */
void rows_json__what(const struct snap *s, const struct snap_row *row, const struct frames *fr,
		     struct json_writer *w);
/* "stack", innermost first */
void rows_json__stack(const struct frames *fr, struct json_writer *w);
/* of wakeups "waker_kind" and "wakers": stacks, innermost first; else nothing */
void rows_json__wakers(const struct snap *s, const struct frames *fr, struct json_writer *w);

#endif
