// SPDX-License-Identifier: BSD-2-Clause
#include "serve/stored_diff.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "format/format.h"
#include "serve/api.h"
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

static int side__read(struct side *s, const struct store *store, const struct compared *v,
		      struct cause *why)
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

static int write_diff(const struct side *base, const struct side *side, const struct format *f,
		      struct http_answer *a, struct cause *why)
{
	scoped(stack_diff) d = NULL;
	scoped_mem char *text = NULL;
	size_t len = 0;
	FILE *out;
	int err = stack_diff__new(&base->report, &side->report, &d, why);

	if (err)
		return err;
	out = open_memstream(&text, &len);
	if (!out)
		return cause__no_memory(why);
	err = format__write(f, VIEW_STACK_DIFF, &(struct shown){ .stack_diff = { .diff = d } }, out,
			    why);
	if (fclose(out) && !err)
		err = cause__no_memory(why);
	if (!err)
		textbuf__bytes(&a->body, text, len);
	return err;
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

static int compare(const struct store *s, const struct compared *v, struct side *base,
		   struct side *side, const struct format *f, struct http_answer *a,
		   struct cause *why)
{
	int err = side__read(base, s, v, why);

	if (!err)
		err = side__read(side, s, v, why);
	if (!err)
		err = write_diff(base, side, f, a, why);
	side__done(base);
	side__done(side);
	return err;
}

void diff_get(const struct store *s, const char *target, const struct http_request *q,
	      struct http_answer *a)
{
	const char *name = http_query(q, "view"), *asked = http_query(q, "format"),
		   *format = asked ? asked : formats[0].name, *type = type_of(format);
	const struct compared *v = find_view(name ? name : views[0].name);
	struct side base = { .r = NULL }, side = { .r = NULL };
	struct cause why = { "" };
	int err;

	if (!s || !v) {
		api_error(a, 404,
			  s ? "only goroutines, blocked, births, exits and alloc are stored"
			    : "no history is on disk");
		return;
	}
	if (!type || !stored_asked(q, target, "base_from", "base_to", &base.asked) ||
	    !stored_asked(q, target, "from", "to", &side.asked)) {
		api_error(a, 400,
			  "give base_from=UNIX and base_to=UNIX, later, and from=UNIX and to=UNIX, "
			  "later; format: folded, json, text or html");
		return;
	}
	err = compare(s, v, &base, &side, format_by_name(format), a, &why);
	if (err == -ENOENT && !strcmp(v->name, waits_of_looks.name)) {
		if (strcmp(format, formats[0].name)) {
			api_error(a, 400, "of waits that looks saw, and no recording: folded only");
			return;
		}
		err = compare(s, &waits_of_looks, &base, &side, format_by_name(format), a, &why);
	}
	if (err)
		api_error(a, err == -ENOENT ? 404 : 500, why.text);
	else
		a->type = type;
}
