// SPDX-License-Identifier: BSD-2-Clause
#include "engine/probes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/heart.h"
#include "base/log.h"
#include "census/census.h"
#include "probe/calibrate.h"

struct probes {
	struct probes_opts o;
	struct proc *proc; /* borrowed */
	struct goproc *gp; /* borrowed */
	size_t nr_rt;
	struct plan *plans[GOPROC_RUNTIMES_MAX];
	struct probes_points points[GOPROC_RUNTIMES_MAX];
	struct attach *attaches[GOPROC_RUNTIMES_MAX];
	const struct kfeat *kf;
	struct calibration cal;
	bool calibrated;
	struct ring *ring;
};

/* Where others will be is not known yet; it takes long to time what is single-stepped. */
#define INSN_EMULATED (((1u << INSN_CLASS_MAX) - 1) & ~(1u << INSN_STEPPED))

static const struct {
	enum pw_stat stat;
	const char *what;
} loss_causes[] = {
	{ PW_STAT_LOST_RING, "event buffer full (a larger --ring-size helps)" },
	{ PW_STAT_LOST_READ, "target memory not readable" },
	{ PW_STAT_LOST_GMAP, "map of goroutines full" },
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

void probes__free(struct probes *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->nr_rt; i++) {
		attach__free(p->attaches[i]);
		plan__free(p->plans[i]);
	}
	ring__free(p->ring);
	free(p);
}

static int probes__check_kernel(struct probes *p, struct cause *why)
{
	p->kf = kfeat_for(p->o.attach);
	if (!p->kf->f[KFEAT_BPF].ok)
		return cause__set(why,
				  p->kf->f[KFEAT_BPF].err ? p->kf->f[KFEAT_BPF].err : -EOPNOTSUPP,
				  "%s", p->kf->f[KFEAT_BPF].why.text);
	if (p->o.transport < 0)
		p->o.transport = p->kf->f[KFEAT_RINGBUF].ok ? PW_TRANSPORT_RING : PW_TRANSPORT_PERF;
	return 0;
}

static int probes__choose(struct probes *p, size_t i, struct cause *why)
{
	struct probes_points *pts = &p->points[i];
	int err = 0;

	pts->all = p->o.points;
	if (p->o.choose)
		err = p->o.choose(p->o.choose_ctx, (uint16_t)i, p->plans[i], pts, why);
	return err ? err : plan__check_points(p->plans[i], &pts->all, why);
}

static int probes__load_runtime(struct probes *p, size_t i, struct cause *why)
{
	struct goruntime *rt = goproc__runtime(p->gp, i);
	scoped_mem uint64_t *addrs = NULL;
	struct attach_opts ao = {
		.want = p->o.want,
		.transport = (enum pw_transport)p->o.transport,
		.method = p->o.attach,
		.rt = (uint32_t)i,
		.depth = p->o.depth,
		.min_wait_ns = p->o.min_wait_ns,
		.sums = p->o.sums,
		.alloc_root = p->o.alloc_root,
		.goids = p->o.nr_goids ? p->o.goids : NULL,
		.nr_goids = p->o.nr_goids,
		.ring_bytes = p->o.ring_bytes,
		.quiet_libbpf = log_level() < LOG_DEBUG,
		.ring_fd = i ? attach__ring_fd(p->attaches[0]) : -EBADF,
	};
	int err;

	err = plan__make(p->gp, rt, p->kf, &p->plans[i], why);
	if (!err)
		err = probes__choose(p, i, why);
	if (!err)
		err = census__addrs(proc__mem(p->proc), rt, &addrs, &ao.allglen);
	if (err)
		return cause__set(why, err, "cannot read the goroutines of '%s' (pid %d): %s",
				  proc__comm(p->proc), (int)proc__pid(p->proc), strerror(-err));
	ao.points = p->points[i].all;
	memcpy(ao.parts, p->points[i].parts, sizeof(ao.parts));
	return attach__new(p->plans[i], p->kf, p->proc, &ao, &p->attaches[i], why);
}

static void probes__calibrate(struct probes *p)
{
	const uint64_t began = clock_now_ns();
	uint32_t classes = p->o.others ? INSN_EMULATED : 0, points = p->o.others;
	struct cause c = { "" };
	int n;

	if (p->o.no_cost)
		return;
	for (size_t i = 0; i < p->nr_rt; i++) {
		points |= p->points[i].all;
		for (uint32_t k = 0; k < p->plans[i]->nr_sites; k++)
			if (p->points[i].all & 1u << p->plans[i]->sites[k].wire.point)
				classes |= 1u << p->plans[i]->sites[k].class;
	}
	n = calibrate__run(p->kf, attach__method(p->attaches[0]), (enum pw_transport)p->o.transport,
			   classes, points, p->o.sums, &p->cal, &c);
	p->calibrated = n >= 0;
	if (n < 0)
		log_warn("cost is not measured: %s", c.text);
	if (n <= 0)
		return;
	log_debug("what hits cost was measured in %.0f ms",
		  (double)(clock_now_ns() - began) / NS_PER_MS);
	log_debug("probes go out when parkwatch has given no sign of life for %llu ms",
		  (unsigned long long)(heart->late_ns / NS_PER_MS));
}

int probes__new(const struct probes_opts *o, struct proc *proc, struct goproc *gp, ring_fn fn,
		void *ctx, struct probes **ret, struct cause *why)
{
	scoped(probes) p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->o = *o;
	p->proc = proc;
	p->gp = gp;
	p->nr_rt = goproc__nr_runtimes(gp);
	err = probes__check_kernel(p, why);
	for (size_t i = 0; i < p->nr_rt && !err; i++)
		err = probes__load_runtime(p, i, why);
	if (err)
		return err;
	probes__calibrate(p);
	err = ring__open(attach__ring_fd(p->attaches[0]), (enum pw_transport)p->o.transport,
			 p->o.ring_bytes, fn, ctx, &p->ring);
	if (err)
		return err;
	*ret = steal(p);
	return 0;
}

int probes__on(struct probes *p, struct cause *why)
{
	int err = 0;

	for (size_t i = 0; i < p->nr_rt && !err; i++)
		err = attach__on(p->attaches[i], why);
	return err;
}

void probes__start(struct probes *p)
{
	for (size_t i = 0; i < p->nr_rt; i++)
		attach__start(p->attaches[i]);
}

uint64_t probes__cut_ns(const struct probes *p)
{
	uint64_t first = 0;

	for (size_t i = 0; i < p->nr_rt; i++) {
		const uint64_t cut = attach__cut_ns(p->attaches[i]);

		first = cut && (!first || cut < first) ? cut : first;
	}
	return first;
}

uint64_t probes__stop(struct probes *p)
{
	uint64_t now, cut;

	for (size_t i = 0; i < p->nr_rt; i++)
		attach__stop(p->attaches[i]);
	now = clock_now_ns();
	cut = probes__cut_ns(p);
	return cut && cut < now ? cut : now;
}

void probes__limit(struct probes *p, int64_t hits)
{
	for (size_t i = 0; i < p->nr_rt; i++)
		attach__limit(p->attaches[i], hits);
}

void probes__forget(struct probes *p)
{
	for (size_t i = 0; i < p->nr_rt; i++)
		attach__gs_clear(p->attaches[i]);
}

void probes__finish(struct probes *p)
{
	(void)ring__finish(p->ring);
}

void probes__off(struct probes *p)
{
	for (size_t i = 0; i < p->nr_rt; i++)
		attach__off(p->attaches[i]);
}

bool probes__held(const struct probes *p)
{
	for (size_t i = 0; i < p->nr_rt; i++)
		if (!attach__held(p->attaches[i]))
			return false;
	return true;
}

uint64_t probes__absent_ns(const struct probes *p, bool *ret_stopped)
{
	uint64_t last = 0;

	*ret_stopped = false;
	for (size_t i = 0; i < p->nr_rt; i++) {
		bool stopped;
		const uint64_t ns = attach__absent_ns(p->attaches[i], &stopped);

		*ret_stopped |= ns > last && stopped;
		last = ns > last ? ns : last;
	}
	return last;
}

uint64_t probes__absent_cpu_ns(const struct probes *p)
{
	return p->nr_rt ? attach__absent_cpu_ns(p->attaches[p->nr_rt - 1]) : 0;
}

bool probes__spent(const struct probes *p)
{
	for (size_t i = 0; i < p->nr_rt; i++)
		if (attach__spent(p->attaches[i]))
			return true;
	return false;
}

struct attach *probes__attach(const struct probes *p, size_t rt)
{
	return p->attaches[rt];
}

struct ring *probes__ring(const struct probes *p)
{
	return p->ring;
}

void probes__stats(const struct probes *p, uint64_t *stats)
{
	memset(stats, 0, PW_STAT_MAX * sizeof(*stats));
	for (size_t i = 0; i < p->nr_rt; i++) {
		uint64_t one[PW_STAT_MAX];

		if (attach__stats(p->attaches[i], one))
			continue;
		for (int k = 0; k < PW_STAT_MAX; k++)
			stats[k] += one[k];
	}
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
	for (size_t i = 0; i < p->nr_rt; i++)
		if (p->points[i].all & 1u << point)
			return &p->plans[i]->sites[p->plans[i]->points[point].first];
	return NULL;
}

bool probes__calibrated(const struct probes *p)
{
	return p->calibrated;
}

double probes__hit_ns(const struct probes *p, enum pw_point point)
{
	const struct plan_site *s = probes__first_site(p, point);

	return p->calibrated && s ? calibration_hit_ns(&p->cal, s) : PROBES_HIT_NS;
}

double probes__trap_ns(const struct probes *p, enum pw_point point)
{
	const struct plan_site *s = probes__first_site(p, point);

	return p->calibrated && s ? p->cal.trap_ns[s->class] : PROBES_TRAP_NS;
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

/*
 * Hits cost what the first site of their point costs; sites of one point differ only between
 * modules.
 */
double probes__cost_ns(const struct probes *p, const uint64_t *stats)
{
	double cost = probes__off_ns(p, stats);

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
	losses__add(to, ring__lost(p->ring), "no memory to order them");
	for (size_t i = 0; i < p->nr_rt; i++)
		losses__add(to, attach__unread(p->attaches[i]),
			    "readings of counters or maps failed");
}
