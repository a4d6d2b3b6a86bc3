/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * master: what a probe holder (probe/probe_holder) knows of the process that it holds probes for:
 * is it in charge?
 *
 * It is not in charge while it is stopped (by a signal or a debugger), while it is about to stop,
 * and when it gave no sign of life (base/heart) for MASTER_LATE_NS, asleep in the kernel or on a
 * processor. If it is ready to run and waits for a processor, the machine is busy: then the limit
 * is MASTER_STARVED_NS. Of the probe holder's thread.
 *
 * A slow machine, an emulated one for example, takes longer for honest work. There both limits are
 * longer by the same factor.
 */
#ifndef PARKWATCH_PROBE_MASTER_H
#define PARKWATCH_PROBE_MASTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define MASTER_LATE_NS    100000000ULL
#define MASTER_STARVED_NS 1000000000ULL
/* times as slow as a usual machine: no more is allowed for */
#define MASTER_SLOW_MOST 10.0

enum master_state {
	MASTER_HERE,
	MASTER_STOPPED,
	MASTER_LATE,
};

struct master {
	int stat_fd;                          /* of its /proc/PID/stat */
	clockid_t clock;                      /* its CPU time */
	uint64_t beats, beat_ns, beat_cpu_ns; /* the last sign of life */
	uint64_t seen_ns;                     /* when it was last asked for */
};

/* Of that process; stat_fd: its /proc/PID/stat, taken on success. 0 or negative errno. */
int master__init(struct master *m, pid_t pid, int stat_fd);
void master__done(struct master *m);

enum master_state master__state(struct master *m);
/*
 * Of an open /proc/PID/stat: 'S' sleeps, 'T' stopped, 't' by a debugger ...; 'R' where it is not to
 * be read.
 */
char master_letter(int stat_fd);
/* It asked for something: a sign of life, too. */
void master__lives(struct master *m);

/*
 * For all probe holders: times as slow as a usual machine, between 1 and MASTER_SLOW_MOST. Returns
 * what is late from here on.
 */
uint64_t master_allow(double slow);
/*
 * state: as in /proc/PID/stat. It gave no sign of life for silent_ns, and used cpu_ns meanwhile.
 * late_ns: as heart->late_ns.
 */
bool master_is_late(char state, uint64_t silent_ns, uint64_t cpu_ns, uint64_t late_ns);

#endif
