// SPDX-License-Identifier: BSD-2-Clause
#include "serve/look_answer.h"

#include <errno.h>

#include "base/cleanup.h"
#include "format/format.h"
#include "serve/answer.h"
#include "serve/api.h"
#include "view/chans.h"
#include "view/dump.h"
#include "view/watched_chans.h"

struct seen {
	const struct look_view *view;
	const struct replay *r;
};

static int write_seen(const void *ctx, FILE *out, struct cause *why)
{
	const struct seen *s = ctx;

	return s->view->write(s->r, s->view->ctx, out, why);
}

int look_answer(const struct reading *of, const struct look_view *v, struct http_answer *a)
{
	struct cause why = { "" };
	scoped(replay) r = NULL;
	int err = replay__of_bytes(of->pw, of->len, of->target, &r, &why);

	if (!err)
		err = answer_write(a, v->type, write_seen, &(struct seen){ v, r }, &why);
	if (err && err != -ENOENT)
		http_say(a, 500, "its last look cannot be shown\n");
	return err == -ENOENT ? err : 0;
}

static int write_chans(const struct replay *r, const void *ctx, FILE *out, struct cause *why)
{
	struct chans_source sources[BOOK_RUNTIMES_MAX];
	struct replay_look look;
	const struct chan_watch *watch = r->book->watch;
	struct chans_show show = { .meta = &r->meta };
	struct shown shown = { .chans = { .show = &show } };
	scoped(watched_chans) watched = NULL;
	scoped(dump) d = NULL;
	scoped(chans) cs = NULL;
	int err;

	(void)ctx;
	if (!replay__look(r, &look))
		return -ENOENT;
	for (uint16_t i = 0; i < r->book->nr_runtimes; i++)
		if (!book_look__waits(book__last_look(r->book), i, &sources[i]))
			return -ENOENT;
	err = dump__new(&look.in, &(struct dump_opts){ .system = true }, &d);
	if (!err)
		err = chans__new(d, sources, &cs);
	if (!err && watch)
		err = watched_chans__new(watch, NULL, &watched);
	if (err)
		return err;
	show.watched = watched;
	shown.chans.chans = cs;
	return format__write(format_by_name("json"), watch ? VIEW_CHANS_WATCH : VIEW_CHANS, &shown,
			     out, why);
}

void chans_read(const struct reading *r, struct http_answer *a)
{
	const struct look_view view = { .type = "application/json", .write = write_chans };

	if (look_answer(r, &view, a))
		api_error(a, 404, "no goroutine waited for a lock at both of the last two looks");
}
