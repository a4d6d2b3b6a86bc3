/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/serving.h"

#include <errno.h>
#include <string.h>

#include "base/u64map.h"

#define PCS_MAX 1000000u /* that are remembered */

struct serving {
	const struct goruntime *rt;
	struct prover *p;
	const struct webtypes *w;
	uint64_t conn_serve;    /* entry; 0: it is not linked in */
	struct u64map frames;   /* pc: 1, it is of conn.serve */
	struct u64map starts;   /* pc: 1, goroutines that start there run conn.serve */
};

int serving__new(const struct goruntime *rt, struct prover *p, const struct webtypes *w,
		 struct serving **ret)
{
	static const char *const names[] = { "net/http.(*conn).serve" };
	struct serving *s = calloc(1, sizeof(*s));
	struct gofunc fn[ARRAY_SIZE(names)];
	int err;

	if (!s)
		return -ENOMEM;
	*s = (struct serving){ .rt = rt, .p = p, .w = w };
	s->frames.max = s->starts.max = PCS_MAX;
	err = gosym__find(rt->sym, 0, names, ARRAY_SIZE(names), fn);
	if (err) {
		free(s);
		return err;
	}
	s->conn_serve = fn[0].entry;
	*ret = s;
	return 0;
}

void serving__free(struct serving *s)
{
	if (!s)
		return;
	u64map__done(&s->frames);
	u64map__done(&s->starts);
	free(s);
}

bool serving__starts_at(struct serving *s, uint64_t startpc)
{
	uint64_t known;

	if (!s->conn_serve)
		return false;
	if (u64map__get(&s->starts, startpc, &known))
		return known;
	known = gosym__unwrap_start(s->rt->sym, startpc) == s->conn_serve;
	(void)u64map__set(&s->starts, startpc, known); /* else it is looked up again */
	return known;
}

/* pc: a return address. */
static bool serving__is_frame(struct serving *s, uint64_t pc)
{
	struct gofunc fn;
	uint64_t known;

	if (u64map__get(&s->frames, pc, &known))
		return known;
	known = !gosym__func_at(s->rt->sym, pc - 1, &fn) && fn.entry == s->conn_serve;
	(void)u64map__set(&s->frames, pc, known);
	return known;
}

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

	return !prover__string(s->p, request + s->w->of_request.method, method, sizeof(method)) ||
	       !strcmp(method, "PRI");
}

static enum serving_state serving__of_frame(struct serving *s, const struct liveslots *slots,
					    uint32_t frame, uint64_t *ret)
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
	if (!prover__is(s->p, request, s->w->request))
		return SERVING_UNCLEAR;
	if (is_preface(s, request))
		return SERVING_NOTHING;
	*ret = request;
	return SERVING_REQUEST;
}

enum serving_state serving__of(struct serving *s, const struct liveslots *slots, uint64_t *ret)
{
	if (!s->conn_serve)
		return SERVING_NOTHING;
	for (size_t i = slots->nr_frames; i; i--)
		if (serving__is_frame(s, slots->pcs[i - 1]))
			return serving__of_frame(s, slots, (uint32_t)(i - 1), ret);
	return serving__starts_at(s, slots->view.who.startpc) ? SERVING_UNCLEAR : SERVING_NOTHING;
}
