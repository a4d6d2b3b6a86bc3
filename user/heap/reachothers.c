/* SPDX-License-Identifier: BSD-2-Clause */
#include "heap/reachothers.h"

#include <errno.h>
#include <stdlib.h>

#define NOT_ASKED UINT32_MAX

struct reachothers {
	struct reach *r;
	bool *muted;
	uint32_t *first; /* of each goroutine of the census: its first object; NOT_ASKED */
	uint64_t *objects;
	size_t nr;
};

void reachothers__free(struct reachothers *o)
{
	if (!o)
		return;
	reach__free(o->r);
	free(o->muted);
	free(o->first);
	free(o->objects);
	free(o);
}

static bool is_by_timer(const struct reach *r, uint32_t g)
{
	struct reach_step steps[REACH_PATH_MAX];
	const size_t nr = reach__path(r, g, steps, REACH_PATH_MAX);

	for (size_t i = 0; i < nr; i++)
		if (steps[i].processor)
			return true;
	return false;
}

static void reachothers__ask(struct reachothers *o, const struct census *c, uint32_t g)
{
	const uint32_t nr = c->gs[g].nr_waits;

	if (o->nr + nr > REACHOTHERS_OBJECTS_MAX)
		return;
	o->muted[g] = true;
	o->first[g] = (uint32_t)o->nr;
	for (uint32_t k = 0; k < nr; k++)
		o->objects[o->nr++] = c->waits[c->gs[g].waits_at + k].addr;
}

int reachothers__run(const struct reach_in *in, const struct reach *first, struct reachothers **ret,
		     struct cause *why)
{
	scoped(reachothers) o = calloc(1, sizeof(*o));
	const struct census *c = in->census;
	struct reach_in again = *in;
	int err;

	*ret = NULL;
	if (!o)
		return -ENOMEM;
	o->muted = calloc(c->nr + 1, sizeof(*o->muted));
	o->first = calloc(c->nr + 1, sizeof(*o->first));
	o->objects = calloc(REACHOTHERS_OBJECTS_MAX, sizeof(*o->objects));
	if (!o->muted || !o->first || !o->objects)
		return -ENOMEM;
	for (size_t i = 0; i < c->nr; i++)
		o->first[i] = NOT_ASKED;
	for (size_t i = 0; i < in->nr_goals; i++) {
		const uint32_t g = in->goals[i];

		if (g < c->nr && reach__verdict(first, g) == REACH_HELD &&
		    (c->gs[g].nr_waits > 1 || is_by_timer(first, g)))
			reachothers__ask(o, c, g);
	}
	if (!o->nr)
		return 0;
	again.nr_goals = 0;
	again.objects = o->objects;
	again.nr_objects = o->nr;
	again.muted = o->muted;
	again.no_timers = true;
	err = reach__run(&again, &o->r, why);
	if (!err)
		*ret = steal(o);
	return err;
}

bool reachothers__knows(const struct reachothers *o, uint32_t g)
{
	return o && o->first[g] != NOT_ASKED;
}

enum reach_verdict reachothers__verdict(const struct reachothers *o, uint32_t g, uint32_t wait)
{
	return reach__object_verdict(o->r, o->first[g] + wait);
}

size_t reachothers__path(const struct reachothers *o, uint32_t g, uint32_t wait,
			 struct reach_step *steps, size_t max)
{
	return reach__object_path(o->r, o->first[g] + wait, steps, max);
}
