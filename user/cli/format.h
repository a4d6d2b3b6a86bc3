/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format: the one chooser of views and formats: what a command shows, and in which format, by -f or
 * the name of the output file.
 */
#ifndef PARKWATCH_CLI_FORMAT_H
#define PARKWATCH_CLI_FORMAT_H

#include "cli/options.h"
#include "format/format.h"

#define FORMAT_LIST_MAX 128

/* What a command shows: --group and --diff of dump are views of their own. */
enum view format_view(const struct opts *o);
/*
 * 0, or the exit status after one line: there is no such format, not for this view, not in this
 * build, or a terminal cannot show it. A file name whose end is no format's takes the usual one.
 */
int format_choose(const struct opts *o, const struct format **ret);
/* The same, of this view. */
int format_choose_of(const struct opts *o, enum view v, const struct format **ret);
/* "text (default), json" */
void format_list(enum view v, char *text, size_t size);

#endif
