/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state_dir: where the daemon's history lies on disk, opened while we still have rights.
 *
 *	DIR			of the administrator: only used, never changed
 *	DIR/history		made by us, 0700, of the user who starts the daemon
 *	DIR/history/segments	made by us, 0700, of the supervisor's user; the store's files
 *
 * The supervisor is `nobody` (serve/rights), as other daemons may be. It gets the last one as a
 * descriptor; no other process of nobody gets there by its path, because it cannot pass the one above.
 * What is below DIR may be no symbolic link, and what somebody else made there is refused.
 */
#ifndef PARKWATCH_SERVE_STATE_DIR_H
#define PARKWATCH_SERVE_STATE_DIR_H

#include "base/cause.h"

#define STATE_DIR "/var/lib/parkwatch" /* where nobody says otherwise */

/* Makes what is missing, DIR too but not above it. *ret_fd: of the segments. */
int state_dir__open(const char *dir, int *ret_fd, struct cause *why);
/* The same, which must be there: to read. -ENOENT: there is none. */
int state_dir__open_read(const char *dir, int *ret_fd, struct cause *why);

#endif
