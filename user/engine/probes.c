/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/probes_set.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static const struct {
	enum pw_stat stat;
	const char *what;
} loss_causes[] = {
	{ PW_STAT_LOST_RING, "event buffer full (a larger --ring-size helps)" },
	{ PW_STAT_LOST_READ, "target memory not readable" },
	{ PW_STAT_LOST_GMAP, "map of goroutines full" },
	{ PW_STAT_LOST_SEMAS, "map of semaphores full" },
	{ PW_STAT_LOST_SCRATCH, "no buffer for the thread" },
	{ PW_STAT_LOST_ALLOCS, "map of allocations full" },
	{ PW_STAT_LOST_SPANS, "span not readable" },
	{ PW_STAT_LOST_SITE, "unknown probe" },
};

void losses__add(struct losses *l, uint64_t nr, const char *what)
{
	size_t used = strlen(l->text);

	if (!nr)
		return;
	l->nr += nr;
	snprintf(l->text + used, sizeof(l->text) - used, "%s%llu %s", used ? ", " : "",
		 (unsigned long long)nr, what);
}

/* --- users --- */

/* Before something changes who pays: what came so far is paid as it was. */
static void probes__settle(struct probes_set *s)
{
	uint64_t stats[PW_STAT_MAX];

	if (!s->was_shared)
		return;
	probes_set__stats(s, stats);
	for (int k = 0; k < PW_POINT_MAX; k++) {
		for (size_t i = 0; i < s->nr_users; i++)
			if (!probes_set__pays(s, s->users[i], k))
				s->users[i]->unpaid[k] += stats[PW_STAT_HIT + k] - s->settled[k];
		s->settled[k] = stats[PW_STAT_HIT + k];
	}
}

static void shared_probes__drop(struct shared_probes *in, const struct probes_set *s)
{
	size_t i = 0;

	while (i < in->nr && in->sets[i] != s)
		i++;
	if (i < in->nr)
		in->sets[i] = in->sets[--in->nr];
}

void probes__free(struct probes *p)
{
	if (!p)
		return;
	if (p->set && p->set->nr_users > 1) {
		(void)probes__stop(p);
		probes__off(p);
	} else if (p->set && p->in) {
		shared_probes__drop(p->in, p->set);
	}
	if (p->set)
		probes_set__leave(p->set, p);
	free(p);
}

/* From here on its own; what was before is of those who were there. */
static void probes__begin_counts(struct probes *p, bool was_shared)
{
	probes_set__stats(p->set, p->before);
	if (was_shared)
		probes__settle(p->set);
	for (int k = 0; k < PW_POINT_MAX; k++) {
		if (!was_shared)
			p->set->settled[k] = p->before[PW_STAT_HIT + k];
		p->before[PW_STAT_HIT + k] = p->set->settled[k];
		p->unpaid[k] = 0;
	}
}

/* What another has, or a set of its own. */
static int probes__find(struct probes *p, const struct probes_opts *o, struct cause *why)
{
	struct shared_probes *in = p->in;

	for (size_t i = 0; i < in->nr; i++) {
		const bool was_shared = in->sets[i]->was_shared;

		if (!probes_set__join(in->sets[i], o, p)) {
			probes__begin_counts(p, was_shared);
			return 0;
		}
	}
	return probes_set__new(o, in->proc, in->gp, p, why);
}

int probes__new(const struct probes_opts *o, struct proc *proc, struct goproc *gp, ring_fn fn,
		void *ctx, struct probes **ret, struct cause *why)
{
	scoped(probes) p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->fn = fn;
	p->ctx = ctx;
	p->in = o->shared && o->shared->nr < SHARED_SETS_MAX ? o->shared : NULL;
	err = p->in ? probes__find(p, o, why) : probes_set__new(o, proc, gp, p, why);
	if (err)
		return err;
	if (p->in && p->set->nr_users == 1)
		p->in->sets[p->in->nr++] = p->set;
	*ret = steal(p);
	return 0;
}

int probes__on(struct probes *p, struct cause *why)
{
	struct probes_set *s = p->set;
	bool others = false;

	probes_set__see_cut(s);
	probes__settle(s);
	for (size_t i = 0; i < s->nr_users; i++)
		others |= s->users[i] != p && s->users[i]->records;
	if (!others)
		probes_set__limit(s, p, -1);
	p->cut_ns = 0;
	p->cut = PROBES_CUT_NONE;
	p->on = true;
	return probes_set__link(s, why);
}

void probes__start(struct probes *p)
{
	struct probes_set *s = p->set;

	probes_set__see_cut(s);
	/* who listens already has what was written until now */
	if (s->was_shared)
		(void)ring__drain(s->ring);
	for (size_t i = 0; i < s->nr_rt && s->was_shared; i++)
		attach__turn(s->attaches[i]);
	p->from_ns = clock_now_ns();
	p->until_ns = UINT64_MAX;
	p->records = p->listens = true;
	probes_set__switch(s);
}

uint64_t probes__cut_ns(const struct probes *p)
{
	probes_set__see_cut(p->set);
	return p->cut_ns;
}

enum probes_cut probes__cut(const struct probes *p)
{
	probes_set__see_cut(p->set);
	return p->cut;
}

bool probes__have_waits(const struct probes *p)
{
	return p->want.want & PW_WANT_WAITS;
}

uint64_t probes__stop(struct probes *p)
{
	uint64_t now, cut;

	probes_set__see_cut(p->set);
	p->records = false;
	if (p->set->was_shared && p->set->limiter == p)
		probes_set__limit(p->set, p, -1);
	probes_set__switch(p->set);
	now = clock_now_ns();
	if (p->until_ns > now)
		p->until_ns = now;
	cut = probes__cut_ns(p);
	return cut && cut < now ? cut : now;
}

void probes__limit(struct probes *p, int64_t hits)
{
	struct probes_set *s = p->set;
	const struct probes *before;

	if (s->was_shared)
		probes_set__see_cut(s);
	if (hits >= 0 && s->was_shared && p->cut_ns)
		return; /* it was over before */
	p->cut_ns = 0;
	p->cut = PROBES_CUT_NONE;
	if (hits < 0 && s->limiter && s->limiter != p)
		return; /* that is another one's */
	before = s->limiter;
	probes_set__limit(s, p, hits);
	if (s->limiter != before && s->was_shared)
		probes_set__switch(s);
}

void probes__count_from(struct probes *p, uint64_t begin_ns, bool window)
{
	for (size_t i = 0; i < p->set->nr_rt; i++)
		if (!p->set->was_shared || probes__have_waits(p))
			attach__count_from(p->set->attaches[i], begin_ns, window);
}

void probes__forget(struct probes *p)
{
	for (size_t i = 0; i < p->set->nr_rt; i++)
		if (!p->set->was_shared || probes__have_waits(p))
			attach__gs_clear(p->set->attaches[i]);
}

void probes__finish(struct probes *p)
{
	(void)ring__finish(p->set->ring);
	p->listens = p->records;
}

void probes__off(struct probes *p)
{
	probes__settle(p->set);
	p->on = false;
	probes_set__unlink(p->set);
}

bool probes__held(const struct probes *p)
{
	for (size_t i = 0; i < p->set->nr_rt; i++)
		if (!attach__held(p->set->attaches[i]))
			return false;
	return true;
}

uint64_t probes__absent_ns(const struct probes *p, bool *ret_stopped)
{
	uint64_t last = 0;

	*ret_stopped = false;
	for (size_t i = 0; i < p->set->nr_rt; i++) {
		bool stopped;
		const uint64_t ns = attach__absent_ns(p->set->attaches[i], &stopped);

		*ret_stopped |= ns > last && stopped;
		last = ns > last ? ns : last;
	}
	return last > p->came_ns ? last : 0;
}

uint64_t probes__absent_cpu_ns(const struct probes *p)
{
	const struct probes_set *s = p->set;

	return s->nr_rt ? attach__absent_cpu_ns(s->attaches[s->nr_rt - 1]) : 0;
}

struct attach *probes__attach(const struct probes *p, size_t rt)
{
	return p->set->attaches[rt];
}

struct ring *probes__ring(const struct probes *p)
{
	return p->set->ring;
}

/* --- counters and cost --- */

void probes__stats(const struct probes *p, uint64_t *stats)
{
	struct probes_set *s = p->set;

	probes__settle(s);
	probes_set__stats(s, stats);
	for (int k = 0; k < PW_STAT_MAX && s->was_shared; k++)
		stats[k] -= p->before[k];
	for (int k = 0; k < PW_POINT_MAX && s->was_shared; k++)
		stats[PW_STAT_HIT + k] =
			p->all & 1u << k ? stats[PW_STAT_HIT + k] - p->unpaid[k] : 0;
	if (!s->was_shared)
		return;
	stats[PW_STAT_EVENTS] = p->events;
	if (!probes__have_waits(p))
		stats[PW_STAT_SUMMED] = 0;
	if (s->users[0] != p) /* the first pays for them */
		stats[PW_STAT_OFF] = 0;
}

uint64_t probes__seen(const struct probes *p, uint32_t points)
{
	uint64_t stats[PW_STAT_MAX];

	probes_set__stats(p->set, stats);
	return probes__hits_of(stats, points) - probes__hits_of(p->before, points);
}

uint64_t probes__hits_of(const uint64_t *stats, uint32_t points)
{
	uint64_t hits = 0;

	for (int k = 0; k < PW_POINT_MAX; k++)
		hits += points & 1u << k ? stats[PW_STAT_HIT + k] : 0;
	return hits;
}

uint64_t probes__hits(const uint64_t *stats)
{
	return probes__hits_of(stats, UINT32_MAX);
}

/* Where the point is probed first; NULL: nowhere. */
static const struct plan_site *probes__first_site(const struct probes *p, int point)
{
	for (size_t i = 0; i < p->set->nr_rt; i++)
		if (p->points[i].all & 1u << point)
			return &p->set->plans[i]->sites[p->set->plans[i]->points[point].first];
	return NULL;
}

bool probes__calibrated(const struct probes *p)
{
	return p->set->calibrated;
}

double probes__hit_ns(const struct probes *p, enum pw_point point)
{
	const struct plan_site *s = probes__first_site(p, point);

	return p->set->calibrated && s ? calibration_hit_ns(&p->set->cal, s, probes__have_waits(p))
				       : PROBES_HIT_NS;
}

double probes__trap_ns(const struct probes *p, enum pw_point point)
{
	const struct plan_site *s = probes__first_site(p, point);

	return p->set->calibrated && s ? p->set->cal.trap_ns[s->class] : PROBES_TRAP_NS;
}

/*
 * A hit while recording is off costs its trap: that of the dearest site, for nobody counts which.
 */
double probes__off_ns(const struct probes *p, const uint64_t *stats)
{
	double trap = 0;

	for (int k = 0; k < PW_POINT_MAX; k++)
		if (probes__first_site(p, k) && probes__trap_ns(p, (enum pw_point)k) > trap)
			trap = probes__trap_ns(p, (enum pw_point)k);
	return (double)stats[PW_STAT_OFF] * trap;
}

uint64_t probes__samples(const uint64_t *stats)
{
	return stats[PW_STAT_EVENTS] + stats[PW_STAT_FILTERED] + stats[PW_STAT_LOST_RING] +
	       stats[PW_STAT_LOST_READ] + stats[PW_STAT_LOST_SCRATCH];
}

void probes__sample(struct probes *p, uint32_t hz)
{
	for (size_t i = 0; i < p->set->nr_rt; i++)
		attach__sample(p->set->attaches[i], hz);
}

/*
 * Hits cost what the first site of their point costs; sites of one point differ only between
 * modules.
 */
double probes__cost_ns(const struct probes *p, const uint64_t *stats)
{
	double cost = probes__off_ns(p, stats);

	if (p->set->o.cpu_hz)
		cost += (double)stats[PW_STAT_CPU_NS] +
			PROBES_TICK_NS * (double)probes__samples(stats);
	for (int k = 0; k < PW_POINT_MAX; k++)
		if (probes__first_site(p, k))
			cost += (double)stats[PW_STAT_HIT + k] *
				probes__hit_ns(p, (enum pw_point)k);
	return cost;
}

void probes__losses(const struct probes *p, const uint64_t *stats, struct losses *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(loss_causes); i++)
		losses__add(to, stats[loss_causes[i].stat], loss_causes[i].what);
	losses__add(to, ring__lost(p->set->ring), "no memory to order them");
	for (size_t i = 0; i < p->set->nr_rt; i++)
		losses__add(to, attach__unread(p->set->attaches[i]),
			    "readings of counters or maps failed");
}
