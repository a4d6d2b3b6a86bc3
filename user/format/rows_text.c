// SPDX-License-Identifier: BSD-2-Clause
/*
 * rows_text: a recording for a person: stacks, innermost first, the costliest first. "~" says that
 * a number is an estimate, "+-" how far it may be off (95 % confidence, of ten stacks at once).
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "model/wall.h"
#include "view/merged.h"
#include "format/renderer.h"
#include "base/textbuf.h"

static void put_value(const struct snap *s, uint64_t value, double error, struct textbuf *to)
{
	const double unit = profile_event_is_time(s->event) ? (double)NS_PER_SEC : 1;

	if (s->event == PROFILE_ALLOC) {
		textbuf__size(to, value);
		return;
	}
	textbuf__format(to, profile_event_is_time(s->event) ? "%s%.4g s" : "%s%.0f",
			snap_is_estimated(s) ? "~" : "", (double)value / unit);
	if (snap_is_estimated(s) && !s->part)
		textbuf__format(to, profile_event_is_time(s->event) ? " +- %.2g s" : " +- %.0f",
				error / unit);
}

static void put_frame(const struct frame *f, struct textbuf *to)
{
	textbuf__format(to, "    %s", f->name);
	if (f->file[0])
		textbuf__format(to, " %s:%u", f->file, f->line);
	textbuf__text(to, "\n");
}

/* Innermost first as they stand. */
static void put_wakers(const struct frames *fr, struct textbuf *to)
{
	for (size_t i = fr->own; i < fr->nr; i++)
		if (frame_begins_waker(&fr->v[i]))
			textbuf__text(to, "  -- woken by\n");
		else
			put_frame(&fr->v[i], to);
}

/* "[select]" and "select" */
static bool is_in_brackets(const char *word, const char *text)
{
	const size_t len = strlen(text);

	return strlen(word) == len + 2 && !strncmp(word + 1, text, len);
}

/* Each of its system calls is known, not looks that met them. */
static bool is_called(const struct snap *s, const struct merged_row *row)
{
	return s->calls_known && wall_state_of(row->like->reason) == WALL_SYSCALL &&
	       row->error <= 0;
}

static void put_row(const struct snap *s, const struct merged_row *row, struct textbuf *to)
{
	const char *about = row->like->measure >= ALLOC_ESTIMATED ? "~" : "";

	textbuf__format(to, "\n%5.1f %%  %s",
			s->value ? 100 * (double)row->value / (double)s->value : 0.0, about);
	if (is_called(s, row))
		textbuf__format(to, "%.4g s", (double)row->value / NS_PER_SEC);
	else
		put_value(s, row->value, row->error, to);
	if (s->event == PROFILE_CPU ||
	    (s->event == PROFILE_WALL && wall_state_of(row->like->reason) == WALL_RUNNING))
		textbuf__format(to, "  in %llu samples", (unsigned long long)row->count);
	else if (s->event == PROFILE_WALL && is_called(s, row))
		textbuf__format(to, "  in %llu calls", (unsigned long long)row->count);
	else if (s->event == PROFILE_WALL)
		textbuf__format(to, "  seen %llu times", (unsigned long long)row->count);
	else if (profile_event_is_time(s->event))
		textbuf__format(to, "  in %s%llu %s",
				s->counts_least ? "at least "
				: s->windows    ? "~"
						: "",
				(unsigned long long)row->count,
				profile_event_is_contention(s->event) ? "contentions" : "waits");
	if (s->event == PROFILE_ALLOC)
		textbuf__format(to, "  in %s%llu objects", about, (unsigned long long)row->count);
	if (row->frames.first)
		textbuf__format(to, "  %s", row->frames.first);
	if (s->event != PROFILE_BIRTHS && s->event != PROFILE_EXITS &&
	    !profile_event_is_whole(s->event) &&
	    !(row->frames.first && is_in_brackets(row->frames.first, row->frames.state)))
		textbuf__format(to, "  [%s]", row->frames.state);
	if (row->frames.root)
		textbuf__format(to, "  %s", row->frames.root);
	if (row->frames.called.text)
		textbuf__format(to, ", %s", row->frames.called.text);
	textbuf__text(to, "\n");
	for (size_t i = row->frames.own; i > 0; i--) {
		const struct frame *f = &row->frames.v[i - 1];

		if (f->kind == FRAME_WORD && i == row->frames.own &&
		    is_in_brackets(f->name, row->frames.state))
			continue; /* the state, once more */
		put_frame(f, to);
	}
	put_wakers(&row->frames, to);
}

/* Else the sums of allocations are the allocator's own, whoever had what. */
static bool sum_is_sampled(const struct snap *s)
{
	for (size_t i = 0; i < s->nr; i++)
		if (s->rows[i].measure == ALLOC_SAMPLED)
			return true;
	return false;
}

static void put_head(const struct report *r, struct textbuf *to)
{
	const struct snap *s = r->snap;
	char buf[REPORT_GAP_MAX];
	const char *gap = report_gap(r, buf);

	textbuf__format(to, "pid %d '%s', %s: %s for %.1f s", r->meta->pid, r->meta->comm,
			r->meta->go_version, report_event_name(s->event),
			(double)r->meta->duration_ns / NS_PER_SEC);
	if (s->windows)
		textbuf__format(to, ", estimated from %u windows", s->windows);
	textbuf__text(to, "\n");
	textbuf__text(to, sum_is_sampled(s) ? "~" : "");
	put_value(s, s->value, (double)s->error, to);
	textbuf__format(to, " in all; %llu lost", (unsigned long long)r->meta->lost);
	textbuf__format(to, "%s%s\n", gap[0] ? "; " : "", gap);
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
		put_row(r->snap, merged__row(m, i), &to);
	err = textbuf__finish(&to);
	textbuf__done(&to);
	return err ? cause__set(why, err, "cannot write text: %s", strerror(-err)) : 0;
}

const struct renderer renderer_text = {
	.render = render,
};
