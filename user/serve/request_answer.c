// SPDX-License-Identifier: BSD-2-Clause
#include "serve/request_answer.h"

#include <errno.h>
#include <string.h>

#include "format/format.h"
#include "serve/api.h"
#include "serve/goroutines.h"
#include "serve/look_answer.h"
#include "view/request_rows.h"

/* What a query asks for. */
struct asked {
	struct filter *filter; /* owned */
	const char *route;     /* NULL: all */
	const char *trace;     /* the first digits of its id; NULL: all */
};

static int asked__read(struct asked *a, const struct http_request *q, struct cause *why)
{
	int err = filter__new(&a->filter);

	for (size_t i = 0; i < q->nr_query && !err; i++) {
		const struct http_value *v = &q->query[i];

		if (!strcmp(v->name, "route"))
			a->route = v->value;
		else if (!strcmp(v->name, "trace_id"))
			err = trace_asked(v->value, &a->trace, why);
		else if (strcmp(v->name, "at") != 0) /* says which look */
			err = goroutines_filter(a->filter, v, why);
	}
	return err;
}

static int write_requests(const struct replay *r, const void *ctx, FILE *out, struct cause *why)
{
	const struct asked *asked = ctx;
	const struct dump_opts opts = { .filter = asked->filter, .trace = asked->trace };
	struct replay_look look;
	scoped(request_rows) rows = NULL;
	scoped(dump) d = NULL;
	int err;

	if (!replay__look(r, &look) || !look.in.requests)
		return -ENOENT;
	err = dump__new(&look.in, &opts, &d);
	if (!err)
		err = request_rows__new(d, &(struct request_rows_of){ .route = asked->route },
					&rows);
	if (err)
		return cause__set(why, err, "out of memory");
	rows->resource = &r->book->resource;
	return format__write(format_by_name("json"), VIEW_REQUESTS,
			     &(struct shown){ .requests = { .rows = rows, .meta = &r->meta } }, out,
			     why);
}

void requests_read(const struct reading *r, struct http_answer *a)
{
	struct asked asked = { .route = NULL };
	const struct look_view view = { .type = "application/json",
					.write = write_requests,
					.ctx = &asked };
	struct cause why = { "" };
	const int err = asked__read(&asked, r->q, &why);

	if (err == -ENOMEM)
		a->body.err = err;
	else if (err)
		api_error(a, 400, why.text);
	else if (look_answer(r, &view, a))
		api_error(a, 404,
			  "no server of net/http or gRPC is known in this program, or its requests "
			  "could not be read at that look");
	filter__free(asked.filter);
}
