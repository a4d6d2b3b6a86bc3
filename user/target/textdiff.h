/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * textdiff: where the code of a process differs from its file by a breakpoint: a uprobe's, or a
 * debugger's.
 *
 * Only pages that the process has for itself are compared (/proc/PID/pagemap, bit 61 clear: Linux
 * Documentation/admin-guide/mm/pagemap.rst); a page is never read twice. A place counts if a breakpoint is
 * there, or what the kernel makes of one (code/native). Other changes are the program's own affair. Reads
 * only; not thread-safe.
 */
#ifndef PARKWATCH_TARGET_TEXTDIFF_H
#define PARKWATCH_TARGET_TEXTDIFF_H

#include <stddef.h>
#include <stdint.h>

#include "target/goproc.h"

#define TEXTDIFF_MAX 256 /* places that are told */

struct textdiff {
	uint64_t addrs[TEXTDIFF_MAX]; /* in the process, ascending within a file */
	size_t nr;
	size_t refused; /* over the bound */
};

/*
 * 0; -ESRCH: the process has ended; -EACCES: its pages cannot be read. Pages that are unmapped
 * meanwhile are passed over.
 */
int textdiff__find(const struct goproc *gp, const struct proc *p, struct textdiff *ret);
/* Whether the place is among them. */
int textdiff__has(const struct textdiff *d, uint64_t addr);

#endif
