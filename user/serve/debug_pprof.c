// SPDX-License-Identifier: BSD-2-Clause
#include "serve/debug_pprof.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/dump_show.h"
#include "format/format.h"
#include "format/go_text.h"
#include "serve/answer.h"
#include "serve/api.h"
#include "serve/look_answer.h"
#include "serve/readers.h"
#include "serve/recorder.h"
#include "view/replay.h"

#define TEXT   "text/plain; charset=utf-8"
#define BINARY "application/octet-stream"

enum kind { LOOK, LEAK_WATCH, RECORDING };

static const struct page {
	const char *name;
	enum kind kind;
	/* of a RECORDING: that is made for it, and of regular turns (recordings_regular()) */
	enum profile_event event, regular;
	uint32_t seconds; /* of one, where nobody says; 0: the newest regular one */
} pages[] = {
	{ "profile", RECORDING, PROFILE_CPU, PROFILE_CPU, DEBUG_PPROF_PROFILE_S },
	{ "goroutine", LOOK, PROFILE_GOROUTINES, PROFILE_GOROUTINES, 0 },
	{ "goroutineleak", LEAK_WATCH, PROFILE_GOROUTINES, PROFILE_GOROUTINES, 0 },
	{ "block", RECORDING, PROFILE_BLOCK, PROFILE_BLOCKED, DEBUG_PPROF_PROFILE_S },
	{ "allocs", RECORDING, PROFILE_ALLOC, PROFILE_ALLOC, 0 },
	{ "mutex", RECORDING, PROFILE_MUTEX, PROFILE_MUTEX, DEBUG_PPROF_PROFILE_S },
};

const char *debug_pprof_name(enum profile_event event)
{
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		if (pages[i].kind == RECORDING &&
		    (pages[i].event == event || pages[i].regular == event))
			return pages[i].name;
	return "";
}

void debug_pprof_refuse(struct http_answer *a, unsigned int status, const char *text)
{
	http_say(a, status, text);
	textbuf__text(&a->body, "\n");
	a->go_pprof = true;
}

static int write_report(const struct report *r, const struct debug_pprof *p, FILE *out,
			struct cause *why)
{
	const struct renderer *to = p->plain ? &renderer_pprof_plain : &renderer_pprof;

	return p->debug ? go_text__write(r, out, why) : to->render(r, out, why);
}

/* --- goroutines --- */

static int write_goroutines(const struct replay *r, const void *ctx, FILE *out, struct cause *why)
{
	const struct debug_pprof *p = ctx;
	const struct dump_show show = { .meta = &r->meta };
	const enum profile_root root = p->debug ? PROFILE_ROOT_NONE : PROFILE_ROOT_LABEL;
	struct replay_look look;
	scoped(dump) d = NULL;
	scoped(snap) snap = NULL;
	int err = replay__look(r, &look) ? 0 : -EBADMSG;

	if (!err)
		look.in.requests = NULL; /* Go's own tracebacks know none */
	if (!err)
		err = dump__new(&look.in, &(struct dump_opts){ .system = false }, &d);
	if (!err && p->debug == 2)
		return dump_show__text(d, &show, out, why);
	if (!err)
		err = dump__snap(d, root, &snap);
	if (err)
		return err;
	return write_report(&(struct report){ .snap = snap,
					      .meta = &r->meta,
					      .namers = look.in.namers,
					      .nr_namers = look.in.nr,
					      .full = true,
					      .as_go = p->name },
			    p, out, why);
}

void debug_pprof_read_goroutines(const struct reading *r, struct http_answer *a)
{
	a->go_pprof = true;
	(void)look_answer(r,
			  &(struct look_view){ .type = r->pprof.debug ? TEXT : BINARY,
					       .write = write_goroutines,
					       .ctx = &r->pprof },
			  a);
}

struct leaks_to {
	const struct debug_pprof *p;
	FILE *out;
	struct cause *why;
};

static int write_leaks(struct leaks *l, const struct leaks_show *show, void *ctx)
{
	const struct leaks_to *to = ctx;
	scoped(snap) snap = NULL;
	const int err = leaks_show__snap(l, show, &snap);

	if (err)
		return err;
	return write_report(&(struct report){ .snap = snap,
					      .meta = show->meta,
					      .namers = l->d->in.namers,
					      .nr_namers = l->d->in.nr,
					      .full = true,
					      .as_go = to->p->name },
			    to->p, to->out, to->why);
}

static int write_leaks_of(const void *ctx, FILE *out, struct cause *why)
{
	const struct reading *r = ctx;

	return leakwatch_report(r->pw, r->len, write_leaks,
				&(struct leaks_to){ &r->pprof, out, why }, why);
}

static void put(const struct reading *r,
		int (*write)(const void *ctx, FILE *out, struct cause *why), const void *ctx,
		struct http_answer *a)
{
	struct cause why = { "" };

	a->go_pprof = true;
	if (answer_write(a, r->pprof.debug ? TEXT : BINARY, write, ctx, &why))
		debug_pprof_refuse(a, 500, "it cannot be shown");
}

void debug_pprof_read_leaks(const struct reading *r, struct http_answer *a)
{
	put(r, write_leaks_of, r, a);
}

/* Go shows all of them with debug=2, too. */
static void put_leaks(const struct api_in *in, const struct watched *t, const struct debug_pprof *p,
		      struct http_answer *a)
{
	const bool all = p->debug == 2;

	if (!t->leaks.report || (all && !t->look))
		debug_pprof_refuse(a, 404,
				   t->level < LEVEL_LEAKS
					   ? "leaks of this target are not watched: its level"
					   : "no watch for leaks has ended yet");
	else
		readers__ask(in->readers,
			     &(struct reading){ .kind = all ? READING_GO_GOROUTINES
							    : READING_GO_LEAKS,
						.target = t->id,
						.pw = all ? t->look : t->leaks.report,
						.len = all ? t->look_len : t->leaks.report_len,
						.store = -1,
						.pprof = *p },
			     a);
}

static void put_look(const struct api_in *in, const struct watched *t, const struct debug_pprof *p,
		     struct http_answer *a)
{
	if (!t->look)
		debug_pprof_refuse(a, 503, "no look at it yet: try again in some seconds");
	else
		readers__ask(in->readers,
			     &(struct reading){ .kind = READING_GO_GOROUTINES,
						.target = t->id,
						.pw = t->look,
						.len = t->look_len,
						.store = -1,
						.pprof = *p },
			     a);
}

/* --- recordings --- */

/* Waits that Go's block profile has: for channels, locks and the like, that somebody can end. */
static bool is_contention(const struct replay *r, const struct snap_row *row)
{
	const struct namer *n = row->rt < r->book->nr_runtimes ? &r->namers[row->rt] : NULL;
	const enum gowait wait = n ? gowait_of(n->go_minor, row->reason) : GOWAIT_UNKNOWN;

	switch (gowait_on(wait)) {
	case GOWAIT_ON_OBJECT: return gowait_class(wait) != GOWAIT_CLASS_COROUTINE;
	case GOWAIT_ON_CASES:
	case GOWAIT_ON_BUBBLE: return true;
	default: return false;
	}
}

static void keep_contentions(const struct replay *r)
{
	struct snap_row *rows = snap_facts__rows(r->sums);
	const size_t nr = snap_facts__nr(r->sums);
	size_t to = 0;

	for (size_t i = 0; i < nr; i++)
		if (is_contention(r, &rows[i]))
			rows[to++] = rows[i];
	snap_facts__keep(r->sums, to);
}

static int write_recording(const void *ctx, FILE *out, struct cause *why)
{
	const struct reading *of = ctx;
	scoped(replay) r = NULL;
	scoped(snap) snap = NULL;
	int err = replay__of_bytes(of->pw, of->len, of->target, &r, why);

	if (err)
		return err;
	if (of->pprof.event == PROFILE_BLOCKED)
		keep_contentions(r);
	err = snap_facts__snap(r->sums, &snap);
	if (err)
		return err;
	return write_report(&(struct report){ .snap = snap,
					      .meta = &r->meta,
					      .namers = r->namers,
					      .nr_namers = r->book->nr_runtimes,
					      .as_go = of->pprof.name },
			    &of->pprof, out, why);
}

void debug_pprof_read_recording(const struct reading *r, struct http_answer *a)
{
	put(r, write_recording, r, a);
}

static void put_newest(const struct api_in *in, const struct watched *t,
		       const struct debug_pprof *p, struct http_answer *a)
{
	const struct recorded *of = &t->recordings.newest[p->event];

	if (t->level < LEVEL_PROFILE)
		debug_pprof_refuse(a, 404,
				   "nothing is recorded at this target's level: give seconds=N, or "
				   "it the level profile or full");
	else if (!of->pw || clock_now_ns() - of->came_ns > DEBUG_PPROF_FRESH_NS)
		debug_pprof_refuse(a, 404,
				   "no recording of the last minutes is there: try again in a "
				   "minute, or give seconds=N");
	else
		readers__ask(in->readers,
			     &(struct reading){ .kind = READING_GO_RECORDING,
						.target = t->id,
						.pw = of->pw,
						.len = of->len,
						.store = -1,
						.pprof = *p },
			     a);
}

static void record(const struct api_in *in, const struct watched *t, const struct debug_pprof *p,
		   enum profile_event event, uint32_t seconds, struct http_answer *a)
{
	struct recorder_asked of = { .kind = READING_GO_RECORDING,
				     .pprof = *p,
				     .seconds = seconds };
	const char *why;
	unsigned int status;

	of.pprof.event = event;
	if (event == PROFILE_CPU)
		of.pprof.debug = 0;
	status = recorder__ask(in->recorder, t, in->allow_jobs, &of, a->later, &why);
	if (status)
		debug_pprof_refuse(a, status, why);
}

/* --- requests --- */

static const struct page *find_page(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
		if (!strcmp(pages[i].name, name))
			return &pages[i];
	return NULL;
}

void debug_pprof_get(const struct api_in *in, const struct http_request *q, struct http_answer *a)
{
	const struct page *page = find_page(q->path + strlen(DEBUG_PPROF));
	const char *id = http_query(q, "target");
	const struct watched *t = id ? api_find(in, id, strlen(id)) : NULL;
	struct debug_pprof p = { .name = page ? page->name : "",
				 .event = page ? page->regular : PROFILE_GOROUTINES };
	uint32_t seconds = 0;

	if (!page)
		debug_pprof_refuse(
			a, 404,
			"there are profile, goroutine, goroutineleak, block, mutex and allocs");
	else if (!http_number(q, "seconds", RECORDER_SECONDS, &seconds) ||
		 !http_number(q, "debug", 2, &p.debug))
		debug_pprof_refuse(a, 400, "give seconds from 1 to 60, debug from 0 to 2");
	else if (!t)
		debug_pprof_refuse(a, id ? 404 : 400,
				   id ? "no such target: see /api/v1/targets"
				      : "give target=ID: see /api/v1/targets");
	else if (page->kind != RECORDING && seconds)
		debug_pprof_refuse(a, 400, "this profile is of a moment: leave seconds out");
	else if (page->kind == LOOK)
		put_look(in, t, &p, a);
	else if (page->kind == LEAK_WATCH)
		put_leaks(in, t, &p, a);
	else if (seconds || page->seconds)
		record(in, t, &p, page->event, seconds ? seconds : page->seconds, a);
	else
		put_newest(in, t, &p, a);
}
