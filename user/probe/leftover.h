/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leftover: probes that nobody owns any more stay in a program's code if what held them was killed
 * in the middle of taking them out
 * (Linux kernel/events/uprobes.c: "leaking uprobe"). Each costs the program a trap. A probe that is
 * made and taken out at the same place takes the leftover out too; where somebody else has a probe,
 * it changes nothing.
 *
 * A program under a debugger is left alone: its breakpoints look the same, and would go. Not
 * thread-safe.
 */
#ifndef PARKWATCH_PROBE_LEFTOVER_H
#define PARKWATCH_PROBE_LEFTOVER_H

#include "base/cause.h"
#include "host/ulink.h"
#include "target/goproc.h"
#include "target/textdiff.h"

/*
 * d: what textdiff__find() found; on success what is there afterwards, so the difference was
 * repaired. -EBUSY: a debugger has the process, nothing was touched; others as bpf(2) and
 * perf_event_open(2) give them, each with a cause.
 */
int leftover__repair(const struct goproc *gp, const struct proc *p, struct textdiff *d,
		     struct cause *why);

#endif
