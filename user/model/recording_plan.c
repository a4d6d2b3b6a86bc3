// SPDX-License-Identifier: BSD-2-Clause
#include "model/recording_plan.h"

#include "model/pause.h"

void recording_plan__begin(struct recording_plan *p, uint64_t now_ns)
{
	p->running = true;
	p->last_ns = now_ns;
}

void recording_plan__end(struct recording_plan *p, bool failed)
{
	p->running = false;
	p->failed = failed ? p->failed + 1 : 0;
}

uint64_t recording_plan__due_ns(const struct recording_plan *p, uint64_t every_ns)
{
	if (p->running)
		return UINT64_MAX;
	if (!p->last_ns)
		return 0;
	return p->last_ns + (p->failed ? pause_ns(p->failed - 1) : every_ns);
}

bool recording_turns__may(const struct recording_turns *t, size_t running,
			  const struct recording_plan *p, uint64_t every_ns, uint64_t now_ns)
{
	return running < RECORDINGS_AT_ONCE && now_ns >= t->rest_until_ns &&
	       now_ns >= recording_plan__due_ns(p, every_ns);
}

void recording_turns__end(struct recording_turns *t, uint64_t began_ns, uint64_t cpu_ns)
{
	pause_for_cpu(&t->rest_until_ns, began_ns, cpu_ns, RECORDINGS_CPU);
}
