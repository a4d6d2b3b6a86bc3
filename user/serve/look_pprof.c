// SPDX-License-Identifier: BSD-2-Clause
#include "serve/look_pprof.h"

#include <errno.h>

#include "base/cleanup.h"
#include "format/dump_show.h"
#include "format/format.h"
#include "serve/look_answer.h"
#include "view/dump.h"

static int write_pprof(const struct replay *r, const void *ctx, FILE *out, struct cause *why)
{
	const struct format plain = { .kind = FORMAT_PPROF, .rows = &renderer_pprof_plain };
	const struct look_pprof_opts *o = ctx;
	struct replay_look look;
	struct report_meta meta = r->meta;
	const struct dump_show show = { .meta = &meta };
	struct shown shown = { .dump = { .show = &show, .root = PROFILE_ROOT_NONE } };
	scoped(dump) d = NULL;
	int err;

	if (!replay__look(r, &look))
		return -ENOENT;
	err = dump__new(&look.in, &(struct dump_opts){ .system = false }, &d);
	if (err)
		return err;
	shown.dump.dump = d;
	if (o->requests && look.in.requests)
		shown.dump.root = PROFILE_ROOT_REQUEST;
	return format__write(o->gzip ? format_by_name("pprof") : &plain, VIEW_DUMP, &shown, out,
			     why);
}

int look_pprof(const struct watched *t, const struct look_pprof_opts *o, struct textbuf *to)
{
	const struct look_view view = { .type = "", .write = write_pprof, .ctx = o };
	const struct reading of = { .target = t->id, .pw = t->look, .len = t->look_len };
	struct http_answer a = { .status = 200 };
	int err;

	textbuf__init(&a.body, NULL);
	err = look_answer(&of, &view, &a);
	if (!err && (a.status != 200 || a.body.err))
		err = -EIO;
	if (!err)
		textbuf__bytes(to, a.body.v, a.body.nr);
	textbuf__done(&a.body);
	return err ? err : to->err;
}
