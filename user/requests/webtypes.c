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

static bool find_request(struct gotypes *types, struct webtypes_request *r, const struct gotype *t,
			 const struct gotype **ret_url)
{
	const struct gofield *url, *header;

	r->type = t;
	field(types, t, "Method", &r->method);
	field(types, t, "RequestURI", &r->uri);
	field(types, t, "Host", &r->host);
	field(types, t, "RemoteAddr", &r->peer);
	field(types, t, "Pattern", &r->pattern);
	field(types, t, "ProtoMajor", &r->major);
	if (!field(types, t, "ctx", &r->ctx))
		field(types, t, "Context", &r->ctx);
	header = field(types, t, "Header", &r->header);
	r->headers = header && header->type->kind == GOKIND_MAP ? header->type : NULL;
	url = field(types, t, "URL", &r->url);
	*ret_url = url ? gotypes__elem(types, url->type) : NULL;
	return t && r->method != WEBTYPES_NONE && r->uri != WEBTYPES_NONE &&
	       r->ctx != WEBTYPES_NONE;
}

static void find_url(struct gotypes *types, struct webtypes *w, const struct gotype *t)
{
	field(types, t, "Path", &w->url_path);
	field(types, t, "RawPath", &w->url_raw_path);
	field(types, t, "Opaque", &w->url_opaque);
	field(types, t, "Scheme", &w->url_scheme);
	field(types, t, "Host", &w->url_host);
}

/* streams: one of each package; in the later one of net/http it is a part of its request. */
static void find_client(struct gotypes *types, struct webtypes *w,
			const struct gotype *const streams[WEBTYPES_STREAMS])
{
	const struct gofield *f = field(types, w->sent, "Request", &w->sent_request);

	if (!f)
		w->sent = NULL;
	field(types, w->answer, "Request", &w->answer_request);
	for (size_t i = 0; i < WEBTYPES_STREAMS; i++) {
		w->client[i] = (struct webtypes_stream){ .type = streams[i] };
		f = field(types, streams[i], "res", &w->client[i].response);
		w->client[i].inside = !f;
	}
}

/* What a pointer, a field of t, leads to, and a string in that. */
static const struct gotype *find_behind(struct gotypes *types, const struct gotype *t,
					const char *name, uint64_t *ret, const char *text,
					uint64_t *ret_text)
{
	const struct gofield *f = field(types, t, name, ret);
	const struct gotype *elem =
		f && f->type->kind == GOKIND_POINTER ? gotypes__elem(types, f->type) : NULL;

	f = field(types, elem, text, ret_text);
	return f && f->type->kind == GOKIND_STRING ? elem : NULL;
}

static void find_call(struct gotypes *types, struct webtypes *w, const struct gotype *t)
{
	w->header = find_behind(types, t, "callHdr", &w->call_header, "Method", &w->header_method);
	w->dialled = find_behind(types, t, "cc", &w->call_conn, "target", &w->dialled_target);
	w->call = w->header && w->dialled ? t : NULL;
}

static void find_http2(struct gotypes *types, struct webtypes *w, struct webtypes_http2 *h,
		       const struct gotype *writer, const struct gotype *state)
{
	const struct gofield *f = field(types, state, "req", &h->req);
	const struct gotype *t = f ? f->type : NULL;

	h->writer = writer;
	h->state = state;
	h->pointer = t && t->kind == GOKIND_POINTER;
	if (h->pointer)
		t = gotypes__elem(types, t);
	if (t && t == w->http.type)
		h->of = &w->http;
	else if (t && t == w->inner.type)
		h->of = &w->inner;
}

static void find_of_context(struct gotypes *types, struct webtypes *w)
{
	const struct gofield *f;

	f = field(types, w->value, "Context", &w->value_parent);
	w->context = f && f->type->kind == GOKIND_INTERFACE ? f->type : NULL;
	field(types, w->value, "key", &w->value_key);
	field(types, w->value, "val", &w->value_val);
	field(types, w->cancel, "err", &w->cancel_err);
	field(types, w->cancel, "cause", &w->cancel_cause);
	last_word(types, w->cancel, "done", &w->cancel_done);
	f = field(types, w->cancel, "children", &w->cancel_children);
	w->children = f && f->type->kind == GOKIND_MAP ? f->type : NULL;
	field(types, w->timer, "deadline", &w->timer_deadline);
	f = field(types, w->timer, "cancelCtx", &w->timer_cancel);
	if (!f || f->type->kind != GOKIND_POINTER || gotypes__elem(types, f->type) != w->cancel)
		w->timer_cancel = WEBTYPES_NONE;
}

enum {
	REQUEST,
	RESPONSE,
	CONN,
	KEY,
	VALUE,
	CANCEL,
	TIMER,
	INNER,
	STREAM,
	OLD_STREAM,
	GROUP,
	CALL,
	SENT,
	ANSWER,
	STREAMS,                            /* of clients */
	HTTP2 = STREAMS + WEBTYPES_STREAMS, /* a writer and a state of each */
	NAMES = HTTP2 + 2 * WEBTYPES_HTTP2
};

int webtypes__find(struct gotypes *types, struct webtypes *ret)
{
	static const char *const names[NAMES] = {
		[REQUEST] = "net/http.Request",
		[RESPONSE] = "net/http.response",
		[CONN] = "net/http.conn",
		[KEY] = "net/http.contextKey",
		[VALUE] = "context.valueCtx",
		[CANCEL] = "context.cancelCtx",
		[TIMER] = "context.timerCtx",
		[INNER] = "net/http/internal/http2.ServerRequest",
		[STREAM] = "google.golang.org/grpc/internal/transport.ServerStream",
		[OLD_STREAM] = "google.golang.org/grpc/internal/transport.Stream",
		[GROUP] = "golang.org/x/sync/errgroup.Group",
		[CALL] = "google.golang.org/grpc.clientStream",
		[SENT] = "net/http.transportRequest",
		[ANSWER] = "net/http.Response",
		[STREAMS] = "net/http.http2clientStream",
		[STREAMS + 1] = "net/http/internal/http2.ClientRequest",
		[STREAMS + 2] = "golang.org/x/net/http2.clientStream",
		[HTTP2] = "net/http.http2responseWriter",
		[HTTP2 + 1] = "net/http.http2responseWriterState",
		[HTTP2 + 2] = "net/http/internal/http2.responseWriter",
		[HTTP2 + 3] = "net/http/internal/http2.responseWriterState",
		[HTTP2 + 4] = "golang.org/x/net/http2.responseWriter",
		[HTTP2 + 5] = "golang.org/x/net/http2.responseWriterState",
	};
	const struct gotype *t[NAMES];
	const struct gotype *url, *inner_url;
	struct webtypes *w = ret;
	bool found, http;
	int err = gotypes__find(types, names, NAMES, t);

	if (err)
		return err;
	*w = (struct webtypes){ .response = t[RESPONSE],
				.conn = t[CONN],
				.key = t[KEY],
				.value = t[VALUE],
				.cancel = t[CANCEL],
				.timer = t[TIMER],
				.stream = t[STREAM] ? t[STREAM] : t[OLD_STREAM],
				.group = t[GROUP],
				.sent = t[SENT],
				.answer = t[ANSWER] };
	found = find_request(types, &w->http, t[REQUEST], &url);
	if (!find_request(types, &w->inner, t[INNER], &inner_url))
		w->inner.type = NULL;
	find_url(types, w, url);
	find_client(types, w, t + STREAMS);
	find_call(types, w, t[CALL]);
	for (size_t i = 0; i < WEBTYPES_HTTP2; i++)
		find_http2(types, w, &w->http2[i], t[HTTP2 + 2 * i], t[HTTP2 + 2 * i + 1]);
	find_of_context(types, w);
	field(types, w->response, "conn", &w->response_conn);
	field(types, w->response, "req", &w->response_req);
	last_word(types, w->conn, "curReq", &w->conn_current);
	field(types, w->key, "name", &w->key_name);
	field(types, w->stream, "method", &w->stream_method);
	field(types, w->stream, "ctx", &w->stream_ctx);
	field(types, w->group, "cancel", &w->group_cancel);
	if (w->stream_method == WEBTYPES_NONE || w->stream_ctx == WEBTYPES_NONE)
		w->stream = NULL;
	if (w->group_cancel == WEBTYPES_NONE)
		w->group = NULL;
	http = found && w->response && w->conn && w->response_conn != WEBTYPES_NONE &&
	       w->response_req != WEBTYPES_NONE && w->conn_current != WEBTYPES_NONE;
	if (!http)
		w->response = w->conn = NULL;
	if (!found)
		w->http.type = NULL;
	return w->cancel && w->context && (found || w->stream) ? 0 : -ENOENT;
}
