/* SPDX-License-Identifier: BSD-2-Clause */
/* timeline: what record does where a timeline is asked for (-f trace, FILE.perfetto-trace), or is to be kept. */
#ifndef PARKWATCH_CLI_TIMELINE_H
#define PARKWATCH_CLI_TIMELINE_H

#include <stdbool.h>

#include "base/cause.h"
#include "cli/options.h"
#include "format/format.h"
#include "model/timeline.h"

bool timeline_is(const struct format *f); /* it shows one */
/* It is recorded: to be shown, or -o FILE.pw keeps it, with -f trace, --window or --window-bytes. */
bool timeline_is_wanted(const struct opts *o, const struct format *f);
/* After one line: what else is asked for does not go with it, or needs one. */
bool timeline_refuses(const struct opts *o, const struct format *f);
/* *ret: NULL if nobody asks for one. 0 or -ENOMEM. */
int timeline_begin(const struct opts *o, const struct format *f, struct timeline **ret,
		   struct cause *why);
/* It is written: of which time it is, what shows it. */
void timeline_say(const struct timeline *t, const struct format *f);

#endif
