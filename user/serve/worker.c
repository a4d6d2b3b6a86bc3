// SPDX-License-Identifier: BSD-2-Clause
#include "serve/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/contention.h"
#include "engine/lifetotals.h"
#include "engine/job.h"
#include "engine/restraint.h"
#include "model/snap_facts.h"
#include "serve/digest.h"
#include "serve/stored_look.h"
#include "serve/tell.h"
#include "serve/wire.h"
#include "view/dump_tally.h"

#define DEPTH 127 /* frames of a stack */
/* from one time that the process is asked what it is to the next: it may say so late */
#define RESOURCE_NS (60 * NS_PER_SEC)

_Static_assert(FRAME_LATENCIES == GSCHEDLAT_BUCKETS + 1, "a frame has them all");

struct worker {
	pid_t pid;
	struct deadline until;
	struct snapshot *t; /* owned */
	struct lifetotals lives;
	struct contentions locks;          /* who waits for whom, of this look */
	bool lock_waits;                   /* somebody waited for a lock at the last look */
	bool has_locks;                    /* they are read */
	struct snapshot_requests requests; /* of the newest look that could read them */
	bool serves_none;          /* it has no server that is known: they are read no more */
	uint64_t served_ns;        /* when they were read, or brought up to date */
	struct resource resource;  /* owned: what the process says of itself */
	uint64_t resource_ns;      /* when it was read; 0: never */
	uint64_t pace_ns;          /* from one look to the next; 0: WORKER_LOOK_NS */
	uint64_t began_ns, cpu_ns; /* this look: when, and our CPU time before it */
	uint64_t next_ns;          /* of the next look */
	struct tally *tally;       /* owned */
	/* of counting by stack: when it may be next, and the minute of the last one */
	uint64_t sums_due_ns, sums_minute;
};

static bool worker__lock_waits(const struct worker *w)
{
	for (size_t rt = 0; rt < w->t->target.nr; rt++) {
		const struct census *c = w->t->censuses[rt];

		for (size_t i = 0; i < c->nr_waits; i++)
			if (c->waits[i].kind == CENSUS_WAIT_MUTEX ||
			    c->waits[i].kind == CENSUS_WAIT_RWMUTEX)
				return true;
	}
	return false;
}

/*
 * Who holds the locks is read if there were waits for locks at two looks in succession: it costs more
 * than the look itself. That it cannot be read is no fault of the look.
 */
static void worker__read_locks(struct worker *w)
{
	const bool before = w->lock_waits;

	w->lock_waits = worker__lock_waits(w);
	if (before && w->lock_waits)
		w->has_locks = !job__run(contentions__job(&w->locks,
							  &(struct contention_opts){
								  .t = w->t, .depth = DEPTH }),
					 NULL, NULL);
}

/* --- requests --- */

static bool worker__serves_none(const struct worker *w)
{
	for (size_t rt = 0; rt < w->requests.nr; rt++)
		if (!w->requests.of[rt]->no_server)
			return false;
	return true;
}

static void worker__read_requests_anew(struct worker *w)
{
	struct cause why = { "" };

	snapshot_requests__done(&w->requests);
	if (snapshot__requests(w->t, &w->until, &w->requests, &why)) {
		log_debug("pid %d: %s", (int)w->pid, why.text);
		snapshot_requests__done(&w->requests);
		return;
	}
	w->serves_none = worker__serves_none(w);
	if (w->serves_none)
		snapshot_requests__done(&w->requests);
}

/*
 * They cost as much as the look, and more. Of a program that has not run since they are the same.
 * That they cannot be read is no fault of the look.
 */
static void worker__read_requests(struct worker *w)
{
	if (w->serves_none || w->pace_ns)
		return;
	if (w->t->rested && w->requests.nr) {
		const uint64_t now = clock_now_ns();

		for (size_t rt = 0; rt < w->requests.nr; rt++)
			grequests__later(w->requests.of[rt], now - w->served_ns);
		w->served_ns = now;
		return;
	}
	worker__read_requests_anew(w);
	w->served_ns = clock_now_ns();
}

/* --- what the process says of itself --- */

static int worker__read_resource(struct worker *w, struct cause *why)
{
	const uint64_t now = clock_now_ns();

	if (w->pace_ns || (w->resource_ns && now - w->resource_ns < RESOURCE_NS))
		return 0;
	w->resource_ns = now;
	resource__done(&w->resource);
	return snapshot__resource(w->t, &w->resource, why);
}

/* --- what it tells of a look --- */

struct whole {
	const struct worker *w;
	const struct labelbook *labels;
};

static int put_look(void *ctx, struct factlog *f)
{
	const struct whole *of = ctx;
	const struct worker *w = of->w;
	int err = 0;

	for (uint16_t rt = 0; rt < w->t->target.nr && !err; rt++)
		err = factlog__look(f, 0, rt, w->t->wall_ns, w->t->censuses[rt], of->labels);
	for (uint16_t rt = 0; rt < w->t->target.nr && !err && w->has_locks; rt++) {
		const struct chans_source source = contention__source(&w->locks.of[rt]);

		err = factlog__waits(f, 0, rt, w->t->wall_ns, w->t->censuses[rt], &source);
	}
	for (uint16_t rt = 0; rt < w->requests.nr && !err; rt++)
		err = factlog__requests(f, 0, rt, w->t->wall_ns, w->t->censuses[rt],
					w->requests.of[rt]);
	return err;
}

static int worker__recording(const struct worker *w, const struct report_meta *meta,
			     struct told *look, struct cause *why)
{
	scoped(labelbook) labels = NULL;
	struct whole whole = { .w = w };
	const struct tell t = { .target = &w->t->target,
				.of = { .view = STORED_WHOLE_VIEW },
				.meta = meta,
				.put = put_look,
				.ctx = &whole };
	int err = labelbook__new(&labels);

	if (!err)
		err = snapshot__labels(w->t, labels, why);
	whole.labels = labels;
	return err ? cause__set(why, err, "out of memory") : tell_recording(&t, look, why);
}

struct sums {
	const struct snap *snap;
	uint32_t first_stack;
};

static int put_sums(void *ctx, struct factlog *f)
{
	const struct sums *s = ctx;

	return snap_facts__write_from(f, s->snap, s->first_stack);
}

/*
 * Every STORED_SUMS_NS, and at most once in a minute of the wall clock, so that numbers of stacks are of one recording;
 * of a very large target so seldom that it takes 1/STORED_SHARE of our time.
 */
static bool worker__sums_due(const struct worker *w, uint64_t unix_ns)
{
	return !w->pace_ns && clock_now_ns() >= w->sums_due_ns &&
	       stored_minute(unix_ns) != w->sums_minute;
}

/* Too many stacks to have numbers: they are not told. */
static int worker__sums(struct worker *w, struct dump *d, const struct report_meta *meta,
			uint64_t unix_ns, struct told *ret, struct cause *why)
{
	const uint64_t began = clock_now_ns();
	struct report_meta of_now = *meta;
	struct sums sums = { .first_stack = stored_first_stack(unix_ns) };
	const struct tell t = { .target = &w->t->target,
				.of = { .view = STORED_SUMS_VIEW },
				.meta = &of_now,
				.put = put_sums,
				.ctx = &sums };
	scoped(snap) snap = NULL;
	int err = dump__snap(d, PROFILE_ROOT_CREATED_BY, &snap);
	uint64_t took;

	of_now.wall_start_ns = unix_ns;
	sums.snap = snap;
	if (!err && snap->nr < STORED_STACKS - 2)
		err = tell_recording(&t, ret, why);
	w->sums_minute = stored_minute(unix_ns);
	took = (clock_now_ns() - began) * STORED_SHARE;
	/* looks come a little earlier or later than every 10 s */
	w->sums_due_ns = began + (took > STORED_SUMS_NS ? took : STORED_SUMS_NS) - NS_PER_SEC;
	return err;
}

/* What all of it says, so that nobody else has to read it for that. */
static int worker__digest(struct worker *w, const struct report_meta *meta, struct textbuf *to,
			  struct told *sums, struct cause *why)
{
	struct dump_input in = { .censuses = (const struct census *const *)w->t->censuses,
				 .namers = w->t->target.namers,
				 .nr = w->t->target.nr };
	const uint64_t unix_ns = clock_ns(CLOCK_REALTIME);
	struct digest digest = { .taken_ns = w->t->censuses[0]->taken_ns };
	scoped(dump) d = NULL;
	int err;

	if (w->requests.nr)
		in.requests = (const struct grequests *const *)w->requests.of;
	err = dump__new(&in, &(struct dump_opts){ .system = false }, &d);
	if (!err)
		err = dump_tally(d, clock_now_ns(), w->tally, &digest.look);
	if (!err)
		err = request_figures_of(d, &digest.requests);
	if (!err && worker__sums_due(w, unix_ns))
		err = worker__sums(w, d, meta, unix_ns, sums, why);
	digest.sums_unix_ns = sums->pw ? unix_ns : 0;
	resource__pack(&w->resource, &digest.resource);
	if (!err)
		digest__pack(&digest, to);
	err = err ? err : to->err;
	return err ? cause__set(why, err, "cannot count the goroutines: %s", strerror(-err)) : 0;
}

static void worker__dead(const struct worker *w, struct frame_figures *ret)
{
	struct census_dead dead = { .nr = 0 };

	for (size_t rt = 0; rt < w->t->target.nr; rt++)
		census_dead__add(&dead, &w->t->censuses[rt]->dead, !rt);
	ret->dead = dead.known ? dead.nr : FRAME_UNKNOWN;
	ret->dead_stack_bytes = dead.known ? dead.stack_bytes : FRAME_UNKNOWN;
}

static void worker__figures(const struct worker *w, struct frame_figures *ret)
{
	struct gschedlat latencies;

	*ret = (struct frame_figures){ .own_cpu_ns = clock_cpu_ns(),
				       .target_cpu_ns = proc__cpu_ns(w->t->target.proc) };
	if (!lifetotals__read(&w->lives, w->t, &ret->created, &ret->ended))
		ret->created = ret->ended = FRAME_UNKNOWN;
	worker__dead(w, ret);
	if (lifetotals__latencies(&w->lives, w->t, &latencies)) {
		memcpy(ret->latencies, latencies.counts, sizeof(ret->latencies));
		ret->latencies_ns = latencies.sum_ns;
		ret->latencies_known = 1;
	}
}

uint64_t worker_pace_ns(uint64_t cpu_ns)
{
	const uint64_t ns = cpu_ns < FRAME_REST_MOST_NS / WORKER_SHARE ? cpu_ns * WORKER_SHARE
								       : FRAME_REST_MOST_NS;

	return ns > WORKER_LOOK_NS ? ns : WORKER_LOOK_NS;
}

/* One that a person waits for takes half of our time at most. */
static void worker__plan(struct worker *w)
{
	const uint64_t least_ns = w->pace_ns ? 2 * (clock_now_ns() - w->began_ns)
					     : worker_pace_ns(clock_cpu_ns() - w->cpu_ns);

	if (w->next_ns < w->began_ns + least_ns)
		w->next_ns = w->began_ns + least_ns;
}

static int worker__tell(struct worker *w, struct cause *why)
{
	struct frame_figures figures;
	struct report_meta meta;
	struct textbuf digest;
	struct told look, sums;
	int err;

	told__init(&look);
	told__init(&sums);
	textbuf__init(&digest, NULL);
	worker__figures(w, &figures);
	snapshot__meta(w->t, &meta);
	meta.resource = &w->resource;
	err = worker__recording(w, &meta, &look, why);
	if (!err)
		err = worker__digest(w, &meta, &digest, &sums, why);
	worker__plan(w);
	figures.rest_ns = w->next_ns > clock_now_ns() ? w->next_ns - clock_now_ns() : 0;
	if (!err)
		err = tell_frame(&figures, &look, (struct frame_bytes){ digest.v, digest.nr },
				 (struct frame_bytes){ sums.pw, sums.len }, why);
	told__done(&look);
	told__done(&sums);
	textbuf__done(&digest);
	return err;
}

static int worker__look(struct worker *w, struct cause *why)
{
	const bool first = !w->t;
	int err;

	w->began_ns = clock_now_ns();
	w->cpu_ns = clock_cpu_ns();
	w->next_ns = w->began_ns + (w->pace_ns ? w->pace_ns : WORKER_LOOK_NS);
	w->until = deadline_in(WORKER_READ_NS, NULL);
	err = w->t ? snapshot__again(w->t, DEPTH, why)
		   : snapshot__new(w->pid, DEPTH, &w->until, &w->t, why);
	if (!err && first)
		lifetotals__find(&w->lives, w->t);
	if (!err)
		w->t->wall_ns =
			clock_ns(CLOCK_REALTIME) - (clock_now_ns() - w->t->censuses[0]->taken_ns);
	if (!err) {
		worker__read_locks(w);
		worker__read_requests(w);
		err = worker__read_resource(w, why);
	}
	if (!err) {
		err = worker__tell(w, why);
		contentions__done(&w->locks);
		w->has_locks = false;
	}
	if (!err && !w->pace_ns)
		restraint__give_way(w->t->target.gp, w->t->target.proc);
	(void)malloc_trim(0); /* there are many of us, and each rests nearly all the time */
	return err ? err : JOB_GOES_ON;
}

static int worker__start(void *self, struct cause *why)
{
	return worker__look(self, why);
}

static struct job_due worker__due(const void *self)
{
	return (struct job_due){ ((const struct worker *)self)->next_ns, NULL };
}

static size_t worker__fds(const void *self, struct pollfd *ret, size_t most)
{
	const struct worker *w = self;

	(void)most; /* two */
	ret[0] = (struct pollfd){ .fd = proc__pidfd(w->t->target.proc), .events = POLLIN };
	ret[1] = (struct pollfd){ .fd = STDOUT_FILENO }; /* POLLERR: nobody reads any more */
	return 2;
}

/* It ended, or became another program. */
static bool worker__target_over(const struct worker *w)
{
	return w->t && (!proc__alive(w->t->target.proc) || proc__executed(w->t->target.proc));
}

static int worker__step(void *self, struct cause *why)
{
	struct worker *w = self;
	struct pollfd reader = { .fd = STDOUT_FILENO };

	if (worker__target_over(w))
		return JOB_OVER;
	if (poll(&reader, 1, 0))
		return -EPIPE;
	return clock_now_ns() < w->next_ns ? JOB_GOES_ON : worker__look(w, why);
}

/* What is beyond it is "Cannot allocate memory", and no harm to others. */
static void bound_memory(void)
{
#ifndef __SANITIZE_ADDRESS__ /* its shadow would count */
	(void)setrlimit(RLIMIT_DATA, &(struct rlimit){ WORKER_BYTES_MAX, WORKER_BYTES_MAX });
#endif
}

void become_worker(const char *command, pid_t pid, uint32_t number, uint32_t events, int to)
{
	char text[16], third[16], last[16], self[] = "/proc/self/exe",
					    format[] = { (char)('0' + log_format()), '\0' };
	const char *argv[WORKER_ARGS + 1] = {
		"parkwatch", command, text, format, third, last, NULL
	};
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	snprintf(text, sizeof(text), "%d", (int)pid);
	snprintf(third, sizeof(third), "%" PRIu32, number);
	snprintf(last, sizeof(last), "%" PRIu32, events);
	if (dup2(to, STDOUT_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0U, 0))
		_exit(1);
	execv(self, (char **)(uintptr_t)argv);
	_exit(1);
}

pid_t worker_begin(int argc, char **argv, uint64_t *ret_s)
{
	const pid_t pid = argc == WORKER_ARGS ? atoi(argv[2]) : 0;

	if (argc == WORKER_ARGS) {
		log_set_format((enum log_format)atoi(argv[3]));
		if (ret_s)
			*ret_s = strtoul(argv[4], NULL, 10);
	}
	if (pid <= 0 || (ret_s && !*ret_s) || isatty(STDOUT_FILENO)) {
		log_error("'%s' is started by 'parkwatch serve' alone", argv[1]);
		return 0;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	bound_memory();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN); /* who started it says when it ends */
	signal(SIGHUP, SIG_IGN);
	return pid;
}

void worker_goes_on(void *until_ns)
{
	const uint64_t *until = until_ns, now = clock_now_ns(),
		       left_s = *until > now ? (*until - now) / NS_PER_SEC : 0;

	alarm(left_s < 1 ? 1 : left_s < WORKER_SILENT_S ? (unsigned int)left_s : WORKER_SILENT_S);
}

void worker_say(pid_t pid, int err, const char *what, const struct cause *why)
{
	if (err == -ENOMEM)
		log_warn("pid %d: %s with the %llu MB that may be used for it (%s)", (int)pid, what,
			 WORKER_BYTES_MAX >> 20, why->text);
	else if (err && err != -ESRCH && err != -EPIPE)
		log_warn("pid %d: %s: %s", (int)pid, what, why->text);
}

uint64_t worker_cpu_ns(void)
{
	struct rusage u;

	(void)getrusage(RUSAGE_CHILDREN, &u);
	return clock_cpu_ns() + (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NS_PER_SEC +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * NS_PER_US;
}

int worker_main(int argc, char **argv)
{
	static const struct job_ops ops = {
		.start = worker__start, .due = worker__due, .fds = worker__fds, .step = worker__step
	};
	struct worker w = { .pid = worker_begin(argc, argv, NULL) };
	struct cause why = { "" };
	int err;

	if (!w.pid)
		return 2;
	w.pace_ns = strtoul(argv[4], NULL, 10) * NS_PER_MS;
	w.requests.detail = strtoul(argv[5], NULL, 10) & WORKER_REQUEST_DETAIL ? GREQUEST_PATHS
									       : GREQUEST_ROUTES;
	err = tally__new(&w.tally) ? cause__no_memory(&why) : 0;
	err = err ? err
		  : job__run((struct job){ .ops = &ops, .self = &w },
			     &(struct jobs_opts){ .turn_ns = WORKER_LOOK_NS }, &why);
	if (worker__target_over(&w))
		err = 0;
	else if (err == -ESRCH && w.until.hit) /* it does not end for that we have no time */
		err = cause__set(&why, -ETIMEDOUT, "its goroutines cannot be read within %d s",
				 (int)(WORKER_READ_NS / NS_PER_SEC));
	if (err && w.pace_ns)
		log_error("%s", why.text); /* top shows it */
	else
		worker_say(w.pid, err, "cannot be looked at", &why);
	tally__free(w.tally);
	snapshot_requests__done(&w.requests);
	resource__done(&w.resource);
	snapshot__free(w.t);
	return err && (err != -ESRCH || w.pace_ns);
}
