// SPDX-License-Identifier: BSD-2-Clause
#include "daemon/knots.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "census/gstill.h"

void knots__done(struct knots *k)
{
	gchans__free(k->chans);
	glocks__free(k->locks);
	gholds__free(k->holds);
	waitgraph__free(k->graph);
}

/* Locks, their holders and the rings; the same for the first reading and the second. */
static int knots__read_locks(struct knots *k, const struct addrspace *as,
			     const struct goruntime *rt, const struct census *c)
{
	int err = glocks__read(as, rt->minor, c, &k->locks);

	if (!err)
		err = gholds__read(as, rt, c, k->locks, &k->holds);
	return err ? err : waitgraph__new(c, k->locks, k->holds, &k->graph);
}

/* The goroutines of all rings, as indexes into the census. */
static uint32_t *ring_goroutines(const struct waitgraph *w)
{
	uint32_t *gs = calloc(w->nr_steps + 1, sizeof(*gs));

	for (size_t i = 0; gs && i < w->nr_steps; i++)
		gs[i] = w->steps[i].g;
	return gs;
}

/*
 * Goroutines that pass each other may look like a ring, since they are read one after the other. It
 * counts if all is found again a moment later, and none of them ran from before that second reading
 * until after it.
 */
static int knots__confirm(struct knots *k, const struct addrspace *as, const struct goruntime *rt,
			  const struct census *c, unsigned int depth)
{
	const struct timespec moment = { .tv_nsec = KNOTS_MOMENT_NS };
	scoped_mem uint32_t *gs = ring_goroutines(k->graph);
	scoped_mem bool *moved = calloc(c->nr + 1, sizeof(*moved));
	struct knots again = { 0 };
	scoped(census) later = NULL;
	scoped(gstill) still = NULL;
	int err;

	if (!gs || !moved)
		return -ENOMEM;
	if (!k->graph->nr_rings)
		return 0;
	err = gstill__new(as, rt, c, gs, k->graph->nr_steps, &still);
	nanosleep(&moment, NULL);
	if (!err)
		err = census__read(as, rt, depth, &later);
	if (!err)
		err = knots__read_locks(&again, as, rt, later);
	if (!err)
		err = gstill__compare(still, moved);
	if (!err)
		err = waitgraph__confirm(k->graph, c, again.graph, later);
	if (!err)
		waitgraph__drop(k->graph, moved);
	knots__done(&again);
	return err;
}

int knots__read(struct knots *k, const struct taken *t, size_t i, bool elements, unsigned int depth,
		struct cause *why)
{
	const struct addrspace *as = proc__mem(t->proc);
	const struct goruntime *rt = goproc__runtime(t->gp, i);
	int err = gchans__read(as, rt, t->censuses[i], elements, &k->chans);

	if (err == -EOPNOTSUPP)
		return cause__set(why, err,
				  "cannot read the channels of %s: where their fields lie in this "
				  "version is not known",
				  rt->version);
	if (!err)
		err = knots__read_locks(k, as, rt, t->censuses[i]);
	if (!err)
		err = knots__confirm(k, as, rt, t->censuses[i], depth);
	return err ? cause__set(why, err, "cannot read the channels and locks of '%s' (pid %d): %s",
				proc__comm(t->proc), (int)proc__pid(t->proc),
				err == -ESRCH ? "it has ended" : strerror(-err))
		   : 0;
}

struct chans_source knots__source(const struct knots *k, const struct taken *t, size_t i)
{
	return (struct chans_source){ .rt = goproc__runtime(t->gp, i),
				      .chans = k->chans,
				      .locks = k->locks,
				      .holds = k->holds,
				      .graph = k->graph };
}
