// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/contention.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "census/quiescence.h"
#include "daemon/contention_proof.h"
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
}

/* Locks, their holders and the rings; the same for the first reading and the others. */
static int contention__read_locks(struct contention *k, const struct contention_proof_in *in)
{
	const struct addrspace *as = proc__mem(in->proc);
	int err = glocks__read(as, in->rt->minor, in->census, &k->locks);

	if (!err)
		err = gholds__read(as, in->rt, in->census, k->locks, &k->holds);
	if (!err)
		err = waitgraph__new(in->census, k->locks, k->holds, &k->graph);
	return err || !in->budget_ns ? err : contention_proof_add(in, k->graph);
}

/* The goroutines of all rings, as indexes into the census. */
static uint32_t *ring_goroutines(const struct waitgraph *w)
{
	uint32_t *gs = calloc(w->nr_steps + 1, sizeof(*gs));

	for (size_t i = 0; gs && i < w->nr_steps; i++)
		gs[i] = w->steps[i].g;
	return gs;
}

/* One of its rings does. */
static bool goes_through_channels(const struct waitgraph *w)
{
	for (size_t i = 0; i < w->nr_rings; i++)
		for (uint32_t k = 0; k < w->rings[i].nr; k++)
			if (wait_edge_keeps(&w->steps[w->rings[i].edges_at + k]))
				return true;
	return false;
}

/*
 * Goroutines that pass each other may look like a ring, since they are read one after the other. It
 * counts if all is found again a moment later, and none of them ran from before that second reading
 * until after it.
 */
static int contention__confirm(struct contention *k, const struct contention_proof_in *in,
			       unsigned int depth)
{
	const struct timespec moment = { .tv_nsec = CONTENTION_MOMENT_NS };
	const struct addrspace *as = proc__mem(in->proc);
	const struct census *c = in->census;
	scoped_mem uint32_t *gs = ring_goroutines(k->graph);
	scoped_mem bool *moved = calloc(c->nr + 1, sizeof(*moved));
	struct contention_proof_in anew = *in;
	struct contention again = { 0 };
	scoped(census) later = NULL;
	scoped(quiescence) still = NULL;
	int err;

	if (!gs || !moved)
		return -ENOMEM;
	err = quiescence__new(as, in->rt, c, gs, k->graph->nr_steps, &still);
	nanosleep(&moment, NULL);
	if (!err)
		err = census__read(as, in->rt, depth, &later);
	anew.census = later;
	anew.wait_ns = 0;
	anew.budget_ns = goes_through_channels(k->graph) ? in->budget_ns : 0;
	if (!err)
		err = contention__read_locks(&again, &anew);
	if (!err)
		err = quiescence__compare(still, moved);
	if (!err)
		err = waitgraph__confirm(k->graph, c, again.graph, later);
	if (!err)
		waitgraph__drop(k->graph, moved);
	k->graph->unproved |= again.graph && again.graph->unproved;
	contention__done(&again);
	return err;
}

int contention__read(struct contention *k, const struct snapshot *t, size_t i, bool elements,
		     unsigned int depth, uint64_t proof_ns, struct cause *why)
{
	const struct contention_proof_in in = { .proc = t->target.proc,
						.rt = goproc__runtime(t->target.gp, i),
						.census = t->censuses[i],
						.wait_ns = CONTENTION_MOMENT_NS,
						.budget_ns = proof_ns,
						.spent_ns = &k->proof_ns };
	int err =
		gchans__read(proc__mem(t->target.proc), in.rt, t->censuses[i], elements, &k->chans);

	if (err == -EOPNOTSUPP)
		return cause__set(why, err,
				  "cannot read the channels of %s: where their fields lie in this "
				  "version is not known",
				  in.rt->version);
	if (!err)
		err = contention__read_locks(k, &in);
	for (int look = 0; look < LOOKS && !err; look++)
		if (look ? goes_through_channels(k->graph) && k->proof_ns < CONTENTION_CHEAP_NS
			 : k->graph->nr_rings > 0)
			err = contention__confirm(k, &in, depth);
	if (!err && proc__cut(t->target.proc))
		err = -ESRCH;
	return err ? cause__set(why, err, "cannot read the channels and locks of '%s' (pid %d): %s",
				proc__comm(t->target.proc), (int)proc__pid(t->target.proc),
				proc__words(t->target.proc, err))
		   : 0;
}

struct chans_source contention__source(const struct contention *k)
{
	return (struct chans_source){
		.chans = k->chans, .locks = k->locks, .holds = k->holds, .graph = k->graph
	};
}
