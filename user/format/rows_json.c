// SPDX-License-Identifier: BSD-2-Clause
/*
 * rows_json: a recording as one object:
 *
 *	{"target":{"pid":812,"go":"go1.22.1","exe":"/srv/api"},"event":"blocked","unit":"nanoseconds","window_s":30.0,"estimated":false,
 *	 "windows":0,"gap_s":0,"gap_waits":0,"gap_missing":null,"lost":0,"total":123,"total_error":0,"stacks":[{"value":123,"error":0,"count":4,"reason":"chan receive","root":null,
 *	 "stack":[{"func":"main.worker","file":"/src/x.go","line":12}]}]}
 * gap_missing: births or exits within it, at most, which nobody saw; null: of other events, or
 * nobody knows.
 * gap_s: how long parkwatch was stopped or held up meanwhile; that is no part of the window;
 * gap_waits: waits that were open then, and end there. With --root created-by called_from stands
 * behind root, as in leaks (view/called): null where the `go` statement is the program's own.
 * Stacks are innermost first, the costliest first. error: value +- error is a 95 % confidence
 * interval, of ten stacks at once; null: a part of a recording of estimates has none. Allocations have no reason but an
 * "object":{"type":"main.node","bytes":48,"measure":"exact"}: type null if it is not known;
 * measure, how value, count and bytes are
 * known: exact; up to (bytes are the size class); estimated, by refills (of an exact sum by size
 * class, that part); sampled. Of wakeups there is more: a row's "waker_kind" (view/waker) and "wakers", stacks as
 * "stack", of who ended the wait, who woke that one, and so on; and before "stacks"
 *	"pairs":[{"waiter":{"func":"main.worker","file":"/src/x.go","line":12},"waker":{...},"waker_kind":"goroutine","reason":"chan receive",
 *		  "count":12,"blocked_ns":123,"error_ns":0}]
 * by the program's own lines, the longest first; waker is null if it is no goroutine.
 * Rows of wall have a "state" before the reason: running, ready, waiting, syscall. The reason is then
 * what it waits for, or the system call.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "format/renderer.h"
#include "format/rows_json.h"
#include "model/wall.h"
#include "view/merged.h"
#include "view/wakepairs.h"

static void put_called(const struct frames_called *c, struct json_writer *w)
{
	if (!c->text) {
		jsonw_null_field(w, "called_from");
		return;
	}
	jsonw_object_field(w, "called_from");
	jsonw_string_field(w, "func", c->func);
	jsonw_string_field(w, "file", c->func ? c->file : NULL);
	jsonw_uint_or_null_field(w, "line", c->line, c->func);
	jsonw_string_field(w, "how", c->how);
	jsonw_end_object(w);
}

static void put_object(const struct snap_row *row, struct json_writer *w)
{
	jsonw_object_field(w, "object");
	jsonw_string_field(w, "type", row->type && row->type[0] ? row->type : NULL);
	jsonw_uint_field(w, "bytes", row->object_bytes);
	jsonw_string_field(w, "measure", report_measure_name(row->measure));
	jsonw_end_object(w);
}

static void put_frame(const struct frame *f, struct json_writer *w)
{
	jsonw_start_object(w);
	jsonw_string_field(w, "func", f->name);
	jsonw_string_field(w, "file", f->file);
	jsonw_uint_field(w, "line", f->line);
	if (f->inlined)
		jsonw_bool_field(w, "inlined", true);
	jsonw_end_object(w);
}

void rows_json__what(const struct snap *s, const struct snap_row *row, const struct frames *fr,
		     struct json_writer *w)
{
	const bool alloc = s->event == PROFILE_ALLOC;

	if (s->event == PROFILE_WALL)
		jsonw_string_field(w, "state", wall_state_word(wall_state_of(row->reason)));
	jsonw_string_field(w, "reason", alloc ? NULL : fr->state);
	if (alloc)
		put_object(row, w);
	jsonw_string_field(w, "root", fr->root);
}

void rows_json__stack(const struct frames *fr, struct json_writer *w)
{
	jsonw_array_field(w, "stack");
	for (size_t i = fr->own; i > 0; i--)
		if (fr->v[i - 1].kind != FRAME_WORD)
			put_frame(&fr->v[i - 1], w);
	jsonw_end_array(w);
}

/* Innermost first as they stand. */
void rows_json__wakers(const struct snap *s, const struct frames *fr, struct json_writer *w)
{
	bool open = false;

	if (s->event != PROFILE_WAKEUPS)
		return;
	jsonw_string_field(w, "waker_kind", waker_kind_name(fr->waker));
	jsonw_array_field(w, "wakers");
	for (size_t i = fr->own; i < fr->nr; i++) {
		if (frame_begins_waker(&fr->v[i])) {
			if (open)
				jsonw_end_array(w);
			jsonw_start_array(w);
			open = true;
		} else if (fr->v[i].kind != FRAME_WORD) {
			put_frame(&fr->v[i], w);
		}
	}
	if (open)
		jsonw_end_array(w);
	jsonw_end_array(w);
}

static void put_place(const char *name, const struct place *p, struct json_writer *w)
{
	if (!p->func) {
		jsonw_null_field(w, name);
		return;
	}
	jsonw_object_field(w, name);
	jsonw_string_field(w, "func", p->func);
	jsonw_string_field(w, "file", p->file);
	jsonw_uint_field(w, "line", p->line);
	jsonw_end_object(w);
}

static void put_pair(const struct snap *s, const struct wakepair *p, struct json_writer *w)
{
	jsonw_newline(w);
	jsonw_start_object(w);
	put_place("waiter", &p->waiter, w);
	put_place("waker", &p->waker, w);
	jsonw_string_field(w, "waker_kind", waker_kind_name(p->kind));
	jsonw_string_field(w, "reason", p->reason);
	jsonw_uint_field(w, "count", p->count);
	jsonw_uint_field(w, "blocked_ns", p->blocked_ns);
	jsonw_uint_or_null_field(w, "error_ns", (uint64_t)fmin(p->error, 0x1p63), !s->part);
	jsonw_end_object(w);
}

static int put_pairs(const struct snap *s, const struct merged *m, struct json_writer *w)
{
	struct wakepairs pairs;
	const int err = wakepairs__init(&pairs, m);

	if (err)
		return err;
	jsonw_array_field(w, "pairs");
	for (size_t i = 0; i < pairs.nr; i++)
		put_pair(s, &pairs.v[i], w);
	jsonw_end_array(w);
	wakepairs__done(&pairs);
	return 0;
}

static void put_row(const struct snap *s, const struct merged_row *row, struct json_writer *w)
{
	jsonw_newline(w);
	jsonw_start_object(w);
	jsonw_uint_field(w, "value", row->value);
	jsonw_uint_or_null_field(w, "error", (uint64_t)fmin(row->error, 0x1p63), !s->part);
	jsonw_uint_field(w, "count", row->count);
	rows_json__what(s, row->like, &row->frames, w);
	if (row->frames.created_by)
		put_called(&row->frames.called, w);
	rows_json__stack(&row->frames, w);
	rows_json__wakers(s, &row->frames, w);
	jsonw_end_object(w);
}

void rows_json__program(const struct report_meta *m, const char *name, struct json_writer *w)
{
	jsonw_object_field(w, name);
	jsonw_uint_field(w, "pid", (uint64_t)m->pid);
	jsonw_string_field(w, "go", m->go_version);
	jsonw_string_field(w, "exe", m->exe);
}

static void put_head(const struct report *r, struct json_writer *w)
{
	const struct snap *s = r->snap;

	rows_json__program(r->meta, "target", w);
	jsonw_end_object(w);
	jsonw_string_field(w, "event", report_event_name(s->event));
	jsonw_string_field(w, "unit", report_value_unit(s->event));
	jsonw_seconds_field(w, "window_s", r->meta->duration_ns);
	if (r->meta->only)
		jsonw_string_field(w, "only", r->meta->only);
	jsonw_bool_field(w, "estimated", report_is_estimated(s));
	jsonw_uint_field(w, "windows", s->windows);
	jsonw_seconds_field(w, "gap_s", r->meta->gap_ns);
	jsonw_uint_field(w, "gap_waits", r->meta->gap_waits);
	jsonw_uint_or_null_field(w, "gap_missing", (uint64_t)r->meta->gap_missing,
				 r->meta->gap_missing >= 0);
	jsonw_uint_field(w, "lost", r->meta->lost);
	jsonw_uint_field(w, "total", s->value);
	jsonw_uint_or_null_field(w, "total_error", s->error, !s->part);
}

static int render(const struct report *r, FILE *out, struct cause *why)
{
	scoped(merged) m = NULL;
	struct json_writer w;
	struct textbuf to;
	int err = merged__new(r, &m);

	if (err)
		return cause__set(why, err, "cannot put the report together: %s", strerror(-err));
	textbuf__init(&to, out);
	jsonw_init(&w, &to);
	jsonw_start_object(&w);
	put_head(r, &w);
	if (r->snap->event == PROFILE_WAKEUPS)
		err = put_pairs(r->snap, m, &w);
	jsonw_array_field(&w, "stacks");
	for (size_t i = 0; i < merged__nr(m); i++)
		put_row(r->snap, merged__row(m, i), &w);
	jsonw_end_array(&w);
	jsonw_end_object(&w);
	jsonw_end(&w);
	if (!err)
		err = textbuf__finish(&to);
	textbuf__done(&to);
	return err ? cause__set(why, err, "cannot write JSON: %s", strerror(-err)) : 0;
}

const struct renderer renderer_json = {
	.render = render,
};
