/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lines: what a worker had to say of its target (base/notes), on its way to the supervisor's log, with the
 * target's id. Each is its level, a digit, and its text with a newline. What comes is hostile input.
 */
#ifndef PARKWATCH_SERVE_LINES_H
#define PARKWATCH_SERVE_LINES_H

#include "base/textbuf.h"

#define LINES_MAX       64 /* that are passed on; more are counted */
#define LINES_BYTES_MAX (128u << 10)

/* Those that are kept now; they are forgotten. */
void lines_take(struct textbuf *to);
/* Into the log. */
void lines_pass_on(const char *bytes, size_t len, const char *id);

#endif
