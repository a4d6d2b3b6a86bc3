// SPDX-License-Identifier: BSD-2-Clause
#include "format/go_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/textbuf.h"
#include "view/rowframes.h"

struct go_text {
	const struct report *r;
	struct rowframer *f;
	struct textbuf *to;
};

/* Most first; of equals the order of the snap stays. */
static int most_first(const void *a, const void *b)
{
	const struct snap_row *x = *(const struct snap_row *const *)a,
			      *y = *(const struct snap_row *const *)b;

	return x->value != y->value ? (x->value < y->value) - (x->value > y->value)
				    : (x > y) - (x < y);
}

/* The pc of a call, as the runtime tells it: one before the return address. */
static uint64_t call_pc(const struct frame *f)
{
	return f->is_return ? f->pc - 1 : f->pc;
}

static void put_frame(struct textbuf *to, const struct frame *f)
{
	const uint64_t pc = call_pc(f);

	textbuf__format(to, "#\t%#" PRIx64 "\t%s+%#" PRIx64 "\t%s:%" PRIu32 "\n", pc, f->name,
			f->entry && pc >= f->entry ? pc - f->entry : 0, f->file, f->line);
}

static bool is_runtime(const char *name)
{
	return !strncmp(name, "runtime.", 8) || !strncmp(name, "internal/runtime/", 17);
}

/* all: frames of the runtime at its leaf too, as where there are no others. */
static void put_frames(struct textbuf *to, const struct frames *fr, bool all)
{
	bool show = all;

	for (size_t i = fr->nr; i-- > 0;) {
		if (fr->v[i].kind != FRAME_CODE)
			continue;
		show = show || !is_runtime(fr->v[i].name);
		if (show)
			put_frame(to, &fr->v[i]);
	}
	if (!show && fr->nr)
		put_frames(to, fr, true);
	else
		textbuf__text(to, "\n");
}

static void put_pcs(struct textbuf *to, const struct frames *fr)
{
	uint64_t last = 0;

	textbuf__text(to, " @");
	for (size_t i = fr->nr; i-- > 0;) {
		if (fr->v[i].kind == FRAME_CODE && fr->v[i].pc != last)
			textbuf__format(to, " %#" PRIx64, fr->v[i].pc);
		last = fr->v[i].pc;
	}
	textbuf__text(to, "\n");
}

static int put_row(struct go_text *t, const struct snap_row *row)
{
	const enum profile_event event = t->r->snap->event;
	struct frames fr;
	const int err = rowframer__row(t->f, t->r->snap, row, &fr);

	if (err)
		return err;
	if (event == PROFILE_ALLOC)
		textbuf__format(t->to, "0: 0 [%" PRIu64 ": %" PRIu64 "]", row->count, row->value);
	else if (profile_event_is_time(event))
		textbuf__format(t->to, "%" PRIu64 " %" PRIu64, row->value, row->count);
	else
		textbuf__format(t->to, "%" PRIu64, row->count);
	put_pcs(t->to, &fr);
	put_frames(t->to, &fr, profile_event_is_time(event));
	return 0;
}

static void put_head(struct go_text *t)
{
	const struct snap *s = t->r->snap;

	if (s->event == PROFILE_ALLOC)
		textbuf__format(t->to,
				"heap profile: 0: 0 [%" PRIu64 ": %" PRIu64 "] @ heap/1\n"
				"# what is in use is not known: 0\n",
				s->count, s->value);
	else if (s->event == PROFILE_MUTEX)
		textbuf__text(t->to, "--- mutex:\ncycles/second=1000000000\nsampling period=1\n");
	else if (profile_event_is_time(s->event))
		textbuf__text(t->to, "--- contention:\ncycles/second=1000000000\n");
	else
		textbuf__format(t->to, "%s profile: total %" PRIu64 "\n", t->r->as_go, s->count);
}

static int put_rows(struct go_text *t)
{
	const struct snap *s = t->r->snap;
	scoped_mem const struct snap_row **rows = reallocarray(NULL, s->nr + 1, sizeof(*rows));
	int err = rows ? 0 : -ENOMEM;

	for (size_t i = 0; i < s->nr && !err; i++)
		rows[i] = &s->rows[i];
	if (!err && s->nr)
		qsort(rows, s->nr, sizeof(*rows), most_first);
	for (size_t i = 0; i < s->nr && !err; i++)
		err = put_row(t, rows[i]);
	return err;
}

int go_text__write(const struct report *r, FILE *out, struct cause *why)
{
	struct textbuf to;
	scoped(rowframer) f = NULL;
	int err = rowframer__new(r->namers, r->nr_namers, r->full, &f);
	struct go_text t = { .r = r, .f = f, .to = &to };

	textbuf__init(&to, out);
	if (!err) {
		rowframer__as_go(f);
		put_head(&t);
		err = put_rows(&t);
	}
	if (!err)
		err = textbuf__finish(&to);
	textbuf__done(&to);
	return err ? cause__set(why, err, "cannot write the profile: %s", strerror(-err)) : 0;
}
