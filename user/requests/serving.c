/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/serving.h"

#include <errno.h>
#include <string.h>

#include "base/u64map.h"

#define PCS_MAX 1000000u /* that are remembered */

#define HANDLER "net/http.serverHandler.ServeHTTP"

enum role {
	ROLE_NONE,
	ROLE_HANDLER, /* conn.serve has called it, and it calls the program's own */
	ROLE_HTTP1,
	ROLE_HTTP2,      /* runs a handler */
	ROLE_GRPC,       /* handles a call */
	ROLE_CONNECTION, /* of HTTP/2: what conn.serve has called serves it, and no request */
};

static const struct {
	const char *func;
	enum role role;
} roles[] = {
	{ HANDLER, ROLE_HANDLER },
	{ "net/http.(*conn).serve", ROLE_HTTP1 },
	{ "net/http.(*http2serverConn).runHandler", ROLE_HTTP2 },
	{ "net/http/internal/http2.(*serverConn).runHandler", ROLE_HTTP2 },
	{ "golang.org/x/net/http2.(*serverConn).runHandler", ROLE_HTTP2 },
	{ "google.golang.org/grpc.(*Server).handleStream", ROLE_GRPC },
	{ "google.golang.org/grpc.(*Server).processUnaryRPC", ROLE_GRPC },
	{ "google.golang.org/grpc.(*Server).processStreamingRPC", ROLE_GRPC },
	{ "google.golang.org/grpc.(*Server).processRPC", ROLE_GRPC },
	{ "net/http.(*http2serverConn).serve", ROLE_CONNECTION },
	{ "net/http/internal/http2.(*serverConn).serve", ROLE_CONNECTION },
	{ "golang.org/x/net/http2.(*serverConn).serve", ROLE_CONNECTION },
};

struct serving {
	const struct goruntime *rt;
	struct prover *p;
	const struct webtypes *w;
	const struct contexts *c;
	uint64_t entries[ARRAY_SIZE(roles)]; /* 0: it is not linked in */
	struct u64map frames;                /* pc to enum role */
	struct u64map starts;  /* pc to enum role of what goroutines that start there run */
	struct u64map inlined; /* pc in conn.serve: 1, HANDLER is inlined there */
	struct u64map leaves;  /* pc of what runHandler has called: 1, that is no handler */
};

int serving__new(const struct goruntime *rt, struct prover *p, const struct webtypes *w,
		 const struct contexts *c, struct serving **ret)
{
	scoped(serving) s = calloc(1, sizeof(*s));
	const char *names[ARRAY_SIZE(roles)];
	struct gofunc fn[ARRAY_SIZE(roles)];
	int err;

	if (!s)
		return -ENOMEM;
	*s = (struct serving){ .rt = rt, .p = p, .w = w, .c = c };
	s->frames.max = s->starts.max = s->inlined.max = s->leaves.max = PCS_MAX;
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		names[i] = roles[i].func;
	err = gosym__find(rt->sym, 0, names, ARRAY_SIZE(names), fn);
	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		s->entries[i] = fn[i].entry;
	*ret = steal(s);
	return 0;
}

void serving__free(struct serving *s)
{
	if (!s)
		return;
	u64map__done(&s->frames);
	u64map__done(&s->starts);
	u64map__done(&s->inlined);
	u64map__done(&s->leaves);
	free(s);
}

static enum role role_of(const struct serving *s, uint64_t entry)
{
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (s->entries[i] && s->entries[i] == entry)
			return roles[i].role;
	return ROLE_NONE;
}

bool serving__starts_at(struct serving *s, uint64_t startpc)
{
	uint64_t known;

	if (u64map__get(&s->starts, startpc, &known))
		return known;
	known = role_of(s, gosym__unwrap_start(s->rt->sym, startpc));
	(void)u64map__set(&s->starts, startpc, known); /* else it is looked up again */
	return known;
}

/* pc: a return address. */
static enum role serving__frame(struct serving *s, uint64_t pc)
{
	struct gofunc fn;
	uint64_t known;

	if (u64map__get(&s->frames, pc, &known))
		return (enum role)known;
	known = gosym__func_at(s->rt->sym, pc - 1, &fn) ? ROLE_NONE : role_of(s, fn.entry);
	(void)u64map__set(&s->frames, pc, known);
	return (enum role)known;
}

bool serving__is_server(struct serving *s, uint64_t pc)
{
	return serving__frame(s, pc) != ROLE_NONE;
}

/* Whether frame i, of conn.serve, is in the handler: before and after it the connection has a
 * request too. */
static bool serving__is_in_handler(struct serving *s, const struct liveslots *slots, uint32_t i)
{
	struct goframe f[GOSYM_INLINE_MAX];
	uint64_t known;
	int nr;

	if (i && serving__frame(s, slots->pcs[i - 1]) == ROLE_HANDLER)
		return true;
	if (u64map__get(&s->inlined, slots->pcs[i], &known))
		return known;
	known = false;
	nr = gosym__frames(s->rt->sym, slots->pcs[i], true, f, ARRAY_SIZE(f));
	for (int k = 0; k < nr; k++)
		known |= !strcmp(f[k].func, HANDLER);
	(void)u64map__set(&s->inlined, slots->pcs[i], known);
	return known;
}

/*
 * Whether frame i, of runHandler, has called what it has deferred: the handler has returned. That
 * is a function inside of it, sendServeMsg, or what the runtime calls in between.
 */
static bool serving__has_left(struct serving *s, const struct liveslots *slots, uint32_t i)
{
	struct goframe f[GOSYM_INLINE_MAX];
	uint64_t known;
	int nr;

	if (!i)
		return true;
	if (u64map__get(&s->leaves, slots->pcs[i - 1], &known))
		return known;
	nr = gosym__frames(s->rt->sym, slots->pcs[i - 1], true, f, ARRAY_SIZE(f));
	known = nr < 1 || strstr(f[nr - 1].func, ").runHandler.") ||
		strstr(f[nr - 1].func, ").sendServeMsg") || !strncmp(f[nr - 1].func, "runtime.", 8);
	(void)u64map__set(&s->leaves, slots->pcs[i - 1], known);
	return known;
}

/* --- HTTP/1 --- */

/* The response of the request that a connection is at; 0: it is at none, or they do not fit. */
static uint64_t current(struct serving *s, uint64_t conn)
{
	const uint64_t response = prover__word(s->p, conn + s->w->conn_current);

	return prover__is(s->p, response, s->w->response) &&
			       prover__word(s->p, response + s->w->response_conn) == conn
		       ? response
		       : 0;
}

/* The connection that a live word leads to; 0: to none. */
static uint64_t conn_of(struct serving *s, uint64_t value)
{
	uint64_t conn;

	if (prover__is(s->p, value, s->w->conn))
		return value;
	if (!prover__is(s->p, value, s->w->response))
		return 0;
	conn = prover__word(s->p, value + s->w->response_conn);
	return prover__is(s->p, conn, s->w->conn) && current(s, conn) == value ? conn : 0;
}

/* A connection that became one of HTTP/2 is at no request (RFC 9113 3.4). */
static bool is_preface(struct serving *s, uint64_t request)
{
	char method[8];

	return !prover__string(s->p, request + s->w->http.method, method, sizeof(method)) ||
	       !strcmp(method, "PRI");
}

static enum serving_state serving__http1(struct serving *s, const struct liveslots *slots,
					 uint32_t frame, struct serving_request *ret)
{
	uint64_t conn = 0, response, request;

	for (size_t i = 0; i < slots->nr; i++) {
		const uint64_t found =
			slots->v[i].frame == frame ? conn_of(s, slots->v[i].value) : 0;

		if (found && conn && found != conn)
			return SERVING_UNCLEAR;
		conn = found ? found : conn;
	}
	if (!conn)
		return SERVING_UNCLEAR;
	if (!prover__word(s->p, conn + s->w->conn_current))
		return SERVING_NOTHING;
	response = current(s, conn);
	request = response ? prover__word(s->p, response + s->w->response_req) : 0;
	if (!prover__is(s->p, request, s->w->http.type))
		return SERVING_UNCLEAR;
	if (is_preface(s, request))
		return SERVING_NOTHING;
	*ret = (struct serving_request){ request, &s->w->http, GREQUEST_HTTP };
	return SERVING_REQUEST;
}

/* --- HTTP/2 --- */

/* The state that a live word leads to, and whose package's it is; 0: to none. */
static uint64_t state_of(struct serving *s, uint64_t value, const struct webtypes_http2 **ret)
{
	for (size_t i = 0; i < WEBTYPES_HTTP2; i++) {
		const struct webtypes_http2 *h = &s->w->http2[i];
		uint64_t state = value;

		if (!h->of || !h->state)
			continue;
		if (h->writer && prover__is(s->p, value, h->writer))
			state = prover__word(s->p, value);
		if (!prover__is(s->p, state, h->state))
			continue;
		*ret = h;
		return state;
	}
	return 0;
}

static enum serving_state serving__http2(struct serving *s, const struct liveslots *slots,
					 uint32_t frame, struct serving_request *ret)
{
	const struct webtypes_http2 *h = NULL;
	uint64_t state = 0, request;

	for (size_t i = 0; i < slots->nr; i++) {
		const uint64_t found =
			slots->v[i].frame == frame ? state_of(s, slots->v[i].value, &h) : 0;

		if (found && state && found != state)
			return SERVING_UNCLEAR;
		state = found ? found : state;
	}
	if (!state)
		return SERVING_UNCLEAR;
	request = state + h->req;
	if (h->pointer) {
		request = prover__word(s->p, request);
		if (!prover__is(s->p, request, h->of->type))
			return SERVING_UNCLEAR;
	}
	*ret = (struct serving_request){ request, h->of, GREQUEST_HTTP2 };
	return SERVING_REQUEST;
}

/* --- gRPC --- */

/*
 * Whether what frame i has called is the package's own: it receives, or sends an answer. Its
 * interceptors call the handler.
 */
static bool serving__is_grpc(struct serving *s, const struct liveslots *slots, uint32_t i)
{
	static const char package[] = "google.golang.org/grpc.",
			  inner[] = "google.golang.org/grpc/internal/";
	struct goframe f[GOSYM_INLINE_MAX];
	uint64_t known;
	int nr;

	if (!i)
		return true;
	if (u64map__get(&s->leaves, slots->pcs[i - 1], &known))
		return known;
	nr = gosym__frames(s->rt->sym, slots->pcs[i - 1], true, f, ARRAY_SIZE(f));
	known = nr < 1 ||
		(!strncmp(f[nr - 1].func, package, sizeof(package) - 1) &&
		 !strstr(f[nr - 1].func, "Interceptor")) ||
		!strncmp(f[nr - 1].func, inner, sizeof(inner) - 1) ||
		!strncmp(f[nr - 1].func, "runtime.", 8);
	(void)u64map__set(&s->leaves, slots->pcs[i - 1], known);
	return known;
}

/* The one stream that the frames from `first` to `last` lead to; 0: none, or several. */
static uint64_t serving__stream(struct serving *s, const struct liveslots *slots,
				const struct hand *hands, size_t nr_hands, uint32_t first,
				uint32_t last)
{
	uint64_t stream = 0, found;

	for (size_t i = 0; i < slots->nr + nr_hands; i++) {
		const uint32_t frame =
			i < slots->nr ? slots->v[i].frame : hands[i - slots->nr].frame;

		if (frame < first || frame > last)
			continue;
		found = i < slots->nr ? slots->v[i].value
				      : contexts__stream(s->c, hands[i - slots->nr].context);
		if (!prover__is(s->p, found, s->w->stream))
			continue;
		if (stream && found != stream)
			return 0;
		stream = found;
	}
	return stream;
}

/* first: the innermost of its frames. */
static enum serving_state serving__grpc(struct serving *s, const struct liveslots *slots,
					const struct hand *hands, size_t nr_hands, uint32_t first,
					struct serving_request *ret)
{
	uint32_t last = first;
	uint64_t stream;

	if (!s->w->stream)
		return SERVING_UNCLEAR;
	if (serving__is_grpc(s, slots, first))
		return SERVING_NOTHING;
	while (last + 1 < slots->nr_frames && serving__frame(s, slots->pcs[last + 1]) == ROLE_GRPC)
		last++;
	stream = serving__stream(s, slots, hands, nr_hands, first, last);
	if (!stream)
		return SERVING_UNCLEAR;
	*ret = (struct serving_request){ stream, NULL, GREQUEST_GRPC };
	return SERVING_REQUEST;
}

/* --- all of them --- */

enum serving_state serving__of(struct serving *s, const struct liveslots *slots,
			       const struct hand *hands, size_t nr_hands,
			       struct serving_request *ret)
{
	uint32_t http1 = UINT32_MAX;

	for (uint32_t i = 0; i < slots->nr_frames; i++) {
		const enum role role = serving__frame(s, slots->pcs[i]);

		if (role == ROLE_CONNECTION)
			return SERVING_NOTHING;
		if (role == ROLE_GRPC)
			return serving__grpc(s, slots, hands, nr_hands, i, ret);
		if (role == ROLE_HTTP2)
			return serving__has_left(s, slots, i) ? SERVING_NOTHING
							      : serving__http2(s, slots, i, ret);
		if (role == ROLE_HTTP1)
			http1 = i;
	}
	if (http1 != UINT32_MAX)
		return serving__is_in_handler(s, slots, http1)
			       ? serving__http1(s, slots, http1, ret)
			       : SERVING_NOTHING;
	return serving__starts_at(s, slots->view.who.startpc) ? SERVING_UNCLEAR : SERVING_NOTHING;
}
