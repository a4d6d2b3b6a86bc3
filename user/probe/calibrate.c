/* SPDX-License-Identifier: BSD-2-Clause */
#include "probe/calibrate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "host/dummy.h"
#include "probe/master.h"
#include "target/proc.h"

#define HITS         200
#define STEPPED_HITS 40 /* they take some 20 us each */
#define ROUNDS       5
#define RING_BYTES   (1u << 20) /* nobody reads it: room for all rounds */
#define PERF_PAGES   64
/* as pipe/ring opens it: a wake-up costs ten times a record */
#define PERF_WAKEUP_EVENTS 64
#define DEPTH              16 /* more than the frames of the child's stack */
#define MALLOCS            (1u << PW_POINT_MALLOC)

/*
 * Each point that is measured has one of the child's instructions. Points that share one are not
 * recorded together. A point that is not measured costs `times` as much as the one that it is like.
 */
static const struct stand_in {
	enum insn_class class;
	enum pw_point like;
	double times;
} stand_in[PW_POINT_MAX] = {
#define PW_POINT(NAME, name, uses, function, before, since, ask, missing, class, like, times)      \
	[PW_POINT_##NAME] = { INSN_##class, PW_POINT_##like, times },
	PW_POINTS(PW_POINT)
#undef PW_POINT
};

/* The points that are measured for these. */
static uint32_t measured_for(uint32_t points)
{
	uint32_t measured = 0;

	for (int p = 0; p < PW_POINT_MAX; p++)
		if (points & (1u << p))
			measured |= 1u << stand_in[p].like;
	return measured;
}

static uint32_t classes_of(uint32_t points)
{
	uint32_t classes = 0;

	for (int p = 0; p < PW_POINT_MAX; p++)
		if (points & (1u << p))
			classes |= 1u << stand_in[p].class;
	return classes;
}

/* What is probed to time these points and classes: for a class that no point has, some point that
 * does. */
static uint32_t stand_ins(uint32_t points, uint32_t classes)
{
	for (int p = 0; p < PW_POINT_ALLOCS; p++)
		if (classes & ~classes_of(points) & (1u << stand_in[p].class))
			points |= 1u << p;
	return points;
}

struct bench {
	struct dummy *child;
	struct proc *proc;
	struct goruntime *rt;
	struct plan *plan;
	struct attach *attach;
	struct perf_buffer *perf;
};

static void bench__done(struct bench *b)
{
	perf_buffer__free(b->perf);
	attach__free(b->attach);
	free(b->plan);
	free(b->rt);
	proc__free(b->proc);
	dummy__free(b->child);
}

/* A plan of a program that is our child: every class once, every point once. */
static void bench__make_plan(struct bench *b)
{
	dummy_layout(&b->rt->layout);
	b->rt->arch = goarch_native();
	b->rt->minor = GO_MINOR_MAX;
	b->plan->rt = b->rt;
	b->plan->modules[0].text = (struct pw_range){ 0, UINT64_MAX }; /* all its frames count */
	b->plan->nr_modules = 1;
	for (int p = 0; p < PW_POINT_MAX; p++) {
		struct plan_site *s = &b->plan->sites[b->plan->nr_sites];

		dummy_site(&s->wire);
		s->wire.point = (__u16)p;
		s->class = stand_in[p].class;
		s->place = (struct goplace){ .path = "/proc/self/exe",
					     .offset = dummy__offset(b->child, stand_in[p].class) };
		snprintf(s->func_name, sizeof(s->func_name), "the calibration stub");
		b->plan->points[p] = (struct plan_point){ .first = b->plan->nr_sites++, .nr = 1 };
	}
}

static void drop_sample(void *ctx, int cpu, void *data, __u32 size)
{
	(void)ctx;
	(void)cpu;
	(void)data;
	(void)size;
}

static uint32_t wants(uint32_t points, uint32_t wakes)
{
	const uint32_t lives = PW_WANT_BIRTH | PW_WANT_EXIT;

	if (wakes)
		return wakes | lives;
	return ((points & (1u << PW_POINT_PARK)) ? PW_WANT_WAIT : 0) |
	       ((points & (1u << PW_POINT_READY)) ? PW_WANT_SCHED : 0) | lives;
}

static int bench__init(struct bench *b, const struct kfeat *kf, const struct attach_opts *o,
		       struct cause *why)
{
	LIBBPF_OPTS(perf_buffer_opts, opts, .sample_period = PERF_WAKEUP_EVENTS);
	int err = dummy__new(&b->child);

	if (!err)
		err = proc__open(dummy__pid(b->child), &b->proc, why);
	b->rt = calloc(1, sizeof(*b->rt));
	b->plan = calloc(1, sizeof(*b->plan));
	if (!err && (!b->rt || !b->plan))
		err = -ENOMEM;
	if (err)
		return cause__set(why, err, "cannot start a child to calibrate with: %s",
				  strerror(-err));
	bench__make_plan(b);
	err = attach__new(b->plan, kf, b->proc, o, &b->attach, why);
	if (err)
		return err;
	if (o->transport == PW_TRANSPORT_PERF) {
		b->perf = perf_buffer__new(attach__ring_fd(b->attach), PERF_PAGES, drop_sample,
					   NULL, NULL, &opts);
		if (!b->perf)
			return cause__set(why, -errno,
					  "cannot open a perf buffer to calibrate with: %s",
					  strerror(errno));
	}
	return 0;
}

/* Time of one turn of the classes, one after the other: the shortest of some rounds, since noise
 * only adds. */
static int bench__time(struct bench *b, const enum insn_class *classes, uint32_t nr, double *ret_ns)
{
	uint64_t ns, best = UINT64_MAX;
	uint32_t n = HITS;
	int err = 0;

	for (uint32_t i = 0; i < nr; i++)
		if (classes[i] == INSN_STEPPED)
			n = STEPPED_HITS;
	for (int i = 0; i < ROUNDS && !err; i++) {
		err = dummy__run_turns(b->child, classes, nr, n, &ns);
		best = !err && ns < best ? ns : best;
	}
	if (!err)
		*ret_ns = (double)best / n;
	return err;
}

static double positive(double x)
{
	return x > 0 ? x : 0;
}

/* One time per class: not probed (bare), or probed with recording off (trap). */
static int bench__time_classes(struct bench *b, uint32_t classes, double *ret_ns)
{
	int err = 0;

	for (int c = 0; c < INSN_CLASS_MAX && !err; c++) {
		enum insn_class class = (enum insn_class)c;

		if (classes & (1u << c))
			err = bench__time(b, &class, 1, &ret_ns[c]);
	}
	return err;
}

/* What a run adds is seen only where there is something to end: in turns with the points that begin
 * it. */
static int bench__time_run(struct bench *b, uint32_t points, const double *bare,
			   const struct calibration *cal, double *ret_ns)
{
	const uint32_t turns = points & pw_points_for(PW_FOR_WAITS | PW_FOR_SCHED);
	enum insn_class turn[PW_POINT_ALLOCS];
	uint32_t nr = 0;
	double ns, known = 0;
	int err;

	for (int p = 0; p < PW_POINT_ALLOCS; p++) {
		if (!(turns & (1u << p)))
			continue;
		turn[nr++] = stand_in[p].class;
		known += bare[stand_in[p].class] + cal->trap_ns[stand_in[p].class] +
			 (p == PW_POINT_RUN ? 0 : cal->work_ns[p]);
	}
	err = bench__time(b, turn, nr, &ns);
	if (!err)
		*ret_ns = positive(ns - known);
	return err;
}

/* Recording is on: what each point's program adds to the trap. */
static int bench__time_points(struct bench *b, uint32_t points, const double *bare,
			      struct calibration *cal)
{
	double on[INSN_CLASS_MAX] = { 0 };
	int err = bench__time_classes(b, classes_of(points), on);

	for (int p = 0; p < PW_POINT_MAX && !err; p++)
		if (points & (1u << p))
			cal->work_ns[p] = positive(on[stand_in[p].class] - bare[stand_in[p].class] -
						   cal->trap_ns[stand_in[p].class]);
	if (!err && (points & (1u << PW_POINT_RUN)))
		err = bench__time_run(b, points, bare, cal, &cal->work_ns[PW_POINT_RUN]);
	return err;
}

/* A park of which only the moment is noted: nobody records waits. */
static int bench__time_parked(struct bench *b, const double *bare, struct calibration *cal)
{
	const enum insn_class class = stand_in[PW_POINT_PARK].class;
	double on;
	int err;

	attach__want(b->attach, &(struct attach_want){ .want = PW_WANT_PARK });
	err = bench__time(b, &class, 1, &on);
	if (!err)
		cal->parked_ns = positive(on - bare[class] - cal->trap_ns[class]);
	return err;
}

/*
 * Single allocations beside parks, for both have the same instruction: the difference that it makes
 * whether they count.
 */
static int bench__time_mallocs(struct bench *b, double *ret_ns, struct cause *why)
{
	const enum insn_class class = stand_in[PW_POINT_MALLOC].class;
	double counted, off;
	int err = attach__part_on(b->attach, ATTACH_SINGLES, why);

	if (!err)
		err = bench__time(b, &class, 1, &counted);
	attach__exact(b->attach, false);
	if (!err)
		err = bench__time(b, &class, 1, &off);
	if (!err)
		*ret_ns = positive(counted - off);
	return err;
}

struct ask {
	enum attach_method method;
	enum pw_transport transport;
	bool sums;
	uint32_t wakes;
	uint32_t points, classes; /* all that is to be timed */
};

static int bench__measure(struct bench *b, const struct ask *ask, bool apart,
			  struct calibration *cal, struct cause *why)
{
	const uint32_t points = apart ? ask->points & ~MALLOCS : ask->points;
	double bare[INSN_CLASS_MAX] = { 0 }, trap[INSN_CLASS_MAX] = { 0 };
	int err = bench__time_classes(b, ask->classes, bare);

	if (!err)
		err = attach__on(b->attach, ATTACH_ALL, why);
	if (!err)
		err = bench__time_classes(b, ask->classes, trap);
	for (int c = 0; c < INSN_CLASS_MAX && !err; c++)
		cal->trap_ns[c] = positive(trap[c] - bare[c]);
	if (err)
		return err;
	attach__exact(b->attach, !apart);
	attach__want(b->attach,
		     &(struct attach_want){ .want = wants(points, ask->wakes), .sums = ask->sums });
	attach__start(b->attach);
	err = bench__time_points(b, points, bare, cal);
	if (!err && points & 1u << PW_POINT_PARK)
		err = bench__time_parked(b, bare, cal);
	if (!err && apart)
		err = bench__time_mallocs(b, &cal->work_ns[PW_POINT_MALLOC], why);
	for (int p = 0; p < PW_POINT_MAX; p++)
		cal->work_ns[p] = stand_in[p].times * cal->work_ns[stand_in[p].like];
	/* parkwatch was stopped meanwhile: there were no probes */
	return !err && attach__cut_ns(b->attach) ? -EINTR : err;
}

static int measure(const struct kfeat *kf, const struct ask *ask, struct calibration *ret,
		   struct cause *why)
{
	const bool apart = ask->points & MALLOCS && ask->points & 1u << PW_POINT_PARK;
	const struct attach_opts o = { .points = stand_ins(ask->points, ask->classes),
				       .parts[ATTACH_SINGLES] = apart ? MALLOCS : 0,
				       .want = { .want = wants(ask->points, ask->wakes) |
							 PW_WANT_PARK,
						 .sums = ask->sums },
				       .transport = ask->transport,
				       .method = ask->method,
				       .depth = DEPTH,
				       .ring_bytes = RING_BYTES,
				       .ring_fd = -EBADF,
				       .quiet_libbpf = true,
				       .trial = true };
	const uint64_t cpu_began = clock_cpu_ns();
	struct calibration cal = { .trap_ns = { 0 } };
	struct bench b = { .child = NULL };
	int err;

	(void)master_allow(MASTER_SLOW_MOST); /* the child is ours */
	err = bench__init(&b, kf, &o, why);
	if (!err)
		err = bench__measure(&b, ask, apart, &cal, why);
	bench__done(&b);
	(void)master_allow((double)(clock_cpu_ns() - cpu_began) / CALIBRATE_CPU_NS);
	if (err)
		return cause__set(why, err, "the calibration child failed: %s", strerror(-err));
	*ret = cal;
	return 0;
}

int calibrate__run(const struct kfeat *kf, enum attach_method method, enum pw_transport transport,
		   uint32_t classes, uint32_t points, bool sums, uint32_t wakes,
		   struct calibration *ret, struct cause *why)
{
	static struct {
		struct ask ask; /* no points: nothing */
		struct calibration cal;
	} known;
	struct ask ask = { method, transport, sums, wakes, measured_for(points), classes };
	const bool alike = known.ask.points && known.ask.method == method &&
			   known.ask.transport == transport && known.ask.sums == sums &&
			   known.ask.wakes == wakes;
	bool news;
	int err = 0;

	ask.classes |= classes_of(ask.points);
	news = !alike || ask.points & ~known.ask.points || ask.classes & ~known.ask.classes;
	if (alike) {
		ask.points |= known.ask.points;
		ask.classes |= known.ask.classes;
	}
	if (news)
		err = measure(kf, &ask, &known.cal, why);
	if (err)
		return err;
	known.ask = ask;
	*ret = known.cal;
	return news;
}

double calibration_hit_ns(const struct calibration *c, const struct plan_site *s, bool waits)
{
	const bool parked = s->wire.point == PW_POINT_PARK && !waits;

	return c->trap_ns[s->class] + (parked ? c->parked_ns : c->work_ns[s->wire.point]);
}
