/* SPDX-License-Identifier: BSD-2-Clause */
/* timeline: what record does where a timeline is asked for (-f trace, FILE.perfetto-trace). */
#ifndef PARKWATCH_CLI_TIMELINE_H
#define PARKWATCH_CLI_TIMELINE_H

#include <stdbool.h>

#include "base/cause.h"
#include "cli/options.h"
#include "format/format.h"
#include "model/timeline.h"

bool timeline_is(const struct format *f); /* it shows one */
/* After one line: what else is asked for does not go with it, or needs one. */
bool timeline_refuses(const struct opts *o, const struct format *f);
/* *ret: NULL if nobody asks for one. 0 or -ENOMEM. */
int timeline_begin(const struct opts *o, const struct format *f, struct timeline **ret,
		   struct cause *why);
void timeline_say(const struct timeline *t); /* it is written: of which time it is, what shows it */

#endif
