// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/outfile.h"
#include "base/percent.h"
#include "cli/commands.h"
#include "cli/fate.h"
#include "cli/format.h"
#include "cli/save.h"
#include "cli/stop.h"
#include "engine/snapshot.h"
#include "engine/watch_report.h"
#include "format/leak_known.h"

#define EXIT_LEAKS 3
/* that the report may take after a signal; DEADLINE_STOP_NS of reading is in it */
#define AFTER_NS (900 * NS_PER_MS)

struct progress_line {
	const struct opts *o;
	const struct watch *w;
	bool tty, begun;
};

static void show_progress(void *ctx)
{
	struct progress_line *l = ctx;
	struct watch_progress p;

	if (log_level() < LOG_INFO)
		return;
	watch__progress(l->w, &p);
	if (l->tty)
		fprintf(stderr,
			"\rparkwatch: watching pid %d: %.1f s of %.3g s, %zu looks, %zu "
			"goroutines ",
			l->o->pid, (double)p.elapsed_ns / NS_PER_SEC,
			(double)l->o->duration_ns / NS_PER_SEC, p.looks, p.goroutines);
	else if (!l->begun)
		log_info("watching pid %d for %.3g s", l->o->pid,
			 (double)l->o->duration_ns / NS_PER_SEC);
	l->begun = true;
}

static void say_end(const struct watch_end *e, const volatile sig_atomic_t *stop,
		    const char *no_lives, const char *no_allocs, const char *no_requests)
{
	char of[PERCENT_BYTES];

	if (e->target_ended)
		log_info(
			"the program ended while it was watched; this is what was seen until then");
	if (e->cut)
		log_warn("reading was cut short %s: what is told is what was seen until then",
			 *stop ? "0.3 s after the signal" : "because it took too long");
	if (e->lost)
		log_warn("lost: %s", e->losses);
	if (e->doubt[0])
		log_info("the proof is not whole, and nothing that it left open is told as proven: "
			 "%s",
			 e->doubt);
	if (no_lives)
		log_info("births and exits are what the looks tell, not what probes saw: %s",
			 no_lives);
	if (no_allocs)
		log_info("what they allocate is not known: %s", no_allocs);
	if (no_requests)
		log_info("which requests they work for is not known: %s", no_requests);
	if (e->hits && e->cpu_ns)
		log_info("cost %s %% of the target's CPU time (%llu hits, %.3g s of %.3g s)",
			 percent_text(watch_end_cost_pct(e), of), (unsigned long long)e->hits,
			 e->cost_ns / NS_PER_SEC, (double)e->cpu_ns / NS_PER_SEC);
}

static int save_baseline(const struct opts *o, struct leaks *l, struct cause *why)
{
	scoped(outfile) out = NULL;
	int err;

	if (!o->save_baseline)
		return 0;
	err = outfile__open(o->save_baseline, o->mode, &out, why);
	if (err)
		return err;
	err = leak_known__save(l, o->suspects, outfile__stream(out), why);
	return outfile__end(out, err, why);
}

/*
 * The recordings that are asked for, as facts: the first look when it was taken, the last one and what
 * all looks told of it at the end, whatever is shown of that. [0] instead of the report, [1] beside it.
 */
struct saves {
	const struct opts *o;
	FILE *to[2]; /* borrowed; NULL: nobody asks */
	struct factlog *facts[2];
	struct report_meta meta; /* as far as it is known */
	int err;
	struct cause why;
};

static void saves__done(struct saves *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->facts); i++)
		factlog__free(s->facts[i]);
}

/* As watch_opts.began. */
static void saves__begin(void *ctx, struct watch *w)
{
	struct saves *s = ctx;

	watch__meta(w, &(struct watch_end){ 0 }, &s->meta);
	for (size_t i = 0; i < ARRAY_SIZE(s->to) && !s->err; i++) {
		if (!s->to[i])
			continue;
		s->err = save_begin(s->o, watch__target(w), &s->meta, s->to[i], &s->facts[i],
				    &s->why);
		if (!s->err)
			s->err = watch__log_look(w, 0, s->meta.wall_start_ns, s->facts[i]);
	}
}

static int saves__end(struct saves *s, size_t i, struct watch *w, const struct leaks_show *show,
		      struct cause *why)
{
	if (s->err)
		return cause__set(why, s->err, "%s",
				  s->why.text[0] ? s->why.text : strerror(-s->err));
	return save_end(s->facts[i], show->meta, watch__log(w, 1, show, s->facts[i]), why);
}

/* What was asked for, and all of it where it is to be saved. */
static int write_all(const struct opts *o, const struct format *f, struct watch *w,
		     const struct leaks_show *s, struct saves *saves, struct outfile *out,
		     struct outfile *saved, struct cause *why)
{
	int err;

	stop_is_written();
	err = f->kind == FORMAT_PW
		      ? saves__end(saves, 0, w, s, why)
		      : format__write(f, format_view(o),
				      &(struct shown){
					      .leaks = { .leaks = watch__leaks(w), .show = s } },
				      outfile__stream(out), why);
	stop_is_read();
	err = outfile__end(out, err, why);
	if (!err && saved)
		err = outfile__end(saved, saves__end(saves, 1, w, s, why), why);
	return err;
}

static int report(const struct opts *o, const struct format *f, struct watch *w,
		  const struct watch_end *e, const struct leak_known *known,
		  const volatile sig_atomic_t *stop, struct saves *saves, struct outfile *out,
		  struct outfile *saved, struct cause *why)
{
	const struct verdict_opts vo = {
		.min_age_ns = o->min_age_ns,
		.min_count = (uint32_t)o->min_count,
		.min_more = VERDICT_MIN_MORE,
		.min_per_min = (double)o->min_growth,
	};
	struct leaks *l = watch__leaks(w);
	struct leaks_show s;
	int err = watch__judge(w, &vo, o->suspects);

	if (!err)
		err = leak_known__mark(known, l);
	if (err)
		return cause__set(why, err, "cannot put the report together: %s", strerror(-err));
	watch__show(w, e, &saves->meta, &s);
	s.suspects = o->suspects;
	s.all = o->all;
	err = write_all(o, f, w, &s, saves, out, saved, why);
	if (!err)
		err = save_baseline(o, l, why);
	if (!err)
		say_end(e, stop, watch__lives_why(w), watch__allocs_why(w), watch__requests_why(w));
	return err;
}

static bool any_leak(const struct leaks *l, bool suspects)
{
	for (size_t i = 0; i < l->nr; i++)
		if (leak_entry__counts(&l->entries[i], suspects))
			return true;
	return false;
}

static int watch_it(const struct opts *o, struct watch *w, const volatile sig_atomic_t *stop,
		    struct watch_end *ret, struct cause *why)
{
	struct progress_line line = { .o = o, .w = w, .tty = isatty(STDERR_FILENO) };
	int err = job__run(watch__job(w),
			   &(struct jobs_opts){
				   .stop = stop, .progress = show_progress, .ctx = &line },
			   why);

	if (line.tty && line.begun)
		fputs("\r\033[K", stderr);
	if (!err)
		watch__ended(w, ret);
	return err;
}

/* *ret_found: there are leaks that nobody knows. */
static int leaks_into(const struct opts *o, const struct format *f, const struct leak_known *known,
		      const volatile sig_atomic_t *stop, struct saves *saves, struct outfile *out,
		      struct outfile *saved, bool *ret_found, struct cause *why)
{
	const struct watch_opts wo = {
		.pid = o->pid,
		.duration_ns = o->duration_ns,
		.depth = (unsigned int)o->depth,
		.proof_ns = o->proof_ns,
		.max_overhead = o->max_overhead / 100,
		.no_probes = o->no_probes,
		.no_cost = o->no_cost,
		.detail = (uint8_t)opts_detail(o),
		.began = saves__begin,
		.ctx = saves,
	};
	scoped(watch) w = NULL;
	struct watch_end end;
	int err = watch__open(&wo, stop, &w, why);

	if (!err)
		err = watch_it(o, w, stop, &end, why);
	if (!err)
		err = report(o, f, w, &end, known, stop, saves, out, saved, why);
	saves__done(saves); /* they name by what the watch has */
	if (!err && end.code_left[0])
		err = cause__set(why, -EUCLEAN, "%s", end.code_left);
	if (!err)
		*ret_found = any_leak(watch__leaks(w), o->suspects);
	return err;
}

static int leaks(const struct opts *o, const struct format *f, const struct leak_known *known,
		 const volatile sig_atomic_t *stop, bool *ret_found, struct cause *why)
{
	struct saves saves = { .o = o };
	scoped(outfile) saved = NULL;
	scoped(outfile) out = NULL;
	int err = outfile__open(o->output, o->mode, &out, why);

	if (!err)
		err = save_open(o, &saved, why);
	if (err)
		return err;
	saves.to[0] = f->kind == FORMAT_PW ? outfile__stream(out) : NULL;
	saves.to[1] = saved ? outfile__stream(saved) : NULL;
	return leaks_into(o, f, known, stop, &saves, out, saved, ret_found, why);
}

/* What is not to be told again. */
static int read_known(const struct opts *o, struct leak_known **ret, struct cause *why)
{
	scoped(leak_known) k = NULL;
	int err = leak_known__new(&k);

	if (!err && o->allow)
		err = leak_known__allow(k, o->allow, why);
	if (!err && o->baseline)
		err = leak_known__baseline(k, o->baseline, why);
	if (!err)
		*ret = steal(k);
	return err;
}

int cmd_leaks(const struct opts *o)
{
	scoped(leak_known) known = NULL;
	scoped(fate) target = NULL;
	struct cause why = { "" };
	const volatile sig_atomic_t *stop;
	const struct format *f = NULL;
	bool found = false;
	int err = format_choose(o, &f);

	if (err)
		return err;
	stop = stop_on_signals(o->pid, 3 * SNAPSHOT_MOST_NS + o->duration_ns + o->proof_ns,
			       AFTER_NS);
	target = fate__begin(o->pid);
	err = read_known(o, &known, &why);
	if (!err)
		err = leaks(o, f, known, stop, &found, &why);
	if (!err)
		return found ? EXIT_LEAKS : 0;
	return fate_failed(target, err, &why);
}
