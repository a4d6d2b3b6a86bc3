/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/allocwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/notes.h"
#include "base/rt_boost.h"
#include "base/vec.h"
#include "engine/allocrun.h"
#include "engine/allocs.h"
#include "engine/ingest.h"
#include "engine/probes.h"
#include "model/governor.h"
#include "model/snap.h"

#define DEPTH      1           /* who, not where */
#define RING_BYTES (64u << 10) /* one stack for each probe */

struct allocwatch {
	struct allocwatch_opts o;
	struct profile *profile;
	struct ingest *intake;
	struct allocs *allocs;
	struct probes *probes;
	struct rt_boost *pace;
	struct allocrun run;
	size_t nr_rt;
	double busy;      /* what hits cost in a ns of the last window */
	bool learnt;      /* there was one */
	double before_ns; /* of cost, before the window */
	/* length of the last absence that is left out, and of all of them together */
	uint64_t absent_ns, gap_ns;
};

void allocwatch__free(struct allocwatch *a)
{
	if (!a)
		return;
	probes__free(a->probes);
	rt_boost__free(a->pace);
	allocs__free(a->allocs);
	ingest__free(a->intake);
	profile__free(a->profile);
	free(a);
}

static int allocwatch__build(struct allocwatch *a, struct cause *why)
{
	const struct profile_opts po = { .event = PROFILE_ALLOC, .root = PROFILE_ROOT_GOID };
	struct probes_opts o = {
		.choose = allocs__choose,
		.alloc_root = PW_ALLOC_ROOT_GOID,
		.transport = -1,
		.attach = ATTACH_AUTO,
		.depth = DEPTH,
		.ring_bytes = RING_BYTES,
		.no_cost = a->o.no_cost,
	};
	int err = profile__new(&po, &a->profile);

	if (!err)
		err = ingest__new(a->o.proc, a->o.gp, a->profile,
				  &(struct ingest_opts){ .system = true }, &a->intake);
	if (!err)
		err = allocs__new(&(struct allocs_opts){ .proc = a->o.proc,
							 .gp = a->o.gp,
							 .profile = a->profile,
							 .intake = a->intake,
							 .source = ALLOC_SOURCE_REFILL,
							 .no_refills = true },
				  &a->allocs);
	o.choose_ctx = a->allocs;
	return err ? err
		   : probes__new(&o, a->o.proc, a->o.gp, ingest__record, a->intake, &a->probes,
				 why);
}

int allocwatch__new(const struct allocwatch_opts *o, struct allocwatch **ret, struct cause *why)
{
	scoped(allocwatch) a = calloc(1, sizeof(*a));
	int err;

	if (!a)
		return -ENOMEM;
	a->o = *o;
	a->nr_rt = goproc__nr_runtimes(o->gp);
	err = allocwatch__build(a, why);
	if (err)
		return cause__set(why, err, "%s", strerror(-err));
	*ret = steal(a);
	return 0;
}

int allocwatch__start(struct allocwatch *a, struct cause *why)
{
	const double budget =
		a->o.max_overhead > 0 ? a->o.max_overhead * ALLOCWATCH_SHARE : ALLOCRUN_OVERHEAD;
	struct allocrun_env env = {
		.proc = a->o.proc,
		.allocs = a->allocs,
		.probes = a->probes,
		.nr_rt = a->nr_rt,
		.windows = ALLOCWIN_RECORDING((1 - ALLOCRUN_REFILLS) * budget),
		.refills = ALLOCRUN_REFILLS * budget,
	};
	int err = rt_boost__new(rt_boost_limit_ns(proc__pid(a->o.proc)), &a->pace);
	bool stopped;

	if (err)
		return err;
	env.pace = a->pace;
	if (a->o.longest_ns < env.windows.longest_ns)
		env.windows.longest_ns = a->o.longest_ns;
	env.windows.first_ns = env.windows.longest_ns;
	/* no allocation is counted one by one all the time: there is nothing to try */
	(void)allocrun__try(&a->run, &env);
	err = allocrun__init(&a->run, &env, why);
	if (err)
		return err;
	a->absent_ns = probes__absent_ns(a->probes, &stopped);
	probes__start(a->probes);
	allocrun__begin(&a->run);
	return 0;
}

void allocwatch__again(struct allocwatch *a)
{
	bool stopped;
	const uint64_t absent = probes__absent_ns(a->probes, &stopped), now = clock_now_ns();
	struct cause why = { "" };

	if (absent <= a->absent_ns)
		return;
	a->absent_ns = absent;
	a->gap_ns += now > absent ? now - absent : 0;
	probes__limit(a->probes, -1);
	probes__start(a->probes);
	if (allocrun__again(&a->run, &why))
		note_debug("allocations are counted no more: %s", why.text);
}

bool allocwatch__is_open(const struct allocwatch *a)
{
	return a->run.open;
}

uint64_t allocwatch__due_ns(const struct allocwatch *a, uint64_t now_ns)
{
	return allocrun__due_ns(&a->run, now_ns);
}

/*
 * What the next window will cost, the first one as far as one can guess. It ends when it has seen 2
 * * ALLOCWIN_HITS.
 */
static double allocwatch__window_ns(const struct allocwatch *a)
{
	const double hit_ns = probes__hit_ns(a->probes, PW_POINT_MALLOC),
		     most_ns = 2 * ALLOCWIN_HITS * hit_ns;
	const double hits_ns =
		a->learnt ? a->busy * (double)a->run.windows.length_ns : ALLOCWIN_HITS * hit_ns;

	return GOVERNOR_LINKS_NS + (hits_ns < most_ns ? hits_ns : most_ns);
}

void allocwatch__tick(struct allocwatch *a, uint64_t left_ns, double may_ns)
{
	const double length_ns = (double)a->run.windows.length_ns;
	const uint64_t windows = a->run.windows.windows;

	if (!a->run.open) {
		a->before_ns = allocwatch__cost_ns(a);
		allocwatch__again(a);
		(void)ring__drain(probes__ring(a->probes));
	}
	allocrun__tick(&a->run, a->run.open || allocwatch__window_ns(a) <= may_ns ? left_ns : 0);
	if (a->run.windows.windows == windows)
		return;
	a->busy = (allocwatch__cost_ns(a) - a->before_ns - GOVERNOR_LINKS_NS) / length_ns;
	a->learnt = true;
}

uint64_t allocwatch__hits(const struct allocwatch *a)
{
	uint64_t stats[PW_STAT_MAX];

	probes__stats(a->probes, stats);
	return probes__hits(stats);
}

double allocwatch__cost_ns(const struct allocwatch *a)
{
	uint64_t stats[PW_STAT_MAX];

	probes__stats(a->probes, stats);
	return probes__cost_ns(a->probes, stats) +
	       (double)a->run.windows.windows * GOVERNOR_LINKS_NS;
}

/* --- what was seen --- */

struct parts {
	struct leak_allocated *v;
	size_t nr, room;
	uint16_t rt;
	int err;
};

static void parts__add(struct parts *p, const struct leak_allocated *part)
{
	if (!p->err)
		p->err = vec__reserve(&p->v, &p->room, p->nr + 1, sizeof(*p->v));
	if (!p->err)
		p->v[p->nr++] = *part;
}

static void add_seen(void *ctx, const struct pw_alloc_key *key, const struct pw_alloc_sum *sum)
{
	struct parts *p = ctx;

	parts__add(p, &(struct leak_allocated){
			      .rt = p->rt, .goid = key->root, .seen = sum->objects });
}

static int allocwatch__collect(struct allocwatch *a, struct parts *p)
{
	scoped(snap) s = NULL;
	int err = snap__take(a->profile, &s);

	for (size_t i = 0; !err && i < s->nr; i++)
		parts__add(p, &(struct leak_allocated){ .rt = s->rows[i].rt,
							.goid = s->rows[i].goid,
							.bytes = s->rows[i].value });
	for (size_t i = 0; i < a->nr_rt && !err; i++) {
		p->rt = (uint16_t)i;
		err = attach__allocs_each(probes__attach(a->probes, i), add_seen, p);
	}
	return err ? err : p->err;
}

static int allocwatch__check(const struct allocwatch *a, struct cause *why)
{
	struct losses lost = { 0 };
	struct profile_stats kept;
	uint64_t stats[PW_STAT_MAX];

	if (a->run.none)
		return cause__set(why, -EIO, "a window could not be opened");
	if (!a->run.windows.windows)
		return cause__set(
			why, -ENODATA,
			"there was no moment at which counting them was within --max-overhead");
	probes__stats(a->probes, stats);
	probes__losses(a->probes, stats, &lost);
	profile__stats(a->profile, &kept);
	losses__add(&lost, kept.refused, "more than are kept");
	return lost.nr ? cause__set(why, -ENOBUFS, "lost: %s", lost.text) : 0;
}

int allocwatch__finish(struct allocwatch *a, struct leak_allocs *ret, struct cause *why)
{
	struct parts p = { 0 };
	int err;

	allocwatch__again(a);
	allocrun__end(&a->run);
	(void)probes__stop(a->probes);
	probes__finish(a->probes);
	allocrun__finish(&a->run);
	probes__off(a->probes);
	err = allocwatch__check(a, why);
	if (!err)
		err = allocwatch__collect(a, &p);
	if (err) {
		free(p.v);
		return cause__set(why, err, "%s", strerror(-err));
	}
	*ret = (struct leak_allocs){ .parts = p.v,
				     .nr = p.nr,
				     .windows = (uint32_t)a->run.windows.windows,
				     .gap_ns = a->gap_ns };
	return 0;
}
