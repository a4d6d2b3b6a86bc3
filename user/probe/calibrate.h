/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calibrate: what a hit costs on this machine now, measured in a child of our own, never in the
 * target.
 *
 * The child runs a stub that has the same instruction classes and looks like a parked goroutine (a
 * g, an m, ten frames), probed by the same BPF programs with the same transport and method to attach.
 * Under 100 ms as a rule. What is known is not measured again in this process. Not thread-safe.
 */
#ifndef PARKWATCH_PROBE_CALIBRATE_H
#define PARKWATCH_PROBE_CALIBRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cause.h"
#include "probe/attach.h"
#include "host/kfeat.h"

/*
 * CPU time that it takes of us, at most, on a machine that is not slow: to load the programs,
 * nearly all of it. 25 ms, seen
 */
#define CALIBRATE_CPU_NS 60000000.0

struct calibration {
	double trap_ns[INSN_CLASS_MAX]; /* trap with an empty program, per class; 0: not measured */
	double work_ns[PW_POINT_MAX];   /* what our program adds to the trap, per point */
	/* of a park, where nobody records waits: no stack is walked */
	double parked_ns;
};

/*
 * classes and points: bit masks of what will be used; sums: as attach_want.sums; wakes: PW_WANT_WAKE, PW_WANT_ROUND. 1: it was measured
 * now, and how long this process may be silent (probe/master) was set by it; 0: it was known.
 */
int calibrate__run(const struct kfeat *kf, enum attach_method method, enum pw_transport transport,
		   uint32_t classes, uint32_t points, bool sums, uint32_t wakes,
		   struct calibration *ret, struct cause *why);
/* ns of a hit at this site; waits: they are recorded, too. */
double calibration_hit_ns(const struct calibration *c, const struct plan_site *s, bool waits);

#endif
