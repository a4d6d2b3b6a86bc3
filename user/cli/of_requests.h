/* SPDX-License-Identifier: BSD-2-Clause */
/* of_requests: recordings of which rows are of requests: --root route, trace and span, and --requests. */
#ifndef PARKWATCH_CLI_OF_REQUESTS_H
#define PARKWATCH_CLI_OF_REQUESTS_H

#include <stdbool.h>

#include "cli/options.h"
#include "engine/session.h"
#include "format/format.h"
#include "model/snap.h"

/* It cannot be told of what is asked for: said. */
bool of_requests_refuses(const struct opts *o, const struct format *f);
/* What rows are kept apart by. */
enum profile_root of_requests_root(const struct opts *o, const struct format *f);
/* Nobody asked by name: only of a program that serves requests. */
bool of_requests_if_known(const struct opts *o, const struct format *f);
/* By all that is known of a request: what is written has it, or can be told by it later. */
bool of_requests_apart(const struct opts *o, const struct format *f);
/* How much of it has a request, why the rest has none, and what looking took. */
void of_requests_say(const struct snap *snap, const struct session_end *e);
/*
 * A recording shown by another root than it was made with: what its rows know is enough. False: it is not.
 */
bool of_requests_can_show(const struct snap *snap, enum profile_root root);

#endif
