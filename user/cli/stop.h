/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stop: how a command ends before it is done: by Ctrl-C and its kind, and by itself where nobody
 * answers what it reads.
 *
 * A target can have pages that nobody answers for (userfaultfd, FUSE): a thread that reads one
 * hangs, and only a signal that kills ends it. So another thread watches the caller. It ends the
 * command, with a message, if a read was not answered for STUCK_ASKS seconds, or if all took longer
 * than most_ns (0: no limit; the time of a pager that takes our output slowly does not count). The
 * limits within (base/deadline) are shorter and leave a report: these are for what those do not
 * see.
 */
#ifndef PARKWATCH_CLI_STOP_H
#define PARKWATCH_CLI_STOP_H

#include <signal.h>
#include <stdbool.h>
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
/* The target is known only now. */
void stop_is_of(pid_t target);
/* The signal came from the terminal: all programs in the foreground have it too. */
bool stop_came_from_terminal(void);
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
