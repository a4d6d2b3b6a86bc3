/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/probes_set.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/heart.h"
#include "base/log.h"
#include "base/notes.h"
#include "census/census.h"
#include "probe/attach_filter.h"
#include "probe/cpu_knobs.h"

/* Where others will be is not known yet; it takes long to time what is single-stepped. */
#define INSN_EMULATED (((1u << INSN_CLASS_MAX) - 1) & ~(1u << INSN_STEPPED))

/* --- loading --- */

static void probes_set__free(struct probes_set *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr_rt; i++) {
		attach__free(s->attaches[i]);
		plan__free(s->plans[i]);
	}
	ring__free(s->ring);
	free(s);
}
DEFINE_SCOPED(probes_set)

static int probes_set__check_kernel(struct probes_set *s, struct cause *why)
{
	s->kf = kfeat_for(s->o.attach);
	if (!s->kf->f[KFEAT_BPF].ok)
		return cause__set(why,
				  s->kf->f[KFEAT_BPF].err ? s->kf->f[KFEAT_BPF].err : -EOPNOTSUPP,
				  "%s", s->kf->f[KFEAT_BPF].why.text);
	if (s->o.transport < 0)
		s->o.transport = s->kf->f[KFEAT_RINGBUF].ok ? PW_TRANSPORT_RING : PW_TRANSPORT_PERF;
	return 0;
}

static int choose(const struct probes_opts *o, size_t rt, const struct plan *plan,
		  struct probes_points *ret, struct cause *why)
{
	int err = 0;

	*ret = (struct probes_points){ .all = o->points };
	if (o->choose)
		err = o->choose(o->choose_ctx, (uint16_t)rt, plan, ret, why);
	return err ? err : plan__check_points(plan, &ret->all, why);
}

/* All programs that others may ask for, as far as they can be placed; links cost, they do not. */
static uint32_t probes_set__spare(const struct probes_set *s, size_t rt)
{
	static const uint32_t uses[] = { PW_FOR_LIVES, PW_FOR_WAITS, PW_FOR_SCHED };
	uint32_t spare = 0;

	for (size_t i = 0; i < ARRAY_SIZE(uses) && s->o.shared && !s->o.nr_goids && !s->o.filters;
	     i++) {
		uint32_t points = pw_points_for(uses[i]);

		if (!plan__check_points(s->plans[rt], &points, NULL))
			spare |= points;
	}
	return spare;
}

/* What may be recorded: with the spare programs, whatever they can. */
static struct attach_want probes_set__may_want(const struct probes_set *s, uint32_t spare)
{
	struct attach_want w = s->o.want;

	w.want |= spare & pw_points_for(PW_FOR_WAITS) ? PW_WANT_WAIT | PW_WANT_PARK : 0;
	w.want |= spare & pw_points_for(PW_FOR_SCHED) ? PW_WANT_SCHED : 0;
	w.sums |= spare != 0;
	return w;
}

static int probes_set__load_runtime(struct probes_set *s, size_t i, struct probes_points *ret,
				    struct cause *why)
{
	struct goruntime *rt = goproc__runtime(s->gp, i);
	scoped_mem uint64_t *addrs = NULL;
	struct attach_opts ao = {
		.transport = (enum pw_transport)s->o.transport,
		.method = s->o.attach,
		.rt = (uint32_t)i,
		.depth = s->o.depth,
		.alloc_root = s->o.alloc_root,
		.goids = s->o.nr_goids ? s->o.goids : NULL,
		.nr_goids = s->o.nr_goids,
		.filter = s->o.filters ? &s->o.filters[i] : NULL,
		.ring_bytes = s->o.ring_bytes,
		.apart = s->o.shared,
		.quiet_libbpf = log_level() < LOG_DEBUG,
		.ring_fd = i ? attach__ring_fd(s->attaches[0]) : -EBADF,
	};
	struct attach_cpu cpu = { .hz = s->o.cpu_hz };
	uint32_t spare;
	int err;

	err = plan__make(s->gp, rt, s->kf, &s->plans[i], why);
	if (!err && cpu.hz)
		err = cpu_knobs__fill(s->plans[i], s->proc, i == 0, &cpu.knobs, why);
	if (!err)
		err = choose(&s->o, i, s->plans[i], ret, why);
	if (!err)
		err = census__addrs(proc__mem(s->proc), rt, &addrs, &ao.allglen);
	if (err)
		return cause__set(why, err, "cannot read the goroutines of '%s' (pid %d): %s",
				  proc__comm(s->proc), (int)proc__pid(s->proc), strerror(-err));
	s->points[i] = *ret;
	spare = probes_set__spare(s, i);
	s->points[i].all |= spare;
	ao.points = s->points[i].all;
	ao.want = probes_set__may_want(s, spare);
	ao.cpu = cpu.hz ? &cpu : NULL;
	memcpy(ao.parts, s->points[i].parts, sizeof(ao.parts));
	return attach__new(s->plans[i], s->kf, s->proc, &ao, &s->attaches[i], why);
}

/* How waits will be recorded. */
static void probes_set__calibrate(struct probes_set *s, const struct attach_want *how)
{
	const uint64_t began = clock_now_ns();
	uint32_t classes = s->o.others ? INSN_EMULATED : 0, points = s->o.others;
	struct cause c = { "" };
	int n;

	s->calibrated = s->o.cpu_hz; /* its program measures itself */
	if (s->o.no_cost || s->o.cpu_hz)
		return;
	for (size_t i = 0; i < s->nr_rt; i++) {
		points |= s->points[i].all;
		for (uint32_t k = 0; k < s->plans[i]->nr_sites; k++)
			if (s->points[i].all & 1u << s->plans[i]->sites[k].wire.point)
				classes |= 1u << s->plans[i]->sites[k].class;
	}
	n = calibrate__run(s->kf, attach__method(s->attaches[0]), (enum pw_transport)s->o.transport,
			   classes, points, how->sums, how->want & (PW_WANT_WAKE | PW_WANT_ROUND),
			   &s->cal, &c);
	s->calibrated = n >= 0;
	if (n < 0)
		note_warn("cost is not measured: %s", c.text);
	if (n <= 0)
		return;
	note_debug("what hits cost was measured in %.0f ms",
		   (double)(clock_now_ns() - began) / NS_PER_MS);
	note_debug("probes go out when parkwatch has given no sign of life for %llu ms",
		   (unsigned long long)(heart->late_ns / NS_PER_MS));
}

/* --- records --- */

/* What has no header, or is of no point, is for who understands it: for all. */
static bool probes__is_for(const struct probes *u, const struct pw_hdr *h, size_t len)
{
	uint32_t points = UINT32_MAX;

	if (!u->set->was_shared)
		return true;
	if (!u->listens)
		return false;
	if (len < sizeof(*h) || h->kind == PW_STACK)
		return true;
	switch (h->kind) {
	case PW_BIRTH: points = pw_points_for(PW_FOR_BIRTHS); break;
	case PW_EXIT: points = pw_points_for(PW_FOR_LIVES) & ~pw_points_for(PW_FOR_BIRTHS); break;
	case PW_WAIT:
	case PW_SCHED:
	case PW_WAKE:
	case PW_ROUND: points = 1u << PW_POINT_RUN; break;
	case PW_BLOCK: points = 1u << PW_POINT_READY; break;
	case PW_MUTEX: points = 1u << PW_POINT_DEQUEUE; break;
	case PW_CALL: points = 1u << PW_POINT_BACK; break;
	default: break;
	}
	return u->all & points && h->ts_ns >= u->from_ns && h->ts_ns <= u->until_ns;
}

static void probes_set__record(void *ctx, const void *data, size_t len)
{
	const struct probes_set *s = ctx;
	const struct pw_hdr *h = data;

	for (size_t i = 0; i < s->nr_users; i++) {
		struct probes *u = s->users[i];

		if (!probes__is_for(u, h, len))
			continue;
		u->events += len >= sizeof(*h) && h->kind != PW_STACK;
		u->fn(u->ctx, data, len);
	}
}

/* --- users --- */

static void probes_set__add(struct probes_set *s, const struct probes_opts *o, struct probes *u)
{
	u->set = s;
	u->want = o->want;
	u->came_ns = clock_now_ns();
	for (size_t i = 0; i < s->nr_rt; i++)
		u->all |= u->points[i].all;
	s->users[s->nr_users++] = u;
	s->was_shared |= s->nr_users > 1;
}

int probes_set__new(const struct probes_opts *o, struct proc *proc, struct goproc *gp,
		    struct probes *first, struct cause *why)
{
	scoped(probes_set) s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->o = *o;
	s->proc = proc;
	s->gp = gp;
	s->nr_rt = goproc__nr_runtimes(gp);
	err = probes_set__check_kernel(s, why);
	for (size_t i = 0; i < s->nr_rt && !err; i++)
		err = probes_set__load_runtime(s, i, &first->points[i], why);
	if (err)
		return err;
	probes_set__calibrate(s, &o->want);
	err = ring__open(attach__ring_fd(s->attaches[0]), (enum pw_transport)s->o.transport,
			 s->o.ring_bytes, probes_set__record, s, &s->ring);
	if (err)
		return err;
	probes_set__add(s, o, first);
	(void)steal(s);
	return 0;
}

/* The one that records waits; NULL: nobody does. */
static const struct probes *probes_set__waits(const struct probes_set *s)
{
	for (size_t i = 0; i < s->nr_users; i++)
		if (probes__have_waits(s->users[i]))
			return s->users[i];
	return NULL;
}

/* The programs do what it wants of them. */
static bool probes_set__suits(const struct probes_set *s, const struct probes_opts *o)
{
	if (s->nr_users == PROBES_USERS_MAX || s->o.nr_goids || o->nr_goids || s->o.filters ||
	    o->filters || s->o.no_cost != o->no_cost)
		return false;
	/* its maps are of the set that it makes: they would be too dear for all to have */
	if (o->want.want & (PW_WANT_WAKE | PW_WANT_BLOCK | PW_WANT_MUTEX | PW_WANT_CALL))
		return false;
	if ((o->transport >= 0 && o->transport != s->o.transport) ||
	    (o->attach != ATTACH_AUTO && o->attach != attach__method(s->attaches[0])))
		return false;
	return o->depth == s->o.depth || (o->deeper && o->depth < s->o.depth);
}

/* It records waits, from now on: what another one left of its own is not of it. */
static void probes_set__take_waits(struct probes_set *s, const struct probes *u)
{
	for (size_t i = 0; i < s->nr_rt; i++) {
		attach__gs_clear(s->attaches[i]);
		attach__waits_clear(s->attaches[i]);
	}
	probes_set__calibrate(s, &u->want);
}

int probes_set__join(struct probes_set *s, const struct probes_opts *o, struct probes *u)
{
	const uint32_t kinds = pw_points_for(PW_FOR_LIVES | PW_FOR_WAITS | PW_FOR_SCHED);
	struct probes_points points[GOPROC_RUNTIMES_MAX];
	int err = probes_set__suits(s, o) ? 0 : -ENOENT;

	for (size_t i = 0; i < s->nr_rt && !err; i++) {
		err = choose(o, i, s->plans[i], &points[i], NULL);
		if (!err && (points[i].all & ~(kinds & s->points[i].all) ||
			     (points[i].all & 1u << PW_POINT_RUN && probes_set__waits(s))))
			err = -ENOENT;
	}
	if (err)
		return -ENOENT;
	memcpy(u->points, points, sizeof(u->points));
	probes_set__add(s, o, u);
	if (probes__have_waits(u))
		probes_set__take_waits(s, u);
	return 0;
}

void probes_set__leave(struct probes_set *s, struct probes *u)
{
	size_t i = 0;

	while (i < s->nr_users && s->users[i] != u)
		i++;
	if (i == s->nr_users)
		return;
	if (s->limiter == u)
		probes_set__limit(s, u, -1);
	memmove(&s->users[i], &s->users[i + 1], (--s->nr_users - i) * sizeof(*s->users));
	if (!s->nr_users)
		probes_set__free(s);
}

/* --- recording --- */

void probes_set__limit(struct probes_set *s, struct probes *u, int64_t hits)
{
	s->limiter = hits >= 0 ? u : NULL;
	for (size_t i = 0; i < s->nr_rt; i++)
		attach__limit(s->attaches[i], hits, s->was_shared ? u->all : ATTACH_ALL);
}

/*
 * It used up the hits that it may have: the others go on. No limiter: it ended at that moment, and
 * nobody's recording did.
 */
static void probes_set__end_limited(struct probes_set *s, uint64_t cut_ns)
{
	struct probes *u = s->limiter;

	if (u) {
		u->cut_ns = u->until_ns = cut_ns;
		u->cut = PROBES_CUT_SPENT;
		u->records = false;
	}
	probes_set__limit(s, u, -1);
	probes_set__switch(s);
}

void probes_set__see_cut(struct probes_set *s)
{
	bool spent = false;
	uint64_t first = 0;

	for (size_t i = 0; i < s->nr_rt; i++) {
		const uint64_t cut = attach__cut_ns(s->attaches[i]);

		first = cut && (!first || cut < first) ? cut : first;
		spent |= attach__spent(s->attaches[i]);
	}
	if (first && spent && s->was_shared) {
		probes_set__end_limited(s, first);
		return;
	}
	for (size_t i = 0; i < s->nr_users && first; i++) {
		struct probes *u = s->users[i];

		if (u->cut_ns || (s->was_shared && !u->records))
			continue;
		u->cut_ns = first;
		if (s->was_shared) {
			u->records = false;
			u->until_ns = first;
		}
		u->cut = spent ? PROBES_CUT_SPENT : PROBES_CUT_ABSENT;
	}
	/* the probe holder took the links out */
	for (size_t i = 0; i < s->nr_rt && first && !spent && s->was_shared; i++)
		attach__off(s->attaches[i], ATTACH_ALL);
}

/* What those want together that record. Waits are as the one wants them that has runs. */
static struct attach_want probes_set__want(const struct probes_set *s)
{
	struct attach_want w = { .want = 0 };

	for (size_t i = 0; i < s->nr_users; i++) {
		const struct probes *u = s->users[i];

		if (!u->records)
			continue;
		if (probes__have_waits(u)) {
			w.sums = u->want.sums;
			w.min_wait_ns = u->want.min_wait_ns;
		}
		w.want |= u->want.want;
	}
	return w;
}

void probes_set__switch(struct probes_set *s)
{
	const struct attach_want want = probes_set__want(s);
	uint32_t points = 0, goes_on = 0;
	bool any = false;

	for (size_t i = 0; i < s->nr_users; i++) {
		const struct probes *u = s->users[i];

		any |= u->records;
		points |= u->records ? u->all : 0;
		goes_on |= u->records && u != s->limiter ? u->all : 0;
	}
	for (size_t i = 0; i < s->nr_rt; i++) {
		if (!any)
			attach__stop(s->attaches[i]);
		if (s->o.shared) {
			attach__want(s->attaches[i], &want);
			attach__mute(s->attaches[i], ~points);
			attach__goes_on(s->attaches[i], s->limiter ? goes_on : 0);
		}
		if (any)
			attach__start(s->attaches[i]);
	}
}

static uint32_t probes_set__needed(const struct probes_set *s, size_t rt)
{
	uint32_t points = 0;

	if (!s->o.shared)
		return s->nr_users && s->users[0]->on ? ATTACH_ALL : 0;
	for (size_t i = 0; i < s->nr_users; i++)
		points |= s->users[i]->on ? s->users[i]->points[rt].all : 0;
	return points;
}

int probes_set__link(struct probes_set *s, struct cause *why)
{
	int err = 0;

	for (size_t i = 0; i < s->nr_rt && !err; i++)
		err = attach__on(s->attaches[i], probes_set__needed(s, i), why);
	return err;
}

void probes_set__unlink(struct probes_set *s)
{
	for (size_t i = 0; i < s->nr_rt; i++) {
		const uint32_t needed = probes_set__needed(s, i);

		attach__off(s->attaches[i], needed ? ~needed : ATTACH_ALL);
	}
}

void probes_set__stats(const struct probes_set *s, uint64_t *stats)
{
	memset(stats, 0, PW_STAT_MAX * sizeof(*stats));
	for (size_t i = 0; i < s->nr_rt; i++) {
		uint64_t one[PW_STAT_MAX];

		if (attach__stats(s->attaches[i], one))
			continue;
		for (int k = 0; k < PW_STAT_MAX; k++)
			stats[k] += one[k];
	}
}

bool probes_set__pays(const struct probes_set *s, const struct probes *u, int point)
{
	const struct probes *waits = probes_set__waits(s);

	if (!s->was_shared)
		return true;
	if (waits && waits->on && waits->all & 1u << point)
		return waits == u;
	for (size_t i = 0; i < s->nr_users; i++)
		if (s->users[i]->all & 1u << point && s->users[i]->on)
			return s->users[i] == u;
	return false;
}
