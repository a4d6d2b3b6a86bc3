// SPDX-License-Identifier: BSD-2-Clause
#include "model/leak_plan.h"

#include <string.h>

#include "model/pause.h"

#define GROUND_MOST 2 /* the step of pause_ns(): with ground nobody waits longer */

/* A load that goes up and down is told by its waits too; a leak only grows. */
void leak_plan__look(struct leak_plan *p, const uint64_t *by_state)
{
	p->ground = false;
	for (size_t i = 0; i < GOSTATE_STATUS; i++) {
		const uint64_t had = p->waiting[i];
		const bool more = p->known && by_state[i] >= had + had / 10 + LEAK_PLAN_MORE;

		if (!p->known)
			p->waiting[i] = by_state[i];
		p->more[i] = !more ? 0 : p->more[i] < LEAK_PLAN_LOOKS ? p->more[i] + 1 : p->more[i];
		p->ground |= p->more[i] == LEAK_PLAN_LOOKS;
	}
	p->known = true;
}

void leak_plan__begin(struct leak_plan *p, uint64_t now_ns)
{
	p->running = true;
	p->asked = false;
	p->last_ns = now_ns;
}

static void leak_plan__over(struct leak_plan *p)
{
	p->running = p->known = p->ground = false;
	memset(p->more, 0, sizeof(p->more));
}

void leak_plan__end(struct leak_plan *p, uint64_t leaking)
{
	const bool news = (leaking > 0) != p->leaks;

	leak_plan__over(p);
	p->no_news = news ? 0 : p->no_news + 1;
	p->leaks = leaking > 0;
}

void leak_plan__fail(struct leak_plan *p)
{
	leak_plan__over(p);
	p->no_news++;
}

uint64_t leak_plan__due_ns(const struct leak_plan *p)
{
	size_t step = p->no_news ? p->no_news - 1 : 0;

	if (p->running)
		return UINT64_MAX;
	if (!p->last_ns)
		return p->asked ? 0 : p->found_ns + LEAK_PLAN_FIRST_NS;
	if (p->ground && step > GROUND_MOST)
		step = GROUND_MOST;
	if (p->asked)
		step = 0;
	return p->last_ns + pause_ns(step);
}

bool leak_plan__before(const struct leak_plan *a, const struct leak_plan *b)
{
	const bool reason_a = a->asked || a->ground, reason_b = b->asked || b->ground;

	return reason_a != reason_b ? reason_a : leak_plan__due_ns(a) < leak_plan__due_ns(b);
}

bool leak_turns__may(const struct leak_turns *t, size_t running, const struct leak_plan *p,
		     uint64_t now_ns)
{
	return running < LEAK_PLAN_AT_ONCE && now_ns >= leak_plan__due_ns(p) &&
	       (!p->last_ns || now_ns >= t->rest_until_ns);
}

void leak_turns__end(struct leak_turns *t, uint64_t cpu_ns, uint64_t now_ns)
{
	pause_for_cpu(&t->rest_until_ns, now_ns, cpu_ns, LEAK_PLAN_CPU);
}
