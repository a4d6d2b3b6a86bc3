/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/kept_requests.h"

#include <errno.h>
#include <string.h>

#include "cli/format.h"
#include "cli/show.h"
#include "view/request_rows.h"

int kept_requests_check(const struct opts *o, enum view v, struct cause *why)
{
	const struct format *f = NULL;
	const char *asked = o->requests        ? "requests"
			    : o->over_deadline ? "over-deadline"
			    : o->trace         ? "trace"
					       : NULL;

	if (o->route && v != VIEW_REQUESTS)
		return cause__set(why, -EINVAL, "--route chooses requests: try --view requests");
	if (asked && v != VIEW_DUMP && v != VIEW_REQUESTS)
		return cause__set(why, -EINVAL,
				  "--%s is of goroutines and their requests: try --view dump",
				  asked);
	if (!o->requests)
		return 0;
	if (format_choose_of(o, v, &f))
		return -EINVAL;
	if (f->kind != FORMAT_TEXT && f->kind != FORMAT_JSON && f->kind != FORMAT_JSONL)
		return cause__set(why, -EINVAL,
				  "--requests goes with text, json and jsonl, not with %s",
				  f->name);
	return 0;
}

static int none(const struct opts *o, const struct replay *r, struct cause *why)
{
	return cause__set(why, -ENOENT,
			  "'%s' has no requests: it was written by '%s'; 'parkwatch dump -p PID "
			  "--requests -o FILE.pw' keeps them%s",
			  o->operands[0], r->book->view,
			  strcmp(r->book->view, "record") ? ""
							  : "; of a recording try --root route");
}

int kept_requests_are_there(const struct opts *o, const struct replay *r,
			    const struct replay_look *look, struct cause *why)
{
	if (look->in.requests || (!o->requests && !o->over_deadline && !o->trace))
		return 0;
	return none(o, r, why);
}

int kept_requests_show(const struct opts *o, const struct format *f, const struct filter *filter,
		       const struct replay *r, FILE *out, struct cause *why)
{
	const struct request_rows_of of = { .route = o->route };
	struct replay_look look;
	scoped(request_rows) rows = NULL;
	scoped(dump) d = NULL;
	int err;

	if (!replay__look(r, &look) || !look.in.requests)
		return none(o, r, why);
	err = show_filtered(o, filter, &look.in, &d, why);
	if (err)
		return err;
	err = request_rows__new(d, &of, &rows);
	if (err)
		return cause__no_memory(why);
	rows->resource = &r->book->resource;
	return format__write(f, VIEW_REQUESTS,
			     &(struct shown){ .requests = { .rows = rows, .meta = &r->meta } }, out,
			     why);
}

void kept_requests_print(const struct replay *r)
{
	size_t sent = 0, over = 0, all = 0;
	struct replay_look look;

	if (!replay__look(r, &look) || !look.in.requests)
		return;
	for (size_t rt = 0; rt < look.in.nr; rt++) {
		const struct grequests *rs = look.in.requests[rt];

		for (size_t i = 0; i < rs->nr; i++) {
			sent += rs->v[i].kind == GREQUEST_OUTGOING && !rs->v[i].over;
			over += rs->v[i].over;
		}
		all += rs->nr;
	}
	printf("requests      %zu served, %zu sent, %zu over\n", all - sent - over, sent, over);
}
