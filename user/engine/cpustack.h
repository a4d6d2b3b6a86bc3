/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpustack: the stack of a sample, out of what BPF saw of it.
 *
 * BPF walks frame pointers. A function that was interrupted before its frame is made, or that makes none
 * at all, is followed by its caller's caller there. The tables say how far from the stack pointer the
 * return address is at that instruction (gosym__spdelta()), and the sample has those words. What is no
 * code of Go becomes a word (enum pw_pc_word). Not thread-safe.
 */
#ifndef PARKWATCH_ENGINE_CPUSTACK_H
#define PARKWATCH_ENGINE_CPUSTACK_H

#include <stdbool.h>
#include <stdint.h>

#include <parkwatch/event.h>

#include "base/cleanup.h"
#include "target/goproc.h"

struct cpustack_pcs {
	uint64_t pcs[PW_STACK_MAX +
		     2]; /* innermost first: [0] is the pc, the rest return addresses */
	size_t nr;
	bool truncated;
};

struct cpustack;
/* Both are borrowed as long as it lives. */
int cpustack__new(const struct proc *p, struct goproc *gp, struct cpustack **ret);
void cpustack__free(struct cpustack *c);
DEFINE_SCOPED(cpustack)

/* r: checked. False: another runtime of the process has this sample too, and it is that one's. */
bool cpustack__make(struct cpustack *c, const struct pw_cpu *r, struct cpustack_pcs *ret);

#endif
