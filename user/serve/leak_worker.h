/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak_worker: the process that watches one target for leaks, once, for `parkwatch serve`: the same
 * watch as the command leaks (engine/watch), with probes and proof. It writes one frame to standard
 * output: the report as a recording (serve/frame).
 *
 * It is not the worker that takes looks: that one stays small, and goes on meanwhile. If this one
 * crashes, hangs or is killed, its probe holder takes the probes out. It ends by itself, even out of a
 * page that nobody answers: after WORKER_SILENT_S without a step, and after LEAK_WORKER_MOST_S in
 * all. And it ends with who started it.
 */
#ifndef PARKWATCH_SERVE_LEAK_WORKER_H
#define PARKWATCH_SERVE_LEAK_WORKER_H

#define LEAK_WORKER_FIRST_S 10  /* the first watch of a target */
#define LEAK_WORKER_S       30  /* the others: what grows slowly is seen too */
#define LEAK_WORKER_MOST_S  120 /* with opening, proof and report */

/* argv as LEAK_WORKER_COMMAND says. The exit status: 0, the report is written. */
int leak_worker_main(int argc, char **argv);

#endif
