/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filters: the filters of dump, chans and refs, from the command line to names/filter; and the frame
 * of these commands, which look at a process once.
 */
#ifndef PARKWATCH_CLI_FILTERS_H
#define PARKWATCH_CLI_FILTERS_H

#include "base/cause.h"
#include "cli/options.h"
#include "names/filter.h"

/* NULL if none is given. -EINVAL, -ENOSPC with a cause. */
int filters_make(const struct opts *o, struct filter **ret, struct cause *why);

struct format;
/*
 * The whole command: look() has the format and the filters (NULL: none) that are asked for; it takes
 * most_ns at most, 0: as long as it likes (cli/stop). Returns the exit status.
 */
int filters_look(const struct opts *o, uint64_t most_ns,
		 int (*look)(const struct opts *o, const struct format *f,
			     const struct filter *filter, struct cause *why));

#endif
