// SPDX-License-Identifier: BSD-2-Clause
/*
 * rows_json: a recording as one object:
 *
 *	{"target":{"pid":812,"go":"go1.22.1","exe":"/srv/api"},"event":"blocked","unit":"nanoseconds","window_s":30.0,"estimated":false,
 *	 "windows":0,"gap_s":0,"gap_waits":0,"lost":0,"total":123,"total_error":0,"stacks":[{"value":123,"error":0,"count":4,"reason":"chan receive","root":null,
 *	 "stack":[{"func":"main.worker","file":"/src/x.go","line":12}]}]}
 * gap_s: so long parkwatch was stopped or held up meanwhile, which is no part of the window; gap_waits: waits that were open then, and end there.
 * With --root created-by called_from stands behind root, as in leaks (view/called): null where the `go` statement is the program's own.
 * Stacks are innermost first, the costliest first. error: value +- error is a 95 % confidence interval, of ten stacks at once. Allocations have no reason
 * but an "object":{"type":"main.node","bytes":48,"measure":"exact"}: type null if it is not known; measure, how value, count and bytes are
 * known: exact; up to (bytes are the size class); estimated, by refills (of an exact sum by size class, that part); sampled.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "view/merged.h"
#include "format/renderer.h"
#include "base/textbuf.h"

static void put_called(const struct frames_called *c, struct textbuf *to)
{
	if (!c->text) {
		textbuf__text(to, ",\"called_from\":null");
		return;
	}
	textbuf__json_text(to, ",\"called_from\":{\"func\":", c->func);
	textbuf__json_text(to, ",\"file\":", c->func ? c->file : NULL);
	if (c->func)
		textbuf__json_u64(to, ",\"line\":", c->line);
	else
		textbuf__text(to, ",\"line\":null");
	textbuf__json_text(to, ",\"how\":", c->how);
	textbuf__text(to, "}");
}

static void put_object(const struct snap_row *row, struct textbuf *to)
{
	textbuf__json_text(to, ",\"object\":{\"type\":", row->type && row->type[0] ? row->type : NULL);
	textbuf__json_u64(to, ",\"bytes\":", row->object_bytes);
	textbuf__json_text(to, ",\"measure\":", report_measure_name(row->measure));
	textbuf__text(to, "}");
}

static void put_row(const struct merged_row *row, bool alloc, bool first, struct textbuf *to)
{
	bool comma = false;

	textbuf__json_u64(to, first ? "\n{\"value\":" : ",\n{\"value\":", row->value);
	textbuf__json_u64(to, ",\"error\":", (uint64_t)row->error);
	textbuf__json_u64(to, ",\"count\":", row->count);
	textbuf__json_text(to, ",\"reason\":", alloc ? NULL : row->frames.state);
	if (alloc)
		put_object(row->like, to);
	textbuf__json_text(to, ",\"root\":", row->frames.root);
	if (row->frames.created_by)
		put_called(&row->frames.called, to);
	textbuf__text(to, ",\"stack\":[");
	for (size_t i = row->frames.nr; i > 0; i--) {
		const struct frame *f = &row->frames.v[i - 1];

		if (f->kind == FRAME_WORD)
			continue;
		textbuf__json_text(to, comma ? ",{\"func\":" : "{\"func\":", f->name);
		textbuf__json_text(to, ",\"file\":", f->file);
		textbuf__json_u64(to, ",\"line\":", f->line);
		textbuf__text(to, f->inlined ? ",\"inlined\":true}" : "}");
		comma = true;
	}
	textbuf__text(to, "]}");
}

static void put_head(const struct report *r, struct textbuf *to)
{
	const struct snap *s = r->snap;

	textbuf__json_u64(to, "{\"target\":{\"pid\":", (uint64_t)r->meta->pid);
	textbuf__json_text(to, ",\"go\":", r->meta->go_version);
	textbuf__json_text(to, ",\"exe\":", r->meta->exe);
	textbuf__json_text(to, "},\"event\":", report_event_name(s->event));
	textbuf__json_text(to, ",\"unit\":", report_value_unit(s->event));
	textbuf__format(to, ",\"window_s\":%.3f,\"estimated\":%s", (double)r->meta->duration_ns / NS_PER_SEC,
			report_is_estimated(s) ? "true" : "false");
	textbuf__json_u64(to, ",\"windows\":", s->windows);
	textbuf__format(to, ",\"gap_s\":%.3f", (double)r->meta->gap_ns / NS_PER_SEC);
	textbuf__json_u64(to, ",\"gap_waits\":", r->meta->gap_waits);
	textbuf__json_u64(to, ",\"lost\":", r->meta->lost);
	textbuf__json_u64(to, ",\"total\":", s->value);
	textbuf__json_u64(to, ",\"total_error\":", s->error);
	textbuf__text(to, ",\"stacks\":[");
}

static int render(const struct report *r, FILE *out, struct cause *why)
{
	scoped(merged) m = NULL;
	struct textbuf to;
	int err = merged__new(r, &m);

	if (err)
		return cause__set(why, err, "cannot put the report together: %s", strerror(-err));
	textbuf__init(&to, out);
	put_head(r, &to);
	for (size_t i = 0; i < merged__nr(m); i++)
		put_row(merged__row(m, i), r->snap->event == PROFILE_ALLOC, !i, &to);
	textbuf__text(&to, "]}\n");
	err = textbuf__finish(&to);
	textbuf__done(&to);
	return err ? cause__set(why, err, "cannot write JSON: %s", strerror(-err)) : 0;
}

const struct renderer renderer_json = {
	.name = "json",
	.suffixes = (const char *const[]){ ".json", NULL },
	.what = "one object, the costliest stack first",
	.render = render,
};
