// SPDX-License-Identifier: BSD-2-Clause
#include "serve/look_answer.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "format/format.h"
#include "view/chans.h"
#include "view/dump.h"

int look_answer(const struct watched *t, const struct look_view *v, struct http_answer *a)
{
	struct cause why = { "" };
	scoped(replay) r = NULL;
	scoped_mem char *text = NULL;
	size_t len = 0;
	FILE *out;
	int err;

	if (!t->look) {
		http_say(a, 503, "no look at it yet: try again in some seconds\n");
		return 0;
	}
	out = open_memstream(&text, &len);
	err = out ? replay__of_bytes(t->look, t->look_len, t->id, &r, &why) : -ENOMEM;
	if (!err)
		err = v->write(r, v->ctx, out, &why);
	if (out && fclose(out))
		err = -ENOMEM;
	if (err == -ENOENT)
		return err;
	if (err) {
		http_say(a, 500, "its last look cannot be shown\n");
	} else {
		a->type = v->type;
		textbuf__bytes(&a->body, text, len);
	}
	return 0;
}

static int write_chans(const struct replay *r, const void *ctx, FILE *out, struct cause *why)
{
	struct chans_source sources[BOOK_RUNTIMES_MAX];
	struct replay_look look;
	const struct chans_show show = { .meta = &r->meta };
	struct shown shown = { .chans = { .show = &show } };
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
	if (err)
		return err;
	shown.chans.chans = cs;
	return format__write(format_by_name("json"), VIEW_CHANS, &shown, out, why);
}

int chans_get(const struct watched *t, struct http_answer *a)
{
	return look_answer(t,
			   &(struct look_view){ .type = "application/json", .write = write_chans },
			   a);
}
