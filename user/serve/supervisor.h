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

#include <stdbool.h>

#include "base/cause.h"
#include "serve/kubelet.h"

#define SUPERVISOR_LISTEN "127.0.0.1:7070" /* where nobody says otherwise */

struct supervisor_opts {
	const char
		*listen; /* as http__new(); NULL: as the configuration says, or SUPERVISOR_LISTEN */
	const char *config; /* the file; NULL: CONFIG_PATH, if it is there */
	const char *token_file, *tls_cert, *tls_key; /* NULL: as the configuration says, or none */
	const char *
		state_dir; /* NULL: as the configuration says, or STATE_DIR; not usable: no history is on disk */
	struct kubelet_opts kubelet;
	const char *otlp; /* the sink's URL; NULL: as the configuration says, or none */
	bool spans;       /* OTLP gets long waits, too; the configuration may say so, too */
	bool allow_jobs;  /* as api_in has it; the configuration may say so, too */
};

/*
 * Until SIGINT or SIGTERM; SIGHUP reads the configuration again. 0, or negative errno with a cause: it
 * could not begin, or the launcher ended.
 */
int supervisor__run(const struct supervisor_opts *o, struct cause *why);

#endif
