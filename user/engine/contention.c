// SPDX-License-Identifier: BSD-2-Clause
#include "engine/contention.h"

#include <errno.h>
#include <stdlib.h>

#include "census/quiescence.h"
#include "engine/contention_proof.h"
#include "heap/gchan.h"
#include "locks/ghold.h"
#include "locks/glock.h"

#define LOOKS 2 /* after the first */

void contention__done(struct contention *k)
{
	gchans__free(k->chans);
	glocks__free(k->locks);
	gholds__free(k->holds);
	waitgraph__free(k->graph);
	contention_proof__done(&k->proof);
	quiescence__free(k->still);
	free(k->gs);
	*k = (struct contention){ 0 };
}

static struct proc *contention__proc(const struct contention *k)
{
	return k->o.t->target.proc;
}

static struct census *contention__census(const struct contention *k)
{
	return k->o.t->censuses[k->o.rt];
}

/* To be proved in that census, which is of the same runtime. */
static struct contention_proof_in contention__in(struct contention *k, const struct census *census,
						 uint64_t budget_ns)
{
	return (struct contention_proof_in){
		.proc = contention__proc(k),
		.rt = goproc__runtime(k->o.t->target.gp, k->o.rt),
		.census = census,
		.budget_ns = budget_ns,
		.spent_ns = &k->proof_ns,
	};
}

/* Locks, their holders and the cycles; the same for the first reading and the others. */
static int contention__read_locks(struct contention *k, const struct contention_proof_in *in)
{
	const struct addrspace *as = proc__mem(in->proc);
	int err = glocks__read(as, in->rt->minor, in->census, &k->locks);

	if (!err)
		err = gholds__read(as, in->rt, in->census, k->locks, &k->holds);
	if (!err)
		err = waitgraph__new(in->census, k->locks, k->holds, &k->graph);
	return err;
}

/* The goroutines of all cycles, as indexes into the census. */
static uint32_t *cycle_goroutines(const struct waitgraph *w)
{
	uint32_t *gs = calloc(w->nr_steps + 1, sizeof(*gs));

	for (size_t i = 0; gs && i < w->nr_steps; i++)
		gs[i] = w->steps[i].g;
	return gs;
}

/* One of its cycles does. */
static bool goes_through_channels(const struct waitgraph *w)
{
	for (size_t i = 0; i < w->nr_cycles; i++)
		for (uint32_t k = 0; k < w->cycles[i].nr; k++)
			if (wait_edge_keeps(&w->steps[w->cycles[i].edges_at + k]))
				return true;
	return false;
}

/* As the first reading, of a later census. */
static int contention__read_again(struct contention *k, const struct contention_proof_in *in)
{
	int err = contention__read_locks(k, in);

	if (!err && in->budget_ns)
		err = contention_proof__begin(&k->proof, in, k->graph, false);
	return err || !in->budget_ns ? err : contention_proof__end(&k->proof);
}

/*
 * Goroutines that pass each other may look like a cycle, since they are read one after the other. It
 * counts if all is found again a moment later, and none of them ran from before that second reading
 * until after it.
 */
static int contention__begin_confirm(struct contention *k)
{
	const struct census *c = contention__census(k);

	k->gs = cycle_goroutines(k->graph);
	if (!k->gs)
		return -ENOMEM;
	return quiescence__new(proc__mem(contention__proc(k)),
			       goproc__runtime(k->o.t->target.gp, k->o.rt), c, k->gs,
			       k->graph->nr_steps, &k->still);
}

static int contention__confirm(struct contention *k)
{
	const struct census *c = contention__census(k);
	scoped_mem bool *moved = calloc(c->nr + 1, sizeof(*moved));
	struct contention again = { 0 };
	struct contention_proof_in in;
	scoped(census) later = NULL;
	int err = moved ? census__read(proc__mem(contention__proc(k)),
				       goproc__runtime(k->o.t->target.gp, k->o.rt), k->o.depth,
				       &later)
			: -ENOMEM;

	in = contention__in(k, later, goes_through_channels(k->graph) ? k->o.proof_ns : 0);
	if (!err)
		err = contention__read_again(&again, &in);
	if (!err)
		err = quiescence__compare(k->still, moved);
	if (!err)
		err = waitgraph__confirm(k->graph, c, again.graph, later);
	if (!err)
		waitgraph__drop(k->graph, moved);
	k->graph->unproved |= again.graph && again.graph->unproved;
	contention__done(&again);
	quiescence__free(steal(k->still));
	free(steal(k->gs));
	return err;
}

static int contention__wait(struct contention *k, enum contention_phase phase)
{
	k->phase = phase;
	k->due_ns = clock_now_ns() + CONTENTION_MOMENT_NS;
	return JOB_GOES_ON;
}

/* Another look, if there is something to confirm. */
static int contention__next(struct contention *k)
{
	const bool looks =
		k->looks ? goes_through_channels(k->graph) && k->proof_ns < CONTENTION_CHEAP_NS
			 : k->graph->nr_cycles > 0;
	int err;

	k->phase = CONTENTION_IDLE;
	if (k->looks++ >= LOOKS || !looks)
		return proc__cut(contention__proc(k)) ? -ESRCH : JOB_OVER;
	err = contention__begin_confirm(k);
	return err ? err : contention__wait(k, CONTENTION_CONFIRMS);
}

static int contention__first(struct contention *k)
{
	const struct contention_proof_in in =
		contention__in(k, contention__census(k), k->o.proof_ns);
	int err = contention__read_locks(k, &in);

	if (!err && in.budget_ns)
		err = contention_proof__begin(&k->proof, &in, k->graph, true);
	if (err)
		return err;
	return k->proof.nr_goals ? contention__wait(k, CONTENTION_PROVES) : contention__next(k);
}

static int contention__tell(const struct contention *k, int state, struct cause *why)
{
	return state < 0 ? cause__set(why, state,
				      "cannot read the channels and locks of '%s' (pid %d): %s",
				      proc__comm(contention__proc(k)),
				      (int)proc__pid(contention__proc(k)),
				      proc__words(contention__proc(k), state))
			 : state;
}

int contention__begin(struct contention *k, const struct contention_opts *o, struct cause *why)
{
	const struct goruntime *rt = goproc__runtime(o->t->target.gp, o->rt);
	int err;

	*k = (struct contention){ .o = *o };
	err = gchans__read(proc__mem(contention__proc(k)), rt, contention__census(k), o->elements,
			   &k->chans);
	if (err == -EOPNOTSUPP)
		return cause__set(why, err,
				  "cannot read the channels of %s: where their fields lie in this "
				  "version is not known",
				  rt->version);
	return contention__tell(k, err ? err : contention__first(k), why);
}

uint64_t contention__due_ns(const struct contention *k)
{
	return k->due_ns;
}

int contention__step(struct contention *k, struct cause *why)
{
	int err;

	if (clock_now_ns() < k->due_ns)
		return JOB_GOES_ON;
	err = k->phase == CONTENTION_PROVES ? contention_proof__end(&k->proof)
					    : contention__confirm(k);
	return contention__tell(k, err ? err : contention__next(k), why);
}

struct chans_source contention__source(const struct contention *k)
{
	return (struct chans_source){
		.chans = k->chans, .locks = k->locks, .holds = k->holds, .graph = k->graph
	};
}

/* --- the job --- */

/* state: of the runtime that is read. */
static int contentions__go_on(struct contentions *c, int state, struct cause *why)
{
	while (state == JOB_OVER && ++c->o.rt < c->o.t->target.nr)
		state = contention__begin(&c->of[c->o.rt], &c->o, why);
	return state;
}

static int contentions__start(void *self, struct cause *why)
{
	struct contentions *c = self;

	c->o.rt = 0;
	return contentions__go_on(c, contention__begin(&c->of[0], &c->o, why), why);
}

static struct job_due contentions__due(const void *self)
{
	const struct contentions *c = self;

	return (struct job_due){ .at_ns = contention__due_ns(&c->of[c->o.rt]) };
}

static int contentions__step(void *self, struct cause *why)
{
	struct contentions *c = self;

	return contentions__go_on(c, contention__step(&c->of[c->o.rt], why), why);
}

struct job contentions__job(struct contentions *c, const struct contention_opts *o)
{
	static const struct job_ops ops = { .start = contentions__start,
					    .due = contentions__due,
					    .step = contentions__step };

	*c = (struct contentions){ .o = *o };
	return (struct job){ .ops = &ops, .self = c };
}

void contentions__done(struct contentions *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(c->of); i++)
		contention__done(&c->of[i]);
}
