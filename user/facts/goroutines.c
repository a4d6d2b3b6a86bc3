// SPDX-License-Identifier: BSD-2-Clause
#include "facts/goroutines.h"

#include <stdlib.h>

void census__free(struct census *c)
{
	if (!c)
		return;
	free(c->gs);
	free(c->stacks);
	free(c->pcs);
	free(c->waits);
	free(c->moved);
	free(c);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0xff51afd7ed558ccdULL;
	return hash ^ hash >> 32;
}

uint64_t census__wait_number(const struct census *c, const struct census_g *g, bool counts)
{
	uint64_t hash = mix(g->stops, g->stack_hi - g->sp);

	for (uint32_t i = 0; i < g->nr_waits; i++) {
		const struct census_wait *w = &c->waits[g->waits_at + i];

		hash = mix(hash, w->addr);
		if (w->kind == CENSUS_WAIT_TIMER || (!counts && w->kind == CENSUS_WAIT_CHAN))
			hash = mix(hash, w->via);
	}
	return hash;
}

enum census_direction census_direction_of(enum gowait wait)
{
	switch (gowait_class(wait)) {
	case GOWAIT_CLASS_RECEIVE: return CENSUS_DIR_RECEIVE;
	case GOWAIT_CLASS_SEND: return CENSUS_DIR_SEND;
	default: return CENSUS_DIR_NONE;
	}
}
