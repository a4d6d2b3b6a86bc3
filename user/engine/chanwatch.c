// SPDX-License-Identifier: BSD-2-Clause
#include "engine/chanwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "base/rt_boost.h"
#include "base/vec.h"
#include "engine/owncost.h"
#include "heap/chanlook.h"
#include "heap/gchan.h"
#include "model/chanstat.h"
#include "model/governor.h"
#include "view/place.h"

struct queue_site {
	struct chan_site s;
	uint32_t now, search; /* at that search */
};

struct life {
	struct chanlook_chan last; /* as it was read last */
	struct chanstat stat;
	struct queue_site *sites; /* owned */
	size_t nr_sites, sites_room;
	uint32_t senders, receivers, search; /* that wait at that search */
	uint32_t unsure, sites_more;
	uint16_t rt;
	bool ended;
};

struct living { /* of one runtime */
	struct chanlook *look;
	struct chanlook_chan *v; /* by address; owned */
	struct life **of;        /* of each */
	size_t nr;
};

struct pace { /* of looks, or of searches */
	uint64_t wanted_ns;
	uint64_t from_ns; /* the part of the time that the next one is for */
	uint64_t part_ns, at_ns;
	uint64_t cpu_ns; /* that all of them took */
	uint32_t nr;
};

struct chanwatch {
	struct chanwatch_opts o;
	struct framer *framer;
	struct rt_boost *boost;
	struct living living[GOPROC_RUNTIMES_MAX];
	struct life **lives; /* owned, each of them too */
	size_t nr;
	struct pace looks, searches;
	uint64_t random, start_ns, end_ns;
	uint64_t own_start_ns, target_start_ns;
	struct chanwatch_cost cost;
	size_t refused; /* at one search, at most */
	bool cut, stopping;
	struct chan_watch *told;
};

static void life__free(struct life *l)
{
	chanstat__done(&l->stat);
	free(l->sites);
	free(l);
}

void chanwatch__free(struct chanwatch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->nr; i++)
		life__free(w->lives[i]);
	for (size_t i = 0; i < ARRAY_SIZE(w->living); i++) {
		chanlook__free(w->living[i].look);
		free(w->living[i].v);
		free(w->living[i].of);
	}
	free(w->lives);
	chan_watch__free(w->told);
	framer__free(w->framer);
	rt_boost__free(w->boost);
	free(w);
}

int chanwatch__new(const struct chanwatch_opts *o, struct chanwatch **ret)
{
	scoped(chanwatch) w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->o = *o;
	w->random = random_seed();
	w->looks.wanted_ns = NS_PER_SEC / CHANWATCH_RATE;
	w->searches.wanted_ns = CHANWATCH_SEARCH_NS;
	w->lives = calloc(CHAN_WATCH_MAX, sizeof(*w->lives));
	if (!w->lives)
		return -ENOMEM;
	err = framer__new(o->t->target.namers, o->t->target.nr, &w->framer);
	if (!err)
		err = rt_boost__new(rt_boost_limit_ns(proc__pid(o->t->target.proc)), &w->boost);
	if (!err)
		*ret = steal(w);
	return err;
}

/* --- what it may cost --- */

static uint64_t chanwatch__at(const struct chanwatch *w)
{
	return clock_now_ns() - w->start_ns;
}

static void chanwatch__count_cost(struct chanwatch *w)
{
	struct chanwatch_cost *c = &w->cost;
	const uint64_t target = proc__cpu_ns(w->o.t->target.proc);

	c->own_ns = clock_cpu_ns() - w->own_start_ns;
	c->target_ns = target > w->target_start_ns ? target - w->target_start_ns : 0;
	c->taken_ns = (double)c->own_ns * governor_taken_part((double)c->target_ns,
							      (double)chanwatch__at(w),
							      owncost_processors());
}

/* CPU time that we may use in a ns, for looks and searches together. */
static double chanwatch__allowance(struct chanwatch *w)
{
	const double time = (double)chanwatch__at(w) + 1;

	chanwatch__count_cost(w);
	return governor_own_rate(w->o.max_overhead, (double)w->cost.target_ns / time,
				 governor_taken_part((double)w->cost.target_ns, time,
						     owncost_processors()),
				 CHANWATCH_OWN_MAX);
}

/* The next part of the time, as long as half of the allowance wants it, and a moment of it. */
static void chanwatch__plan(struct chanwatch *w, struct pace *p)
{
	const uint64_t now = clock_now_ns(), late = now > p->from_ns ? now - p->from_ns : 0;
	const uint64_t left = w->end_ns > p->from_ns ? w->end_ns - p->from_ns : 0;
	const double took = p->nr ? (double)p->cpu_ns / p->nr : 0;
	const double least = took / (chanwatch__allowance(w) / 2);
	uint64_t part = p->wanted_ns;

	if (least > (double)part)
		part = least < (double)w->o.duration_ns ? (uint64_t)least : w->o.duration_ns;
	part += late;
	p->part_ns = left < part + part / 2 ? left : part;
	p->at_ns = p->from_ns + (uint64_t)(random_next(&w->random) * (double)p->part_ns);
}

static void pace__done(struct pace *p, uint64_t cpu_from_ns)
{
	p->from_ns += p->part_ns;
	p->cpu_ns += clock_cpu_ns() - cpu_from_ns;
	p->nr++;
}

/* --- lives --- */

/* Short ones that are over make room. */
static bool chanwatch__room(struct chanwatch *w)
{
	size_t nr = 0;

	if (w->nr < CHAN_WATCH_MAX)
		return true;
	for (size_t i = 0; i < w->nr; i++) {
		struct life *l = w->lives[i];

		if (l->ended && l->stat.looks < CHANSTAT_BURST_LOOKS)
			life__free(l);
		else
			w->lives[nr++] = l;
	}
	w->nr = nr;
	return nr < CHAN_WATCH_MAX;
}

static int chanwatch__add(struct chanwatch *w, uint16_t rt, const struct chanlook_chan *c,
			  struct life **ret)
{
	struct life *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->last = *c;
	l->rt = rt;
	/* those of the first search were there before */
	chanstat__init(&l->stat, w->o.duration_ns, w->searches.nr ? chanwatch__at(w) : 0);
	w->lives[w->nr++] = l;
	*ret = l;
	return 0;
}

/* After a reading: those that are gone are watched no more. */
static int living__drop(struct living *g, uint64_t at_ns)
{
	size_t nr = 0;
	int err = 0;

	for (size_t i = 0; i < g->nr; i++) {
		if (g->v[i].same == CHANLOOK_GONE) {
			g->of[i]->ended = true;
			err = err ? err : chanstat__end(&g->of[i]->stat, at_ns);
			continue;
		}
		g->v[nr] = g->v[i];
		g->of[nr++] = g->of[i];
	}
	g->nr = nr;
	return err;
}

/* --- a look --- */

static int living__count(struct living *g, size_t i, uint64_t at_ns, uint64_t weight_ns)
{
	const struct chanlook_chan *c = &g->v[i];
	struct life *l = g->of[i];

	if (c->same != CHANLOOK_SAME && c->same != CHANLOOK_UNSURE)
		return 0;
	l->last = *c;
	l->unsure += c->same == CHANLOOK_UNSURE;
	return chanstat__look(&l->stat, &(struct chanstat_look){ .at_ns = at_ns,
								 .weight_ns = weight_ns,
								 .len = c->len,
								 .cap = c->cap,
								 .senders = c->senders,
								 .receivers = c->receivers,
								 .cut = c->cut });
}

/* only_new: those that no look was at yet. */
static int chanwatch__look(struct chanwatch *w, uint64_t weight_ns, bool only_new)
{
	int err = 0;

	deadline__move(w->o.until, SNAPSHOT_MOST_NS);
	for (size_t rt = 0; rt < w->o.t->target.nr && !err; rt++) {
		struct living *g = &w->living[rt];
		const uint64_t at_ns = chanwatch__at(w);

		err = chanlook__read(g->look, g->v, g->nr);
		for (size_t i = 0; i < g->nr && !err; i++)
			if (!only_new || !g->of[i]->stat.looks)
				err = living__count(g, i, at_ns, weight_ns);
		if (!err)
			err = living__drop(g, at_ns);
	}
	return err;
}

/* --- a search --- */

/* Those that are found join those that are known, in the order of addresses. */
static int living__join(struct chanwatch *w, uint16_t rt, const struct chanlook_chan *found,
			size_t nr, size_t *refused)
{
	struct living *g = &w->living[rt];
	struct chanlook_chan *v = calloc(g->nr + nr + 1, sizeof(*v));
	struct life **of = calloc(g->nr + nr + 1, sizeof(*of));
	size_t to = 0, i = 0, k = 0;
	int err = v && of ? 0 : -ENOMEM;

	while (!err && (i < g->nr || k < nr)) {
		if (i < g->nr && (k == nr || g->v[i].addr <= found[k].addr)) {
			k += k < nr && found[k].addr == g->v[i].addr;
			v[to] = g->v[i];
			of[to++] = g->of[i++];
		} else if (!chanwatch__room(w)) {
			++*refused;
			k++;
		} else {
			v[to] = found[k];
			err = chanwatch__add(w, rt, &found[k++], &of[to++]);
		}
	}
	if (err) {
		free(v);
		free(of);
		return err;
	}
	free(g->v);
	free(g->of);
	g->v = v;
	g->of = of;
	g->nr = to;
	return 0;
}

static struct life *living__find(const struct living *g, uint64_t addr)
{
	size_t lo = 0, hi = g->nr;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (g->v[mid].addr < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < g->nr && g->v[lo].addr == addr ? g->of[lo] : NULL;
}

static bool same_site(const struct chan_site *a, const struct chan_site *b)
{
	return a->direction == b->direction && a->func == b->func && a->file == b->file &&
	       a->line == b->line && a->made_func == b->made_func && a->made_file == b->made_file &&
	       a->made_line == b->made_line;
}

/* One more goroutine that waits there, at this search. */
static int life__queue(struct life *l, const struct chan_site *s, uint32_t search)
{
	size_t i = 0;

	if (l->search != search)
		l->senders = l->receivers = 0;
	l->search = search;
	if (s->direction == CENSUS_DIR_SEND)
		l->senders++;
	else
		l->receivers++;
	chanstat__queued(&l->stat, l->senders, l->receivers);
	while (i < l->nr_sites && !same_site(&l->sites[i].s, s))
		i++;
	if (i == CHAN_WATCH_SITES_MAX) {
		l->sites_more++;
		return 0;
	}
	if (i == l->nr_sites) {
		if (vec__reserve(&l->sites, &l->sites_room, i + 1, sizeof(*l->sites)))
			return -ENOMEM;
		l->sites[l->nr_sites++] = (struct queue_site){ .s = *s };
	}
	if (l->sites[i].search != search) {
		l->sites[i].search = search;
		l->sites[i].now = 0;
		l->sites[i].s.searches++;
	}
	if (++l->sites[i].now > l->sites[i].s.most)
		l->sites[i].s.most = l->sites[i].now;
	return 0;
}

static int chanwatch__queue_row(struct chanwatch *w, struct dump *d, const struct dump_row *r)
{
	const struct census *c = d->in.censuses[r->rt];
	const struct census_g *g = dump__g(d, r);
	const struct site *made = dump__site(d, r->made);
	struct chan_site s = { .made_func = "", .made_file = "" };
	struct place p;
	int err = g->nr_waits ? place_of_stack(d, dump__stack(d, r), &p) : 0;

	if (err || !g->nr_waits)
		return err;
	s.func = p.func;
	s.file = p.file;
	s.line = p.line;
	if (made && made->known) {
		s.made_func = made->func;
		s.made_file = made->file;
		s.made_line = made->line;
	}
	for (uint32_t k = 0; k < g->nr_waits && !err; k++) {
		const struct census_wait *wait = &c->waits[g->waits_at + k];
		struct life *l =
			wait->kind == CENSUS_WAIT_CHAN && (wait->direction == CENSUS_DIR_SEND ||
							   wait->direction == CENSUS_DIR_RECEIVE)
				? living__find(&w->living[r->rt], wait->addr)
				: NULL;

		s.direction = wait->direction;
		err = l ? life__queue(l, &s, w->searches.nr + 1) : 0;
	}
	return err;
}

/* Who waits, and where. Which way a case of a select waits was told by the channels. */
static int chanwatch__queues(struct chanwatch *w)
{
	const struct dump_input in = {
		.censuses = (const struct census *const *)w->o.t->censuses,
		.namers = w->o.t->target.namers,
		.nr = w->o.t->target.nr,
		.framer = w->framer,
	};
	scoped(dump) d = NULL;
	int err = dump__new(&in, &(struct dump_opts){ .system = true }, &d);

	for (size_t i = 0; !err && i < d->nr; i++)
		err = chanwatch__queue_row(w, d, &d->rows[i]);
	return err;
}

static int chanwatch__search_in(struct chanwatch *w, uint16_t rt, size_t *refused,
				struct cause *why)
{
	struct living *g = &w->living[rt];
	const struct goruntime *of = goproc__runtime(w->o.t->target.gp, rt);
	const struct addrspace *as = proc__mem(w->o.t->target.proc);
	struct chanlook_chan *found = NULL;
	scoped(gchans) cs = NULL;
	bool cut = false;
	size_t nr = 0;
	int err = g->look ? chanlook__read(g->look, g->v, g->nr) : chanlook__new(as, of, &g->look);

	if (err == -EOPNOTSUPP)
		return cause__set(why, err,
				  "cannot watch the channels of %s: where their fields lie in this "
				  "version is not known",
				  of->version);
	if (!err)
		err = living__drop(g, chanwatch__at(w));
	if (!err)
		err = gchans__read(as, of, w->o.t->censuses[rt], false, &cs);
	if (!err)
		err = chanlook__meet(g->look, w->o.t->censuses[rt], &found, &nr, &cut, why);
	w->cut |= cut;
	if (!err)
		err = living__join(w, rt, found, nr, refused);
	free(found);
	return err;
}

/* again: the goroutines too. */
static int chanwatch__search(struct chanwatch *w, bool again, struct cause *why)
{
	size_t refused = 0;
	int err;

	deadline__move(w->o.until, SNAPSHOT_MOST_NS);
	err = again ? snapshot__again(w->o.t, w->o.depth, why) : 0;
	for (uint16_t rt = 0; rt < w->o.t->target.nr && !err; rt++)
		err = chanwatch__search_in(w, rt, &refused, why);
	w->refused = refused > w->refused ? refused : w->refused;
	return err ? err : chanwatch__queues(w);
}

/* --- what it tells --- */

static int compare_lives(const void *a, const void *b)
{
	const struct life *x = *(struct life *const *)a, *y = *(struct life *const *)b;

	if (x->rt != y->rt)
		return x->rt < y->rt ? -1 : 1;
	if (x->last.addr != y->last.addr)
		return x->last.addr < y->last.addr ? -1 : 1;
	return x->stat.from_ns < y->stat.from_ns ? -1 : x->stat.from_ns > y->stat.from_ns;
}

static int compare_sites(const void *a, const void *b)
{
	const struct queue_site *x = a, *y = b;

	if (x->s.direction != y->s.direction)
		return x->s.direction > y->s.direction ? -1 : 1; /* senders first */
	return x->s.most > y->s.most ? -1 : x->s.most < y->s.most;
}

static void tell_life(struct chanwatch *w, const struct life *l, struct chan_life *ret)
{
	struct chan_watch *told = w->told;

	*ret = (struct chan_life){ .addr = l->last.addr,
				   .rt = l->rt,
				   .closed = l->last.closed,
				   .timer = l->last.timer,
				   .ended = l->ended,
				   .elem_name = framer__text(w->framer, l->last.elem_name),
				   .elem_bytes = l->last.elem_bytes,
				   .cap = l->last.cap,
				   .len = l->last.len,
				   .unsure = l->unsure,
				   .sites_more = l->sites_more,
				   .bursts_at = (uint32_t)told->nr_bursts,
				   .nr_bursts = l->stat.nr_bursts,
				   .sites_at = (uint32_t)told->nr_sites,
				   .nr_sites = (uint32_t)l->nr_sites };
	chanstat__tell(&l->stat, ret);
	for (uint32_t i = 0; i < l->stat.nr_bursts; i++)
		told->bursts[told->nr_bursts++] = l->stat.bursts[i];
	if (l->nr_sites)
		qsort(l->sites, l->nr_sites, sizeof(*l->sites), compare_sites);
	for (size_t i = 0; i < l->nr_sites; i++)
		told->sites[told->nr_sites++] = l->sites[i].s;
}

static int chanwatch__tell(struct chanwatch *w)
{
	struct chan_watch *told = w->told = calloc(1, sizeof(*told));
	size_t bursts = 0, sites = 0;
	int err = told ? 0 : -ENOMEM;

	for (size_t i = 0; i < w->nr && !err; i++) {
		if (!w->lives[i]->ended)
			err = chanstat__end(&w->lives[i]->stat, chanwatch__at(w));
		bursts += w->lives[i]->stat.nr_bursts;
		sites += w->lives[i]->nr_sites;
	}
	if (err)
		return err;
	told->lives = calloc(w->nr + 1, sizeof(*told->lives));
	told->bursts = calloc(bursts + 1, sizeof(*told->bursts));
	told->sites = calloc(sites + 1, sizeof(*told->sites));
	if (!told->lives || !told->bursts || !told->sites)
		return -ENOMEM;
	qsort(w->lives, w->nr, sizeof(*w->lives), compare_lives);
	for (size_t i = 0; i < w->nr; i++)
		tell_life(w, w->lives[i], &told->lives[told->nr++]);
	told->duration_ns = chanwatch__at(w);
	told->looks = w->looks.nr;
	told->searches = w->searches.nr;
	told->period_ns = w->looks.nr ? told->duration_ns / w->looks.nr : 0;
	told->refused = w->refused;
	told->cut = w->cut;
	return 0;
}

/* --- the job --- */

static int chanwatch__fail(struct chanwatch *w, int err, struct cause *why)
{
	if (err >= 0 || (why && why->text[0]))
		return err;
	return cause__set(why, err, "cannot watch the channels of '%s' (pid %d): %s",
			  proc__comm(w->o.t->target.proc), (int)proc__pid(w->o.t->target.proc),
			  proc__words(w->o.t->target.proc, err));
}

static int chanwatch__start(void *self, struct cause *why)
{
	struct chanwatch *w = self;
	const uint64_t cpu_ns = clock_cpu_ns();
	int err;

	w->start_ns = clock_now_ns();
	w->own_start_ns = cpu_ns;
	w->target_start_ns = proc__cpu_ns(w->o.t->target.proc);
	err = chanwatch__search(w, false, why);
	if (err)
		return chanwatch__fail(w, err, why);
	/* the time that is watched begins when it is known what there is */
	w->start_ns = clock_now_ns();
	w->end_ns = w->start_ns + w->o.duration_ns;
	w->looks.from_ns = w->searches.from_ns = w->start_ns;
	pace__done(&w->searches, cpu_ns);
	w->own_start_ns = clock_cpu_ns();
	w->target_start_ns = proc__cpu_ns(w->o.t->target.proc);
	chanwatch__plan(w, &w->looks);
	chanwatch__plan(w, &w->searches);
	return JOB_GOES_ON;
}

static struct job_due chanwatch__due(const void *self)
{
	const struct chanwatch *w = self;
	const bool look = w->looks.part_ns && w->looks.at_ns <= w->searches.at_ns;
	uint64_t at_ns = w->end_ns;

	if (w->looks.part_ns && w->looks.at_ns < at_ns)
		at_ns = w->looks.at_ns;
	if (w->searches.part_ns && w->searches.at_ns < at_ns)
		at_ns = w->searches.at_ns;
	return (struct job_due){ .at_ns = at_ns, .boost = look ? w->boost : NULL };
}

/* What is there at the end, and what no look was at yet. */
static int chanwatch__finish(struct chanwatch *w, struct cause *why)
{
	int err = chanwatch__search(w, true, why);

	w->searches.nr++;
	if (!err)
		err = chanwatch__look(w, 1, true);
	if (!err)
		err = chanwatch__tell(w);
	chanwatch__count_cost(w);
	return err ? chanwatch__fail(w, err, why) : JOB_OVER;
}

static int chanwatch__step(void *self, struct cause *why)
{
	struct chanwatch *w = self;
	const uint64_t now = clock_now_ns(), cpu_ns = clock_cpu_ns();
	int err = 0;

	if (w->looks.part_ns && now >= w->looks.at_ns && !w->stopping) {
		err = chanwatch__look(w, w->looks.part_ns, false);
		rt_boost__restore(w->boost);
		pace__done(&w->looks, cpu_ns);
		chanwatch__plan(w, &w->looks);
		return err ? chanwatch__fail(w, err, why) : JOB_GOES_ON;
	}
	rt_boost__restore(w->boost);
	if (w->stopping || now >= w->end_ns)
		return chanwatch__finish(w, why);
	if (w->searches.part_ns && now >= w->searches.at_ns) {
		err = chanwatch__search(w, true, why);
		pace__done(&w->searches, cpu_ns);
		chanwatch__plan(w, &w->searches);
	}
	return err ? chanwatch__fail(w, err, why) : JOB_GOES_ON;
}

static void chanwatch__stop(void *self)
{
	struct chanwatch *w = self;

	w->stopping = true;
}

struct job chanwatch__job(struct chanwatch *w)
{
	static const struct job_ops ops = { .start = chanwatch__start,
					    .due = chanwatch__due,
					    .step = chanwatch__step,
					    .stop = chanwatch__stop };

	return (struct job){ .ops = &ops, .self = w };
}

const struct chan_watch *chanwatch__told(const struct chanwatch *w)
{
	return w->told;
}

struct chanwatch_cost chanwatch__cost(const struct chanwatch *w)
{
	return w->cost;
}
