/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reqpace: when a recording with probes looks at requests (engine/reqlooks), so that looking keeps to what
 * parkwatch may take: of a processor, and from the target. Part of session_run.
 */
#ifndef PARKWATCH_ENGINE_REQPACE_H
#define PARKWATCH_ENGINE_REQPACE_H

#define REQPACE_LIMIT 0.5 /* of what parkwatch may take from the target, where it takes something */

struct session_run;

/* The session has requests, as it is asked before each of these. */
void reqpace__begin(struct session_run *r);
/* A look, if it is time for one; what comes meanwhile is taken. One that fails tells nothing. */
void reqpace__step(struct session_run *r);
/* Of event wall, whose looks read requests themselves: what is due between these. */
void reqpace__follow(struct session_run *r);

#endif
