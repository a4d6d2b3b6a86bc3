// SPDX-License-Identifier: BSD-2-Clause
#include "serve/stored_diff.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/format.h"
#include "serve/answer.h"
#include "serve/api.h"
#include "serve/reading.h"
#include "serve/stored_sums.h"
#include "view/replay.h"
#include "view/stack_diff.h"

struct side {
	struct store_asked asked;
	char only[STORED_ONLY_MAX];
	struct replay *r;  /* owned */
	struct snap *snap; /* owned */
	struct report_meta meta;
	struct report report;
};

/* What is compared. */
struct compared {
	const char *name;
	bool recorded; /* what recordings of this event saw */
	bool waits;    /* goroutines of looks that wait, times the time */
};

static const struct compared views[] = {
	{ .name = "goroutines" },
	{ .name = "blocked", .recorded = true },
	{ .name = "births", .recorded = true },
	{ .name = "exits", .recorded = true },
	{ .name = "alloc", .recorded = true },
	{ .name = "cpu", .recorded = true },
};
/* Where one of the two times has no recording. */
static const struct compared waits_of_looks = { .name = "blocked", .waits = true };

static void side__done(struct side *s)
{
	snap__free(s->snap);
	replay__free(s->r);
	s->snap = NULL;
	s->r = NULL;
}

static int side__read(struct side *s, int store, const struct compared *v, struct cause *why)
{
	int err = v->recorded ? stored_sums__read_recorded(store, &s->asked, v->name, s->only,
							   &s->r, why)
			      : stored_sums__read(store, &s->asked, v->waits, s->only, &s->r, why);

	if (err)
		return err;
	err = snap_facts__snap(s->r->sums, &s->snap);
	if (err)
		return cause__set(why, err, "nothing of that time can be read");
	s->meta = s->r->meta;
	/* what is not scaled has no length; of recordings it is that of all of them */
	if (!v->recorded)
		s->meta.duration_ns = v->waits ? s->asked.to_unix_ns - s->asked.from_unix_ns : 0;
	s->report = (struct report){ .snap = s->snap,
				     .meta = &s->meta,
				     .namers = s->r->namers,
				     .nr_namers = s->r->book->nr_runtimes };
	return 0;
}

struct shown_as {
	const struct stack_diff *diff;
	const struct format *format;
};

static int write_as(const void *ctx, FILE *out, struct cause *why)
{
	const struct shown_as *as = ctx;

	return format__write(as->format, VIEW_STACK_DIFF,
			     &(struct shown){ .stack_diff = { .diff = as->diff } }, out, why);
}

static int write_diff(const struct side *base, const struct side *side, const char *format,
		      const char *type, struct http_answer *a, struct cause *why)
{
	scoped(stack_diff) d = NULL;
	const int err = stack_diff__new(&base->report, &side->report, &d, why);

	if (err)
		return err;
	return answer_write(a, type, write_as, &(struct shown_as){ d, format_by_name(format) },
			    why);
}

static const struct {
	const char *name, *type;
} formats[] = { { "folded", "text/plain; charset=utf-8" },
		{ "json", "application/json" },
		{ "text", "text/plain; charset=utf-8" },
		{ "html", "text/html; charset=utf-8" } };

/* NULL: there is none of that name. */
static const char *type_of(const char *format)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(format, formats[i].name))
			return formats[i].type;
	return NULL;
}

static const struct compared *find_view(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(views); i++)
		if (!strcmp(name, views[i].name))
			return &views[i];
	return NULL;
}

static int compare(int store, const struct compared *v, struct side *base, struct side *side,
		   const char *format, const char *type, struct http_answer *a, struct cause *why)
{
	int err = side__read(base, store, v, why);

	if (!err)
		err = side__read(side, store, v, why);
	if (!err)
		err = write_diff(base, side, format, type, a, why);
	side__done(base);
	side__done(side);
	return err;
}

void diff_read(const struct reading *of, struct http_answer *a)
{
	const struct http_request *q = of->q;
	const char *name = http_query(q, "view"), *asked = http_query(q, "format"),
		   *format = asked ? asked : formats[0].name, *type = type_of(format);
	const struct compared *v = find_view(name ? name : views[0].name);
	struct side base = { .r = NULL }, side = { .r = NULL };
	struct cause why = { "" };
	int err;

	if (of->store < 0 || !v) {
		api_error(a, 404,
			  of->store >= 0 ? "only goroutines, blocked, births, exits, alloc and cpu "
					   "are stored"
					 : "no history is on disk");
		return;
	}
	if (!type || !stored_asked(q, of->target, "base_from", "base_to", &base.asked) ||
	    !stored_asked(q, of->target, "from", "to", &side.asked)) {
		api_error(a, 400,
			  "give base_from=UNIX and base_to=UNIX, later, and from=UNIX and to=UNIX, "
			  "later; format: folded, json, text or html");
		return;
	}
	err = compare(of->store, v, &base, &side, format, type, a, &why);
	if (err == -ENOENT && !strcmp(v->name, waits_of_looks.name)) {
		if (strcmp(format, formats[0].name)) {
			api_error(a, 400, "of waits that looks saw, and no recording: folded only");
			return;
		}
		err = compare(of->store, &waits_of_looks, &base, &side, format, type, a, &why);
	}
	if (err)
		api_error(a, err == -ENOENT ? 404 : 500, why.text);
}
