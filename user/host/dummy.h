/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dummy: a child process of our own that runs one instruction of each class in a loop, to try and
 * to time probes on.
 *
 * At that instruction its registers and memory look like a parked goroutine's: a g with an m, ten
 * frames. What it runs is code of this very program, so the place to probe is an offset in
 * /proc/self/exe. The child does what it is told, one command at a time, and dies with its parent.
 */
#ifndef PARKWATCH_HOST_DUMMY_H
#define PARKWATCH_HOST_DUMMY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <parkwatch/knobs.h>

#include "base/cleanup.h"
#include "code/code.h"

#define DUMMY_TURN_MAX 3

struct dummy;

int dummy__new(struct dummy **ret);
void dummy__free(struct dummy *d); /* ends the child */
DEFINE_SCOPED(dummy)

pid_t dummy__pid(const struct dummy *d);
/* Offset in /proc/self/exe of the instruction of a class. */
uint64_t dummy__offset(const struct dummy *d, enum insn_class class);
/* Runs it n times and says how long that took. in_thread: by a second thread of the child. */
int dummy__run(struct dummy *d, enum insn_class class, uint32_t n, bool in_thread,
	       uint64_t *ret_ns);
/* Runs nr classes in turn (at most DUMMY_TURN_MAX), n times. */
int dummy__run_turns(struct dummy *d, const enum insn_class *classes, uint32_t nr, uint32_t n,
		     uint64_t *ret_ns);

/*
 * Layout of the child's g, and the site that fits: g and the wait reason (or size) where
 * code/native has them, no frame of its own.
 */
void dummy_layout(struct pw_layout *ret);
void dummy_site(struct pw_site *ret);

#endif
