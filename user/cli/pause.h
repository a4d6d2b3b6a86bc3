/* SPDX-License-Identifier: BSD-2-Clause */
/* pause: Ctrl-Z and its kind: no probe is left in the target while parkwatch is stopped. */
#ifndef PARKWATCH_CLI_PAUSE_H
#define PARKWATCH_CLI_PAUSE_H

/*
 * Catches SIGTSTP, SIGTTIN and SIGTTOU from here on, unless they are ignored: the probes are taken
 * out first, then this process stops itself. On SIGCONT what goes on finds them gone
 * (probe/probe_holder).
 */
void pause_on_signals(void);

#endif
