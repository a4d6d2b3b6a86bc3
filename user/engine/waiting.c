/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/waiting.h"

#include <string.h>

#include "base/cleanup.h"
#include "golang/gostate.h"

bool waiting_parked(const struct goruntime *rt, const struct census_g *g)
{
	const enum gowait wait = gowait_of(rt->minor, g->reason);

	/* Coroutines switch without gopark and execute: nothing would end such a wait. */
	return g->status == GOSTATUS_WAITING && g->sp && wait != GOWAIT_UNKNOWN &&
	       wait != GOWAIT_COROUTINE && !gowait_is_running(wait);
}

bool waiting_parked_or_woken(const struct goruntime *rt, const struct census_g *g, uint64_t pc)
{
	struct goframe frames[GOSYM_INLINE_MAX];
	int nr;

	if (g->status != GOSTATUS_RUNNABLE || !g->sp)
		return waiting_parked(rt, g);
	nr = gosym__frames(rt->sym, pc, true, frames, ARRAY_SIZE(frames));
	return nr > 0 && !strcmp(frames[0].func, "runtime.gopark");
}
