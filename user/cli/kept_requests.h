/* SPDX-License-Identifier: BSD-2-Clause */
/* kept_requests: requests that are in a recording: of `dump --requests`, and of looks that serve has stored. */
#ifndef PARKWATCH_CLI_KEPT_REQUESTS_H
#define PARKWATCH_CLI_KEPT_REQUESTS_H

#include <stdio.h>

#include "cli/options.h"
#include "format/format.h"
#include "names/filter.h"
#include "view/replay.h"

/* What was given goes with the view, and with its format. 0, or -EINVAL with a cause, or after a line of format_choose_of(). */
int kept_requests_check(const struct opts *o, enum view v, struct cause *why);
/* Nobody asks for them, or this look has them. 0, or -ENOENT with a cause. */
int kept_requests_are_there(const struct opts *o, const struct replay *r,
			    const struct replay_look *look, struct cause *why);
/* As `parkwatch requests`. 0, or an error with a cause. */
int kept_requests_show(const struct opts *o, const struct format *f, const struct filter *filter,
		       const struct replay *r, FILE *out, struct cause *why);
/* A line of `parkwatch info`; none if there are none. */
void kept_requests_print(const struct replay *r);

#endif
