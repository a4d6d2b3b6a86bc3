/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * launch: starts a program, and holds it where its first goroutine begins, until it may go on.
 *
 * It is held by ptrace(2) until then, and by nothing afterwards: a breakpoint at its first
 * instruction, when its code is where it belongs, and one in runtime.main, which is that goroutine;
 * both are gone before anybody else looks at it. What is no Go program may call exec to become one,
 * as a shell does. All functions are called by the thread that called launch__new().
 */
#ifndef PARKWATCH_ENGINE_LAUNCH_H
#define PARKWATCH_ENGINE_LAUNCH_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/cause.h"
#include "base/cleanup.h"

struct launch_opts {        /* all borrowed for the call */
	char *const *argv;  /* the program, looked for in PATH, and its arguments */
	const char *user;   /* whose rights it has; NULL: whoever called sudo, else our own */
	void (*undo)(void); /* in the child, before its rights are another's: our own settings */
	const volatile sig_atomic_t *stop; /* not 0: it is given up */
};

struct launch;
/* An error has a cause, and then there is no such process any more. */
int launch__new(const struct launch_opts *o, struct launch **ret, struct cause *why);
void launch__free(struct launch *l); /* one that is held has run nothing of its own: it is killed */
DEFINE_SCOPED(launch)

pid_t launch__pid(const struct launch *l);
bool launch__is_held(const struct launch *l);
void launch__go_on(struct launch *l); /* once; again is fine */
bool launch__has_ended(struct launch *l);
/*
 * Waits until it has ended, and returns the status of waitpid(2). sig: is sent to it first, if it
 * has not ended; 0: none.
 */
int launch__end(struct launch *l, int sig);

#endif
