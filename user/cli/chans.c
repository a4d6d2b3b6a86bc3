/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "census/gstill.h"
#include "cli/commands.h"
#include "cli/filters.h"
#include "daemon/taken.h"
#include "report/chans.h"

#define MOMENT_NS (100 * NS_PER_MS) /* a deadlock still stands after it */

/* What is read of each runtime besides its census. */
struct knots {
	struct gchans *chans;
	struct glocks *locks;
	struct gholds *holds;
	struct waitgraph *graph;
};

static void knots__done(struct knots *k)
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
	const struct timespec moment = { .tv_nsec = MOMENT_NS };
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

static int knots__read(struct knots *k, const struct taken *t, size_t i, const struct opts *o,
		       struct cause *why)
{
	const struct addrspace *as = proc__mem(t->proc);
	const struct goruntime *rt = goproc__runtime(t->gp, i);
	int err = gchans__read(as, rt, t->censuses[i], o->elements, &k->chans);

	if (err == -EOPNOTSUPP)
		return cause__set(why, err,
				  "cannot read the channels of %s: where their fields lie in this "
				  "version is not known",
				  rt->version);
	if (!err)
		err = knots__read_locks(k, as, rt, t->censuses[i]);
	if (!err)
		err = knots__confirm(k, as, rt, t->censuses[i], (unsigned int)o->depth);
	return err ? cause__set(why, err, "cannot read the channels and locks of '%s' (pid %d): %s",
				proc__comm(t->proc), o->pid,
				err == -ESRCH ? "it has ended" : strerror(-err))
		   : 0;
}

static int show(const struct opts *o, bool json, const struct pick *pick, const struct taken *t,
		const struct chans_source *sources, struct cause *why)
{
	const struct dump_input in = { .censuses = (const struct census *const *)t->censuses,
				       .namers = t->namers,
				       .nr = t->nr,
				       .as = proc__mem(t->proc) };
	const struct dump_opts dopts = { .pick = pick, .system = true };
	struct report_meta meta;
	const struct chans_show s = { .meta = &meta, .elements = o->elements };
	scoped(outfile) out = NULL;
	scoped(dump) d = NULL;
	scoped(chans) cs = NULL;
	int err;

	taken__meta(t, &meta);
	err = outfile__open(o->output, &out, why);
	if (err)
		return err;
	err = dump__new(&in, &dopts, &d);
	if (!err)
		err = chans__new(d, sources, proc__mem(t->proc), &cs);
	if (err)
		return cause__set(why, err, "cannot put the channels together: %s", strerror(-err));
	err = json ? chans_show__json(cs, &s, outfile__stream(out), why)
		   : chans_show__text(cs, &s, outfile__stream(out), why);
	if (!err)
		err = outfile__commit(out, why);
	if (!err)
		log_info("%zu goroutines; %zu unsettled; read in %.3g ms", d->counts.nr,
			 d->counts.unsettled + cs->unsettled,
			 (double)(t->read_ns - t->began_ns) / NS_PER_MS);
	return err;
}

static int chans(const struct opts *o, bool json, const struct pick *pick, struct cause *why)
{
	struct chans_source sources[GOPROC_RUNTIMES_MAX];
	struct knots knots[GOPROC_RUNTIMES_MAX] = { 0 };
	scoped(taken) t = NULL;
	int err = taken__new(o->pid, (unsigned int)o->depth, &t, why);

	for (size_t i = 0; !err && i < t->nr; i++) {
		err = knots__read(&knots[i], t, i, o, why);
		sources[i] = (struct chans_source){ .rt = goproc__runtime(t->gp, i),
						    .chans = knots[i].chans,
						    .locks = knots[i].locks,
						    .holds = knots[i].holds,
						    .graph = knots[i].graph };
	}
	if (!err)
		err = show(o, json, pick, t, sources, why);
	for (size_t i = 0; i < GOPROC_RUNTIMES_MAX; i++)
		knots__done(&knots[i]);
	return err;
}

int cmd_chans(const struct opts *o)
{
	const char *dot = o->output ? strrchr(o->output, '.') : NULL;
	bool json = o->format ? !strcmp(o->format, "json") : dot && !strcmp(dot, ".json");
	scoped(pick) pick = NULL;
	struct cause why = { "" };
	int err;

	if (o->format && !json && strcmp(o->format, "text")) {
		log_error("chans has no format '%s': text or json", o->format);
		return 2;
	}
	err = filters_pick(o, &pick, &why);
	if (err) {
		log_error("%s", why.text[0] ? why.text : strerror(-err));
		return 2;
	}
	signal(SIGPIPE, SIG_IGN); /* a reader that ends early is an error of writing, and is said */
	err = chans(o, json, pick, &why);
	if (!err)
		return 0;
	log_error("%s", why.text[0] ? why.text : strerror(-err));
	return 1;
}
