/* SPDX-License-Identifier: BSD-2-Clause */
/* format: the renderer that -f or the name of the output file asks for. */
#ifndef PARKWATCH_CLI_FORMAT_H
#define PARKWATCH_CLI_FORMAT_H

#include "cli/options.h"
#include "format/renderer.h"

/* 0, or the exit status, after one line: this build cannot write it, or a terminal cannot show it. r: NULL is always fine. */
int format_check(const struct opts *o, const struct renderer *r);

#endif
