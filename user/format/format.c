/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "format/diff.h"
#include "format/dump_diff.h"
#include "format/processes.h"
#include "format/tracks.h"
#include "view/callsites.h"
#include "view/chans.h"
#include "view/leaks.h"
#include "view/refs.h"

static int dump_text(const struct shown *s, FILE *out, struct cause *why)
{
	return dump_show__text(s->dump.dump, s->dump.show, out, why);
}

static int dump_json(const struct shown *s, FILE *out, struct cause *why)
{
	return dump_show__json(s->dump.dump, s->dump.show, false, out, why);
}

static int dump_jsonl(const struct shown *s, FILE *out, struct cause *why)
{
	return dump_show__json(s->dump.dump, s->dump.show, true, out, why);
}

static int groups_text(const struct shown *s, FILE *out, struct cause *why)
{
	return dump_show__groups(s->dump.dump, s->dump.show, &s->dump.groups, false, out, why);
}

static int groups_json(const struct shown *s, FILE *out, struct cause *why)
{
	return dump_show__groups(s->dump.dump, s->dump.show, &s->dump.groups, true, out, why);
}

static int diff_text(const struct shown *s, FILE *out, struct cause *why)
{
	return dump_show__diff(s->dump.dump, s->dump.show, s->dump.old, s->dump.top, false, out,
			       why);
}

static int diff_json(const struct shown *s, FILE *out, struct cause *why)
{
	return dump_show__diff(s->dump.dump, s->dump.show, s->dump.old, s->dump.top, true, out,
			       why);
}

static int chans_text(const struct shown *s, FILE *out, struct cause *why)
{
	return chans_show__text(s->chans.chans, s->chans.show, out, why);
}

static int chans_json(const struct shown *s, FILE *out, struct cause *why)
{
	return chans_show__json(s->chans.chans, s->chans.show, out, why);
}

static int chans_html(const struct shown *s, FILE *out, struct cause *why)
{
	return chans_show__html(s->chans.chans, s->chans.show, out, why);
}

static int leaks_text(const struct shown *s, FILE *out, struct cause *why)
{
	return leaks_show__text(s->leaks.leaks, s->leaks.show, out, why);
}

static int leaks_json(const struct shown *s, FILE *out, struct cause *why)
{
	return leaks_show__json(s->leaks.leaks, s->leaks.show, out, why);
}

static int refs_text(const struct shown *s, FILE *out, struct cause *why)
{
	return refs_show__text(s->refs.refs, s->refs.show, out, why);
}

static int refs_json(const struct shown *s, FILE *out, struct cause *why)
{
	return refs_show__json(s->refs.refs, s->refs.show, out, why);
}

static int trace_json(const struct shown *s, FILE *out, struct cause *why)
{
	return tracks__json(&s->recording, out, why);
}

static int trace_perfetto(const struct shown *s, FILE *out, struct cause *why)
{
	return tracks__perfetto(&s->recording, out, why);
}

static int stack_diff_text(const struct shown *s, FILE *out, struct cause *why)
{
	return diff__text(s->stack_diff.diff, s->stack_diff.top, out, why);
}

static int stack_diff_json(const struct shown *s, FILE *out, struct cause *why)
{
	return diff__json(s->stack_diff.diff, out, why);
}

static int stack_diff_folded(const struct shown *s, FILE *out, struct cause *why)
{
	return diff__folded(s->stack_diff.diff, out, why);
}

static int stack_diff_html(const struct shown *s, FILE *out, struct cause *why)
{
	return diff__html(s->stack_diff.diff, out, why);
}

static int processes_text(const struct shown *s, FILE *out, struct cause *why)
{
	return processes__text(s->processes, out, why);
}

static int processes_json(const struct shown *s, FILE *out, struct cause *why)
{
	return processes__json(s->processes, out, why);
}

static int requests_text(const struct shown *s, FILE *out, struct cause *why)
{
	return requests_show__text(s->requests.rows, s->requests.meta, out, why);
}

static int requests_json(const struct shown *s, FILE *out, struct cause *why)
{
	return requests_show__json(s->requests.rows, s->requests.meta, out, why);
}

/* --- what a view has for itself --- */

static const struct format formats[] = {
	{ FORMAT_TEXT,
	  "text",
	  { NULL },
	  false,
	  "For people. A dump is the text of Go's own tracebacks; arguments of functions are not "
	  "known and are shown as (...).",
	  .rows = &renderer_text,
	  .write = { [VIEW_DUMP] = dump_text,
		     [VIEW_GROUPS] = groups_text,
		     [VIEW_DIFF] = diff_text,
		     [VIEW_CHANS] = chans_text,
		     [VIEW_CHANS_WATCH] = chans_text,
		     [VIEW_LEAKS] = leaks_text,
		     [VIEW_REFS] = refs_text,
		     [VIEW_STACK_DIFF] = stack_diff_text,
		     [VIEW_PROCESSES] = processes_text,
		     [VIEW_REQUESTS] = requests_text } },
	{ FORMAT_JSON,
	  "json",
	  { ".json" },
	  false,
	  "One object. Times end in `_ns` or `_s`, sizes in `_bytes`. What is not known is null.",
	  .rows = &renderer_json,
	  .write = { [VIEW_DUMP] = dump_json,
		     [VIEW_GROUPS] = groups_json,
		     [VIEW_DIFF] = diff_json,
		     [VIEW_CHANS] = chans_json,
		     [VIEW_CHANS_WATCH] = chans_json,
		     [VIEW_LEAKS] = leaks_json,
		     [VIEW_REFS] = refs_json,
		     [VIEW_STACK_DIFF] = stack_diff_json,
		     [VIEW_PROCESSES] = processes_json,
		     [VIEW_REQUESTS] = requests_json } },
	{ FORMAT_JSONL,
	  "jsonl",
	  { ".jsonl" },
	  false,
	  "One goroutine a line, as JSON.",
	  .rows = NULL,
	  .write = { [VIEW_DUMP] = dump_jsonl } },
	{ FORMAT_FOLDED,
	  "folded",
	  { ".folded" },
	  false,
	  "One stack a line: its frames, the root first, with semicolons in between; then a space "
	  "and a number. flamegraph.pl reads it. In names a semicolon becomes a colon, and white "
	  "space an underscore.",
	  .rows = &renderer_folded,
	  .write = { [VIEW_STACK_DIFF] = stack_diff_folded } },
	{ FORMAT_PPROF,
	  "pprof",
	  { ".pb.gz", ".pprof" },
	  true,
	  "A gzipped profile for `go tool pprof`, with Go's own names of sample types.",
	  .rows = &renderer_pprof },
	{ FORMAT_OTLP,
	  "otlp",
	  { ".otlp" },
	  true,
	  "The same profile as a request of OTLP's profiles signal, in protobuf: to be posted to "
	  "/v1development/profiles of an OpenTelemetry Collector. The signal is in development: "
	  "this "
	  "is opentelemetry-proto 1.10 and 1.11.",
	  .rows = &renderer_otlp },
	{ FORMAT_HTML,
	  "html",
	  { ".html", ".htm" },
	  false,
	  "A flame graph in one file. It needs no network. Of channels that were watched, a heat "
	  "strip over time for each.",
	  .rows = &renderer_html,
	  .write = { [VIEW_STACK_DIFF] = stack_diff_html, [VIEW_CHANS_WATCH] = chans_html } },
	{ FORMAT_TRACE,
	  "trace",
	  { NULL },
	  false,
	  "A timeline: for each goroutine when it ran, was ready or waited, what for and where, "
	  "with "
	  "arrows from who wakes to who is woken; for ui.perfetto.dev and chrome://tracing. As "
	  "JSON; "
	  "where the name of the file ends in .perfetto-trace, in Perfetto's own format.",
	  .rows = NULL,
	  .write = { [VIEW_RECORDING] = trace_json } },
	{ FORMAT_PERFETTO,
	  "perfetto",
	  { ".perfetto-trace" },
	  true,
	  "The same timeline in Perfetto's own format, TrackEvent: fewer bytes, and large "
	  "ones open faster.",
	  .rows = NULL,
	  .write = { [VIEW_RECORDING] = trace_perfetto } },
	{ FORMAT_PW,
	  "pw",
	  { ".pw" },
	  true,
	  "A recording: all that was seen, with names. `parkwatch report` makes every other format "
	  "of it, without root and on any machine.",
	  .rows = NULL },
};

/* --- what is counted by stack --- */

static int recording_rows(const struct renderer *r, const struct shown *s, FILE *out,
			  struct cause *why)
{
	return r->render(&s->recording, out, why);
}

/* Which lines of the program called the libraries that made them, if `go` statements are told. */
static int find_callsites(const struct dump *d, enum profile_root root, struct callsites **ret)
{
	scoped(callsites) calls = NULL;
	int err;

	if (root != PROFILE_ROOT_CREATED_BY)
		return 0;
	err = callsites__new(d->in.namers, d->in.nr, &calls);
	if (!err)
		err = callsites__census(calls, d->in.censuses);
	if (!err)
		*ret = steal(calls);
	return err;
}

static int dump_rows(const struct renderer *r, const struct shown *s, FILE *out, struct cause *why)
{
	const struct dump *d = s->dump.dump;
	scoped_mem struct namer *namers = calloc(d->in.nr + 1, sizeof(*namers));
	scoped(callsites) calls = NULL;
	scoped(snap) snap = NULL;
	int err = namers ? dump__snap(s->dump.dump, s->dump.root, &snap) : -ENOMEM;

	if (!err)
		err = find_callsites(d, s->dump.root, &calls);
	if (err)
		return cause__set(why, err, "cannot put the dump together: %s", strerror(-err));
	for (size_t i = 0; i < d->in.nr; i++) {
		namers[i] = d->in.namers[i];
		namers[i].calls = calls;
	}
	return r->render(&(struct report){ .snap = snap,
					   .meta = s->dump.show->meta,
					   .namers = namers,
					   .nr_namers = d->in.nr,
					   .full = s->dump.show->full },
			 out, why);
}

static int leaks_rows(const struct renderer *r, const struct shown *s, FILE *out, struct cause *why)
{
	const struct dump_input *in = &s->leaks.leaks->d->in;
	scoped(snap) snap = NULL;
	int err = leaks_show__snap(s->leaks.leaks, s->leaks.show, &snap);

	if (err)
		return cause__set(why, err, "cannot put the report together: %s", strerror(-err));
	return r->render(&(struct report){ .snap = snap,
					   .meta = s->leaks.show->meta,
					   .namers = in->namers,
					   .nr_namers = in->nr },
			 out, why);
}

static int (*const rows_of[VIEWS])(const struct renderer *r, const struct shown *s, FILE *out,
				   struct cause *why) = {
	[VIEW_RECORDING] = recording_rows,
	[VIEW_DUMP] = dump_rows,
	[VIEW_LEAKS] = leaks_rows,
};

/* What a recording can be of: no view of it is chosen yet. */
static bool is_saved(enum view v)
{
	return v == VIEW_RECORDING || v == VIEW_DUMP || v == VIEW_GROUPS || v == VIEW_CHANS ||
	       v == VIEW_CHANS_WATCH || v == VIEW_LEAKS || v == VIEW_REFS;
}

bool format_shows(const struct format *f, enum view v)
{
	if (f->kind == FORMAT_PW)
		return is_saved(v);
	return f->write[v] || (f->rows && rows_of[v]);
}

int format__write(const struct format *f, enum view v, const struct shown *s, FILE *out,
		  struct cause *why)
{
	return f->write[v] ? f->write[v](s, out, why) : rows_of[v](f->rows, s, out, why);
}

const struct format *format_at(size_t i)
{
	return i < ARRAY_SIZE(formats) ? &formats[i] : NULL;
}

const struct format *format_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

static bool ends_with(const char *path, const char *suffix)
{
	const size_t len = strlen(path), n = strlen(suffix);

	return len > n && !strcmp(path + len - n, suffix);
}

const struct format *format_by_path(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		for (size_t k = 0; k < ARRAY_SIZE(formats[i].suffixes) && formats[i].suffixes[k];
		     k++)
			if (ends_with(path, formats[i].suffixes[k]))
				return &formats[i];
	return NULL;
}

const struct format *format_usual(enum view v)
{
	return format_by_name(v == VIEW_RECORDING ? "folded" : "text");
}
