// SPDX-License-Identifier: BSD-2-Clause
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/job.h"

static volatile sig_atomic_t stop;

/* What was called, in order: a job's letter and what it was asked. */
static struct {
	char text[256];
	size_t len;
} calls;

static void note(char job, char what)
{
	if (calls.len + 2 < sizeof(calls.text)) {
		calls.text[calls.len++] = job;
		calls.text[calls.len++] = what;
	}
}

struct fake {
	char name;
	uint64_t due_ns[4]; /* after the start; 0: the list ends, and so does the job */
	size_t at;          /* of them */
	uint64_t start_ns;
	int fd;                  /* wakes it, if not 0 */
	int start_err, at_end;   /* what start() and the last step return */
	bool raises;             /* its first step asks for the end of all */
	const bool *lends_while; /* its steps lend the thread, and take as long as this is so */
	bool *ends;              /* set to false by its last step */
	bool goes_on_after_stop;
	bool stopped, early; /* a step came before its moment, and nothing woke it */
};

static int fake__start(void *self, struct cause *why)
{
	struct fake *f = self;

	note(f->name, 's');
	f->start_ns = clock_now_ns();
	return f->start_err ? cause__set(why, f->start_err, "%c cannot", f->name) : JOB_GOES_ON;
}

static struct job_due fake__due(const void *self)
{
	const struct fake *f = self;

	return (struct job_due){ .at_ns = f->due_ns[f->at] == UINT64_MAX
						  ? UINT64_MAX
						  : f->start_ns + f->due_ns[f->at] };
}

static size_t fake__fds(const void *self, struct pollfd *ret, size_t most)
{
	const struct fake *f = self;

	cr_assert(most >= 1);
	if (f->fd)
		ret[0] = (struct pollfd){ .fd = f->fd, .events = POLLIN };
	return f->fd ? 1 : 0;
}

static int fake__step(void *self, struct cause *why)
{
	struct fake *f = self;
	char byte;

	if (f->fd && !f->stopped) {
		note(f->name, 'i');
		cr_expect_eq(read(f->fd, &byte, 1), 1);
		return JOB_OVER;
	}
	note(f->name, '.');
	f->early |= !f->stopped && clock_now_ns() < fake__due(f).at_ns;
	if (f->raises)
		stop = 1;
	jobs__lend(f->lends_while);
	while (f->lends_while && *(volatile const bool *)f->lends_while)
		heart__beat();
	jobs__lend(false);
	if (f->stopped && !f->goes_on_after_stop)
		return JOB_OVER;
	f->goes_on_after_stop = false;
	if (f->due_ns[++f->at])
		return JOB_GOES_ON;
	if (f->ends)
		*f->ends = false;
	return f->at_end ? cause__set(why, f->at_end, "%c failed", f->name) : JOB_OVER;
}

static void fake__stop(void *self)
{
	struct fake *f = self;

	note(f->name, 'S');
	f->stopped = true;
}

static const struct job_ops fake_ops = { .start = fake__start,
					 .due = fake__due,
					 .fds = fake__fds,
					 .step = fake__step,
					 .stop = fake__stop };

/* Of at most 4 jobs. */
static int run(struct fake *fakes, size_t nr, struct job *jobs)
{
	const struct jobs_opts o = { .stop = &stop };

	stop = 0;
	memset(&calls, 0, sizeof(calls));
	for (size_t i = 0; i < nr; i++)
		jobs[i] = (struct job){ .ops = &fake_ops, .self = &fakes[i] };
	return jobs__run(jobs, nr, &o);
}

Test(job, steps_come_in_the_order_of_their_moments_and_never_before_them)
{
	struct fake fakes[] = {
		{ .name = 'a', .due_ns = { 30 * NS_PER_MS, 50 * NS_PER_MS } },
		{ .name = 'b', .due_ns = { 10 * NS_PER_MS, 100 * NS_PER_MS } },
		{ .name = 'c', .due_ns = { 70 * NS_PER_MS } },
	};
	struct job jobs[3];

	cr_expect_eq(run(fakes, 3, jobs), 0);
	cr_expect_str_eq(calls.text, "asbscsb.a.a.c.b.");
	for (size_t i = 0; i < 3; i++)
		cr_expect(!fakes[i].early, "%c", fakes[i].name);
}

Test(job, who_lends_the_thread_holds_nobody_up)
{
	bool busy = true;
	struct fake fakes[] = {
		{ .name = 'a', .due_ns = { 1 }, .lends_while = &busy },
		{ .name = 'b', .due_ns = { 20 * NS_PER_MS, 40 * NS_PER_MS }, .ends = &busy },
		{ .name = 'c', .due_ns = { 1, 60 * NS_PER_MS }, .lends_while = &busy },
	};
	struct job jobs[3];

	/* a does nothing until b has stepped for the last time, and c neither, in the middle of a */
	cr_expect_eq(run(fakes, 3, jobs), 0);
	cr_expect_str_eq(calls.text, "asbscsa.c.b.b.c.");
	cr_expect(!fakes[1].early && !fakes[2].early);
}

Test(job, one_alone_lends_to_nobody)
{
	bool busy = false;
	struct fake fake = { .name = 'a', .due_ns = { 1 }, .lends_while = &busy };
	struct job job;

	cr_expect_eq(run(&fake, 1, &job), 0);
	jobs__lend(true);
	cr_expect_not(heart_lent, "no loop runs");
}

Test(job, who_is_due_at_the_same_time_is_stepped_in_the_order_given)
{
	struct fake fakes[] = {
		{ .name = 'a', .due_ns = { 1, 1 } },
		{ .name = 'b', .due_ns = { 1, 1 } },
	};
	struct job jobs[2];

	cr_expect_eq(run(fakes, 2, jobs), 0);
	cr_expect_str_eq(calls.text, "asbsa.b.a.b.");
}

Test(job, input_wakes_its_job_alone)
{
	struct fake fakes[] = {
		{ .name = 'a', .due_ns = { 60 * NS_PER_MS } },
		{ .name = 'b', .due_ns = { UINT64_MAX } },
	};
	struct job jobs[2];
	int pipes[2];

	cr_assert_eq(pipe(pipes), 0);
	cr_assert_eq(write(pipes[1], "x", 1), 1);
	fakes[1].fd = pipes[0];
	cr_expect_eq(run(fakes, 2, jobs), 0);
	cr_expect_str_eq(calls.text, "asbsbia.");
	close(pipes[0]);
	close(pipes[1]);
}

Test(job, the_error_of_one_does_not_end_the_others)
{
	struct fake fakes[] = {
		{ .name = 'a', .due_ns = { 20 * NS_PER_MS } },
		{ .name = 'b', .due_ns = { 1 }, .at_end = -EIO },
		{ .name = 'c', .start_err = -ESRCH },
	};
	struct job jobs[3];

	cr_expect_eq(run(fakes, 3, jobs), -EIO, "the first in the order of the jobs");
	cr_expect_str_eq(calls.text, "asbscsb.a.");
	cr_expect_eq(jobs[0].err, 0);
	cr_expect_str_eq(jobs[0].why.text, "");
	cr_expect_eq(jobs[1].err, -EIO);
	cr_expect_str_eq(jobs[1].why.text, "b failed");
	cr_expect_eq(jobs[2].err, -ESRCH);
	cr_expect_str_eq(jobs[2].why.text, "c cannot");
}

Test(job, the_end_is_asked_for_once_and_steps_follow_until_all_are_over)
{
	struct fake fakes[] = {
		{ .name = 'a', .due_ns = { UINT64_MAX } },
		{ .name = 'b', .due_ns = { 1, UINT64_MAX }, .raises = true },
		{ .name = 'c',
		  .due_ns = { UINT64_MAX, 20 * NS_PER_MS },
		  .goes_on_after_stop = true },
	};
	struct job jobs[3];

	cr_expect_eq(run(fakes, 3, jobs), 0);
	cr_expect_str_eq(calls.text, "asbscsb.aSa.bSb.cSc.c.");
}

Test(job, one_alone_passes_its_cause_on)
{
	struct fake good = { .name = 'a', .due_ns = { 1 } };
	struct fake bad = { .name = 'b', .due_ns = { 1 }, .at_end = -EIO };
	struct cause why = { "" };

	cr_expect_eq(job__run((struct job){ .ops = &fake_ops, .self = &good }, NULL, &why), 0);
	cr_expect_str_eq(why.text, "");
	cr_expect_eq(job__run((struct job){ .ops = &fake_ops, .self = &bad }, NULL, &why), -EIO);
	cr_expect_str_eq(why.text, "b failed");
}

Test(job, who_is_over_soon_anyway_needs_no_stop)
{
	struct job_ops ops = fake_ops;
	struct fake fake = { .name = 'a', .due_ns = { 20 * NS_PER_MS, 20 * NS_PER_MS } };
	const struct jobs_opts o = { .stop = &stop };

	ops.stop = NULL;
	ops.fds = NULL;
	stop = 1;
	memset(&calls, 0, sizeof(calls));
	cr_expect_eq(job__run((struct job){ .ops = &ops, .self = &fake }, &o, NULL), 0);
	cr_expect_str_eq(calls.text, "asa.a.", "a step at once, then the one that is due");
}

static void on_alarm(int sig)
{
	(void)sig;
	stop = 1;
}

Test(job, a_signal_ends_the_wait)
{
	const struct itimerval soon = { .it_value.tv_usec = 5000 };
	struct fake fake = { .name = 'a', .due_ns = { UINT64_MAX } };
	struct job job;

	signal(SIGALRM, on_alarm);
	cr_assert_eq(setitimer(ITIMER_REAL, &soon, NULL), 0);
	cr_expect_eq(run(&fake, 1, &job), 0);
	cr_expect_str_eq(calls.text, "asaSa.");
}

static void tell(void *ctx)
{
	unsigned int *told = ctx;

	(*told)++;
}

Test(job, a_job_that_waits_long_is_told_of_and_the_heart_beats)
{
	struct fake fake = { .name = 'a', .due_ns = { 3 * JOBS_PROGRESS_NS } };
	struct job job = { .ops = &fake_ops, .self = &fake };
	const uint64_t began = clock_now_ns(), beats = heart->beats;
	unsigned int told = 0;

	stop = 0;
	cr_expect_eq(jobs__run(&job, 1,
			       &(struct jobs_opts){
				       .stop = &stop, .progress = tell, .ctx = &told }),
		     0);
	cr_expect(!fake.early);
	cr_expect_geq(told, 2u);
	cr_expect_leq(told, 1 + (clock_now_ns() - began) / JOBS_PROGRESS_NS);
	/* a busy machine gives us fewer turns: half of them are enough here */
	cr_expect_geq(heart->beats - beats, 3 * JOBS_PROGRESS_NS / JOBS_TURN_NS / 2);
}

#define BURNT_NS (20 * NS_PER_MS)

static int burn(void *self, struct cause *why)
{
	const uint64_t end = clock_cpu_ns() + BURNT_NS;

	while (clock_cpu_ns() < end) {
	}
	return fake__step(self, why);
}

static uint64_t others_ns;

static void take_others(void *self, uint64_t cpu_ns)
{
	(void)self;
	others_ns = cpu_ns;
}

Test(job, a_job_is_told_what_the_others_have_used_of_the_processors)
{
	struct job_ops busy = fake_ops, counts = fake_ops;
	struct fake fakes[] = {
		{ .name = 'a', .due_ns = { 1 } },
		{ .name = 'b', .due_ns = { 1, 1 } },
	};
	struct job jobs[] = { { .ops = &busy, .self = &fakes[0] },
			      { .ops = &counts, .self = &fakes[1] } };

	stop = 0;
	busy.step = burn;
	counts.step = burn;
	counts.others = take_others;
	cr_expect_eq(jobs__run(jobs, 2, &(struct jobs_opts){ .stop = &stop }), 0);
	cr_expect_geq(others_ns, BURNT_NS);
	cr_expect_eq(others_ns, jobs[0].cpu_ns, "its own two steps are not in it");
	cr_expect_geq(jobs[1].cpu_ns, 2 * BURNT_NS);
}

Test(job, too_many_are_refused)
{
	struct job jobs[JOBS_MAX + 1] = { 0 };

	cr_expect_eq(jobs__run(jobs, ARRAY_SIZE(jobs), &(struct jobs_opts){ .stop = &stop }),
		     -E2BIG);
}
