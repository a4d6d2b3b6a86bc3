/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "cli/commands.h"
#include "daemon/session.h"
#include "report/renderer.h"

static volatile sig_atomic_t stop_asked;

/* The first signal ends the recording, the second the program (SA_RESETHAND). */
static void on_signal(int sig)
{
	(void)sig;
	stop_asked = 1;
}

static void catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
	signal(SIGPIPE, SIG_IGN);	/* a reader that ends early is an error of writing, and is said */
}

static int choose_renderer(const struct opts *o, const struct renderer **ret)
{
	const struct renderer *r = NULL;
	const char *missing;

	if (o->format) {
		r = renderer_by_name(o->format);
		if (!r) {
			log_error("there is no format '%s'; see 'parkwatch record --help'", o->format);
			return 2;
		}
	} else if (o->output) {
		r = renderer_by_path(o->output);
	}
	if (!r)
		r = renderer_by_name("folded");
	missing = r->missing ? r->missing() : NULL;
	if (missing) {
		log_error("cannot write format %s: %s", r->name, missing);
		return 1;
	}
	if (r->binary && isatty(STDOUT_FILENO) && (!o->output || !strcmp(o->output, "-"))) {
		log_error("format %s is not for a terminal; give -o FILE", r->name);
		return 2;
	}
	*ret = r;
	return 0;
}

struct progress_line {
	const struct opts *o;
	bool tty, begun;
};

static void show_progress(void *ctx, const struct session_progress *p)
{
	struct progress_line *l = ctx;
	char of[32] = "";

	if (l->o->duration_ns)
		snprintf(of, sizeof(of), " of %.3g s", (double)l->o->duration_ns / NS_PER_SEC);
	if (log_level() < LOG_INFO)
		return;
	if (l->tty)
		fprintf(stderr, "\rparkwatch: recording pid %d: %.1f s%s, %llu events, %llu lost ", l->o->pid,
			(double)p->elapsed_ns / NS_PER_SEC, of, (unsigned long long)p->events, (unsigned long long)p->lost);
	else if (!l->begun)
		log_info("recording pid %d%s%s", l->o->pid, of[0] ? " for" : "", of[0] ? of + 3 : "");
	l->begun = true;
}

/* "cost 0.8 % of the target's CPU time (250000 hits x 620 ns = 0.155 s of 19.4 s)" */
static void describe_cost(const struct session_end *e, char *text, size_t size)
{
	if (e->cost_ns < 0)
		snprintf(text, size, "cost not measured, %llu hits", (unsigned long long)e->hits);
	else if (!e->cpu_ns)
		snprintf(text, size, "cost %.3g s (%llu hits); the target used no CPU time", e->cost_ns / NS_PER_SEC,
			 (unsigned long long)e->hits);
	else
		snprintf(text, size, "cost %.2g %% of the target's CPU time (%llu hits x %.0f ns = %.3g s of %.3g s)",
			 100 * e->cost_ns / (double)e->cpu_ns, (unsigned long long)e->hits,
			 e->hits ? e->cost_ns / (double)e->hits : 0, e->cost_ns / NS_PER_SEC, (double)e->cpu_ns / NS_PER_SEC);
}

static void say_end(const struct session_end *e, const struct snap *snap, const char *cost)
{
	if (e->target_ended)
		log_info("the program ended after %.1f s; this is what was seen until then",
			 (double)e->duration_ns / NS_PER_SEC);
	if (e->lost)
		log_warn("lost: %s", e->losses);
	if (snap->stacks_lost)
		log_warn("%llu events have no stack, because its record was lost", (unsigned long long)snap->stacks_lost);
	if (!snap->nr)
		log_warn("nothing was seen: no stack in the result");
	log_info("%llu events, %llu lost; %s", (unsigned long long)e->events, (unsigned long long)e->lost, cost);
}

static int write_report(const struct opts *o, struct session *s, const struct session_end *e,
			const struct renderer *r, struct outfile *out, struct cause *why)
{
	struct namer namers[GOPROC_RUNTIMES_MAX];
	scoped(snap) snap = NULL;
	struct report_meta meta;
	char cost[160];
	int err;

	err = session__snap(s, &snap);
	if (err)
		return cause__set(why, err, "cannot put the report together: %s", strerror(-err));
	describe_cost(e, cost, sizeof(cost));
	session__meta(s, e, &meta);
	meta.cost = cost;
	err = r->render(&(struct report){ .snap = snap, .meta = &meta, .namers = namers,
					  .nr_namers = session__namers(s, namers), .full = o->full },
			outfile__stream(out), why);
	if (!err)
		err = outfile__commit(out, why);
	if (err)
		return cause__set(why, err, "cannot write the report: %s", strerror(-err));
	say_end(e, snap, cost);
	return 0;
}

static int record(const struct opts *o, const struct renderer *r, struct cause *why)
{
	const struct session_opts so = {
		.pid = o->pid,
		.profile = { .event = (enum profile_event)o->event, .root = (enum profile_root)o->root, .async = o->async },
		.transport = o->transport, .way = (enum attach_way)o->way, .goids = o->goids, .nr_goids = o->nr_goids,
		.min_wait_ns = o->min_wait_ns, .depth = (unsigned int)o->depth, .ring_bytes = (uint32_t)o->ring_bytes,
		.system = o->system, .no_cost = o->no_cost,
	};
	struct progress_line line = { .o = o, .tty = isatty(STDERR_FILENO) };
	scoped(outfile) out = NULL;
	scoped(session) s = NULL;
	struct session_end end;
	int err;

	err = outfile__open(o->output, &out, why);
	if (!err)
		err = session__open(&so, &s, why);
	if (!err)
		err = session__record(s, o->duration_ns, &stop_asked, show_progress, &line, &end, why);
	if (line.tty && line.begun)
		fputs("\r\033[K", stderr);
	return err ? err : write_report(o, s, &end, r, out, why);
}

int cmd_record(const struct opts *o)
{
	const struct renderer *r = NULL;
	struct cause why = { "" };
	int err;

	err = choose_renderer(o, &r);
	if (err)
		return err;
	catch_signals();
	err = record(o, r, &why);
	if (!err)
		return 0;
	log_error("%s", why.text[0] ? why.text : strerror(-err));
	return 1;
}
