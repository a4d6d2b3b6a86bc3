/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwjobs: two jobs on one process in one loop (engine/job), for jobs.py: a watch for leaks, and a
 * recording of births of which every one counts.
 *
 *	pwjobs PID SECONDS	three parts, with a line "---" in between: the leaks as JSON, "NAME
 *				VALUE" lines of both, the births as folded stacks
 *
 * SIGINT ends it early. When both go on it says so.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/session.h"
#include "engine/watch.h"
#include "format/format.h"
#include "probe/probe_holder.h"

#define DEPTH      64
#define MIN_AGE_NS NS_PER_SEC
#define MIN_COUNT  2

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void tell(void *ctx)
{
	bool *told = ctx;

	if (!*told)
		fputs("both go on\n", stderr);
	*told = true;
}

static int print_leaks(struct watch *w, const struct watch_end *end, struct cause *why)
{
	const struct verdict_opts vo = { .min_age_ns = MIN_AGE_NS,
					 .min_count = MIN_COUNT,
					 .min_more = VERDICT_MIN_MORE };
	struct report_meta meta;
	const struct leaks_show show = {
		.meta = &meta, .proof = { .doubt = end->doubt }, .suspects = true, .all = true
	};
	int err = leaks__finish(watch__leaks(w), &vo);

	if (err)
		return err;
	watch__meta(w, end, &meta);
	return format__write(format_by_name("json"), VIEW_LEAKS,
			     &(struct shown){ .leaks = { watch__leaks(w), &show } }, stdout, why);
}

static void print_numbers(const struct watch_end *w, const char *no_lives,
			  const struct session_end *s)
{
	printf("---\nwatch_lost %llu\nlost %llu\nevents %llu\nrecorded_ns %llu\nexact_ns "
	       "%llu\nown_ns %llu\ncpu_ns %llu\n"
	       "no_lives %s\ncode_left %s%s\n---\n",
	       (unsigned long long)w->lost, (unsigned long long)s->lost,
	       (unsigned long long)s->events, (unsigned long long)s->duration_ns,
	       (unsigned long long)s->exact_ns, (unsigned long long)s->own_ns,
	       (unsigned long long)clock_cpu_ns(), no_lives ? no_lives : "", s->code_left,
	       w->code_left);
}

static int print_births(struct session *s, const struct session_end *end, struct cause *why)
{
	struct namer namers[GOPROC_RUNTIMES_MAX];
	scoped(snap) snap = NULL;
	struct report_meta meta;
	int err = session__snap(s, &snap);

	if (err)
		return err;
	session__meta(s, end, &meta);
	return format__write(format_by_name("folded"), VIEW_RECORDING,
			     &(struct shown){
				     .recording = { .snap = snap,
						    .meta = &meta,
						    .namers = namers,
						    .nr_namers = session__namers(s, namers) } },
			     stdout, why);
}

static int run(pid_t pid, uint64_t duration_ns, struct cause *why)
{
	const struct watch_opts wo = { .pid = pid, .duration_ns = duration_ns, .depth = DEPTH };
	const struct session_opts so = { .pid = pid,
					 .stop = &stop,
					 .profile = { .event = PROFILE_BIRTHS },
					 .transport = -1,
					 .attach = ATTACH_AUTO,
					 .depth = DEPTH,
					 .ring_bytes = PW_RING_DEFAULT,
					 .rate = 20 };
	scoped(watch) w = NULL;
	scoped(session) s = NULL;
	struct watch_end watched;
	struct session_end recorded;
	struct job jobs[2];
	bool told = false;
	int err = watch__open(&wo, &stop, &w, why);

	if (!err)
		err = session__open(&so, &s, why);
	if (err)
		return err;
	jobs[0] = watch__job(w);
	jobs[1] = session__job(s, duration_ns);
	err = jobs__run(jobs, 2,
			&(struct jobs_opts){ .stop = &stop, .progress = tell, .ctx = &told });
	if (err)
		return cause__set(why, err, "%s%s", jobs[0].why.text, jobs[1].why.text);
	watch__ended(w, &watched);
	session__ended(s, &recorded);
	err = print_leaks(w, &watched, why);
	if (err)
		return err;
	print_numbers(&watched, watch__lives_why(w), &recorded);
	return print_births(s, &recorded, why);
}

int main(int argc, char **argv)
{
	struct cause why = { "" };
	int err;

	if (argc == 2 && !strcmp(argv[1], PROBE_HOLDER_COMMAND))
		return probe_holder_main();
	if (argc < 3) {
		fputs("usage: pwjobs PID SECONDS\n", stderr);
		return 2;
	}
	signal(SIGINT, on_signal);
	err = run(atoi(argv[1]), (uint64_t)atoi(argv[2]) * NS_PER_SEC, &why);
	if (err)
		fprintf(stderr, "pwjobs: %s: %s\n", why.text, strerror(-err));
	return err ? 1 : 0;
}
