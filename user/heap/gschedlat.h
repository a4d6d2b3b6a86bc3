/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gschedlat: how long goroutines waited for a thread once they could run: the histogram that a Go
 * runtime keeps itself, since it started (sched.timeToRun; what runtime/metrics has as
 * /sched/latencies:seconds). Of each goroutine it counts every eighth time.
 *
 * Source: Go 1.20 to 1.27, runtime/histogram.go timeHistogram, proc.go casgstatus.
 */
#ifndef PARKWATCH_HEAP_GSCHEDLAT_H
#define PARKWATCH_HEAP_GSCHEDLAT_H

#include <stdint.h>

#include "base/addrspace.h"
#include "golang/goruntime.h"
#include "heap/gborn.h"

#define GSCHEDLAT_BUCKETS 40

struct gschedlat { /* a plain value */
	/* [0]: less than 2^8 ns; [i]: 2^(7+i) to 2^(8+i) ns; the last: longer than all of them */
	uint64_t counts[GSCHEDLAT_BUCKETS + 1];
	double sum_ns; /* estimated: each in the middle of a quarter of its bucket */
};

/*
 * b: of gborn__find(), which knows where the scheduler is. Adds to ret. -EOPNOTSUPP: a Go whose
 * histogram is not known; -EBADMSG: what is there is none; others of reading. Then ret is as it was.
 */
int gschedlat__add(const struct addrspace *as, const struct goruntime *rt, const struct gborn *b,
		   struct gschedlat *ret);

#endif
