/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rt_boost: how the calling thread is scheduled, while it must be on time.
 *
 * On a busy machine a thread that wakes gets a processor when another thread gives it up, that is
 * when one begins to wait. A look at such moments sees more waiting than there is, and what must be
 * ended soon ends late. Without the right to hurry (CAP_SYS_NICE) all works, less exactly.
 *
 * A thread that is served before all others takes a processor from them. So the boost ends after a
 * few milliseconds, whatever the thread does: a second thread, served before the first, sleeps until
 * then and ends it. A boost serves the one thread that made it. NULL: it never hurries.
 */
#ifndef PARKWATCH_BASE_RT_BOOST_H
#define PARKWATCH_BASE_RT_BOOST_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

/* of CPU time, that a thread is before all others at most */
#define RT_BOOST_NS 5000000u
/* where there is one processor for both it and the target */
#define RT_BOOST_ONE_NS 1000000u

/* Of both: how many processors they may use. */
uint64_t rt_boost_limit_ns(pid_t target);

struct rt_boost;
int rt_boost__new(uint64_t limit_ns, struct rt_boost **ret);
void rt_boost__free(struct rt_boost *p);
DEFINE_SCOPED(rt_boost)

/* Before all others from here on, for as much CPU time as the limit says from now. */
void rt_boost__hurry(struct rt_boost *p);
/* Sleeps as ppoll(2) does; served first when that ends, and from then on the CPU time counts. */
int rt_boost__poll(struct rt_boost *p, struct pollfd *fds, size_t nr, const struct timespec *most);
/* As it was before. */
void rt_boost__restore(struct rt_boost *p);

uint64_t rt_boost__limit_ns(const struct rt_boost *p);

/* For a process that only waits, and does short things: for good. */
void rt_boost_first(void);

#endif
