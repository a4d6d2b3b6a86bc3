/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * brief: what can be said of a process at a glance: whether it is Go's, how many goroutines it has,
 * in which container it is.
 *
 * Reads its memory, so it may hang where nobody answers for a page: for a child of ours.
 */
#ifndef PARKWATCH_ENGINE_BRIEF_H
#define PARKWATCH_ENGINE_BRIEF_H

#include <sys/types.h>

#include "view/processes.h"

enum brief {
	BRIEF_NOT_GO, /* or it has ended */
	BRIEF_GO,     /* row.why: it cannot be watched, and this is the reason */
	BRIEF_NO_RIGHT,
	BRIEF_KERNEL_THREAD,
};

/* most_ns: that it may take. Goroutines are counted as far as that goes. */
enum brief brief(pid_t pid, uint64_t most_ns, struct process_row *row);
/* What needs no look into its memory. false: it has ended. */
bool brief_of_outside(pid_t pid, struct process_row *row);
/* What Kubernetes calls its pod, if that was not known. True: it is known now, and was not before. */
bool brief_pod_names(struct process_row *row);
/* By its control group. False also where that cannot be read. */
bool brief_is_in_container(pid_t pid);
/* The folder where the names of pods are read. */
const char *brief_pod_names_folder(void);
/* With the PID it names a process for ever (target/proc). 0: it has ended, or cannot be read. */
uint64_t brief_start_ticks(pid_t pid);

#endif
