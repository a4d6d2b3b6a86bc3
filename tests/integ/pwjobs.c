/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pwjobs: two jobs on one process in one loop (engine/job), for jobs.py: a watch for leaks, and a
 * recording of which every event counts. They share their probes.
 *
 *	pwjobs PID SECONDS EVENT FIRST RECORD [twice|limited]	three parts, with a line "---" in between: the leaks
 *						as JSON, "NAME VALUE" lines of both, the recording
 *						as folded stacks
 *
 * EVENT: births, exits, sched, blocked, or waits: blocked, each wait by itself. FIRST, "watch" or "record": which has its probes first, and
 * begins first. RECORD: how many seconds the recording takes. SIGINT ends it early. When both go on
 * it says so, and when one does. twice: there is a recording before that, which nobody gets. limited: what its
 * probes may cost.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/notes.h"
#include "engine/session.h"
#include "engine/target.h"
#include "engine/watch.h"
#include "format/format.h"
#include "probe/probe_holder.h"

#define DEPTH      64
#define LIMIT      0.01 /* of the target's CPU time */
#define MIN_AGE_NS NS_PER_SEC
#define MIN_COUNT  2

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void show_note(enum log_level level, const char *text)
{
	(void)level;
	fprintf(stderr, "%s\n", text);
}

struct told {
	struct job jobs[2];
	int go_on; /* as was said last */
};

static void tell(void *ctx)
{
	struct told *t = ctx;
	const int go_on = t->jobs[0].goes_on + t->jobs[1].goes_on;

	if (go_on != t->go_on)
		fputs(go_on == 2 ? "both go on\n" : "one goes on\n", stderr);
	t->go_on = go_on;
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
			  const struct session_end *s, uint64_t began_unix_ns)
{
	printf("---\ngap_ns %llu\nwatch_lost %llu\nlost %llu\nwatch_hits %llu\nhits %llu\n"
	       "events %llu\nbegan_unix_ns %llu\nrecorded_ns %llu\nexact_ns %llu\nown_ns "
	       "%llu\ncpu_ns %llu\n"
	       "losses %s\nno_lives %s\ncode_left %s%s\n---\n",
	       (unsigned long long)s->gap_ns, (unsigned long long)w->lost,
	       (unsigned long long)s->lost, (unsigned long long)w->hits,
	       (unsigned long long)s->hits, (unsigned long long)s->events,
	       (unsigned long long)began_unix_ns, (unsigned long long)s->duration_ns,
	       (unsigned long long)s->exact_ns, (unsigned long long)s->own_ns,
	       (unsigned long long)clock_cpu_ns(), s->losses, no_lives ? no_lives : "",
	       s->code_left, w->code_left);
}

static int print_recording(struct session *s, const struct session_end *end, struct cause *why)
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

struct asked {
	pid_t pid;
	uint64_t duration_ns, record_ns;
	enum profile_event event;
	bool single_events, record_first, twice, limited;
};

static int open_watch(const struct asked *a, struct shared_probes *shared, struct watch **ret,
		      struct cause *why)
{
	const struct watch_opts o = {
		.pid = a->pid, .duration_ns = a->duration_ns, .depth = DEPTH, .shared = shared
	};

	return watch__open(&o, &stop, ret, why);
}

static int open_session(const struct asked *a, struct shared_probes *shared, struct session **ret,
			struct cause *why)
{
	const struct session_opts o = { .pid = a->pid,
					.stop = &stop,
					.profile = { .event = a->event },
					.transport = -1,
					.attach = ATTACH_AUTO,
					.depth = DEPTH,
					.ring_bytes = PW_RING_DEFAULT,
					.rate = 20,
					.single_events = a->single_events,
					.max_overhead = a->limited ? LIMIT : 0,
					.shared = shared };

	return session__open(&o, ret, why);
}

static int print(struct watch *w, struct session *s, struct cause *why)
{
	struct session_end recorded;
	struct report_meta meta;
	struct watch_end watched;
	int err;

	watch__ended(w, &watched);
	session__ended(s, &recorded);
	err = print_leaks(w, &watched, why);
	if (err)
		return err;
	session__meta(s, &recorded, &meta);
	print_numbers(&watched, watch__lives_why(w), &recorded, meta.wall_start_ns);
	return print_recording(s, &recorded, why);
}

/* In the same probes, and all that is left of it is in them. */
static int record_before(const struct asked *a, struct shared_probes *shared, struct session **s,
			 struct cause *why)
{
	const int err = job__run(session__job(*s, a->record_ns), NULL, why);

	session__free(*s);
	*s = NULL;
	return err ? err : open_session(a, shared, s, why);
}

static int run_both(const struct asked *a, struct shared_probes *shared, struct cause *why)
{
	scoped(session) s = NULL;
	scoped(watch) w = NULL;
	struct told told = { .go_on = 0 };
	struct job *const jobs = told.jobs;
	int err = a->record_first ? open_session(a, shared, &s, why) : 0;

	if (!err)
		err = open_watch(a, shared, &w, why);
	if (!err && !s)
		err = open_session(a, shared, &s, why);
	if (!err && a->twice)
		err = record_before(a, shared, &s, why);
	if (err)
		return err;
	jobs[a->record_first] = watch__job(w);
	jobs[!a->record_first] = session__job(s, a->record_ns);
	err = jobs__run(jobs, 2,
			&(struct jobs_opts){ .stop = &stop, .progress = tell, .ctx = &told });
	return err ? cause__set(why, err, "%s%s", jobs[0].why.text, jobs[1].why.text)
		   : print(w, s, why);
}

static int run(const struct asked *a, struct cause *why)
{
	struct deadline until = deadline_in(60 * NS_PER_SEC, &stop);
	struct shared_probes shared = { .nr = 0 };
	struct target t;
	int err = target__open(&t, a->pid, &until, why);

	if (err)
		return err;
	shared.proc = t.proc;
	shared.gp = t.gp;
	err = run_both(a, &shared, why);
	target__close(&t);
	return err;
}

static enum profile_event event_by_name(const char *name)
{
	return !strcmp(name, "exits")                               ? PROFILE_EXITS
	       : !strcmp(name, "sched")                             ? PROFILE_SCHED
	       : !strcmp(name, "blocked") || !strcmp(name, "waits") ? PROFILE_BLOCKED
								    : PROFILE_BIRTHS;
}

int main(int argc, char **argv)
{
	struct cause why = { "" };
	int err;

	if (argc == 2 && !strcmp(argv[1], PROBE_HOLDER_COMMAND))
		return probe_holder_main();
	if (argc != 6 && argc != 7) {
		fputs("usage: pwjobs PID SECONDS EVENT FIRST RECORD [twice|limited]\n", stderr);
		return 2;
	}
	signal(SIGINT, on_signal);
	notes_show(show_note);
	err = run(&(struct asked){ .pid = atoi(argv[1]),
				   .duration_ns = (uint64_t)atoi(argv[2]) * NS_PER_SEC,
				   .record_ns = (uint64_t)atoi(argv[5]) * NS_PER_SEC,
				   .event = event_by_name(argv[3]),
				   .single_events = !strcmp(argv[3], "waits"),
				   .record_first = !strcmp(argv[4], "record"),
				   .twice = argc == 7 && !strcmp(argv[6], "twice"),
				   .limited = argc == 7 && !strcmp(argv[6], "limited") },
		  &why);
	if (err)
		fprintf(stderr, "pwjobs: %s: %s\n", why.text, strerror(-err));
	return err ? 1 : 0;
}
