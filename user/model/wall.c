// SPDX-License-Identifier: BSD-2-Clause
#include "model/wall.h"

#include <math.h>

#include "golang/gostate.h"

uint32_t wall_reason(uint8_t status, uint8_t reason)
{
	const bool waits = status == GOSTATUS_WAITING || status == GOSTATUS_LEAKED;

	return waits ? reason : WALL_STATUS + (uint32_t)status;
}

enum wall_state wall_state_of(uint32_t reason)
{
	if (reason < WALL_STATUS)
		return WALL_WAITING;
	switch (reason - WALL_STATUS) {
	case GOSTATUS_RUNNING:
	case GOSTATUS_COPYSTACK: return WALL_RUNNING; /* it makes its stack larger itself */
	case GOSTATUS_SYSCALL: return WALL_SYSCALL;
	case GOSTATUS_RUNNABLE:
	case GOSTATUS_PREEMPTED: return WALL_READY;
	default: return WALL_WAITING;
	}
}

const char *wall_state_word(enum wall_state state)
{
	static const char *const words[WALL_STATES] = { "running", "ready", "waiting", "syscall" };

	return words[state];
}

void wall_number__add(struct wall_number *w, uint64_t at_ns, uint64_t number)
{
	if (w->at_ns && at_ns > w->at_ns) {
		const double ns = (double)(at_ns - w->at_ns);

		w->area += ns * ((double)w->last + (double)number) / 2;
		w->lasted_ns += ns;
	}
	w->at_ns = at_ns;
	w->last = number;
	w->counts++;
}

void wall_number__gap(struct wall_number *w)
{
	w->at_ns = 0;
}

bool wall_number__mean(const struct wall_number *w, double *ret)
{
	if (w->lasted_ns <= 0)
		return false;
	*ret = w->area / w->lasted_ns;
	return true;
}

uint64_t wall_shares__next(struct wall_shares *s, uint64_t part)
{
	const uint64_t before = s->given;

	s->seen += part;
	s->given = s->seen >= s->whole
			   ? s->time
			   : (uint64_t)((double)s->time * (double)s->seen / (double)s->whole);
	return s->given > before ? s->given - before : 0;
}

uint64_t wall_share_error(uint64_t share, uint64_t time, uint64_t time_error,
			  uint64_t samples_error)
{
	const double of_time = time ? (double)share / (double)time * (double)time_error : 0;

	return (uint64_t)hypot(of_time, (double)samples_error);
}
