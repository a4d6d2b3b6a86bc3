// SPDX-License-Identifier: BSD-2-Clause
/*
 * refs_paths: which paths of a goroutine are told: of a select one for each thing that it waits for;
 * one by the runtime's timers only if there is no other, and then from the timer on; and of a
 * channel that a timer feeds, that it does, and who holds it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "census/gtimer.h"
#include "engine/refs_build.h"

#define MAKER_FRAMES 16 /* of whoever waits: those that are asked for what they made */

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
	size_t before;
	const uint64_t timer = reach_timer(b->in.as, steps, nr, &before);

	if (!timer)
		return nr;
	steps[0] = (struct reach_step){ .kind = REACH_TIMER, .addr = timer };
	memmove(steps + 1, steps + before, (nr - before) * sizeof(*steps));
	return nr - before + 1;
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
			size_t nr, struct ref_path *path)
{
	const uint64_t now = b->in.d->in.censuses[path->rt]->taken_ns;
	const uint64_t before =
		nr > 1 && steps[nr - 2].kind == REACH_OBJECT ? steps[nr - 2].addr : 0;
	struct gtimer t;

	if (path->fed || !gtimer_feeds(b->in.as, b->in.sources[path->rt].rt, chan, before, now, &t,
				       &path->timer))
		return;
	path->fed = true;
	path->period_ns = (uint64_t)t.period_ns;
	path->fires_in_ns = t.when_ns > (int64_t)now ? (uint64_t)t.when_ns - now : 0;
}

/* The program's frame of a call of package time. 0, -ENOENT, -ENOMEM */
static int place_of_call(const struct refs_build *b, uint16_t rt, uint64_t pc, struct place *ret)
{
	const struct frame *f;
	size_t nr = 0, i = 0;
	int err = framer__at(b->in.d->framer, rt, pc, false, &f, &nr);

	while (!err && i < nr && tickersites_is_time(f[i].name))
		i++;
	if (err || i == nr)
		return err ? err : -ENOENT;
	*ret = (struct place){ f[i].name, f[i].file, f[i].line };
	return 0;
}

/* Whoever waits has it in its frame, where the call put it: that call has made it. */
static uint64_t made_by_waiter(const struct refs_build *b, const struct ref_path *path,
			       const struct census_g *g, uint64_t chan)
{
	const struct census *c = b->in.d->in.censuses[path->rt];
	const struct census_stack *s = &c->stacks[g->stack];
	uint64_t sp, bytes, pc, call = 0;

	for (uint32_t i = 0; i < s->nr_pcs && i < MAKER_FRAMES && !call; i++) {
		pc = c->pcs[s->pcs_at + i];
		if (refs_build__frame_at(b, path->rt, g, i, &sp, &bytes))
			return 0;
		call = tickersites__in_frame(b->tickers[path->rt], i ? pc - 1 : pc, sp, chan,
					     path->timer);
	}
	return call;
}

/* Where the timer that feeds it was made, as far as that is known. 0 or -ENOMEM. */
static int note_makers(const struct refs_build *b, const struct census_g *g, uint64_t chan,
		       struct ref_path *path)
{
	const struct refs_source *s = &b->in.sources[path->rt];
	uint64_t pcs[REFS_MADE];
	size_t nr = 1, say, told;
	int err = 0;

	if (!s->image)
		return 0;
	if (!b->tickers[path->rt])
		err = tickersites__new(b->in.as, s->rt, s->image, &b->tickers[path->rt]);
	if (err)
		return err;
	pcs[0] = g->stack == CENSUS_NO_STACK ? 0 : made_by_waiter(b, path, g, chan);
	if (!pcs[0])
		nr = path->period_ns ? tickersites__of(b->tickers[path->rt], path->period_ns, pcs,
						       REFS_MADE, &say)
				     : 0;
	told = nr <= REFS_MADE ? nr : say <= REFS_MADE ? say : 0;
	for (size_t i = 0; i < told && !err; i++)
		err = place_of_call(b, path->rt, pcs[i], &path->made[path->nr_made++]);
	if (err)
		path->nr_made = 0;
	path->made_elsewhere = path->nr_made ? (uint32_t)(nr - told) : 0;
	return err == -ENOMEM ? err : 0;
}

/* Wait k of goroutine i; first: the path that was found first to any of its waits. */
static int refs_build__add_wait(struct refs_build *b, struct ref_group *g, uint32_t i, uint32_t k,
				struct ref_path tell, const struct reach_step *first,
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
	 * Nothing else is found: the first path is one, if only a timer is no answer, or it is told
	 * already.
	 */
	if (!nr && this && !(tell.fed && is_by_timer(first, nr_first))) {
		memcpy(steps, first, nr_first * sizeof(*steps));
		nr = refs_build__from_timer(b, steps, nr_first);
	}
	if (tell.fed && note_makers(b, &c->gs[i], w->addr, &tell))
		return -ENOMEM;
	tell.undecided = !nr && reachothers__verdict(s->others, i, k) != REACH_LEAKED;
	return refs_build__add_path(b, g, &tell, steps, nr);
}

int refs_build__add_paths(struct refs_build *b, struct ref_group *g, uint16_t rt, uint32_t i)
{
	const struct refs_source *s = &b->in.sources[rt];
	const struct census_g *cg = &b->in.d->in.censuses[rt]->gs[i];
	struct ref_path tell = { .rt = rt, .goid = cg->who.goid, .object_type = "", .held_in = "" };
	struct reach_step first[REACH_PATH_MAX];
	const size_t nr = reach__path(s->r, i, first, REACH_PATH_MAX);
	int err = 0;

	if (!reachothers__knows(s->others, i))
		return nr ? refs_build__add_path(b, g, &tell, first,
						 refs_build__from_timer(b, first, nr))
			  : 0;
	for (uint32_t k = 0; k < cg->nr_waits && !err; k++)
		err = refs_build__add_wait(b, g, i, k, tell, first, nr);
	return err;
}
