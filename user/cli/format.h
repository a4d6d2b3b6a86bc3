/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format: the one chooser of formats: what -f or the name of the output file asks for, of what a
 * command shows.
 */
#ifndef PARKWATCH_CLI_FORMAT_H
#define PARKWATCH_CLI_FORMAT_H

#include "cli/options.h"
#include "format/format.h"

#define FORMAT_LIST_MAX 128

/*
 * 0, or the exit status after one line: there is no such format, not for this view, not in this
 * build, or a terminal cannot show it. A file name whose end is no format's takes the usual one.
 */
int format_choose(const struct opts *o, enum view v, const struct format **ret);
/* "text (default), json" */
void format_list(enum view v, char *text, size_t size);
enum view format_view(enum command c); /* of a command that has -f */

#endif
