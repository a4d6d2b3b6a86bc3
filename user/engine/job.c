// SPDX-License-Identifier: BSD-2-Clause
#include "engine/job.h"

#include <errno.h>
#include <poll.h>

#include "base/rt_boost.h"

/* What the jobs wait for in one turn. */
struct turn {
	struct job_due dues[JOBS_MAX], first;
	struct pollfd fds[JOBS_MAX * JOB_FDS_MAX];
	size_t ends[JOBS_MAX];    /* where in fds those of each job end */
	uint64_t calls[JOBS_MAX]; /* what is known of a job that was called since is out of date */
	size_t nr_fds;
};

static void job__take(struct job *j, int state)
{
	j->goes_on = state == JOB_GOES_ON;
	j->err = state < 0 ? state : 0;
}

/* Who lends the thread does not step within its own step. */
static bool job__may_step(const struct job *j)
{
	return j->goes_on && !j->inside;
}

static bool jobs__go_on(const struct job *jobs, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		if (jobs[i].goes_on)
			return true;
	return false;
}

static void turn__ask(struct turn *t, const struct job *jobs, size_t nr)
{
	t->first = (struct job_due){ .at_ns = UINT64_MAX };
	t->nr_fds = 0;
	for (size_t i = 0; i < nr; i++) {
		const struct job *j = &jobs[i];

		t->dues[i] = (struct job_due){ .at_ns = UINT64_MAX };
		if (job__may_step(j)) {
			t->dues[i] = j->ops->due(j->self);
			if (j->ops->fds)
				t->nr_fds += j->ops->fds(j->self, t->fds + t->nr_fds, JOB_FDS_MAX);
		}
		t->ends[i] = t->nr_fds;
		t->calls[i] = j->calls;
		if (t->dues[i].at_ns < t->first.at_ns)
			t->first = t->dues[i];
	}
}

/* Until the first is due, or something comes. 0, or what ppoll(2) failed with. */
static int turn__wait(struct turn *t, uint64_t turn_ns)
{
	const uint64_t now = clock_now_ns(), left = t->first.at_ns > now ? t->first.at_ns - now : 0;
	const uint64_t wait = left < turn_ns ? left : turn_ns;
	const struct timespec most = {
		.tv_sec = (time_t)(wait / NS_PER_SEC),
		.tv_nsec = (long)(wait % NS_PER_SEC),
	};
	/* who is late already has nothing to hurry for */
	struct rt_boost *boost = wait ? t->first.boost : NULL;
	int n = rt_boost__poll(boost, t->fds, t->nr_fds, &most), err = n < 0 ? -errno : 0;

	if (boost && clock_now_ns() < t->first.at_ns)
		rt_boost__restore(boost);
	if (err == -EINTR) { /* what is in revents is of no turn */
		for (size_t i = 0; i < t->nr_fds; i++)
			t->fds[i].revents = 0;
		err = 0;
	}
	return err;
}

static bool turn__wakes(const struct turn *t, size_t job, uint64_t now)
{
	if (now >= t->dues[job].at_ns)
		return true;
	for (size_t i = job ? t->ends[job - 1] : 0; i < t->ends[job]; i++)
		if (t->fds[i].revents)
			return true;
	return false;
}

/* --- the loop --- */

struct loop {
	struct job *jobs;
	size_t nr;
};

/* The one that runs, for jobs__lend(): a job does not know its loop. */
static struct loop *loop;

/* CPU time of all jobs but that one. */
static uint64_t loop__others_ns(const struct loop *l, size_t but)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < l->nr; i++)
		ns += i == but ? 0 : l->jobs[i].cpu_ns;
	return ns;
}

/* One call of start() or step(), in which others may step. */
static void loop__call(struct loop *l, size_t i, int (*f)(void *, struct cause *))
{
	struct job *j = &l->jobs[i];
	const uint64_t began_ns = l->nr > 1 ? clock_cpu_ns() : 0;
	const uint64_t others_ns = loop__others_ns(l, i);

	if (j->ops->others && l->nr > 1)
		j->ops->others(j->self, others_ns);
	j->calls++;
	j->inside = true;
	job__take(j, f(j->self, &j->why));
	j->inside = false;
	if (l->nr > 1)
		j->cpu_ns += clock_cpu_ns() - began_ns - (loop__others_ns(l, i) - others_ns);
}

static void loop__stop(struct loop *l)
{
	for (size_t i = 0; i < l->nr; i++) {
		struct job *j = &l->jobs[i];

		if (!j->goes_on || j->stopped)
			continue;
		j->stopped = true;
		if (j->ops->stop)
			j->ops->stop(j->self);
		loop__call(l, i, j->ops->step);
	}
}

static void loop__turn(struct loop *l, uint64_t turn_ns)
{
	struct turn t;
	uint64_t now;
	int err;

	turn__ask(&t, l->jobs, l->nr);
	err = turn__wait(&t, turn_ns);
	now = clock_now_ns();
	for (size_t i = 0; i < l->nr; i++) {
		if (!job__may_step(&l->jobs[i]) || l->jobs[i].calls != t.calls[i])
			continue;
		if (err)
			job__take(&l->jobs[i], err);
		else if (turn__wakes(&t, i, now))
			loop__call(l, i, l->jobs[i].ops->step);
	}
}

static void loop__between(void *ctx)
{
	loop__turn(ctx, 0);
}

void jobs__lend(bool lends)
{
	const bool others = loop && loop->nr > 1;

	heart__lend(lends && others ? loop__between : NULL, loop);
}

int jobs__run(struct job *jobs, size_t nr, const struct jobs_opts *o)
{
	struct loop l = { jobs, nr }, *const before = loop;
	uint64_t told_ns = 0;
	int err = 0;

	if (nr > JOBS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < nr; i++)
		jobs[i] = (struct job){ .ops = jobs[i].ops, .self = jobs[i].self };
	loop = &l;
	for (size_t i = 0; i < nr; i++)
		loop__call(&l, i, jobs[i].ops->start);
	while (jobs__go_on(jobs, nr)) {
		const uint64_t now = clock_now_ns();

		heart__beat();
		if (o->progress && now - told_ns >= JOBS_PROGRESS_NS) {
			told_ns = now;
			o->progress(o->ctx);
		}
		if (o->stop && *o->stop)
			loop__stop(&l);
		if (jobs__go_on(jobs, nr))
			loop__turn(&l, o->turn_ns ? o->turn_ns : JOBS_TURN_NS);
	}
	loop = before;
	for (size_t i = 0; i < nr && !err; i++)
		err = jobs[i].err;
	return err;
}

int job__run(struct job j, const struct jobs_opts *o, struct cause *why)
{
	static const struct jobs_opts nobody;
	int err = jobs__run(&j, 1, o ? o : &nobody);

	return err && j.why.text[0] ? cause__set(why, err, "%s", j.why.text) : err;
}
