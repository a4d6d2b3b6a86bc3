// SPDX-License-Identifier: BSD-2-Clause
/*
 * refs_ways: which ways of a goroutine are told: of a select one for each thing that it waits for;
 * one by the runtime's timers only if there is no other, and then from the timer on; and of a
 * channel that a timer feeds, that it does, and who holds it.
 */
#include <stdio.h>
#include <string.h>

#include "census/gtimer.h"
#include "daemon/refs_build.h"

const char *refs_build__holder_of_timer(const struct refs_build *b, const struct ref_step *steps,
					size_t nr, uint64_t timer)
{
	const struct ref_step *s;
	char text[512] = "";
	size_t i = 0;

	while (i < nr && !(steps[i].kind == REACH_OBJECT && timer - steps[i].addr < steps[i].size))
		i++;
	if (!i || i == nr)
		return "";
	s = &steps[i - 1];
	if (s->kind == REACH_GLOBAL && s->name[0])
		snprintf(text, sizeof(text), "variable %s%s", s->name, s->field);
	else if ((s->kind == REACH_OBJECT || s->kind == REACH_GLOBAL) && s->type[0] && s->field[0])
		snprintf(text, sizeof(text), "%s%s", s->type, s->field);
	else if (s->place.func[0] && s->kind != REACH_OBJECT)
		snprintf(text, sizeof(text), "%s %s:%u", s->place.func, s->place.file,
			 s->place.line);
	return text[0] ? framer__text(b->in.d->framer, text) : "";
}

size_t refs_build__from_timer(const struct refs_build *b, struct reach_step *steps, size_t nr)
{
	uint64_t timer;
	size_t at = nr;

	for (size_t i = 0; i + 2 < nr; i++)
		at = steps[i].processor ? i : at;
	if (at == nr || addrspace__read(b->in.as, steps[at + 1].addr + steps[at + 1].offset, &timer,
					sizeof(timer)))
		return nr;
	steps[0] = (struct reach_step){ .kind = REACH_TIMER, .addr = timer };
	memmove(steps + 1, steps + at + 2, (nr - at - 2) * sizeof(*steps));
	return nr - at - 1;
}

static bool is_by_timer(const struct reach_step *steps, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (steps[i].processor)
			return true;
	return false;
}

/* The Timer or Ticker that feeds a channel refers to it. */
static void note_feeder(const struct refs_build *b, uint64_t chan, const struct reach_step *steps,
			size_t nr, struct ref_way *way)
{
	const uint64_t now = b->in.d->in.censuses[way->rt]->taken_ns;
	const uint64_t before =
		nr > 1 && steps[nr - 2].kind == REACH_OBJECT ? steps[nr - 2].addr : 0;
	struct gtimer t;

	if (way->fed ||
	    !gtimer_feeds(b->in.as, b->in.sources[way->rt].rt, chan, before, now, &t, &way->timer))
		return;
	way->fed = true;
	way->period_ns = (uint64_t)t.period_ns;
	way->fires_in_ns = t.when_ns > (int64_t)now ? (uint64_t)t.when_ns - now : 0;
}

/* Wait k of goroutine i; first: the way that was found first to any of its waits. */
static int refs_build__add_wait(struct refs_build *b, struct ref_group *g, uint32_t i, uint32_t k,
				struct ref_way tell, const struct reach_step *first,
				size_t nr_first)
{
	const struct refs_source *s = &b->in.sources[tell.rt];
	const struct census *c = b->in.d->in.censuses[tell.rt];
	const struct census_wait *w = &c->waits[c->gs[i].waits_at + k];
	const bool alone = c->gs[i].nr_waits == 1;
	struct reach_step steps[REACH_PATH_MAX];
	size_t nr = reachothers__path(s->others, i, k, steps, REACH_PATH_MAX);
	const bool this = nr_first && w->addr - first[nr_first - 1].addr < first[nr_first - 1].size;

	if (!alone) {
		tell.object = w->addr;
		tell.object_type = refs_build__awaited(b, tell.rt, w);
	}
	if (w->kind == CENSUS_WAIT_CHAN && this)
		note_feeder(b, w->addr, first, nr_first, &tell);
	if (w->kind == CENSUS_WAIT_CHAN)
		note_feeder(b, w->addr, steps, nr, &tell);
	/*
	 * Nothing else is found: the first way is one, if only a timer is no answer, or it is told
	 * already.
	 */
	if (!nr && this && !(tell.fed && is_by_timer(first, nr_first))) {
		memcpy(steps, first, nr_first * sizeof(*steps));
		nr = refs_build__from_timer(b, steps, nr_first);
	}
	tell.undecided = !nr && reachothers__verdict(s->others, i, k) != REACH_LEAKED;
	return refs_build__add_way(b, g, &tell, steps, nr);
}

int refs_build__add_ways(struct refs_build *b, struct ref_group *g, uint16_t rt, uint32_t i)
{
	const struct refs_source *s = &b->in.sources[rt];
	const struct census_g *cg = &b->in.d->in.censuses[rt]->gs[i];
	struct ref_way tell = { .rt = rt, .goid = cg->goid, .object_type = "", .held_in = "" };
	struct reach_step first[REACH_PATH_MAX];
	const size_t nr = reach__path(s->r, i, first, REACH_PATH_MAX);
	int err = 0;

	if (!reachothers__knows(s->others, i))
		return nr ? refs_build__add_way(b, g, &tell, first,
						refs_build__from_timer(b, first, nr))
			  : 0;
	for (uint32_t k = 0; k < cg->nr_waits && !err; k++)
		err = refs_build__add_wait(b, g, i, k, tell, first, nr);
	return err;
}
