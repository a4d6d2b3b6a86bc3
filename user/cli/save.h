/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * save: the .pw files of a command: `-o FILE.pw` instead of a report, `--save FILE` beside it.
 *
 * Opened before the process is looked at, so that a bad name is told at once; written when all is
 * known; seen under its name only when it is whole.
 */
#ifndef PARKWATCH_CLI_SAVE_H
#define PARKWATCH_CLI_SAVE_H

#include "base/cause.h"
#include "base/outfile.h"
#include "cli/options.h"
#include "engine/target.h"
#include "names/factlog.h"
#include "view/recording.h"

/* *ret: NULL where nobody asks for a file. Errors as outfile__open(). */
int save_open(const struct opts *o, struct outfile **ret, struct cause *why);

/* Facts into this file. t, meta and the strings of o: borrowed until f is freed. 0 or -ENOMEM. */
int save_begin(const struct opts *o, const struct target *t, const struct report_meta *meta,
	       FILE *to, struct factlog **f, struct cause *why);
/*
 * After the facts, which gave err: the end of the file. What went wrong first, with a cause.
 */
int save_end(struct factlog *f, const struct report_meta *meta, int err, struct cause *why);

#endif
