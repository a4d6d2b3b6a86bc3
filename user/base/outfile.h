/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * outfile: where a report goes: standard output, or a file that appears under its name only when it is whole.
 *
 * A regular file is written beside its name and renamed at commit; free without commit leaves no trace. What is
 * there already and is no regular file (/dev/null, a fifo) is written directly.
 */
#ifndef PARKWATCH_BASE_OUTFILE_H
#define PARKWATCH_BASE_OUTFILE_H

#include <stdio.h>

#include "base/cause.h"
#include "base/own.h"

struct outfile;

/* path NULL or "-": standard output. Opening early finds a bad path before any recording. */
int outfile__open(const char *path, struct outfile **ret, struct cause *why);
FILE *outfile__stream(struct outfile *o);	/* borrowed until commit or free */
/* Everything reached the disk (or pipe) and the file has its name; else nothing has, and the cause says why. */
int outfile__commit(struct outfile *o, struct cause *why);
void outfile__free(struct outfile *o);
DEFINE_SCOPED(outfile)

#endif
