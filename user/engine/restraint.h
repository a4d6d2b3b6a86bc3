/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restraint: what we allow ourselves while we look at a process: it is never the one that has to go
 * for want of memory.
 *
 * Called once the process is open, before its goroutines are read.
 */
#ifndef PARKWATCH_ENGINE_RESTRAINT_H
#define PARKWATCH_ENGINE_RESTRAINT_H

#include "target/goproc.h"

/* address space that any command may take */
#define RESTRAINT_BYTES (2ULL << 30)
/* and for each goroutine; leaks takes some 600 */
#define RESTRAINT_GOROUTINE_BYTES 1024
/* goroutines that take so long to read that others would wait for a processor */
#define RESTRAINT_MANY 100000u
#define RESTRAINT_NICE 5

/*
 * Our oom_score_adj is above the target's, so the kernel ends us first. Our address space is
 * bounded, unless somebody has bounded it already (--max-memory, ulimit -v): what is over the bound
 * is an error of ours, "Cannot allocate memory".
 */
void restraint__apply(struct goproc *gp, const struct proc *p);

/*
 * For who works while nobody waits for it: if the process has more than RESTRAINT_MANY goroutines, all others come
 * first from here on (nice). For good: without CAP_SYS_NICE there is no way back.
 */
void restraint__give_way(struct goproc *gp, const struct proc *p);

#endif
