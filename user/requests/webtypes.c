/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/webtypes.h"

#include <errno.h>

#include "base/cleanup.h"

static const struct gofield *field(struct gotypes *types, const struct gotype *t, const char *name,
				   uint64_t *ret)
{
	const struct gofield *f = t ? gotypes__field(types, t, name, ret) : NULL;

	if (!f)
		*ret = WEBTYPES_NONE;
	return f;
}

/* The last word of a field: of an atomic.Value the data, of other pointers the pointer. */
static void last_word(struct gotypes *types, const struct gotype *t, const char *name,
		      uint64_t *ret)
{
	const struct gofield *f = field(types, t, name, ret);

	if (f && f->type->size >= 8)
		*ret += f->type->size - 8;
	else
		*ret = WEBTYPES_NONE;
}

static void find_of_request(struct gotypes *types, struct webtypes *w)
{
	const struct gofield *url;
	const struct gotype *of = NULL;

	field(types, w->request, "Method", &w->of_request.method);
	field(types, w->request, "RequestURI", &w->of_request.uri);
	field(types, w->request, "Host", &w->of_request.host);
	field(types, w->request, "RemoteAddr", &w->of_request.peer);
	field(types, w->request, "Pattern", &w->of_request.pattern);
	field(types, w->request, "ctx", &w->of_request.ctx);
	url = field(types, w->request, "URL", &w->of_request.url);
	if (url)
		of = gotypes__elem(types, url->type);
	field(types, of, "Path", &w->url_path);
}

static void find_of_context(struct gotypes *types, struct webtypes *w)
{
	const struct gofield *f;
	uint64_t offset;

	f = field(types, w->value, "Context", &offset);
	w->context = f && f->type->kind == GOKIND_INTERFACE ? f->type : NULL;
	field(types, w->value, "key", &w->value_key);
	field(types, w->cancel, "err", &w->cancel_err);
	last_word(types, w->cancel, "done", &w->cancel_done);
	f = field(types, w->cancel, "children", &w->cancel_children);
	w->children = f && f->type->kind == GOKIND_MAP ? f->type : NULL;
	field(types, w->timer, "deadline", &w->timer_deadline);
}

int webtypes__find(struct gotypes *types, struct webtypes *ret)
{
	static const char *const names[] = {
		"net/http.Request",    "net/http.response", "net/http.conn",
		"net/http.contextKey", "context.valueCtx",  "context.cancelCtx",
		"context.timerCtx",
	};
	const struct gotype *t[ARRAY_SIZE(names)];
	struct webtypes w = { 0 };
	int err = gotypes__find(types, names, ARRAY_SIZE(names), t);

	if (err)
		return err;
	w = (struct webtypes){ .request = t[0],
			       .response = t[1],
			       .conn = t[2],
			       .key = t[3],
			       .value = t[4],
			       .cancel = t[5],
			       .timer = t[6] };
	find_of_request(types, &w);
	find_of_context(types, &w);
	field(types, w.response, "conn", &w.response_conn);
	field(types, w.response, "req", &w.response_req);
	last_word(types, w.conn, "curReq", &w.conn_current);
	field(types, w.key, "name", &w.key_name);
	if (!w.request || !w.response || !w.conn || !w.cancel || !w.context ||
	    w.of_request.method == WEBTYPES_NONE || w.of_request.uri == WEBTYPES_NONE ||
	    w.of_request.ctx == WEBTYPES_NONE || w.response_conn == WEBTYPES_NONE ||
	    w.response_req == WEBTYPES_NONE || w.conn_current == WEBTYPES_NONE)
		return -ENOENT;
	*ret = w;
	return 0;
}
