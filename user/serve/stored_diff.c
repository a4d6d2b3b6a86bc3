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

static void side__done(struct side *s)
{
	snap__free(s->snap);
	replay__free(s->r);
}

static int side__read(struct side *s, const struct store *store, bool is_blocked, struct cause *why)
{
	int err = stored_sums__read(store, &s->asked, is_blocked, s->only, &s->r, why);

	if (err)
		return err;
	err = snap_facts__snap(s->r->sums, &s->snap);
	if (err)
		return cause__set(why, err, "nothing of that time can be read");
	s->meta = s->r->meta;
	/* what is not scaled has no length */
	s->meta.duration_ns = is_blocked ? s->asked.to_unix_ns - s->asked.from_unix_ns : 0;
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

void diff_get(const struct store *s, const char *target, const struct http_request *q,
	      struct http_answer *a)
{
	const char *view = http_query(q, "view"), *asked = http_query(q, "format"),
		   *format = asked ? asked : formats[0].name, *type = type_of(format);
	const bool is_blocked = view && !strcmp(view, "blocked");
	struct side base = { .r = NULL }, side = { .r = NULL };
	struct cause why = { "" };
	int err;

	if (!s || (view && !is_blocked && strcmp(view, "goroutines"))) {
		api_error(a, 404,
			  s ? "only goroutines and blocked are stored" : "no history is on disk");
		return;
	}
	if (!type || (is_blocked && strcmp(format, formats[0].name)) ||
	    !stored_asked(q, target, "base_from", "base_to", &base.asked) ||
	    !stored_asked(q, target, "from", "to", &side.asked)) {
		api_error(a, 400,
			  "give base_from=UNIX and base_to=UNIX, later, and from=UNIX and to=UNIX, "
			  "later; format: folded, and of goroutines also json, text or html");
		return;
	}
	err = side__read(&base, s, is_blocked, &why);
	if (!err)
		err = side__read(&side, s, is_blocked, &why);
	if (!err)
		err = write_diff(&base, &side, format_by_name(format), a, &why);
	if (err)
		api_error(a, err == -ENOENT ? 404 : 500, why.text);
	else
		a->type = type;
	side__done(&base);
	side__done(&side);
}
