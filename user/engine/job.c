// SPDX-License-Identifier: BSD-2-Clause
#include "engine/job.h"

#include <errno.h>
#include <poll.h>

#include "base/rt_boost.h"

/* What the jobs wait for in one turn. */
struct turn {
	struct job_due dues[JOBS_MAX], first;
	struct pollfd fds[JOBS_MAX * JOB_FDS_MAX];
	size_t ends[JOBS_MAX]; /* where in fds those of each job end */
	size_t nr_fds;
};

static void job__take(struct job *j, int state)
{
	j->goes_on = state == JOB_GOES_ON;
	j->err = state < 0 ? state : 0;
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
		if (j->goes_on) {
			t->dues[i] = j->ops->due(j->self);
			if (j->ops->fds)
				t->nr_fds += j->ops->fds(j->self, t->fds + t->nr_fds, JOB_FDS_MAX);
		}
		t->ends[i] = t->nr_fds;
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
	struct rt_boost *boost = left ? t->first.boost : NULL;
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

/* One call of start() or step(). */
static void jobs__call(struct job *jobs, size_t nr, size_t i, int (*f)(void *, struct cause *))
{
	struct job *j = &jobs[i];
	const uint64_t began_ns = nr > 1 ? clock_cpu_ns() : 0;
	uint64_t others_ns = 0;

	for (size_t k = 0; k < nr; k++)
		others_ns += k == i ? 0 : jobs[k].cpu_ns;
	if (j->ops->others && nr > 1)
		j->ops->others(j->self, others_ns);
	job__take(j, f(j->self, &j->why));
	j->cpu_ns += nr > 1 ? clock_cpu_ns() - began_ns : 0;
}

static void jobs__step(struct job *jobs, size_t nr, size_t i)
{
	jobs__call(jobs, nr, i, jobs[i].ops->step);
}

static void jobs__stop(struct job *jobs, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (!jobs[i].goes_on || jobs[i].stopped)
			continue;
		jobs[i].stopped = true;
		if (jobs[i].ops->stop)
			jobs[i].ops->stop(jobs[i].self);
		jobs__step(jobs, nr, i);
	}
}

static void jobs__turn(struct job *jobs, size_t nr, uint64_t turn_ns)
{
	struct turn t;
	uint64_t now;
	int err;

	turn__ask(&t, jobs, nr);
	err = turn__wait(&t, turn_ns);
	now = clock_now_ns();
	for (size_t i = 0; i < nr; i++) {
		if (jobs[i].goes_on && err)
			job__take(&jobs[i], err);
		else if (jobs[i].goes_on && turn__wakes(&t, i, now))
			jobs__step(jobs, nr, i);
	}
}

int jobs__run(struct job *jobs, size_t nr, const struct jobs_opts *o)
{
	uint64_t told_ns = 0;
	int err = 0;

	if (nr > JOBS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < nr; i++)
		jobs[i] = (struct job){ .ops = jobs[i].ops, .self = jobs[i].self };
	for (size_t i = 0; i < nr; i++)
		jobs__call(jobs, nr, i, jobs[i].ops->start);
	while (jobs__go_on(jobs, nr)) {
		const uint64_t now = clock_now_ns();

		heart__beat();
		if (o->progress && now - told_ns >= JOBS_PROGRESS_NS) {
			told_ns = now;
			o->progress(o->ctx);
		}
		if (o->stop && *o->stop)
			jobs__stop(jobs, nr);
		if (jobs__go_on(jobs, nr))
			jobs__turn(jobs, nr, o->turn_ns ? o->turn_ns : JOBS_TURN_NS);
	}
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
