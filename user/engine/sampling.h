/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sampling: a recording without probes: looks at random moments, each of which stands for some of
 * the time.
 *
 * A goroutine that waits at a look is taken to have waited (sched: to have been runnable) for the
 * time that the look stands for: over many looks at random moments that is right on average. Of event
 * wall each counts with the state that it is in, so all of them together are the number of goroutines; of
 * one in a system call the thread is asked for the call. Who
 * moved before its stack was read counts as it was met, with the stack of where it stood
 * (model/places); while nobody knows that, it does not count, and is told as unsettled. Births: as
 * many as goids were given out, less at most 16 for each processor; a g, living or dead, says whose
 * the last of its goroutines was, and those that ended before they were looked at stand for those
 * whose g serves another by now. Exits follow from births and the number of goroutines. What it
 * costs the target: nothing, its memory is read. With requests each look reads them too, and so there are fewer.
 * Loop thread only.
 */
#ifndef PARKWATCH_ENGINE_SAMPLING_H
#define PARKWATCH_ENGINE_SAMPLING_H

#include <stddef.h>
#include <stdint.h>

#include "base/cause.h"
#include "base/cleanup.h"
#include "engine/ingest.h"
#include "model/profile.h"
#include "target/goproc.h"

/* of one processor, that looking may take: else it looks less often */
#define SAMPLING_OWN_MAX 0.1

struct sampling_opts {
	const struct proc *proc; /* all borrowed */
	struct goproc *gp;
	struct profile *profile;
	struct ingest *intake;
	unsigned int depth;
	struct deadline *until;    /* of each look; NULL: none */
	struct reqlooks *requests; /* each look tells them, too; NULL: nobody asks */
};

struct sampling;
int sampling__new(const struct sampling_opts *o, struct sampling **ret);
void sampling__free(struct sampling *s);
DEFINE_SCOPED(sampling)

/*
 * One look that stands for window_ns; the caller weighs it. counts: waits are counted by looks;
 * else windows do. -ESRCH: the target has ended, and the look does not count. Others as of
 * census__read(), with a cause; -ETIMEDOUT: it was cut. For births and exits the first look is
 * where counting begins.
 */
int sampling__look(struct sampling *s, uint64_t window_ns, bool counts, struct cause *why);

/* How many goroutines there are: a tenth of what a look takes. Errors of reading. */
int sampling__number(const struct sampling *s, uint64_t *ret);

/*
 * The time that the next look stands for begins where that of the last one ended, late_ns ago. How
 * long it is, and after how much of it to look: at random. period_ns: as wanted; left_ns: of the
 * recording, from there, UINT64_MAX: it has no end.
 */
void sampling__plan(struct sampling *s, uint64_t period_ns, uint64_t late_ns, uint64_t left_ns,
		    uint64_t *ret_window_ns, uint64_t *ret_after_ns);

/* that a look takes on average; 0: none was taken */
uint64_t sampling__look_ns(const struct sampling *s);

struct sampling_stats {
	uint32_t looks;
	uint64_t spent_ns;  /* by looking */
	uint64_t unsettled; /* goroutines that moved while they were read, and do not count */
};
const struct sampling_stats *sampling__stats(const struct sampling *s);

#endif
