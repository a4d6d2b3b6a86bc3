/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls: of event wall, system calls and time in C are told one by one, as long as that costs no more than
 * it may: a probe where each begins, and one where it ends. That is for the whole recording or not at all:
 * what looks say of them stands then. Part of session_run.
 *
 * The probes are no part of the session's: samples are taken in interrupts, and share no memory with them.
 */
#ifndef PARKWATCH_ENGINE_CALLS_H
#define PARKWATCH_ENGINE_CALLS_H

#include <stdbool.h>
#include <stdint.h>

struct session;
struct session_run;

#define CALLS_PART 0.5 /* of what parkwatch may take from the target */
#define CALLS_GRACE_NS                                                                             \
	5e6 /* that may be spent before the target has used any CPU time to speak of */

struct calls {
	bool on;     /* they are told, all since the recording began */
	bool linked; /* there were probes */
};

/* Makes them where nobody asks for what they cannot tell. Where they cannot be made looks are enough: no error. */
void calls__open(struct session *s);
void calls__link(struct session_run *r); /* before time zero: it takes some time */
void calls__begin(struct session_run *r);
/* Ends them where they have become too dear. */
void calls__step(struct session_run *r);
/* What they told becomes known. */
void calls__end(struct session_run *r);
/* Nobody knows them all any more. */
void calls__drop(struct session_run *r);

uint64_t calls__hits(const struct session *s);  /* so far; 0: there are none */
double calls__cost_ns(const struct session *s); /* of these */

#endif
