/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * outfile: where a report goes: standard output, or a file that appears under its name only when it
 * is whole.
 *
 * A regular file has no name until commit, so that nothing is left if we end before, however we
 * end. Commit puts it where base/outplace found the name, and replaces what is there. What is no
 * regular file (/dev/null, a fifo) is written directly.
 */
#ifndef PARKWATCH_BASE_OUTFILE_H
#define PARKWATCH_BASE_OUTFILE_H

#include <stdio.h>
#include <sys/types.h>

#include "base/cause.h"
#include "base/cleanup.h"

struct outfile;

/*
 * path NULL or "-": standard output. Opening early finds a bad path before any recording. mode 0: a
 * file that is replaced keeps its own and its owner; a new one has 0600 if we are root, else what
 * the umask leaves of 0666.
 */
int outfile__open(const char *path, mode_t mode, struct outfile **ret, struct cause *why);
FILE *outfile__stream(struct outfile *o); /* borrowed until commit or free */
/*
 * Everything reached the disk (or pipe) and the file has its name; else nothing has, and the cause
 * says why.
 */
int outfile__commit(struct outfile *o, struct cause *why);
/*
 * After writing to the stream, which returned err: commits if that is 0. An error of writing is
 * told with the file's name.
 */
int outfile__end(struct outfile *o, int err, struct cause *why);
void outfile__free(struct outfile *o);
DEFINE_SCOPED(outfile)

#endif
