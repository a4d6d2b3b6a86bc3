/* SPDX-License-Identifier: BSD-2-Clause */
/* watch_proof: a watch searches the heap, within its budget: what proves a leak, and what it keeps. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/notes.h"
#include "engine/endsearch.h"
#include "engine/watch_parts.h"
#include "heap/reach.h"
#include "heap/retained_heap.h"
#include "target/maps.h"

uint64_t watch__proof_left(struct watch *w)
{
	const uint64_t before_ns = 50 * NS_PER_MS, left = deadline__left_ns(&w->until);
	const uint64_t proof =
		w->o.proof_ns > w->end.proof_ns ? w->o.proof_ns - w->end.proof_ns : 0;

	if (left <= before_ns)
		return 0;
	return left - before_ns < proof ? left - before_ns : proof;
}

static void watch__doubt(struct watch *w, const char *text)
{
	if (!w->end.doubt[0])
		snprintf(w->end.doubt, sizeof(w->end.doubt), "%s", text);
}

/* One pass in one runtime. What cannot be searched is said, and proves nothing. */
static void watch__search_one(struct watch *w, size_t rt, const struct maps *maps,
			      uint64_t budget_ns)
{
	struct reach_in in = { .as = proc__mem(w->t->target.proc),
			       .rt = goproc__runtime(w->t->target.gp, rt),
			       .census = w->t->censuses[rt],
			       .maps = maps,
			       .budget_ns = budget_ns };
	scoped_mem uint32_t *goals = NULL;
	scoped(reach_answer) answer = NULL;
	scoped(reach) r = NULL;
	struct cause why = { "" };
	int err = leaks__goals(w->leaks, (uint16_t)rt, &goals, &in.nr_goals);

	in.goals = goals;
	if (!err && in.nr_goals)
		err = reach__run(&in, &r, &why);
	if (r)
		err = reach__answer(r, goals, in.nr_goals, false, &answer);
	if (err)
		watch__doubt(w, why.text[0] ? why.text : proc__words(w->t->target.proc, err));
	if (!answer || proc__cut(w->t->target.proc))
		return;
	leaks__proved(w->leaks, (uint16_t)rt, answer);
	grefs__free(w->refs[rt]);
	w->refs[rt] = reach__take_refs(r);
	watch__doubt(w, reach__doubt(r));
	w->end.heap_bytes = reach__stats(r)->heap_bytes;
}

void watch__search(struct watch *w)
{
	const uint64_t began = clock_now_ns(), cpu_began = clock_cpu_ns(),
		       left = watch__proof_left(w);
	scoped(maps) maps = NULL;

	if (left < w->t->target.nr && w->end.proof_ns < w->o.proof_ns)
		watch__doubt(w, "no time was left");
	if (left < w->t->target.nr || maps__read_with_stacks(proc__dirfd(w->t->target.proc), &maps))
		return;
	for (size_t i = 0; i < w->t->target.nr; i++)
		watch__search_one(w, i, maps, left / w->t->target.nr);
	w->end.passes++;
	w->end.proof_ns += clock_now_ns() - began;
	w->end.proof_cpu_ns += clock_cpu_ns() - cpu_began;
}

int watch__search_ends(struct watch *w)
{
	const uint64_t began = clock_now_ns(), cpu_began = clock_cpu_ns(),
		       left = watch__proof_left(w);
	int err;

	if (left < w->t->target.nr)
		return 0;
	err = endsearch(w->leaks, w->t, left);
	w->end.proof_ns += clock_now_ns() - began;
	w->end.proof_cpu_ns += clock_cpu_ns() - cpu_began;
	return err;
}

/* Of runtime rt; bytes: by entry. */
static int watch__heap_one(struct watch *w, uint16_t rt, const struct maps *maps, bool suspects,
			   uint64_t *bytes)
{
	scoped_mem uint32_t *entries = NULL;
	struct cause why = { "" };
	struct retained_heap_in in = {
		.as = proc__mem(w->t->target.proc),
		.rt = goproc__runtime(w->t->target.gp, rt),
		.census = w->t->censuses[rt],
		.maps = maps,
		.refs = steal(w->refs[rt]),
		.nr_groups = w->leaks->nr,
		.budget_ns = watch__proof_left(w) / w->t->target.nr,
	};
	int err = leaks__keepers(w->leaks, rt, suspects, &entries);

	in.groups = entries;
	if (!err)
		err = retained_heap_bytes(&in, bytes, &why);
	if (err)
		note_debug("the heap that leaks keep is not computed: %s", why.text);
	return err;
}

int watch__heap(struct watch *w, bool suspects)
{
	scoped_mem uint64_t *bytes = calloc(w->leaks->nr + 1, sizeof(*bytes));
	const uint64_t began = clock_now_ns(), cpu_began = clock_cpu_ns();
	scoped(maps) maps = NULL;
	bool any = false;
	int err = 0;

	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < w->leaks->nr; i++)
		any |= verdict_is_leak(w->leaks->entries[i].verdict.kind);
	if (!any || w->ended || watch__proof_left(w) < w->t->target.nr ||
	    maps__read_with_stacks(proc__dirfd(w->t->target.proc), &maps))
		return 0;
	for (uint16_t i = 0; i < w->t->target.nr && !err; i++) {
		err = watch__heap_one(w, i, maps, suspects, bytes);
		leaks__heap(w->leaks, err ? NULL : bytes);
	}
	leaks__rank(w->leaks);
	note_debug("the heap that leaks keep: %.3f s, %.3f s of a processor",
		   (double)(clock_now_ns() - began) / NS_PER_SEC,
		   (double)(clock_cpu_ns() - cpu_began) / NS_PER_SEC);
	return err == -ENOMEM ? err : 0;
}
