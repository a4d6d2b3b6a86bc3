// SPDX-License-Identifier: BSD-2-Clause
#include "engine/endsearch.h"

#include <errno.h>
#include <string.h>

#include "base/notes.h"
#include "heap/reach.h"
#include "target/maps.h"

#define DEPTH 8 /* frames: what they wait for is what counts */

static int search(struct leaks *l, const struct snapshot *t, uint16_t rt, const struct maps *maps,
		  uint64_t budget_ns)
{
	scoped(census) c = NULL;
	struct reach_in in = { .as = proc__mem(t->target.proc),
			       .rt = goproc__runtime(t->target.gp, rt),
			       .maps = maps,
			       .passed_over = l->ends.timers,
			       .nr_passed_over = l->ends.nr_timers,
			       .budget_ns = budget_ns };
	scoped_mem uint32_t *goals = NULL;
	scoped(reach_answer) answer = NULL;
	scoped(reach) r = NULL;
	struct cause why = { "" };
	int err = census__read(in.as, in.rt, DEPTH, &c);

	if (err)
		return err == -ENOMEM ? err : 0;
	err = leak_ends__goals(&l->ends, rt, c, &goals, &in.nr_goals);
	if (err || !in.nr_goals)
		return err;
	in.census = c;
	in.goals = goals;
	err = reach__run(&in, &r, &why);
	if (!err)
		err = reach__answer(r, goals, in.nr_goals, true, &answer);
	if (err)
		note_debug("who could end loops is not known: %s",
			   why.text[0] ? why.text : strerror(-err));
	return err ? (err == -ENOMEM ? err : 0) : leak_ends__found(l, rt, c, answer);
}

int endsearch(struct leaks *l, const struct snapshot *t, uint64_t budget_ns)
{
	scoped(maps) maps = NULL;
	int err = 0;

	if (!l->ends.nr_goals || maps__read(proc__dirfd(t->target.proc), &maps))
		return 0;
	for (uint16_t i = 0; i < t->target.nr && !err; i++)
		err = search(l, t, i, maps, budget_ns / t->target.nr);
	return err;
}
