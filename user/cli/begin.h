/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * begin: how the process is put right before it does anything else, and how one that only prints
 * ends.
 */
#ifndef PARKWATCH_CLI_BEGIN_H
#define PARKWATCH_CLI_BEGIN_H

/*
 * Descriptors 0 to 2 are taken, so that no file of ours gets such a number and receives what is
 * meant for a person: where one was closed, reading and writing fail there. A file that may not
 * grow further (ulimit -f) is an error of writing.
 */
void begin(void);
/* In a child that is to be another program: limits as they were before that, and before our own. */
void begin_undo(void);
/*
 * Runs it on a stack that is large enough, also where the shell allows less (ulimit -s 64). Returns
 * what it returns.
 */
int begin_on_stack(int (*run)(int, char **), int argc, char **argv);
/* What was printed is out: the exit status that was meant. Else 1, after one line. */
int end_of_print(int status);

#endif
