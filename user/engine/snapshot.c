/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/labels_read.h"
#include "engine/snapshot.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "heap/gchan.h"
#include "heap/gosecret.h"
#include "requests/requests.h"
#include "target/resource_read.h"

static int snapshot__fail(const struct snapshot *t, int err, struct cause *why)
{
	return cause__set(why, err, "cannot read the goroutines of '%s' (pid %d): %s",
			  proc__comm(t->target.proc), (int)proc__pid(t->target.proc),
			  proc__words(t->target.proc, err));
}

static int snapshot__check(const struct snapshot *t, struct cause *why)
{
	if (!proc__executed(t->target.proc))
		return 0;
	return cause__set(why, -ESRCH,
			  "pid %d started another program while it was read; try again",
			  (int)proc__pid(t->target.proc));
}

/* All that was to be read is. */
static int snapshot_job__finish(struct snapshot_job *j, struct cause *why)
{
	struct snapshot *t = j->t;
	int err = snapshot__check(t, why);

	if (err)
		return err;
	t->read_ns = clock_now_ns();
	t->wall_ns = clock_ns(CLOCK_REALTIME);
	if (j->depth != SNAPSHOT_NO_CENSUS)
		t->wall_ns -= clock_now_ns() - t->censuses[0]->taken_ns;
	return JOB_OVER;
}

static int snapshot_job__start(void *self, struct cause *why)
{
	struct snapshot_job *j = self;
	int err;

	j->t = calloc(1, sizeof(*j->t));
	if (!j->t)
		return cause__set(why, -ENOMEM, "out of memory");
	j->t->began_ns = clock_now_ns();
	err = target__open(&j->t->target, j->pid, j->until, why);
	if (err)
		return err;
	j->t->depth = j->depth;
	j->t->cpu_ns = proc__cpu_ns(j->t->target.proc);
	return j->depth == SNAPSHOT_NO_CENSUS ? snapshot_job__finish(j, why) : JOB_GOES_ON;
}

static struct job_due snapshot_job__due(const void *self)
{
	(void)self;
	return (struct job_due){ .at_ns = 0 };
}

/* What a reader knows of the program's code is kept. */
static int snapshot__census(struct snapshot *t, size_t rt, unsigned int depth,
			    struct deadline *until, struct census **ret)
{
	int err = 0;

	if (!t->readers[rt])
		err = reader__new(proc__mem(t->target.proc), goproc__runtime(t->target.gp, rt),
				  depth, &t->readers[rt]);
	if (err)
		return err;
	reader__limit(t->readers[rt], until);
	return reader__take(t->readers[rt], ret);
}

static int snapshot_job__step(void *self, struct cause *why)
{
	struct snapshot_job *j = self;
	struct snapshot *t = j->t;
	int err = snapshot__census(t, j->rt, j->depth, j->census, &t->censuses[j->rt]);

	if (err)
		return snapshot__fail(t, err, why);
	return ++j->rt < t->target.nr ? JOB_GOES_ON : snapshot_job__finish(j, why);
}

struct job snapshot__job(struct snapshot_job *j)
{
	static const struct job_ops ops = { .start = snapshot_job__start,
					    .due = snapshot_job__due,
					    .step = snapshot_job__step };

	return (struct job){ .ops = &ops, .self = j };
}

int snapshot__new(pid_t pid, unsigned int depth, struct deadline *until, struct snapshot **ret,
		  struct cause *why)
{
	struct snapshot_job j = { .pid = pid, .depth = depth, .until = until };
	int state = snapshot_job__start(&j, why);

	while (state == JOB_GOES_ON)
		state = snapshot_job__step(&j, why);
	if (state == JOB_OVER)
		*ret = j.t;
	else
		snapshot__free(j.t);
	return state;
}

/* No thread of it ran since before the last census: the next one would find the same. */
static bool snapshot__has_rested(struct snapshot *t, unsigned int depth)
{
	const uint64_t before = t->cpu_ns;
	bool same = depth == t->depth;

	for (size_t i = 0; i < t->target.nr && same; i++)
		same = !t->censuses[i]->cut;
	t->cpu_ns = proc__cpu_ns(t->target.proc);
	return same && t->cpu_ns && t->cpu_ns == before;
}

static void snapshot__free_readers(struct snapshot *t)
{
	for (size_t i = 0; i < t->target.nr; i++)
		reader__free(steal(t->readers[i]));
}

int snapshot__again(struct snapshot *t, unsigned int depth, struct cause *why)
{
	struct census *fresh[GOPROC_RUNTIMES_MAX] = { NULL };
	int err = 0;

	t->rested = snapshot__has_rested(t, depth);
	if (t->rested) {
		t->read_ns = clock_now_ns();
		for (size_t i = 0; i < t->target.nr; i++)
			t->censuses[i]->taken_ns = t->read_ns;
		return 0;
	}
	if (depth != t->depth)
		snapshot__free_readers(t);
	t->depth = depth;
	for (size_t i = 0; i < t->target.nr && !err; i++)
		err = snapshot__census(t, i, depth, NULL, &fresh[i]);
	err = err ? snapshot__fail(t, err, why) : snapshot__check(t, why);
	for (size_t i = 0; i < t->target.nr; i++) {
		struct census *old = t->censuses[i];

		t->censuses[i] = err ? old : fresh[i];
		census__free(err ? fresh[i] : old);
	}
	if (err)
		t->cpu_ns = 0;
	else
		t->read_ns = clock_now_ns();
	return err;
}

static bool has_selects(const struct census *c)
{
	for (size_t i = 0; i < c->nr_waits; i++)
		if (c->waits[i].select && c->waits[i].kind == CENSUS_WAIT_CHAN)
			return true;
	return false;
}

int snapshot__paths(const struct snapshot *t, struct cause *why)
{
	for (size_t i = 0; i < t->target.nr; i++) {
		scoped(gchans) cs = NULL;

		if (has_selects(t->censuses[i]) &&
		    gchans__read(proc__mem(t->target.proc), goproc__runtime(t->target.gp, i),
				 t->censuses[i], false, &cs) == -ENOMEM)
			return cause__set(why, -ENOMEM, "cannot read the channels: %s",
					  strerror(ENOMEM));
	}
	return 0;
}

/* *ret stays NULL if the program cannot have secrets. */
static int snapshot__secrets(const struct snapshot *t, struct gosecret **ret, struct cause *why)
{
	int err = 0;

	for (size_t i = 0; i < t->target.nr && !err; i++)
		err = gosecret__new(proc__mem(t->target.proc), goproc__runtime(t->target.gp, i),
				    ret);
	return err ? cause__set(why, err, "cannot read the heap: %s",
				proc__words(t->target.proc, err))
		   : 0;
}

int snapshot__labels(const struct snapshot *t, struct labelbook *b, struct cause *why)
{
	scoped(gosecret) secret = NULL;
	int err = snapshot__secrets(t, &secret, why);

	if (err)
		return err;
	for (size_t rt = 0; rt < t->target.nr && !err; rt++)
		for (size_t i = 0; i < t->censuses[rt]->nr && !err; i++)
			err = labels_read(b, gosecret__space(secret, proc__mem(t->target.proc)),
					  t->target.namers[rt].go_minor,
					  t->censuses[rt]->gs[i].labels);
	return err ? cause__set(why, err, "cannot keep the labels: %s", strerror(-err)) : 0;
}

int snapshot__labels_at(const struct snapshot *t, uint16_t rt, const uint64_t *ptrs, size_t nr,
			struct labelbook *b, struct cause *why)
{
	scoped(gosecret) secret = NULL;
	int err = nr ? snapshot__secrets(t, &secret, why) : 0;

	if (err)
		return err;
	for (size_t i = 0; i < nr && !err; i++)
		err = labels_read(b, gosecret__space(secret, proc__mem(t->target.proc)),
				  t->target.namers[rt].go_minor, ptrs[i]);
	return err ? cause__set(why, err, "cannot keep the labels: %s", strerror(-err)) : 0;
}

void snapshot_requests__done(struct snapshot_requests *r)
{
	for (size_t i = 0; i < r->nr; i++)
		grequests__free(r->of[i]);
	r->nr = 0;
}

/* One runtime: *ret. */
static int snapshot__requests_of(struct snapshot *t, size_t rt, struct deadline *until,
				 struct grequests **ret, struct cause *why)
{
	struct requests_reader **rr = &t->requests[rt];
	int err = *rr ? 0
		      : requests_reader__new(proc__mem(t->target.proc),
					     goproc__runtime(t->target.gp, rt), rr);

	if (err)
		return cause__set(why, err, "cannot read its types: %s", strerror(-err));
	return requests_reader__read(*rr, t->censuses[rt], until, ret, why);
}

int snapshot__requests(struct snapshot *t, struct deadline *until, struct snapshot_requests *ret,
		       struct cause *why)
{
	const uint64_t left = deadline__left_ns(until) / 2;
	struct deadline own =
		deadline_in(left < SNAPSHOT_REQUESTS_NS ? left : SNAPSHOT_REQUESTS_NS, until->stop);

	for (; ret->nr < t->target.nr; ret->nr++) {
		int err = snapshot__requests_of(t, ret->nr, &own, &ret->of[ret->nr], why);

		if (err)
			return err;
		grequests__keep(ret->of[ret->nr], ret->detail);
	}
	return snapshot__check(t, why);
}

int snapshot__resource(const struct snapshot *t, struct resource *ret, struct cause *why)
{
	const int err = resource_read(t->target.proc, ret);

	return err ? cause__set(why, err, "out of memory") : 0;
}

void snapshot__free(struct snapshot *t)
{
	if (!t)
		return;
	snapshot__free_readers(t);
	for (size_t i = 0; i < t->target.nr; i++) {
		requests_reader__free(t->requests[i]);
		census__free(t->censuses[i]);
	}
	target__close(&t->target);
	free(t);
}

void snapshot__meta(const struct snapshot *t, struct report_meta *ret)
{
	const struct goruntime *rt = goproc__runtime(t->target.gp, 0);

	*ret = (struct report_meta){
		.pid = proc__pid(t->target.proc),
		.comm = proc__comm(t->target.proc),
		.exe = proc__exe_shown(t->target.proc),
		.build_id = rt->build_id,
		.go_version = rt->version,
		.text_start = rt->modules[0].text,
		.text_end = rt->modules[0].etext,
		.wall_start_ns = t->wall_ns,
		.cost = "",
	};
}
