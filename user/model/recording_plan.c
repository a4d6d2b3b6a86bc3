// SPDX-License-Identifier: BSD-2-Clause
#include "model/recording_plan.h"

#define MIN_NS (60 * NS_PER_SEC)

static const uint64_t later[] = { 1 * MIN_NS,  2 * MIN_NS,  5 * MIN_NS,
				  10 * MIN_NS, 20 * MIN_NS, 60 * MIN_NS };
#define LATER_NR (sizeof(later) / sizeof(later[0]))

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
	const uint32_t step = p->failed < LATER_NR ? p->failed : LATER_NR;

	if (p->running)
		return UINT64_MAX;
	if (!p->last_ns)
		return 0;
	return p->last_ns + (step ? later[step - 1] : every_ns);
}

bool recording_turns__may(const struct recording_turns *t, size_t running,
			  const struct recording_plan *p, uint64_t every_ns, uint64_t now_ns)
{
	return running < RECORDINGS_AT_ONCE && now_ns >= t->rest_until_ns &&
	       now_ns >= recording_plan__due_ns(p, every_ns);
}

void recording_turns__end(struct recording_turns *t, uint64_t began_ns, uint64_t cpu_ns)
{
	if (t->rest_until_ns < began_ns)
		t->rest_until_ns = began_ns;
	t->rest_until_ns += (uint64_t)((double)cpu_ns / RECORDINGS_CPU);
}
