/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ask: what a daemon (`parkwatch serve`) knows of the processes that `ps` lists: trend, leaks, how
 * closely each is watched, what that costs.
 *
 * Whoever answers at that address may be anybody: the answer is hostile input, bounded in time and in
 * bytes, and what it says of a process is believed only if the process has that id here.
 */
#ifndef PARKWATCH_SERVE_ASK_H
#define PARKWATCH_SERVE_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "view/processes.h"

#define ASK_URL       "http://127.0.0.1:7070"
#define ASK_URL_MAX   1024
#define ASK_MS        1000 /* that all of it may take */
#define ASK_BYTES_MAX (4u << 20)

struct token;
struct ask_whom {
	const char *url;
	const struct token *token; /* borrowed; NULL: none */
	bool named;                /* somebody said so: that nobody answers there is worth a word */
};

/*
 * Fills rows[i].told and daemon, which borrows the URL. -ENOENT: nobody answers there; -EACCES: it asks for a token, or
 * for another one; -EOPNOTSUPP: libcurl
 * is not installed; -EBADMSG: who answers is no daemon of ours; others; with a cause.
 */
int ask_daemon(const struct ask_whom *whom, struct processes *p, struct cause *why);

/* An answer, as /api/v1/targets has it; ids: of the rows. 0, -EBADMSG, -ENOMEM. */
int ask_read(const char *json, size_t len, const char *const *ids, struct processes *p);

#endif
