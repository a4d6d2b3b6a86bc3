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
#include "daemon/probes.h"
#include "report/namer.h"

#define POLL_MS 100	/* the ring wakes us earlier when it fills */

struct session {
	struct session_opts o;
	struct proc *proc;
	struct goproc *gp;
	size_t nr_rt;
	struct profile *profile;
	struct intake *intake;
	struct probes *probes;
	uint64_t wall_start_ns;
	uint64_t cpu_ns;	/* of the target, when it was last seen alive */
};

void session__free(struct session *s)
{
	if (!s)
		return;
	probes__free(s->probes);
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

static int session__build(struct session *s, struct cause *why)
{
	const struct intake_opts io = {
		.labels = s->o.profile.root == PROFILE_ROOT_LABEL, .system = s->o.system,
		.goids = s->o.goids, .nr_goids = s->o.nr_goids,
	};
	struct probes_opts po = {
		.transport = s->o.transport, .way = s->o.way, .goids = s->o.goids, .nr_goids = s->o.nr_goids,
		.min_wait_ns = s->o.min_wait_ns, .depth = s->o.depth, .ring_bytes = s->o.ring_bytes,
		.no_cost = s->o.no_cost,
	};
	int err;

	session__needs(&s->o, &po.points, &po.want);
	err = session__find_target(s, why);
	if (!err)
		err = profile__new(&s->o.profile, &s->profile);
	if (!err)
		err = intake__new(s->proc, s->gp, s->profile, &io, &s->intake);
	return err ? err : probes__new(&po, s->proc, s->gp, intake__record, s->intake, &s->probes, why);
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

static void session__end(const struct session *s, struct session_end *e)
{
	const struct intake_stats *in = intake__stats(s->intake);
	uint64_t stats[PW_STAT_MAX];
	struct losses lost = { 0 };
	struct profile_stats ps;

	probes__stats(s->probes, stats);
	profile__stats(s->profile, &ps);
	e->hits = probes__hits(stats);
	e->events = stats[PW_STAT_EVENTS] - in->system;
	probes__losses(s->probes, stats, &lost);
	losses__add(&lost, in->pipe.malformed + in->pipe.unknown, "not understood");
	losses__add(&lost, ps.refused, "too many different stacks");
	e->lost = lost.nr;
	memcpy(e->losses, lost.text, sizeof(e->losses));
	e->cost_ns = probes__cost_ns(s->probes, stats);
}

static void session__report_progress(const struct session *s, uint64_t elapsed_ns,
				     void (*progress)(void *, const struct session_progress *), void *ctx)
{
	uint64_t stats[PW_STAT_MAX];
	struct session_progress p = { .elapsed_ns = elapsed_ns };
	struct losses lost = { 0 };

	if (!progress)
		return;
	probes__stats(s->probes, stats);
	probes__losses(s->probes, stats, &lost);
	p.events = stats[PW_STAT_EVENTS] - intake__stats(s->intake)->system;
	p.lost = lost.nr;
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
			{ .fd = ring__fd(probes__ring(s->probes)), .events = POLLIN },
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
		(void)ring__drain(probes__ring(s->probes));
		session__see_cpu(s);
		if (!proc__alive(s->proc) || proc__executed(s->proc))
			return true;
	}
	return false;
}

/* Census only where something that began before matters: waits, and whose child a goroutine is. */
static int session__census(struct session *s, uint64_t start_ns, struct cause *why)
{
	bool waits = s->o.profile.event == PROFILE_BLOCKED;
	int err = 0;

	if (!waits && !s->o.profile.async)
		return 0;
	for (size_t i = 0; i < s->nr_rt && !err; i++)
		err = intake__census(s->intake, (uint16_t)i, probes__attach(s->probes, i), waits, start_ns, s->o.depth, why);
	return err == -ESRCH || !proc__alive(s->proc) ? 0 : err;	/* gone already: what was seen is written */
}

/* Returns the moment at which recording ended. */
static uint64_t session__finish(struct session *s)
{
	uint64_t end_ns;

	end_ns = probes__stop(s->probes);
	profile__end(s->profile, end_ns);
	probes__finish(s->probes);
	for (size_t i = 0; i < s->nr_rt; i++)
		(void)intake__open_waits(s->intake, (uint16_t)i, probes__attach(s->probes, i));
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

	err = probes__on(s->probes, why);
	if (err)
		return err;
	clock_gettime(CLOCK_REALTIME, &wall);
	s->wall_start_ns = (uint64_t)wall.tv_sec * NS_PER_SEC + (uint64_t)wall.tv_nsec;
	session__see_cpu(s);
	cpu_start_ns = s->cpu_ns;
	start_ns = clock_now_ns();
	profile__begin(s->profile, start_ns);
	probes__start(s->probes);
	err = session__census(s, start_ns, why);
	if (!err) {
		e.target_ended = session__watch(s, start_ns, duration_ns, stop, progress, ctx);
		session__see_cpu(s);
		e.cpu_ns = s->cpu_ns - cpu_start_ns;
		e.duration_ns = session__finish(s) - start_ns;
		session__end(s, &e);
	}
	probes__off(s->probes);
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
