/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pace: how the calling thread is scheduled, while it must be on time.
 *
 * A thread that wakes gets a processor when one is given up, on a busy machine: when somebody begins to wait. Who looks at such moments sees more
 * waiting than there is; and what must be ended soon ends late. Not allowed to hurry (CAP_SYS_NICE): no matter.
 *
 * Who is before all others takes a processor from them, so that ends after a few milliseconds, whatever the thread is busy with: a second thread,
 * served before the first, sleeps until then and sets it back. One pace serves one thread, the one that made it. NULL is one that never hurries.
 */
#ifndef PARKWATCH_BASE_PACE_H
#define PARKWATCH_BASE_PACE_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/own.h"

#define PACE_NS	    5000000u /* of CPU time, that a thread is before all others at most */
#define PACE_ONE_NS 1000000u /* where there is one processor for both it and the target */

/* Of both: how many processors they may use. */
uint64_t pace_limit_ns(pid_t target);

struct pace;
int pace__new(uint64_t limit_ns, struct pace **ret);
void pace__free(struct pace *p);
DEFINE_SCOPED(pace)

/* Before all others from here on, for as much CPU time as the limit says from now. */
void pace__hurry(struct pace *p);
/* Sleeps as ppoll(2) does; served first when that ends, and from then on the CPU time counts. */
int pace__poll(struct pace *p, struct pollfd *fds, size_t nr, const struct timespec *most);
/* As it was before. */
void pace__restore(struct pace *p);

uint64_t pace__limit_ns(const struct pace *p);

/* For a process that only waits, and does short things: for good. */
void pace_first(void);

#endif
