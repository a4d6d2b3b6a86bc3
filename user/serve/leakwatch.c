// SPDX-License-Identifier: BSD-2-Clause
#include "serve/leakwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "format/format.h"
#include "serve/lines.h"
#include "view/replay.h"

void leakwatch__init(struct leakwatch *w, uint64_t now_ns)
{
	*w = (struct leakwatch){ .plan = { .found_ns = now_ns }, .from = { .fd = -1 } };
}

void leakwatch__done(struct leakwatch *w)
{
	frame_reader__close(&w->from);
	free(w->report);
}

void leakwatch__begin(struct leakwatch *w, uint64_t now_ns)
{
	leak_plan__begin(&w->plan, now_ns);
	w->watches++;
}

static void leakwatch__fail(struct leakwatch *w)
{
	frame_reader__close(&w->from);
	leak_plan__fail(&w->plan);
	w->failed++;
}

void leakwatch__attach(struct leakwatch *w, int fd)
{
	if (fd >= 0)
		frame_reader__open(&w->from, fd, LEAK_REPORT_BYTES_MAX);
	else if (w->plan.running)
		leakwatch__fail(w);
}

/* --- a report --- */

struct opened {
	struct replay *replay;
	struct replay_look look; /* borrowed by leaks */
	struct leaks *leaks;
	struct leaks_show show;
};

static void opened__done(struct opened *o)
{
	leaks__free(o->leaks);
	replay__free(o->replay);
}

/* bytes: borrowed for the call. o is to be done, whatever comes of it. */
static int opened__read(struct opened *o, const char *bytes, size_t len, struct cause *why)
{
	int err = replay__of_bytes(bytes, len, "a report", &o->replay, why);

	if (!err && (!o->replay->has_meta || !leaks_facts__has(o->replay->leaks) ||
		     !replay__look(o->replay, &o->look)))
		err = cause__set(why, -EBADMSG, "it does not tell what leaks");
	if (err)
		return err;
	err = leaks_facts__leaks(o->replay->leaks, &o->look.in, &o->leaks, &o->show, why);
	o->show.meta = &o->replay->meta;
	return err;
}

int leakwatch_report(const char *bytes, size_t len,
		     int (*use)(struct leaks *l, const struct leaks_show *s, void *ctx), void *ctx,
		     struct cause *why)
{
	struct opened o = { .replay = NULL };
	int err = opened__read(&o, bytes, len, why);

	if (!err)
		err = use(o.leaks, &o.show, ctx);
	opened__done(&o);
	return err;
}

struct to_json {
	FILE *out;
	struct cause *why;
};

static int write_json(struct leaks *l, const struct leaks_show *s, void *ctx)
{
	const struct to_json *to = ctx;

	return format__write(format_by_name("json"), VIEW_LEAKS,
			     &(struct shown){ .leaks = { .leaks = l, .show = s } }, to->out,
			     to->why);
}

int leakwatch_write_json(const char *bytes, size_t len, FILE *out, struct cause *why)
{
	return leakwatch_report(bytes, len, write_json, &(struct to_json){ out, why }, why);
}

static int leakwatch__take(struct leakwatch *w, const char *id, struct leak_turns *turns,
			   uint64_t now_ns)
{
	const struct frame_figures *f = &w->from.head.figures;
	const uint64_t cpu_ns = frame_own_cpu_ns(f);
	const struct frame_bytes digest = frame_reader__part(&w->from, FRAME_DIGEST),
				 lines = frame_reader__part(&w->from, FRAME_LINES);
	struct leak_figures figures;
	const int err = leak_figures__unpack(digest.v, digest.len, &figures);

	if (err)
		return err;
	lines_pass_on(lines.v, lines.len, id);
	free(w->report);
	w->report = frame_reader__take(&w->from, &w->report_len);
	w->figures = figures;
	w->lost += f->lost;
	w->cpu_ns += cpu_ns;
	w->probes_ns += frame_probes_ns(f);
	frame_reader__close(&w->from);
	leak_plan__end(&w->plan, figures.leaking);
	if (w->watches > 1) /* the first ones are done as soon as they can be */
		leak_turns__end(turns, cpu_ns, now_ns);
	return 0;
}

int leakwatch__read(struct leakwatch *w, const char *id, struct leak_turns *turns, uint64_t now_ns)
{
	int got = frame_reader__read(&w->from);

	if (!got)
		return 0;
	if (got > 0)
		got = leakwatch__take(w, id, turns, now_ns);
	if (!got)
		return 1;
	if (got != -EPIPE)
		log_warn("%s: what its watch for leaks sends is no report (%s)", id,
			 strerror(-got));
	leakwatch__fail(w);
	return 0;
}

void leakwatch__tick(struct leakwatch *w, uint64_t now_ns)
{
	if (w->plan.running && now_ns - w->plan.last_ns > LEAKWATCH_MOST_NS)
		leakwatch__fail(w);
}
