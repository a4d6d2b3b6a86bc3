/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_known: leaks that are known and are not to be told again: an allow list, and the baseline of
 * an earlier watch.
 *
 *	allow list	a POSIX extended regular expression a line; '#' begins a comment. Silences groups with such a
 *			function on the stack, or that start with it, or are made by it
 *	baseline	a group a line: reason, start, created by, blocked at, with tabs in between: functions, no lines, so
 *			that it holds for the next build too; and how many lines below its function's first the go statement
 *			stands, "?" where that is not known
 */
#ifndef PARKWATCH_FORMAT_LEAK_KNOWN_H
#define PARKWATCH_FORMAT_LEAK_KNOWN_H

#include <stdio.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "view/leaks.h"

#define LEAK_KNOWN_MAX 65536 /* lines of both files together */
/* what their {n,m} add, all together (name_times()) */
#define LEAK_KNOWN_TIMES_MAX 100000
#define LEAK_KNOWN_LINE_MAX  16384      /* bytes of a line */
#define LEAK_KNOWN_BYTES_MAX (16 << 20) /* of a file, which must be a regular one */

struct leak_known;
int leak_known__new(struct leak_known **ret);
void leak_known__free(struct leak_known *k);
DEFINE_SCOPED(leak_known)

/*
 * 0; -EINVAL, -ENOSPC: a line is no good; or the error of reading; -ENOMEM. Each with a cause that
 * names file and line.
 */
int leak_known__allow(struct leak_known *k, const char *path, struct cause *why);
int leak_known__baseline(struct leak_known *k, const char *path, struct cause *why);

/* sets leak_entry.known. 0 or -ENOMEM */
int leak_known__mark(const struct leak_known *k, struct leaks *l);
/* The baseline of what leaks, known ones included. 0 or the error of writing, with a cause. */
int leak_known__save(struct leaks *l, bool suspects, FILE *out, struct cause *why);

#endif
