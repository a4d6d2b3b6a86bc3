/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/calling.h"

#include <errno.h>
#include <string.h>

#include "base/u64map.h"
#include "requests/outgoing.h"

#define PCS_MAX 1000000u /* that are remembered */

/* Each has the request, or what stands for it, as long as it is not answered. */
static const char *const client[] = {
	"net/http.(*Transport).roundTrip",
	"net/http.(*Transport).getConn",
	"net/http.(*persistConn).roundTrip",
	"net/http.(*persistConn).readLoop",
	"net/http.(*persistConn).writeLoop",
	"net/http.http2RoundTrip",
	"net/http.(*http2Transport).RoundTripOpt",
	"net/http.(*http2ClientConn).roundTrip",
	"net/http.(*http2clientStream).doRequest",
	"net/http.(*http2clientStream).writeRequest",
	"net/http/internal/http2.(*Transport).RoundTripOpt",
	"net/http/internal/http2.(*ClientConn).roundTrip",
	"net/http/internal/http2.(*clientStream).doRequest",
	"net/http/internal/http2.(*clientStream).writeRequest",
	"golang.org/x/net/http2.(*Transport).RoundTripOpt",
	"golang.org/x/net/http2.(*Transport).roundTripOpt",
	"golang.org/x/net/http2.(*ClientConn).roundTrip",
	"golang.org/x/net/http2.(*ClientConn).internalRoundTrip",
	"golang.org/x/net/http2.(*clientStream).doRequest",
	"golang.org/x/net/http2.(*clientStream).writeRequest",
	"google.golang.org/grpc.(*clientStream).RecvMsg",
	"google.golang.org/grpc.(*clientStream).SendMsg",
	"google.golang.org/grpc.(*clientStream).CloseSend",
	"google.golang.org/grpc.(*clientStream).Header",
	"google.golang.org/grpc.(*clientStream).withRetry",
};
/* Between them. */
static const char *const packages[] = { "net/http.", "net/http/internal/http2.",
					"golang.org/x/net/http2.", "google.golang.org/grpc." };

enum place {
	PLACE_OTHER,
	PLACE_PACKAGE,
	PLACE_CLIENT,
};

struct callings {
	const struct goruntime *rt;
	struct prover *p;
	const struct webtypes *w;
	uint64_t entries[ARRAY_SIZE(client)]; /* 0: it is not linked in */
	struct u64map places;                 /* pc to enum place */
};

int callings__new(const struct goruntime *rt, struct prover *p, const struct webtypes *w,
		  struct callings **ret)
{
	scoped(callings) c = calloc(1, sizeof(*c));
	struct gofunc fn[ARRAY_SIZE(client)];
	int err;

	if (!c)
		return -ENOMEM;
	*c = (struct callings){ .rt = rt, .p = p, .w = w };
	c->places.max = PCS_MAX;
	err = gosym__find(rt->sym, 0, client, ARRAY_SIZE(client), fn);
	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(client); i++)
		c->entries[i] = fn[i].entry;
	*ret = steal(c);
	return 0;
}

void callings__free(struct callings *c)
{
	if (!c)
		return;
	u64map__done(&c->places);
	free(c);
}

/* --- frames --- */

static enum place find_place(const struct callings *c, uint64_t pc)
{
	struct goframe f[GOSYM_INLINE_MAX];
	struct gofunc fn;
	int nr;

	if (gosym__func_at(c->rt->sym, pc - 1, &fn))
		return PLACE_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(client); i++)
		if (c->entries[i] && c->entries[i] == fn.entry)
			return PLACE_CLIENT;
	nr = gosym__frames(c->rt->sym, pc, true, f, ARRAY_SIZE(f));
	for (size_t i = 0; i < ARRAY_SIZE(packages) && nr > 0; i++)
		if (!strncmp(f[nr - 1].func, packages[i], strlen(packages[i])))
			return PLACE_PACKAGE;
	return PLACE_OTHER;
}

/* pc: a return address. */
static enum place callings__place(struct callings *c, uint64_t pc)
{
	uint64_t known;

	if (u64map__get(&c->places, pc, &known))
		return (enum place)known;
	known = find_place(c, pc);
	(void)u64map__set(&c->places, pc, known); /* else it is looked up again */
	return (enum place)known;
}

bool callings__is_client(struct callings *c, uint64_t pc)
{
	return callings__place(c, pc) == PLACE_CLIENT;
}

/* --- what a frame has --- */

struct found {
	uint64_t request; /* of a transportRequest */
	uint64_t plain;   /* some other one */
	uint64_t stream;
	uint64_t call;
	bool unclear; /* several that are not the same */
};

/* Copies are made on the way: what is told of them is the same. */
static bool callings__same(struct callings *c, uint64_t a, uint64_t b)
{
	struct arena texts = { .used = 0 };
	struct outgoing x, y;
	bool same = outgoing__of(c->p, c->w, a, &texts, &x) &&
		    outgoing__of(c->p, c->w, b, &texts, &y) && outgoing_is_same(&x, &y);

	arena__done(&texts);
	return same;
}

static void put_once(uint64_t *to, uint64_t v, bool *unclear)
{
	*unclear |= *to && *to != v;
	*to = v;
}

/* What a client of HTTP/2 has for a request. It may be a part of a larger object. 0: it is none. */
static uint64_t callings__stream(struct callings *c, uint64_t value)
{
	const struct webtypes *w = c->w;
	const struct gospan *span;
	uint64_t base;

	for (size_t i = 0; i < WEBTYPES_STREAMS; i++)
		if (w->client[i].type && !w->client[i].inside &&
		    prover__is(c->p, value, w->client[i].type))
			return value;
	span = goheap__span(prover__heap(c->p), value);
	if (!span || !gospan_object(span, value, &base))
		return 0;
	for (size_t i = 0; i < WEBTYPES_STREAMS; i++)
		if (w->client[i].type && w->client[i].inside &&
		    prover__is(c->p, base + span->header, w->client[i].type))
			return base + span->header;
	return 0;
}

static void callings__value(struct callings *c, uint64_t value, struct found *f)
{
	const struct webtypes *w = c->w;
	uint64_t request = 0, stream;

	if (prover__is(c->p, value, w->sent))
		request = prover__word(c->p, value + w->sent_request);
	if (request && prover__is(c->p, request, w->http.type)) {
		put_once(&f->request, request, &f->unclear);
		return;
	}
	if (prover__is(c->p, value, w->http.type)) {
		f->unclear |= f->plain && f->plain != value && !callings__same(c, f->plain, value);
		f->plain = f->plain ? f->plain : value;
		return;
	}
	if (prover__is(c->p, value, w->call)) {
		put_once(&f->call, value, &f->unclear);
		return;
	}
	stream = callings__stream(c, value);
	if (stream)
		put_once(&f->stream, stream, &f->unclear);
}

static struct found callings__frame(struct callings *c, const struct liveslots *slots,
				    uint32_t frame)
{
	struct found f = { .request = 0 };

	for (size_t i = 0; i < slots->nr && slots->v[i].frame <= frame; i++)
		if (slots->v[i].frame == frame)
			callings__value(c, slots->v[i].value, &f);
	return f;
}

/* The request that a stream's answer is of. It has one once it has begun. */
static uint64_t callings__answered(struct callings *c, uint64_t stream)
{
	const struct webtypes *w = c->w;
	uint64_t response, request;

	for (size_t i = 0; i < WEBTYPES_STREAMS; i++) {
		if (w->client[i].inside || w->client[i].response == WEBTYPES_NONE ||
		    w->answer_request == WEBTYPES_NONE ||
		    !prover__is(c->p, stream, w->client[i].type))
			continue;
		response = prover__word(c->p, stream + w->client[i].response);
		request = prover__is(c->p, response, w->answer)
				  ? prover__word(c->p, response + w->answer_request)
				  : 0;
		return prover__is(c->p, request, w->http.type) ? request : 0;
	}
	return 0;
}

struct calling callings__of(struct callings *c, const struct liveslots *slots)
{
	struct calling of = { .request = 0 };
	bool within = false;

	for (uint32_t i = 0; i < slots->nr_frames && !of.request && !of.call; i++) {
		const enum place place = callings__place(c, slots->pcs[i]);
		struct found f;

		if (within && place == PLACE_OTHER)
			break;
		if (place != PLACE_CLIENT)
			continue;
		within = true;
		f = callings__frame(c, slots, i);
		if (f.unclear)
			return (struct calling){ .request = 0 };
		of.request = f.request ? f.request : f.plain;
		of.stream = of.stream ? of.stream : f.stream;
		of.call = f.call;
	}
	if (!of.request && of.stream)
		of.request = callings__answered(c, of.stream);
	return of;
}
