/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "base/percent.h"
#include "cli/begin.h"
#include "cli/busy.h"
#include "cli/commands.h"
#include "cli/fate.h"
#include "cli/filters.h"
#include "cli/format.h"
#include "cli/of_requests.h"
#include "cli/save.h"
#include "cli/show.h"
#include "cli/stop.h"
#include "cli/timeline.h"
#include "engine/launch.h"
#include "engine/session.h"
#include "engine/wanted.h"
#include "model/event_log.h"
#include "model/snap_facts.h"
#include "model/timeline_facts.h"
#include "model/wall.h"

#define MOST_NS (180 * NS_PER_SEC) /* beyond the duration, with opening */
/*
 * that the report may take after a signal, which may be its only end: a million open waits take
 * some
 */
#define AFTER_NS      (10 * NS_PER_SEC)
#define SNAPSHOT_TOLD 0.001 /* of the target's CPU time: less is not worth a word */

/* One that is written while it goes on. */
struct pw_out {
	struct outfile *to; /* borrowed; NULL: nobody asks for one */
	struct factlog *facts;
	struct event_log *events; /* single ones, and cuts; NULL: neither */
};

/* The report's own place, and what is beside it. */
struct pw_outs {
	struct pw_out v[2];
};

/* One target of a run. */
struct recorded {
	struct opts o; /* with its pid, and its files */
	char output[PATH_MAX], save[PATH_MAX];
	struct outfile *out, *saved;
	struct timeline *timeline; /* NULL: nobody asks for one */
	struct session *s;
	struct pw_outs pws;
	struct report_meta meta;
	struct session_end end;
	struct fate *fate;
};

struct progress_line {
	const struct opts *o;
	const struct recorded *v;
	size_t nr;
	struct launch *started; /* NULL: none */
	bool tty, begun;
};

/* "pid 812", "pids 812, 813" */
static const char *whose(const struct progress_line *l, char *text, size_t size)
{
	size_t used = (size_t)snprintf(text, size, "pid%s ", l->nr > 1 ? "s" : "");

	for (size_t i = 0; i < l->nr && used < size; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%d", i ? ", " : "",
					 l->v[i].o.pid);
	return text;
}

static void show_progress(void *ctx)
{
	struct progress_line *l = ctx;
	struct session_progress all = { 0 };
	char of[32] = "", pids[128];

	for (size_t i = 0; i < l->nr; i++) {
		struct session_progress p;

		session__progress(l->v[i].s, &p);
		if (!p.elapsed_ns)
			return;
		all.elapsed_ns = p.elapsed_ns;
		all.events += l->o->no_probes ? p.looks : p.events;
		all.lost += p.lost;
	}
	if (l->started)
		launch__go_on(l->started);
	if (log_level() < LOG_INFO)
		return;
	whose(l, pids, sizeof(pids));
	if (l->o->duration_ns)
		snprintf(of, sizeof(of), " of %.3g s", (double)l->o->duration_ns / NS_PER_SEC);
	if (l->tty)
		fprintf(stderr, "\rparkwatch: recording %s: %.1f s%s, %llu %s, %llu lost ", pids,
			(double)all.elapsed_ns / NS_PER_SEC, of, (unsigned long long)all.events,
			l->o->no_probes ? "looks" : "events", (unsigned long long)all.lost);
	else if (!l->begun)
		log_info("recording %s%s%s", pids, of[0] ? " for" : "", of[0] ? of + 3 : "");
	l->begun = true;
}

/*
 * "cost 0.8 % of the target's CPU time (250000 hits x 620 ns + 1 x 1 ms to attach = 0.156 s of 19.4
 * s)"
 */
static void describe_probes(const struct session_end *e, char *text, size_t size)
{
	const double hits = (double)e->hits,
		     all = e->cost_ns + (double)e->attached * GOVERNOR_LINKS_NS;
	char of[PERCENT_BYTES];

	if (e->cost_ns < 0)
		snprintf(text, size, "cost not measured, %llu hits", (unsigned long long)e->hits);
	else if (!e->cpu_ns)
		snprintf(text, size, "cost %.3g s (%llu hits); the target used no CPU time",
			 all / NS_PER_SEC, (unsigned long long)e->hits);
	else if (e->call_hits)
		snprintf(text, size,
			 "cost %s %% of the target's CPU time (%llu samples + %llu hits of system "
			 "calls + %u x %.0f ms to attach = %.3g s of %.3g s)",
			 percent_text(100 * all / (double)e->cpu_ns, of),
			 (unsigned long long)e->hits, (unsigned long long)e->call_hits, e->attached,
			 GOVERNOR_LINKS_NS / NS_PER_MS, all / NS_PER_SEC,
			 (double)e->cpu_ns / NS_PER_SEC);
	else if (!e->attached)
		snprintf(text, size,
			 "cost %s %% of the target's CPU time (%llu samples x %.0f ns = %.3g s of "
			 "%.3g s)",
			 percent_text(100 * all / (double)e->cpu_ns, of),
			 (unsigned long long)e->hits, e->hits ? e->cost_ns / hits : 0,
			 all / NS_PER_SEC, (double)e->cpu_ns / NS_PER_SEC);
	else
		snprintf(text, size,
			 "cost %s %% of the target's CPU time (%llu hits x %.0f ns + %u x %.0f "
			 "ms to attach = %.3g s of %.3g s)",
			 percent_text(100 * all / (double)e->cpu_ns, of),
			 (unsigned long long)e->hits, e->hits ? e->cost_ns / hits : 0, e->attached,
			 GOVERNOR_LINKS_NS / NS_PER_MS, all / NS_PER_SEC,
			 (double)e->cpu_ns / NS_PER_SEC);
}

/* What the target paid, and what parkwatch used itself meanwhile. */
static void describe_cost(const struct opts *o, const struct session_end *e, char *text,
			  size_t size)
{
	const bool took = e->cpu_ns && e->taken_ns >= SNAPSHOT_TOLD * (double)e->cpu_ns;
	char of[PERCENT_BYTES];
	size_t used;

	if (o->no_probes)
		snprintf(text, size, "%s",
			 took ? "no probes: its memory was read"
			      : "no cost to the target: its memory was read");
	else
		describe_probes(e, text, size);
	used = strlen(text);
	used += (size_t)snprintf(text + used, size - used, "; our own: %s %% of a processor",
				 percent_text(e->duration_ns ? 100 * (double)e->own_ns /
								       (double)e->duration_ns
							     : 0.0,
					      of));
	if (took)
		snprintf(text + used, size - used,
			 ", which took %s %% of the target's CPU time from it",
			 percent_text(100 * e->taken_ns / (double)e->cpu_ns, of));
}

/* Which part of the time is exact, and what the rest is estimated from. */
static void say_estimate(const struct session_end *e)
{
	const double rest = (double)(e->duration_ns - e->exact_ns) / NS_PER_SEC;
	char exact[64] = "", windows[64] = "", looks[64] = "";

	if (e->exact_ns)
		snprintf(exact, sizeof(exact), "the first %.3g s are exact, the rest is ",
			 (double)e->exact_ns / NS_PER_SEC);
	if (e->windows)
		snprintf(windows, sizeof(windows), "%u windows%s", e->windows,
			 e->looks ? " and " : "");
	if (e->looks)
		snprintf(looks, sizeof(looks), "%u looks", e->looks);
	log_info("%sestimated from %s%s, %.3g a second", exact, windows, looks,
		 rest > 0 ? (double)(e->windows + e->looks) / rest : 0.0);
}

/* Time in which nobody was in charge of the probes. */
static void say_gap(const struct session_end *e, enum profile_event event)
{
	const double stopped = (double)(e->gap_ns - e->held_ns) / NS_PER_SEC,
		     held = (double)e->held_ns / NS_PER_SEC;

	if (e->gap_ns > e->held_ns)
		log_warn("parkwatch was stopped for %.1f s: its probes were out, that time is not "
			 "recorded",
			 stopped);
	if (e->held_ns)
		log_warn("parkwatch was held up for %.1f s: its probes were out, that time is not "
			 "recorded",
			 held);
	if (e->gap_missing > 0)
		log_warn("up to %lld %s happened meanwhile, which are missing",
			 (long long)e->gap_missing, report_event_name(event));
	if (e->gap_waits)
		log_warn("%llu waits were open then: they end there, and those that went on count "
			 "once more afterwards",
			 (unsigned long long)e->gap_waits);
}

/* Of event wall: the whole, and its four parts. */
static void say_states(const struct snap *snap)
{
	double s[WALL_STATES] = { 0 }, error[WALL_STATES] = { 0 };
	uint64_t samples = 0;
	char calls[64] = "";

	for (size_t i = 0; i < snap->nr; i++) {
		const struct snap_row *row = &snap->rows[i];
		const enum wall_state state = wall_state_of(row->reason);

		s[state] += (double)row->value / NS_PER_SEC;
		error[state] = hypot(error[state], (double)row->error / NS_PER_SEC);
		samples +=
			state == WALL_RUNNING && row->own.state != SNAP_STACK_NONE ? row->count : 0;
	}
	if (snap->calls_known)
		snprintf(calls, sizeof(calls), " (%llu calls, each of them known)",
			 (unsigned long long)snap->calls);
	log_info("goroutines x time, estimated from looks: %.4g +- %.2g s: %.3g +- %.2g s running "
		 "(where: from %llu samples), %.3g +- %.2g s ready, %.4g +- %.2g s waiting, %.3g "
		 "+- %.2g s in system calls or C%s",
		 (double)snap->value / NS_PER_SEC, (double)snap->error / NS_PER_SEC,
		 s[WALL_RUNNING], error[WALL_RUNNING], (unsigned long long)samples, s[WALL_READY],
		 error[WALL_READY], s[WALL_WAITING], error[WALL_WAITING], s[WALL_SYSCALL],
		 error[WALL_SYSCALL], calls);
}

static void say_end(const struct opts *o, const struct session_end *e, const struct snap *snap,
		    const char *cost)
{
	if (e->target_ended)
		log_info("the program ended after %.1f s; this is what was seen until then",
			 (double)e->duration_ns / NS_PER_SEC);
	if (e->target_stopped)
		log_warn("the program is stopped (SIGSTOP or a debugger): those that waited did so "
			 "all the time");
	if (e->probes_killed)
		log_warn("somebody killed or stopped the probe holder (pw-holder): recording "
			 "ended after %.1f s",
			 (double)e->duration_ns / NS_PER_SEC);
	if (e->cut)
		log_warn("reading the goroutines took too long and was cut short: not all that was "
			 "there is in the result, which ends after %.1f s",
			 (double)e->duration_ns / NS_PER_SEC);
	say_gap(e, snap->event);
	if (e->lost)
		log_warn("lost: %s", e->losses);
	if (e->over_budget)
		log_warn("recording ended after %.3g s: more would cost more than --max-overhead "
			 "%.3g %% allows; 0 is no limit",
			 (double)e->duration_ns / NS_PER_SEC, o->max_overhead);
	if (snap->stacks_lost)
		log_warn("%llu events have no stack, because its record was lost",
			 (unsigned long long)snap->stacks_lost);
	if (e->stacks_cut)
		log_warn("%llu stacks are cut where they go on in code that is not Go",
			 (unsigned long long)e->stacks_cut);
	if (!snap->nr)
		log_warn("nothing was seen: no stack in the result");
	if (e->windows || e->looks)
		say_estimate(e);
	if (!o->no_probes && (o->nr_filters || o->nr_goids))
		log_info("%llu hits were not asked for: nothing was sent; %llu events were left "
			 "out by parkwatch",
			 (unsigned long long)e->filtered, (unsigned long long)e->unwanted);
	if (snap->event == PROFILE_CPU && snap->count)
		log_info("estimated from samples, of which each stands for %.3g ms: %.3g +- %.2g s "
			 "of "
			 "CPU time; the process used %.3g s",
			 (double)snap->value / (double)snap->count / NS_PER_MS,
			 (double)snap->value / NS_PER_SEC, (double)snap->error / NS_PER_SEC,
			 (double)e->cpu_ns / NS_PER_SEC);
	if (snap->event == PROFILE_WALL)
		say_states(snap);
	if (profile_root_is_of_requests(snap->root))
		of_requests_say(snap, e);
	if (o->no_probes)
		log_info("%s", cost);
	else
		log_info("%llu events, %llu lost; %s", (unsigned long long)e->events,
			 (unsigned long long)e->lost, cost);
}

/* --- recordings --- */

static void pw_outs__done(struct pw_outs *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(p->v); i++) {
		event_log__free(p->v[i].events);
		factlog__free(p->v[i].facts);
	}
}

static void tell_event(void *ctx, const struct row_key *key, uint64_t goid, uint64_t at_ns,
		       uint64_t value)
{
	const struct pw_outs *p = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(p->v); i++)
		if (p->v[i].events)
			event_log__add(p->v[i].events, key, goid, at_ns, value);
}

static void tell_cut(void *ctx, const struct profile_cut *c, const struct row_key *key,
		     uint64_t count, uint64_t value)
{
	const struct pw_outs *p = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(p->v); i++)
		if (p->v[i].events)
			event_log__cut(p->v[i].events, c, key, count, value);
}

/* meta: as far as it is known; borrowed until they are done. */
static int pw_outs__begin(struct pw_outs *p, const struct opts *o, struct session *s,
			  const struct report_meta *meta, bool single_events, struct cause *why)
{
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(p->v) && !err; i++) {
		struct pw_out *out = &p->v[i];

		if (!out->to)
			continue;
		err = save_begin(o, session__target(s), meta, outfile__stream(out->to), &out->facts,
				 why);
		if (!err)
			err = event_log__new(out->facts, session__profile(s),
					     single_events ? o->max_events : 0, &out->events);
	}
	if (!err && (p->v[0].to || p->v[1].to))
		session__tap(s, &(struct profile_tap){ single_events ? tell_event : NULL, tell_cut,
						       p });
	return err;
}

/* All that was counted, and who was there when it began, as far as somebody asked. */
static int save(const struct pw_out *p, const struct session *s, const struct session_end *e,
		const struct report *r, struct cause *why)
{
	const struct census *const *before = session__before(s);
	int err = 0;

	if (p->events)
		event_log__end(p->events, e->exact_until_ns);
	for (size_t rt = 0; rt < session__target(s)->nr && before && !err; rt++)
		err = factlog__look(p->facts, 0, (uint16_t)rt, r->meta->wall_start_ns, before[rt],
				    NULL);
	if (!err)
		err = snap_facts__write(p->facts, r->snap);
	if (!err && r->timeline)
		err = timeline_facts__write(p->facts, r->timeline, r->stacks);
	return save_end(p->facts, r->meta, err, why);
}

static int write_report(const struct opts *o, struct session *s, const struct session_end *e,
			const struct format *f, struct timeline *timeline, struct outfile *out,
			const struct pw_outs *saved, struct cause *why)
{
	const struct pw_out *own = &saved->v[0], *beside = &saved->v[1];
	struct namer namers[GOPROC_RUNTIMES_MAX];
	struct busy busy = { .snap = NULL };
	struct report shown, whole;
	scoped(snap) snap = NULL;
	struct report_meta meta;
	char cost[288];
	size_t nr;
	int err;

	err = session__snap(s, &snap);
	if (!err && timeline)
		err = timeline__order(timeline);
	if (err)
		return cause__set(why, err, "cannot put the report together: %s", strerror(-err));
	describe_cost(o, e, cost, sizeof(cost));
	session__meta(s, e, &meta);
	meta.cost = cost;
	stop_is_written();
	nr = session__namers(s, namers);
	shown = (struct report){ .snap = snap,
				 .meta = &meta,
				 .namers = namers,
				 .nr_namers = nr,
				 .timeline = timeline,
				 .stacks = profile__stacks(session__profile(s)),
				 .full = o->full };
	whole = shown;
	if (o->busy && !own->to)
		err = busy__leave_out_idle(&busy, &shown, why);
	if (!err)
		err = own->to ? save(own, s, e, &whole, why)
			      : format__write(f, VIEW_RECORDING,
					      &(struct shown){ .recording = shown },
					      outfile__stream(out), why);
	busy__done(&busy);
	stop_is_read();
	err = outfile__end(out, err, why);
	if (!err && beside->to)
		err = outfile__end(beside->to, save(beside, s, e, &whole, why), why);
	if (err)
		return cause__set(why, err, "cannot write the report: %s", strerror(-err));
	say_end(o, e, snap, cost);
	if (timeline)
		timeline_say(timeline, f);
	return 0;
}

/* Allocations are summed in the kernel; of looks there are none, and wall is made of these. */
static bool has_single_events(const struct opts *o, const struct format *f)
{
	return (o->save || f->kind == FORMAT_PW) && !o->no_probes && o->event != PROFILE_ALLOC &&
	       o->event != PROFILE_WALL && o->max_events;
}

static int session_of(const struct opts *o, const struct format *f, const struct filter *filter,
		      struct timeline *timeline, const volatile sig_atomic_t *stop,
		      struct session **ret, struct cause *why)
{
	const struct session_opts so = {
		.pid = o->pid,
		.stop = stop,
		.profile = { .event = (enum profile_event)o->event,
			     .root = of_requests_root(o, f),
			     .async = o->async,
			     .wakers = (uint32_t)o->chain },
		.alloc = (enum alloc_source)o->alloc,
		.transport = o->transport,
		.attach = (enum attach_method)o->attach,
		.goids = o->goids,
		.nr_goids = o->nr_goids,
		.filter = filter,
		.min_wait_ns = o->min_wait_ns,
		.depth = (unsigned int)o->depth,
		.ring_bytes = (uint32_t)o->ring_bytes,
		.system = o->system,
		.no_cost = o->no_cost,
		.max_overhead = o->max_overhead / 100,
		.no_probes = o->no_probes,
		.rate = (double)o->rate,
		.cpu_hz = (uint32_t)o->frequency,
		.keep_before = o->save || f->kind == FORMAT_PW,
		.single_events = has_single_events(o, f),
		.requests_apart = of_requests_apart(o, f),
		.requests_if_known = of_requests_if_known(o, f),
		.timeline = timeline,
	};

	return session__open(&so, ret, why);
}

/* --- several targets --- */

/* "a/blocked.pb.gz" of pid 812: "a/blocked-812.pb.gz" */
static int file_of(const char *path, int pid, char *ret, size_t size, struct cause *why)
{
	const char *name = strrchr(path, '/'), *suffix;
	size_t len;

	name = name ? name + 1 : path;
	suffix = strrchr(name, '.');
	if (suffix && !strcmp(suffix, ".gz") && suffix - name >= 3 &&
	    !strncmp(suffix - 3, ".pb", 3))
		suffix -= 3;
	len = suffix ? (size_t)(suffix - path) : strlen(path);
	if ((size_t)snprintf(ret, size, "%.*s-%d%s", (int)len, path, pid, path + len) >= size)
		return cause__set(why, -ENAMETOOLONG, "the name '%s' is too long", path);
	return 0;
}

static int recorded__name(struct recorded *r, bool alone, struct cause *why)
{
	int err = 0;

	if (alone)
		return 0;
	err = file_of(r->o.output, r->o.pid, r->output, sizeof(r->output), why);
	if (!err && r->o.save)
		err = file_of(r->o.save, r->o.pid, r->save, sizeof(r->save), why);
	r->o.output = r->output;
	r->o.save = r->o.save ? r->save : NULL;
	return err;
}

static int recorded__open(struct recorded *r, const struct format *f, const struct filter *filter,
			  const volatile sig_atomic_t *stop, struct cause *why)
{
	int err = outfile__open(r->o.output, r->o.mode, &r->out, why);

	if (!err)
		err = save_open(&r->o, &r->saved, why);
	if (!err)
		err = timeline_begin(&r->o, f, &r->timeline, why);
	if (!err)
		err = session_of(&r->o, f, filter, r->timeline, stop, &r->s, why);
	if (err)
		return err;
	r->pws.v[0].to = f->kind == FORMAT_PW ? r->out : NULL;
	r->pws.v[1].to = r->saved;
	session__meta(r->s, &r->end, &r->meta);
	return pw_outs__begin(&r->pws, &r->o, r->s, &r->meta, has_single_events(&r->o, f), why);
}

static void recorded__done(struct recorded *r)
{
	pw_outs__done(&r->pws);
	session__free(r->s);
	timeline__free(r->timeline);
	outfile__free(r->out);
	outfile__free(r->saved);
	fate__free(r->fate);
}

/* What it did, if its job did not fail with err. */
static int recorded__end(struct recorded *r, const struct format *f, int err, bool alone,
			 struct cause *why)
{
	if (err)
		return err;
	session__ended(r->s, &r->end);
	if (!alone)
		log_info("pid %d: %s", r->o.pid, r->o.output);
	err = write_report(&r->o, r->s, &r->end, f, r->timeline, r->out, &r->pws, why);
	if (!err && r->end.code_left[0])
		err = cause__set(why, -EUCLEAN, "%s", r->end.code_left);
	return err;
}

/* All begin, or none does. The end of one is not that of the others. Returns the exit status. */
static int record_all(struct recorded *v, size_t nr, const struct format *f,
		      const struct filter *filter, struct launch *started,
		      const volatile sig_atomic_t *stop)
{
	struct progress_line line = {
		.o = &v[0].o, .v = v, .nr = nr, .started = started, .tty = isatty(STDERR_FILENO)
	};
	struct job jobs[OPT_PIDS_MAX];
	_Static_assert(OPT_PIDS_MAX <= JOBS_MAX, "one loop runs them all");
	int failed = 0;

	for (size_t i = 0; i < nr; i++) {
		struct cause why = { "" };
		int err = recorded__name(&v[i], nr == 1, &why);

		v[i].fate = fate__begin(v[i].o.pid);
		if (!err)
			err = recorded__open(&v[i], f, filter, stop, &why);
		if (err)
			return fate_failed(v[i].fate, err, &why);
		jobs[i] = session__job(v[i].s, v[i].o.duration_ns);
	}
	(void)jobs__run(jobs, nr,
			&(struct jobs_opts){
				.stop = stop, .progress = show_progress, .ctx = &line });
	if (line.tty && line.begun)
		fputs("\r\033[K", stderr);
	for (size_t i = 0; i < nr; i++) {
		const int err = recorded__end(&v[i], f, jobs[i].err, nr == 1, &jobs[i].why);

		if (err)
			failed = fate_failed(v[i].fate, err, &jobs[i].why);
	}
	return failed;
}

/* The exit status. */
static int record(const struct opts *o, const struct format *f, const struct filter *filter,
		  struct launch *started, const volatile sig_atomic_t *stop)
{
	const size_t nr = o->nr_pids ? o->nr_pids : 1;
	scoped_mem struct recorded *v = calloc(nr, sizeof(*v));
	int status;

	if (!v) {
		log_error("out of memory");
		return 1;
	}
	for (size_t i = 0; i < nr; i++) {
		v[i].o = *o;
		v[i].o.pid = o->nr_pids ? o->pids[i] : o->pid;
		if (timeline_is_wanted(o, f))
			v[i].o.event = PROFILE_WAKEUPS;
	}
	status = record_all(v, nr, f, filter, started, stop);
	for (size_t i = 0; i < nr; i++)
		recorded__done(&v[i]);
	return status;
}

/* Events are of goroutines in one state: a filter that takes no such one leaves nothing. */
static int choose_wanted(const struct opts *o, struct filter **ret, struct cause *why)
{
	const char *state;
	int err = filters_make(o, ret, why);

	if (err || !*ret || wanted_state(*ret, (enum profile_event)o->event, &state))
		return err;
	return cause__set(why, -EINVAL,
			  "-e %s is of goroutines that are %s: --state leaves none of them; see "
			  "'parkwatch record --help'",
			  report_event_name((enum profile_event)o->event), state);
}

/* --- a program of our own --- */

/* Ours is its exit status; what ended it ends us. */
static int pass_on(int status)
{
	const struct rlimit none = { 0, 0 };

	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	setrlimit(RLIMIT_CORE, &none); /* that would be of us */
	signal(WTERMSIG(status), SIG_DFL);
	raise(WTERMSIG(status));
	return 128 + WTERMSIG(status);
}

/* The recording is over, and so is what we started for it, as far as it does not know. */
static int end_started(struct launch *l, bool asked)
{
	const bool knows = asked && stop_came_from_terminal();
	bool ended;
	int status;

	ended = launch__has_ended(l);
	if (!ended)
		log_info("the recording is over: pid %d %s", (int)launch__pid(l),
			 knows ? "has the signal too, and may end" : "gets SIGTERM");
	status = launch__end(l, ended || knows ? 0 : SIGTERM);
	return !ended && !asked ? 0 : pass_on(status);
}

static int record_started(const struct opts *o, const struct format *f, const struct filter *filter,
			  const volatile sig_atomic_t *stop)
{
	const struct launch_opts lo = {
		.argv = o->operands, .user = o->user, .undo = begin_undo, .stop = stop
	};
	scoped(launch) started = NULL;
	struct cause why = { "" };
	struct opts of = *o;
	int err = launch__new(&lo, &started, &why);

	if (err) {
		log_error("%s", why.text[0] ? why.text : strerror(-err));
		return 1;
	}
	of.pid = launch__pid(started);
	stop_is_of(of.pid);
	err = record(&of, f, filter, started, stop);
	if (err && launch__is_held(started)) /* it has not begun, and never will */
		return err;
	if (err)
		(void)launch__end(started, SIGTERM);
	return err ? err : end_started(started, *stop);
}

int cmd_record(const struct opts *o)
{
	const volatile sig_atomic_t *stop;
	const struct format *f = NULL;
	scoped(filter) filter = NULL;
	struct cause why = { "" };
	int err;

	err = format_choose(o, &f);
	if (err)
		return err;
	if (timeline_refuses(o, f) || of_requests_refuses(o, f))
		return 2;
	err = choose_wanted(o, &filter, &why);
	if (err) {
		log_error("%s", why.text[0] ? why.text : strerror(-err));
		return 2;
	}
	stop = stop_on_signals(o->pid, o->duration_ns ? o->duration_ns + MOST_NS : 0, AFTER_NS);
	if (o->nr_operands)
		return record_started(o, f, filter, stop);
	return record(o, f, filter, NULL, stop);
}
