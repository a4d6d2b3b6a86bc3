// SPDX-License-Identifier: BSD-2-Clause
#include "engine/refwatch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/vec.h"
#include "census/gblocked.h"
#include "engine/refs_build.h"
#include "engine/snapshot.h"
#include "target/maps.h"

/* What nothing reached at the look before. */
struct unreached {
	uint64_t goid, waits_for;
	uint16_t rt;
};

struct refwatch {
	struct refwatch_opts o;
	struct deadline until;
	struct snapshot *t;
	struct govars *vars;
	struct maps *maps;
	/* of one look */
	struct labelbook *labels;
	struct dump *d;
	uint32_t *goals[GOPROC_RUNTIMES_MAX];
	struct reach *reach[GOPROC_RUNTIMES_MAX];
	struct reachothers *others[GOPROC_RUNTIMES_MAX];
	struct refs_source sources[GOPROC_RUNTIMES_MAX];
	struct refs *refs;
	struct cause no_goal;
	/* of all */
	struct unreached *before; /* in the order of goid */
	size_t nr_before, before_room;
	unsigned int looks;
	uint64_t ns, heap_bytes;
	char doubt[96];
	int err;         /* of noting them */
	uint64_t due_ns; /* the next look */
	bool stopping;   /* it is the last */
};

static void refwatch__forget_look(struct refwatch *w)
{
	refs__free(steal(w->refs));
	for (size_t i = 0; i < GOPROC_RUNTIMES_MAX; i++) {
		reach__free(steal(w->reach[i]));
		reachothers__free(steal(w->others[i]));
		free(steal(w->goals[i]));
	}
	dump__free(steal(w->d));
	labelbook__free(steal(w->labels));
	maps__free(steal(w->maps));
}

void refwatch__free(struct refwatch *w)
{
	if (!w)
		return;
	refwatch__forget_look(w);
	govars__free(w->vars);
	snapshot__free(w->t);
	free(w->before);
	free(w);
}

/* --- who was unreached --- */

static int compare_unreached(const void *a, const void *b)
{
	const struct unreached *x = a, *y = b;

	if (x->goid != y->goid)
		return x->goid < y->goid ? -1 : 1;
	if (x->waits_for != y->waits_for)
		return x->waits_for < y->waits_for ? -1 : 1;
	return (x->rt > y->rt) - (x->rt < y->rt);
}

static bool was_unreached(const void *ctx, uint16_t rt, uint64_t goid, uint64_t waits_for)
{
	const struct refwatch *w = ctx;
	const struct unreached u = { goid, waits_for, rt };

	return w->nr_before && bsearch(&u, w->before, w->nr_before, sizeof(u), compare_unreached);
}

static void note_unreached(void *ctx, uint16_t rt, uint64_t goid, uint64_t waits_for)
{
	struct refwatch *w = ctx;

	if (vec__reserve(&w->before, &w->before_room, w->nr_before + 1, sizeof(*w->before)))
		w->err = -ENOMEM;
	else
		w->before[w->nr_before++] = (struct unreached){ goid, waits_for, rt };
}

/* --- one look --- */

static int refwatch__dump(struct refwatch *w, struct cause *why)
{
	struct dump_input in = {
		.censuses = (const struct census *const *)w->t->censuses,
		.namers = w->t->target.namers,
		.nr = w->t->target.nr,
	};
	const bool system = w->o.filter && filter__asks(w->o.filter, FILTER_GOID);
	int err = labelbook__new(&w->labels);

	if (err)
		return cause__set(why, err, "out of memory");
	if (w->o.filter && filter__asks(w->o.filter, FILTER_LABEL))
		err = snapshot__labels(w->t, w->labels, why);
	if (err)
		return err;
	in.labels = w->labels;
	err = dump__new(&in, &(struct dump_opts){ .filter = w->o.filter, .system = system }, &w->d);
	if (err)
		return cause__set(why, err, "cannot put the goroutines together: %s",
				  strerror(-err));
	if (w->o.object || w->d->nr)
		return 0;
	return cause__set(why, -ENOENT,
			  "no goroutine of '%s' (pid %d) is meant by that: it has ended, or never "
			  "was; 'parkwatch dump -p %d' shows all",
			  proc__comm(w->t->target.proc), (int)w->o.pid, (int)w->o.pid);
}

static int compare_u32(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Of those that are meant in runtime rt the ones that wait for an object. */
static int refwatch__goals(struct refwatch *w, uint16_t rt, size_t *ret_nr)
{
	const struct census *c = w->t->censuses[rt];
	size_t nr = 0;

	w->goals[rt] = calloc(REFS_GOALS_MAX, sizeof(*w->goals[rt]));
	if (!w->goals[rt])
		return -ENOMEM;
	for (size_t i = 0; i < w->d->nr && nr < REFS_GOALS_MAX && !w->o.object; i++) {
		const struct dump_row *r = &w->d->rows[i];

		if (r->rt == rt && gblocked_of(goproc__runtime(w->t->target.gp, rt), c,
					       &c->gs[r->g]) != GBLOCKED_NOT)
			w->goals[rt][nr++] = r->g;
	}
	qsort(w->goals[rt], nr, sizeof(*w->goals[rt]), compare_u32);
	*ret_nr = nr;
	return 0;
}

/*
 * What else holds it, where the first way helps nobody; within what the first search left of the
 * budget.
 */
static int refwatch__ask_again(struct refwatch *w, uint16_t rt, struct reach_in *in,
			       struct cause *why)
{
	const uint64_t spent = reach__stats(w->reach[rt])->ns;
	int err;

	if (in->budget_ns && spent >= in->budget_ns)
		return 0;
	in->budget_ns -= in->budget_ns ? spent : 0;
	err = reachothers__run(in, w->reach[rt], &w->others[rt], why);
	if (err)
		return cause__set(why, err, "cannot search the heap of '%s' (pid %d): %s",
				  proc__comm(w->t->target.proc), (int)w->o.pid,
				  proc__words(w->t->target.proc, err));
	w->sources[rt].others = w->others[rt];
	return 0;
}

/* NULL: not to be had */
static const struct goimage *image_of(const struct refwatch *w, const struct goruntime *rt)
{
	const struct goimage *images[GOVARS_IMAGES_MAX];
	const size_t nr = goproc__images(w->t->target.gp, images, GOVARS_IMAGES_MAX);

	for (size_t i = 0; i < nr; i++)
		for (size_t k = 0; k < images[i]->nr_segs; k++)
			if (rt->modules[0].text - images[i]->segs[k].start <
			    images[i]->segs[k].end - images[i]->segs[k].start)
				return images[i];
	return NULL;
}

static int refwatch__search(struct refwatch *w, uint16_t rt, struct cause *why)
{
	struct reach_in in = {
		.as = proc__mem(w->t->target.proc),
		.rt = goproc__runtime(w->t->target.gp, rt),
		.census = w->t->censuses[rt],
		.maps = w->maps,
		.objects = &w->o.object,
		.nr_objects = w->o.object ? 1 : 0,
		.budget_ns = w->o.proof_ns / (REFWATCH_LOOKS * w->t->target.nr),
	};
	int err = refwatch__goals(w, rt, &in.nr_goals);

	if (err)
		return err;
	in.goals = w->goals[rt];
	w->sources[rt] = (struct refs_source){
		.rt = in.rt, .image = image_of(w, in.rt), .goals = in.goals, .nr_goals = in.nr_goals
	};
	if (!in.nr_goals && !in.nr_objects)
		return 0;
	err = reach__run(&in, &w->reach[rt], why);
	if (err)
		return cause__set(why, err, "cannot search the heap of '%s' (pid %d): %s",
				  proc__comm(w->t->target.proc), (int)w->o.pid,
				  proc__words(w->t->target.proc, err));
	w->sources[rt].r = w->reach[rt];
	err = refwatch__ask_again(w, rt, &in, why);
	if (err)
		return err;
	w->heap_bytes += reach__stats(w->reach[rt])->heap_bytes;
	w->ns += reach__stats(w->reach[rt])->ns;
	if (!w->doubt[0])
		snprintf(w->doubt, sizeof(w->doubt), "%s", reach__doubt(w->reach[rt]));
	return 0;
}

/* That there was nothing to search for is an answer too: the report has it, these are the words. */
static void refwatch__note_no_goal(struct refwatch *w)
{
	const struct dump_row *r = &w->d->rows[0];

	w->no_goal.text[0] = '\0';
	if (w->o.object || !w->d->nr)
		return;
	for (size_t i = 0; i < w->t->target.nr; i++)
		if (w->reach[i])
			return;
	if (w->d->nr > 1)
		cause__set(&w->no_goal, 0,
			   "none of these %zu goroutines is blocked on a channel or lock: they go "
			   "on by themselves",
			   w->d->nr);
	else
		cause__set(&w->no_goal, 0,
			   "goroutine %" PRIu64
			   " [%s] %s; refs tells of those that are blocked on a channel or lock",
			   dump__g(w->d, r)->who.goid, dump__word(w->d, r),
			   dump__g(w->d, r)->who.goid == 1
				   ? "is the main goroutine, which is always in use"
			   : r->system ? "is the Go runtime's own"
				       : "goes on by itself");
}

static int refwatch__look(struct refwatch *w, struct cause *why)
{
	struct refs_in in = {
		.sources = w->sources,
		.as = proc__mem(w->t->target.proc),
		.vars = w->vars,
		.object = w->o.object,
		.was_unreached = w->looks ? was_unreached : NULL,
		.was_ctx = w,
	};
	int err = maps__read_with_stacks(proc__dirfd(w->t->target.proc), &w->maps);

	if (err)
		return cause__set(why, err, "cannot read what pid %d has mapped: %s", (int)w->o.pid,
				  strerror(-err));
	err = refwatch__dump(w, why);
	w->heap_bytes = 0;
	w->doubt[0] = '\0';
	for (uint16_t i = 0; i < w->t->target.nr && !err; i++)
		err = refwatch__search(w, i, why);
	if (!err)
		refwatch__note_no_goal(w);
	in.d = w->d;
	if (!err)
		err = refs__new(&in, &w->refs, why);
	if (!err && proc__cut(w->t->target.proc))
		err = cause__set(why, -ESRCH,
				 "cannot tell what keeps it alive in '%s' (pid %d): %s",
				 proc__comm(w->t->target.proc), (int)w->o.pid,
				 proc__words(w->t->target.proc, -ESRCH));
	if (err)
		return err == -ENOMEM ? cause__set(why, err, "out of memory") : err;
	w->looks++;
	return 0;
}

static bool refwatch__is_done(const struct refwatch *w)
{
	const uint32_t *of = w->refs->of;

	if (w->looks == REFWATCH_LOOKS)
		return true;
	return !of[REF_RAN] && !of[REF_ONCE] && (!of[REF_UNREACHED] || w->looks > 1);
}

int refwatch__new(const struct refwatch_opts *o, struct refwatch **ret, struct cause *why)
{
	scoped(refwatch) w = calloc(1, sizeof(*w));
	const struct goimage *images[GOVARS_IMAGES_MAX];
	int err;

	if (!w)
		return cause__set(why, -ENOMEM, "out of memory");
	w->o = *o;
	w->until = deadline_in(o->proof_ns ? SNAPSHOT_MOST_NS + o->proof_ns : UINT64_MAX, NULL);
	err = snapshot__new(o->pid, o->depth, &w->until, &w->t, why);
	if (!err)
		err = govars__new(images,
				  goproc__images(w->t->target.gp, images, GOVARS_IMAGES_MAX),
				  &w->vars);
	if (err)
		return err;
	*ret = steal(w);
	return 0;
}

/* --- the job --- */

/* After a look. What is unreached now must be so in the next look too. */
static int refwatch__go_on(struct refwatch *w, struct cause *why)
{
	if (w->stopping || refwatch__is_done(w)) {
		w->o.filter = NULL;
		return JOB_OVER;
	}
	w->nr_before = 0;
	refs__each_unreached(w->refs, note_unreached, w);
	if (w->err)
		return cause__set(why, w->err, "out of memory");
	if (w->nr_before)
		qsort(w->before, w->nr_before, sizeof(*w->before), compare_unreached);
	refwatch__forget_look(w);
	w->due_ns = clock_now_ns() + REFWATCH_NAP_NS;
	return JOB_GOES_ON;
}

static int refwatch__start(void *self, struct cause *why)
{
	struct refwatch *w = self;
	int err = refwatch__look(w, why);

	return err ? err : refwatch__go_on(w, why);
}

static struct job_due refwatch__due(const void *self)
{
	const struct refwatch *w = self;

	return (struct job_due){ .at_ns = w->due_ns };
}

static int refwatch__step(void *self, struct cause *why)
{
	struct refwatch *w = self;
	int err = snapshot__again(w->t, w->o.depth, why);

	if (!err)
		err = refwatch__look(w, why);
	return err ? err : refwatch__go_on(w, why);
}

static void refwatch__stop(void *self)
{
	struct refwatch *w = self;

	w->stopping = true;
}

struct job refwatch__job(struct refwatch *w)
{
	static const struct job_ops ops = { .start = refwatch__start,
					    .due = refwatch__due,
					    .step = refwatch__step,
					    .stop = refwatch__stop };

	return (struct job){ .ops = &ops, .self = w };
}

const struct refs *refwatch__refs(const struct refwatch *w)
{
	return w->refs;
}

const struct snapshot *refwatch__snapshot(const struct refwatch *w)
{
	return w->t;
}

const char *refwatch__no_goal(const struct refwatch *w)
{
	return w->no_goal.text[0] ? w->no_goal.text : NULL;
}

void refwatch__show(const struct refwatch *w, struct report_meta *meta, struct refs_show *ret)
{
	snapshot__meta(w->t, meta);
	*ret = (struct refs_show){
		.meta = meta,
		.looks = w->looks,
		.heap_bytes = w->heap_bytes,
		.ns = w->ns,
		.doubt = w->doubt,
	};
}
