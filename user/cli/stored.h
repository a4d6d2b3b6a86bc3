/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stored: what `parkwatch serve` has stored of a target, as a recording for `parkwatch report`.
 *
 *	goroutines	counted by stack, the mean of all looks of the time that was asked for
 *	dump		the last whole look of it
 *	leaks		the last report of leaks of it
 */
#ifndef PARKWATCH_CLI_STORED_H
#define PARKWATCH_CLI_STORED_H

#include "base/cause.h"
#include "cli/options.h"
#include "serve/stored_sums.h"

struct replay;
/* o: with a target. only: lives as long as *ret. 0, or negative errno with a cause. */
int stored_open(const struct opts *o, char only[STORED_ONLY_MAX], struct replay **ret,
		struct cause *why);

#endif
