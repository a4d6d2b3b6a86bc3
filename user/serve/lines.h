/* SPDX-License-Identifier: BSD-2-Clause */
/* lines: what a worker had to say of its target, logged with the target's id. Loop thread only. */
#ifndef PARKWATCH_SERVE_LINES_H
#define PARKWATCH_SERVE_LINES_H

#include "facts/book.h"

#define LINES_MAX 64 /* that a recording brings; more are counted, for it may have any number */

void lines_pass_on(const struct book *b, const char *id);

#endif
