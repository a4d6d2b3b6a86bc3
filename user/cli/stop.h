/* SPDX-License-Identifier: BSD-2-Clause */
/* stop: Ctrl-C and its kind end what goes on, and what was seen is written; the second one ends the program. */
#ifndef PARKWATCH_CLI_STOP_H
#define PARKWATCH_CLI_STOP_H

#include <signal.h>

/* Catches SIGINT, SIGTERM and SIGHUP from here on; not 0: one came. SIGPIPE is ignored: a reader that ends early is an error of writing. */
const volatile sig_atomic_t *stop_on_signals(void);

#endif
