/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pace: how the calling thread is scheduled, while it must be on time.
 *
 * A thread that wakes gets a processor when one is given up, on a busy machine: when somebody begins to wait. Who looks at such moments sees more
 * waiting than there is; and what must be ended soon ends late. Not allowed to hurry (CAP_SYS_NICE): no matter.
 */
#ifndef PARKWATCH_BASE_PACE_H
#define PARKWATCH_BASE_PACE_H

#include <sched.h>

struct pace {
	int policy; /* -1: as it was */
	struct sched_param param;
};

/* Before all that is not real-time. What was, for pace__restore(). */
struct pace pace__hurry(void);
void pace__restore(const struct pace *p);

#endif
