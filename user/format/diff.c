// SPDX-License-Identifier: BSD-2-Clause
#include "format/diff.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/textbuf.h"
#include "format/folded.h"
#include "format/renderer.h"
#include "format/rows_json.h"

#define STACK_BYTES_MAX (1u << 20) /* of a line */

struct diff_line {
	UT_hash_handle hh;
	const char *text; /* folded */
	size_t len;
	uint64_t before, after;
	const struct snap_row *row; /* one of them, of the later recording if that has any */
};

struct diff_lines {
	struct diff_line *by_text;
	struct arena arena;
	char *buf; /* STACK_BYTES_MAX */
};

static int lines__add(struct diff_lines *ls, size_t len, const struct snap_row *row, bool after)
{
	const unsigned int count = HASH_COUNT(ls->by_text);
	struct diff_line *l;
	uint64_t *to;

	HASH_FIND(hh, ls->by_text, ls->buf, len, l);
	if (!l) {
		l = arena__alloc(&ls->arena, sizeof(*l));
		if (!l)
			return -ENOMEM;
		l->text = arena__copy(&ls->arena, ls->buf, len + 1);
		l->len = len;
		if (!l->text)
			return -ENOMEM;
		HASH_ADD_KEYPTR(hh, ls->by_text, l->text, l->len, l);
		if (HASH_COUNT(ls->by_text) == count)
			return -ENOMEM;
	}
	l->row = row;
	to = after ? &l->after : &l->before;
	if (__builtin_add_overflow(*to, row->value, to))
		*to = UINT64_MAX;
	return 0;
}

static int lines__fill(struct diff_lines *ls, const struct stack_diff *d)
{
	scoped(rowframer) f = NULL;
	int err = rowframer__new(d->report.namers, d->report.nr_namers, d->report.full, &f);

	ls->buf = malloc(STACK_BYTES_MAX);
	if (!ls->buf)
		return -ENOMEM;
	for (size_t i = 0; i < d->snap.nr && !err; i++) {
		struct frames fr;
		long len = -ENOSPC;

		err = rowframer__row(f, &d->snap, &d->snap.rows[i], &fr);
		if (!err)
			len = folded_fit(&fr, ls->buf, STACK_BYTES_MAX);
		if (!err && len > 0)
			err = lines__add(ls, (size_t)len, &d->snap.rows[i], i >= d->nr_before);
	}
	return err;
}

static void lines__done(struct diff_lines *ls)
{
	HASH_CLEAR(hh, ls->by_text);
	arena__done(&ls->arena);
	free(ls->buf);
}

static int by_text(const struct diff_line *a, const struct diff_line *b)
{
	return strcmp(a->text, b->text);
}

int diff__folded(const struct stack_diff *d, FILE *out, struct cause *why)
{
	struct diff_lines ls = { 0 };
	int err = lines__fill(&ls, d);

	if (err)
		cause__set(why, err, "cannot write folded stacks: %s", strerror(-err));
	HASH_SORT(ls.by_text, by_text);
	for (const struct diff_line *l = ls.by_text; l && !err; l = l->hh.next)
		if ((l->before || l->after) &&
		    fprintf(out, "%s %" PRIu64 " %" PRIu64 "\n", l->text, l->before, l->after) < 0)
			err = report_write_error(why);
	lines__done(&ls);
	return err;
}

/* --- text --- */

static uint64_t change_of(const struct diff_line *l)
{
	return l->after > l->before ? l->after - l->before : l->before - l->after;
}

static int by_change(const struct diff_line *a, const struct diff_line *b)
{
	const uint64_t x = change_of(a), y = change_of(b);

	return x != y ? (x > y ? -1 : 1) : strcmp(a->text, b->text);
}

static void put_value(const struct snap *s, uint64_t value, const char *sign, struct textbuf *to)
{
	char text[48];
	struct textbuf size;

	if (s->event == PROFILE_ALLOC) {
		textbuf__init(&size, NULL);
		textbuf__size(&size, value);
		snprintf(text, sizeof(text), "%s%.*s", sign, (int)(size.err ? 0 : size.nr),
			 size.nr ? size.v : "");
		textbuf__done(&size);
	} else if (profile_event_is_time(s->event)) {
		snprintf(text, sizeof(text), "%s%.4g s", sign, (double)value / NS_PER_SEC);
	} else {
		snprintf(text, sizeof(text), "%s%" PRIu64, sign, value);
	}
	textbuf__format(to, "%14s", text);
}

/* Innermost first, one frame a line. */
static void put_stack(const char *folded, struct textbuf *to)
{
	size_t end = strlen(folded);

	while (end) {
		size_t at = end;

		while (at && folded[at - 1] != ';')
			at--;
		textbuf__format(to, "    %.*s\n", (int)(end - at), folded + at);
		end = at ? at - 1 : 0;
	}
}

static void put_side(const char *name, const struct report *r, struct textbuf *to)
{
	textbuf__format(to, "%-7s pid %d '%s', %s: %s", name, r->meta->pid, r->meta->comm,
			r->meta->go_version, report_event_name(r->snap->event));
	if (r->meta->duration_ns)
		textbuf__format(to, " for %.1f s", (double)r->meta->duration_ns / NS_PER_SEC);
	textbuf__text(to, "\n");
}

static void put_lines(const struct stack_diff *d, const struct diff_lines *ls, size_t top,
		      struct textbuf *to)
{
	size_t nr = 0, left = 0;

	for (const struct diff_line *l = ls->by_text; l; l = l->hh.next) {
		if (!change_of(l))
			continue;
		if (top && nr == top) {
			left++;
			continue;
		}
		nr++;
		textbuf__text(to, "\n");
		put_value(&d->snap, l->before, "", to);
		put_value(&d->snap, l->after, "", to);
		put_value(&d->snap, change_of(l), l->after > l->before ? "+" : "-", to);
		textbuf__text(to, "\n");
		put_stack(l->text, to);
	}
	if (!nr)
		textbuf__text(to, "\nnothing changed\n");
	if (left)
		textbuf__format(to, "\n%zu more stacks changed; --top 0 shows them\n", left);
}

int diff__text(const struct stack_diff *d, size_t top, FILE *out, struct cause *why)
{
	struct diff_lines ls = { 0 };
	struct textbuf to;
	int err = lines__fill(&ls, d);

	HASH_SORT(ls.by_text, by_change);
	textbuf__init(&to, out);
	put_side("before", d->before, &to);
	put_side("after", d->after, &to);
	if (d->scale < 1 || d->scale > 1)
		textbuf__format(&to,
				"after is scaled to %.1f s: its figures are multiplied by %.3g\n",
				(double)d->before->meta->duration_ns / NS_PER_SEC, d->scale);
	textbuf__format(&to, "\n%14s%14s%14s\n", "before", "after", "change");
	if (!err)
		put_lines(d, &ls, top, &to);
	if (!err)
		err = textbuf__finish(&to);
	textbuf__done(&to);
	lines__done(&ls);
	return err ? cause__set(why, err, "cannot write the report: %s", strerror(-err)) : 0;
}

/* --- JSON --- */

static void put_report(const char *name, const struct report *r, struct json_writer *w)
{
	rows_json__program(r->meta, name, w);
	if (r->meta->duration_ns)
		jsonw_seconds_field(w, "window_s", r->meta->duration_ns);
	else
		jsonw_null_field(w, "window_s");
	jsonw_uint_field(w, "total", r->snap->value);
	jsonw_end_object(w);
}

static int put_line(const struct diff_line *l, const struct stack_diff *d, struct rowframer *f,
		    struct json_writer *w)
{
	const uint64_t change = change_of(l) < INT64_MAX ? change_of(l) : INT64_MAX;
	struct frames fr;
	const int err = rowframer__row(f, &d->snap, l->row, &fr);

	if (err)
		return err;
	jsonw_newline(w);
	jsonw_start_object(w);
	jsonw_uint_field(w, "before", l->before);
	jsonw_uint_field(w, "after", l->after);
	jsonw_int_field(w, "change", l->after > l->before ? (int64_t)change : -(int64_t)change);
	rows_json__what(&d->snap, l->row, &fr, w);
	rows_json__stack(&fr, w);
	rows_json__wakers(&d->snap, &fr, w);
	jsonw_end_object(w);
	return 0;
}

static int put_json(const struct stack_diff *d, const struct diff_lines *ls, struct json_writer *w)
{
	scoped(rowframer) f = NULL;
	int err = rowframer__new(d->report.namers, d->report.nr_namers, d->report.full, &f);

	jsonw_start_object(w);
	put_report("before", d->before, w);
	put_report("after", d->after, w);
	jsonw_string_field(w, "event", report_event_name(d->snap.event));
	jsonw_string_field(w, "unit", report_value_unit(d->snap.event));
	jsonw_float_field(w, "scale", d->scale, 6);
	jsonw_array_field(w, "stacks");
	for (const struct diff_line *l = ls->by_text; l && !err; l = l->hh.next)
		if (change_of(l))
			err = put_line(l, d, f, w);
	jsonw_end_array(w);
	jsonw_end_object(w);
	jsonw_end(w);
	return err;
}

int diff__json(const struct stack_diff *d, FILE *out, struct cause *why)
{
	struct diff_lines ls = { 0 };
	struct json_writer w;
	struct textbuf to;
	int err = lines__fill(&ls, d);

	HASH_SORT(ls.by_text, by_change);
	textbuf__init(&to, out);
	jsonw_init(&w, &to);
	if (!err)
		err = put_json(d, &ls, &w);
	if (!err)
		err = textbuf__finish(&to);
	textbuf__done(&to);
	lines__done(&ls);
	return err ? cause__set(why, err, "cannot write JSON: %s", strerror(-err)) : 0;
}
