/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump_diff: what appeared, went and stayed between an older dump and this one.
 *
 * A goroutine is known by its number and start function (and runtime, where there are several).
 */
#ifndef PARKWATCH_FORMAT_DUMP_DIFF_H
#define PARKWATCH_FORMAT_DUMP_DIFF_H

#include "format/dump_show.h"
#include "view/old_dump.h"

#define DUMP_DIFF_GOIDS 10 /* shown of a creation site */

/*
 * json: {"appeared":[...],"went":[...],"stayed":[...]}, goroutines as in the two dumps; else text:
 * three sections with counts by creation site, the largest first. top: how many goroutines, or
 * sites, of each are shown; 0: all. 0 or negative errno with a cause.
 */
int dump_show__diff(struct dump *d, const struct dump_show *s, struct old_dump *o, size_t top,
		    bool json, FILE *out, struct cause *why);

#endif
