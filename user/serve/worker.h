/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker: the process that looks at one target for `parkwatch serve`: opens it, and writes a look at
 * all its goroutines to standard output, again and again, each as a whole recording (serve/wire).
 *
 * It has a process of its own because a target is hostile input: it can be killed out of a page that
 * nobody answers, and if it crashes or runs out of memory the others do not notice. It ends with its
 * target, and with who started it.
 */
#ifndef PARKWATCH_SERVE_WORKER_H
#define PARKWATCH_SERVE_WORKER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/cause.h"
#include "base/clock.h"

#define WORKER_LOOK_NS (10 * NS_PER_SEC) /* from one look to the next */
#define WORKER_SHARE   20                /* of a processor, that looks take at most */
/* That a step may take: a proof, or a million goroutines on a machine with other work. */
#define WORKER_SILENT_S 40
#define WORKER_READ_NS  (20 * NS_PER_SEC) /* that one may take; a million goroutines take a second */
/* Memory that it may have. A million goroutines: a look takes 0.4 GB, a watch for leaks 0.8 GB. */
#define WORKER_BYTES_MAX (1ULL << 30)

/* In a child: never returns. command, number, events: as WORKER_COMMAND says; to: the pipe. */
void become_worker(const char *command, pid_t pid, uint32_t number, uint32_t events, int to)
	__attribute__((noreturn));

/*
 * What each process does first that the launcher starts for one target (argv as WORKER_COMMAND says): the PID
 * of that; 0: somebody else started it, which is said. ret_s: how long it is to take; NULL: until it ends.
 */
pid_t worker_begin(int argc, char **argv, uint64_t *ret_s);
/*
 * For a worker that ends by itself: it takes a step. After WORKER_SILENT_S without one, and at *until_ns in all, SIGALRM
 * ends it, out of a page that nobody answers too. until_ns: uint64_t, as clock_now_ns(); for jobs_opts.progress.
 */
void worker_goes_on(void *until_ns);
/*
 * From the start of a look that took so much CPU time to the start of the next: WORKER_LOOK_NS; of a very large target
 * so much longer that looks take 1/WORKER_SHARE of a processor, but FRAME_REST_MOST_NS at most.
 */
uint64_t worker_pace_ns(uint64_t cpu_ns);
/* Why it ends before its target, if it does. what: "cannot be ...". */
void worker_say(pid_t pid, int err, const char *what, const struct cause *why);

/* CPU time of this process, and of its children that have ended. */
uint64_t worker_cpu_ns(void);

/* argv as WORKER_COMMAND says. The exit status: 0, the target has ended. */
int worker_main(int argc, char **argv);

#endif
