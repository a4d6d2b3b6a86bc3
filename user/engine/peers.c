// SPDX-License-Identifier: BSD-2-Clause
#include "engine/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/notes.h"
#include "heap/gconn.h"
#include "view/leak_peer.h"
#include "target/fds.h"

#define IN_ALL 8192 /* goroutines whose stacks are followed */
#define DEPTH  8    /* frames: what they wait for is what counts */

struct ends {          /* by descriptor */
	uint8_t *side; /* enum gconn_side */
	int *dialled;  /* of its connection */
	size_t nr;
	bool own; /* some connections are of the process with itself */
};

static void ends__done(struct ends *e)
{
	free(e->side);
	free(e->dialled);
}

static int ends__read(struct ends *e, const struct snapshot *t)
{
	scoped_mem struct fd_pair *pairs = NULL;
	scoped(fds) fds = NULL;
	size_t nr;

	if (fds__new(t->target.proc, &fds) || fds__dialled(fds, &pairs, &nr))
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		const int high =
			pairs[i].accepted > pairs[i].dialled ? pairs[i].accepted : pairs[i].dialled;

		e->nr = (size_t)high >= e->nr ? (size_t)high + 1 : e->nr;
	}
	e->side = malloc(e->nr + 1);
	e->dialled = calloc(e->nr + 1, sizeof(*e->dialled));
	if (!e->side || !e->dialled)
		return -ENOMEM;
	memset(e->side, GCONN_NONE, e->nr + 1);
	for (size_t i = 0; i < nr; i++) {
		e->side[pairs[i].dialled] = GCONN_DIALLED;
		e->dialled[pairs[i].dialled] = pairs[i].dialled;
		if (pairs[i].accepted < 0)
			continue;
		e->own = true;
		e->side[pairs[i].accepted] = GCONN_ACCEPTED;
		e->dialled[pairs[i].accepted] = pairs[i].dialled;
	}
	return 0;
}

/* Those that wait on one of the descriptors. */
static int note_waits(struct leaks *l, uint16_t rt, const struct ends *e, const struct census *c)
{
	int err = 0;

	for (size_t i = 0; i < c->nr && !err; i++) {
		const struct census_wait *w = &c->waits[c->gs[i].waits_at];

		if (c->gs[i].nr_waits != 1 || w->kind != CENSUS_WAIT_FD || w->via >= e->nr ||
		    e->side[w->via] == GCONN_NONE)
			continue;
		err = leak_peer__add(l, &(struct leak_peer){
						.goid = c->gs[i].who.goid,
						.conn = (uint32_t)e->dialled[w->via],
						.rt = rt,
						.accepted = e->side[w->via] == GCONN_ACCEPTED,
						.waits = true,
						.reads = w->direction == CENSUS_DIR_READ });
	}
	return err;
}

static bool may_be_at_an_end(const struct leak_group *g)
{
	if (g->role == LEAK_ROLE_RUNTIME || g->role == LEAK_ROLE_LISTENER)
		return false;
	return g->class >= LEAK_RECEIVE && g->class <= LEAK_SEMAPHORE && g->class != LEAK_FOREVER;
}

/* Numbers in the census of those whose stacks are followed. */
static int find_others(const struct leaks *l, uint16_t rt, const struct census *c, uint32_t **ret,
		       size_t *ret_nr)
{
	scoped_mem uint32_t *gs = calloc(IN_ALL, sizeof(*gs));
	scoped_mem uint16_t *of_group = calloc(leakset__nr_groups(l->set) + 1, sizeof(*of_group));
	size_t nr = 0;

	if (!gs || !of_group)
		return -ENOMEM;
	for (size_t i = 0; i < c->nr && nr < IN_ALL; i++) {
		const struct leak_g *g = leakset__get(l->set, rt, c->gs[i].who.goid);

		if (!g || of_group[g->group] == LEAK_PEERS_OF_GROUP ||
		    !may_be_at_an_end(leakset__group(l->set, g->group)))
			continue;
		of_group[g->group]++;
		gs[nr++] = (uint32_t)i;
	}
	*ret = steal(gs);
	*ret_nr = nr;
	return 0;
}

static int note_found(struct leaks *l, uint16_t rt, const struct ends *e, uint64_t goid,
		      const struct gconn *found)
{
	const int *fd = found->fd;
	const bool both = fd[GCONN_ACCEPTED] >= 0 && fd[GCONN_DIALLED] >= 0 &&
			  e->dialled[fd[GCONN_ACCEPTED]] == e->dialled[fd[GCONN_DIALLED]];
	int err = 0;

	if (both) /* of one connection: nobody knows at which it is */
		return 0;
	for (int s = 0; s < GCONN_SIDES && !err; s++) {
		const bool other =
			fd[!s] >= 0 && fd[s] >= 0 && e->dialled[fd[!s]] != e->dialled[fd[s]];

		if (fd[s] >= 0)
			err = leak_peer__add(l, &(struct leak_peer){
							.goid = goid,
							.conn = (uint32_t)e->dialled[fd[s]],
							.rt = rt,
							.accepted = s == GCONN_ACCEPTED,
							.context = found->context,
							.asks = s == GCONN_ACCEPTED && other });
	}
	return err;
}

static int note_others(struct leaks *l, uint16_t rt, const struct ends *e, const struct snapshot *t,
		       const struct census *c, struct nearby *near)
{
	scoped_mem uint32_t *gs = NULL;
	scoped_mem struct gconn *found = NULL;
	struct gconn_in in = { .as = proc__mem(t->target.proc),
			       .rt = goproc__runtime(t->target.gp, rt),
			       .census = c,
			       .sides = e->side,
			       .nr_fds = e->nr,
			       .near = near };
	int err = find_others(l, rt, c, &gs, &in.nr);

	in.gs = gs;
	found = calloc(in.nr + 1, sizeof(*found));
	if (err || !found)
		return -ENOMEM;
	err = in.nr ? gconns_of(&in, found) : 0;
	if (err) {
		note_debug("who is at work for which connection is not known: %s", strerror(-err));
		return err == -ENOMEM ? err : 0;
	}
	for (size_t i = 0; i < in.nr && !err; i++)
		err = note_found(l, rt, e, c->gs[gs[i]].who.goid, &found[i]);
	return err;
}

/*
 * Of a census that is as new as the table of descriptors; the heap is read before, for that takes
 * longer.
 */
static int note_runtime(struct leaks *l, uint16_t rt, const struct ends *e,
			const struct snapshot *t)
{
	const struct addrspace *as = proc__mem(t->target.proc);
	scoped(nearby) near = NULL;
	scoped(census) c = NULL;
	const int no_heap = nearby__new(as, goproc__runtime(t->target.gp, rt), NEARBY_FIELDS,
					PEERS_BUDGET_NS, &near);
	int err = no_heap == -ENOMEM
			  ? -ENOMEM
			  : census__read(as, goproc__runtime(t->target.gp, rt), DEPTH, &c);

	if (err)
		return err == -ENOMEM ? err : 0;
	err = note_waits(l, rt, e, c);
	return err || no_heap ? err : note_others(l, rt, e, t, c, near);
}

/* Where nothing grows nobody need know who is at a connection with others. */
static bool grows(const struct leaks *l)
{
	const size_t last = leakset__nr_looks(l->set) - 1;

	for (size_t i = 0; i < leakset__nr_groups(l->set); i++) {
		const struct leak_group *g = leakset__group(l->set, i);

		if (g->role == LEAK_ROLE_CLIENT && g->count[last] > g->count[0])
			return true;
	}
	return false;
}

int peers_note(struct leaks *l, const struct snapshot *t)
{
	struct ends e = { 0 };
	int err = ends__read(&e, t);

	for (uint16_t rt = 0; rt < t->target.nr && e.nr && (e.own || grows(l)) && !err; rt++)
		err = note_runtime(l, rt, &e, t);
	ends__done(&e);
	return err;
}
