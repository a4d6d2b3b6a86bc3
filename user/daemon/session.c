/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/session.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "census/census.h"
#include "daemon/intake.h"
#include "pipe/ring.h"
#include "probe/calibrate.h"
#include "report/namer.h"

#define POLL_MS 100	/* the ring wakes us earlier when it fills */

struct session {
	struct session_opts o;
	struct proc *proc;
	struct goproc *gp;
	size_t nr_rt;
	struct plan *plans[GOPROC_RUNTIMES_MAX];
	struct attach *attaches[GOPROC_RUNTIMES_MAX];
	struct kfeat kf;
	struct calibration cal;
	bool calibrated;
	struct profile *profile;
	struct intake *intake;
	struct ring *ring;
	uint64_t wall_start_ns;
	uint64_t cpu_ns;	/* of the target, when it was last seen alive */
};

static const struct { enum pw_stat stat; const char *what; } losses[] = {
	{ PW_STAT_LOST_RING, "event buffer full (a larger --ring-size helps)" },
	{ PW_STAT_LOST_READ, "target memory not readable" },
	{ PW_STAT_LOST_GMAP, "map of goroutines full" },
	{ PW_STAT_LOST_SCRATCH, "no buffer for the thread" },
	{ PW_STAT_LOST_SITE, "unknown probe" },
};

void session__free(struct session *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr_rt; i++) {
		attach__free(s->attaches[i]);
		plan__free(s->plans[i]);
	}
	ring__free(s->ring);
	intake__free(s->intake);
	profile__free(s->profile);
	goproc__free(s->gp);
	proc__free(s->proc);
	free(s);
}

/* Points that must be probed, and records wanted, for an event. */
static void session__needs(const struct session_opts *o, uint32_t *ret_points, uint32_t *ret_want)
{
	const uint32_t life = 1u << PW_POINT_BIRTH | 1u << PW_POINT_COBIRTH;
	uint32_t points = 0, want = 0;

	switch (o->profile.event) {
	case PROFILE_BLOCKED:
		points = 1u << PW_POINT_PARK | 1u << PW_POINT_RUN;
		want = PW_WANT_WAIT;
		break;
	case PROFILE_BIRTHS:
		points = life;
		want = PW_WANT_BIRTH;
		break;
	case PROFILE_EXITS:	/* counted by creation stack: births say which */
		points = life | 1u << PW_POINT_EXIT;
		want = PW_WANT_BIRTH | PW_WANT_EXIT;
		break;
	case PROFILE_SCHED:
		points = 1u << PW_POINT_READY | 1u << PW_POINT_RUN;
		want = PW_WANT_SCHED;
		break;
	case PROFILE_GOROUTINES:	/* nothing is recorded */
		break;
	}
	if (o->profile.async) {
		points |= life | 1u << PW_POINT_EXIT;
		want |= PW_WANT_BIRTH | PW_WANT_EXIT;
	}
	if (o->profile.root == PROFILE_ROOT_LABEL)
		want |= PW_WANT_LABELS;
	*ret_points = points;
	*ret_want = want;
}

static int session__find_target(struct session *s, struct cause *why)
{
	int err;

	err = proc__open(s->o.pid, &s->proc, why);
	if (!err)
		err = goproc__open(s->proc, &s->gp, why);
	if (err)
		return err;
	s->nr_rt = goproc__nr_runtimes(s->gp);
	for (size_t i = 0; i < s->nr_rt && !err; i++)
		err = census_proof(s->proc, goproc__runtime(s->gp, i), why);
	return err;
}

static int session__check_kernel(struct session *s, struct cause *why)
{
	kfeat__probe(&s->kf);
	if (!s->kf.f[KFEAT_BPF].ok)
		return cause__set(why, s->kf.f[KFEAT_BPF].err ? s->kf.f[KFEAT_BPF].err : -EOPNOTSUPP, "%s",
				  s->kf.f[KFEAT_BPF].why.text);
	if (s->o.transport < 0)
		s->o.transport = s->kf.f[KFEAT_RINGBUF].ok ? PW_TRANSPORT_RING : PW_TRANSPORT_PERF;
	return 0;
}

/* A point that this Go does not have (coroutines before 1.23) is no point that we need. */
static int plan__check_points(const struct plan *plan, uint32_t *points, struct cause *why)
{
	for (int k = 0; k < PW_POINT_MAX; k++) {
		const struct plan_point *pt = &plan->points[k];

		if (!(*points & 1u << k) || !pt->err)
			continue;
		if (pt->err != -ENOENT || k != PW_POINT_COBIRTH)
			return cause__set(why, pt->err, "%s", pt->cause.text);
		*points &= ~(1u << k);
	}
	return 0;
}

static int session__load_runtime(struct session *s, size_t i, struct cause *why)
{
	struct goruntime *rt = goproc__runtime(s->gp, i);
	scoped_mem uint64_t *addrs = NULL;
	struct attach_opts ao = {
		.transport = (enum pw_transport)s->o.transport, .way = s->o.way, .rt = (uint32_t)i, .depth = s->o.depth,
		.min_wait_ns = s->o.min_wait_ns, .goids = s->o.nr_goids ? s->o.goids : NULL, .nr_goids = s->o.nr_goids,
		.ring_bytes = s->o.ring_bytes, .quiet_libbpf = log_level() < LOG_DEBUG,
		.ring_fd = i ? attach__ring_fd(s->attaches[0]) : -EBADF,
	};
	int err;

	session__needs(&s->o, &ao.points, &ao.want);
	err = plan__make(s->gp, rt, &s->kf, &s->plans[i], why);
	if (!err)
		err = plan__check_points(s->plans[i], &ao.points, why);
	if (!err)
		err = census__addrs(proc__mem(s->proc), rt, &addrs, &ao.allglen);
	if (err)
		return cause__set(why, err, "cannot read the goroutines of '%s' (pid %d): %s", proc__comm(s->proc),
				  s->o.pid, strerror(-err));
	return attach__new(s->plans[i], &s->kf, s->proc, &ao, &s->attaches[i], why);
}

static void session__calibrate(struct session *s)
{
	uint32_t classes = 0, points, want;
	struct cause c = { "" };

	if (s->o.no_cost)
		return;
	session__needs(&s->o, &points, &want);
	for (size_t i = 0; i < s->nr_rt; i++)
		for (uint32_t k = 0; k < s->plans[i]->nr_sites; k++)
			if (points & 1u << s->plans[i]->sites[k].wire.point)
				classes |= 1u << s->plans[i]->sites[k].class;
	if (calibrate__run(&s->kf, attach__way(s->attaches[0]), (enum pw_transport)s->o.transport, classes, points,
			   &s->cal, &c))
		log_warn("cost is not measured: %s", c.text);
	else
		s->calibrated = true;
}

static int session__build(struct session *s, struct cause *why)
{
	const struct intake_opts io = {
		.labels = s->o.profile.root == PROFILE_ROOT_LABEL, .system = s->o.system,
		.goids = s->o.goids, .nr_goids = s->o.nr_goids,
	};
	int err;

	err = session__find_target(s, why);
	if (!err)
		err = session__check_kernel(s, why);
	for (size_t i = 0; i < s->nr_rt && !err; i++)
		err = session__load_runtime(s, i, why);
	if (err)
		return err;
	session__calibrate(s);
	err = profile__new(&s->o.profile, &s->profile);
	if (!err)
		err = intake__new(s->proc, s->gp, s->profile, &io, &s->intake);
	if (!err)
		err = ring__open(attach__ring_fd(s->attaches[0]), (enum pw_transport)s->o.transport, s->o.ring_bytes,
				 intake__record, s->intake, &s->ring);
	return err;
}

int session__open(const struct session_opts *o, struct session **ret, struct cause *why)
{
	scoped(session) s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->o = *o;
	s->o.profile.min_ns = o->min_wait_ns;
	err = session__build(s, why);
	if (err)
		return cause__set(why, err, "cannot record pid %d: %s", o->pid, strerror(-err));
	*ret = steal(s);
	return 0;
}

static void session__sum_stats(const struct session *s, uint64_t *stats)
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

static uint64_t lost_in_kernel(const struct session *s, const uint64_t *stats)
{
	uint64_t lost = ring__lost(s->ring);

	for (size_t i = 0; i < ARRAY_SIZE(losses); i++)
		lost += stats[losses[i].stat];
	return lost;
}

/* Hits cost what the cheapest-class site of their point costs; sites of one point differ only between modules. */
static double session__cost_ns(const struct session *s, const uint64_t *stats)
{
	double cost = 0;

	if (!s->calibrated)
		return -1;
	for (int k = 0; k < PW_POINT_MAX; k++) {
		const struct plan_point *pt = &s->plans[0]->points[k];

		if (stats[PW_STAT_HIT + k] && !pt->err)
			cost += (double)stats[PW_STAT_HIT + k] * calibration_hit_ns(&s->cal, &s->plans[0]->sites[pt->first]);
	}
	return cost;
}

static void add_loss(struct session_end *e, uint64_t nr, const char *what)
{
	size_t used = strlen(e->losses);

	if (!nr)
		return;
	e->lost += nr;
	snprintf(e->losses + used, sizeof(e->losses) - used, "%s%llu %s", used ? ", " : "", (unsigned long long)nr, what);
}

static void session__end(const struct session *s, struct session_end *e)
{
	const struct intake_stats *in = intake__stats(s->intake);
	uint64_t stats[PW_STAT_MAX];
	struct profile_stats ps;

	session__sum_stats(s, stats);
	profile__stats(s->profile, &ps);
	for (int k = 0; k < PW_POINT_MAX; k++)
		e->hits += stats[PW_STAT_HIT + k];
	e->events = stats[PW_STAT_EVENTS] - in->system;
	for (size_t i = 0; i < ARRAY_SIZE(losses); i++)
		add_loss(e, stats[losses[i].stat], losses[i].what);
	add_loss(e, ring__lost(s->ring), "no memory to order them");
	add_loss(e, in->pipe.malformed + in->pipe.unknown, "not understood");
	add_loss(e, ps.refused, "too many different stacks");
	e->cost_ns = session__cost_ns(s, stats);
}

static void session__report_progress(const struct session *s, uint64_t elapsed_ns,
				     void (*progress)(void *, const struct session_progress *), void *ctx)
{
	uint64_t stats[PW_STAT_MAX];
	struct session_progress p = { .elapsed_ns = elapsed_ns };

	if (!progress)
		return;
	session__sum_stats(s, stats);
	p.events = stats[PW_STAT_EVENTS] - intake__stats(s->intake)->system;
	p.lost = lost_in_kernel(s, stats);
	progress(ctx, &p);
}

static void session__see_cpu(struct session *s)
{
	uint64_t ns = proc__cpu_ns(s->proc);

	if (ns)
		s->cpu_ns = ns;
}

/* True: the target ended, or started another program. */
static bool session__watch(struct session *s, uint64_t start_ns, uint64_t duration_ns,
			   const volatile sig_atomic_t *stop, void (*progress)(void *, const struct session_progress *),
			   void *ctx)
{
	uint64_t shown_ns = 0;

	while (!*stop) {
		struct pollfd fds[] = {
			{ .fd = ring__fd(s->ring), .events = POLLIN },
			{ .fd = proc__pidfd(s->proc), .events = POLLIN },
		};
		uint64_t now = clock_now_ns();
		int timeout = POLL_MS;

		if (duration_ns && now - start_ns >= duration_ns)
			return false;
		if (duration_ns && duration_ns - (now - start_ns) < POLL_MS * NS_PER_MS)
			timeout = (int)((duration_ns - (now - start_ns)) / NS_PER_MS) + 1;
		if (now - shown_ns >= POLL_MS * NS_PER_MS) {
			session__report_progress(s, now - start_ns, progress, ctx);
			shown_ns = now;
		}
		(void)poll(fds, ARRAY_SIZE(fds), timeout);	/* a signal just ends the wait */
		(void)ring__drain(s->ring);
		session__see_cpu(s);
		if (!proc__alive(s->proc) || proc__executed(s->proc))
			return true;
	}
	return false;
}

static int session__attach(struct session *s, struct cause *why)
{
	int err = 0;

	for (size_t i = 0; i < s->nr_rt && !err; i++)
		err = attach__on(s->attaches[i], why);
	return err;
}

/* Census only where something that began before matters: waits, and whose child a goroutine is. */
static int session__census(struct session *s, uint64_t start_ns, struct cause *why)
{
	bool waits = s->o.profile.event == PROFILE_BLOCKED;
	int err = 0;

	if (!waits && !s->o.profile.async)
		return 0;
	for (size_t i = 0; i < s->nr_rt && !err; i++)
		err = intake__census(s->intake, (uint16_t)i, s->attaches[i], waits, start_ns, s->o.depth, why);
	return err == -ESRCH || !proc__alive(s->proc) ? 0 : err;	/* gone already: what was seen is written */
}

/* Returns the moment at which recording ended. */
static uint64_t session__finish(struct session *s)
{
	uint64_t end_ns;

	for (size_t i = 0; i < s->nr_rt; i++)
		attach__stop(s->attaches[i]);
	end_ns = clock_now_ns();
	profile__end(s->profile, end_ns);
	(void)ring__finish(s->ring);
	for (size_t i = 0; i < s->nr_rt; i++)
		(void)intake__open_waits(s->intake, (uint16_t)i, s->attaches[i]);
	return end_ns;
}

int session__record(struct session *s, uint64_t duration_ns, const volatile sig_atomic_t *stop,
		    void (*progress)(void *ctx, const struct session_progress *p), void *ctx, struct session_end *ret,
		    struct cause *why)
{
	struct session_end e = { 0 };
	uint64_t start_ns, cpu_start_ns;
	struct timespec wall;
	int err;

	err = session__attach(s, why);
	if (err)
		return err;
	clock_gettime(CLOCK_REALTIME, &wall);
	s->wall_start_ns = (uint64_t)wall.tv_sec * NS_PER_SEC + (uint64_t)wall.tv_nsec;
	session__see_cpu(s);
	cpu_start_ns = s->cpu_ns;
	start_ns = clock_now_ns();
	profile__begin(s->profile, start_ns);
	for (size_t i = 0; i < s->nr_rt; i++)
		attach__start(s->attaches[i]);
	err = session__census(s, start_ns, why);
	if (!err) {
		e.target_ended = session__watch(s, start_ns, duration_ns, stop, progress, ctx);
		session__see_cpu(s);
		e.cpu_ns = s->cpu_ns - cpu_start_ns;
		e.duration_ns = session__finish(s) - start_ns;
		session__end(s, &e);
	}
	for (size_t i = 0; i < s->nr_rt; i++)
		attach__off(s->attaches[i]);
	if (err)
		return err;
	*ret = e;
	return 0;
}

int session__snap(struct session *s, struct snap **ret)
{
	return snap__take(s->profile, ret);
}

size_t session__namers(const struct session *s, struct namer *namers)
{
	for (size_t i = 0; i < s->nr_rt; i++) {
		struct goruntime *rt = goproc__runtime(s->gp, i);

		namer__init(&namers[i], rt->sym, rt->minor);
	}
	return s->nr_rt;
}

void session__meta(const struct session *s, const struct session_end *end, struct report_meta *ret)
{
	const struct goruntime *rt = goproc__runtime(s->gp, 0);

	*ret = (struct report_meta){
		.pid = s->o.pid, .comm = proc__comm(s->proc), .exe = rt->path, .build_id = rt->build_id,
		.go_version = rt->version, .text_start = rt->modules[0].text, .text_end = rt->modules[0].etext,
		.wall_start_ns = s->wall_start_ns, .duration_ns = end->duration_ns, .seen = end->events,
		.lost = end->lost, .cost = "",
	};
}
