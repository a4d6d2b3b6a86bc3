/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stop: how a command ends before it is done: by Ctrl-C and its kind, and by itself where nobody
 * answers what it reads.
 *
 * A target can have pages that nobody answers for (userfaultfd, FUSE): who reads one hangs, and
 * takes no signal but one that kills. So a thread looks after the caller: it ends the command, in
 * words, when what the caller reads was not answered for STUCK_ASKS seconds, and when all took
 * longer than most_ns (0: no limit; that a pager takes our output slowly does not count). The
 * limits within (base/deadline) are shorter and leave a report: these are for what those do not
 * see.
 */
#ifndef PARKWATCH_CLI_STOP_H
#define PARKWATCH_CLI_STOP_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Catches SIGINT, SIGTERM and SIGHUP from here on; not 0: one came, what goes on ends and what was
 * seen is written; the second one ends the program. SIGPIPE is ignored: a reader that ends early is
 * an error of writing. From the first signal on the thread asks the caller whether it still takes
 * some; if not for half a second, or if after_ns of its CPU time were not enough for the report, it
 * says so and ends the program.
 */
const volatile sig_atomic_t *stop_on_signals(pid_t target, uint64_t most_ns, uint64_t after_ns);
/*
 * For what has nothing to tell before it is done: the first signal ends the program, whatever it
 * waits for. SIGPIPE as above.
 */
void stop_at_once(pid_t target, uint64_t most_ns);
/* The report is about to be written: the first signal breaks no write() of it, whoever takes it. */
void stop_is_written(void);
/* The target is read no more: from here on a disk may take its time. */
void stop_is_read(void);

#endif
