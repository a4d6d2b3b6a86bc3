/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * supervisor: the process of `parkwatch serve` that remembers what workers see, and answers over HTTP.
 *
 * It starts the launcher, gives up all rights, and then runs one epoll loop: signals, the launcher's
 * notices, the workers' pipes, HTTP. It reads no target and starts nothing. A worker that says nothing
 * for WATCHED_SILENT_NS, or sends what is no look, is replaced by the launcher, and counted.
 */
#ifndef PARKWATCH_SERVE_SUPERVISOR_H
#define PARKWATCH_SERVE_SUPERVISOR_H

#include "base/cause.h"

#define SUPERVISOR_LISTEN "127.0.0.1:7070" /* where nobody says otherwise */

/*
 * Until SIGINT or SIGTERM. listen: as http__new(). 0, or negative errno with a cause: it could not
 * begin, or the launcher ended.
 */
int supervisor__run(const char *listen, struct cause *why);

#endif
