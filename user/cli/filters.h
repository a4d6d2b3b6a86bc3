/* SPDX-License-Identifier: BSD-2-Clause */
/* filters: the filters of dump, chans and refs, from the command line to names/filter. */
#ifndef PARKWATCH_CLI_FILTERS_H
#define PARKWATCH_CLI_FILTERS_H

#include "base/cause.h"
#include "cli/options.h"
#include "names/filter.h"

/* NULL if none is given. -EINVAL, -ENOSPC with a cause. */
int filters_make(const struct opts *o, struct filter **ret, struct cause *why);

#endif
