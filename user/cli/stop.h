/* SPDX-License-Identifier: BSD-2-Clause */
/* stop: Ctrl-C and its kind end what goes on, and what was seen is written; the second one ends the program. */
#ifndef PARKWATCH_CLI_STOP_H
#define PARKWATCH_CLI_STOP_H

#include <signal.h>
#include <sys/types.h>

/*
 * Catches SIGINT, SIGTERM and SIGHUP from here on; not 0: one came. SIGPIPE is ignored: a reader that ends early is an error of writing.
 * A target can have pages that nobody answers for (userfaultfd, FUSE): who reads one hangs, and takes no signal. So a thread asks the
 * caller, from the first signal on, whether it still takes some; if not for half a second it says so and ends the program.
 */
const volatile sig_atomic_t *stop_on_signals(pid_t target);
/* The target is read no more: from here on a disk may take its time. */
void stop_is_read(void);

#endif
