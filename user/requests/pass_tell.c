/* SPDX-License-Identifier: BSD-2-Clause */
/* pass_tell: what was gathered becomes findings: whose each context is, and what is said of that. */
#include "requests/pass_state.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "requests/ended.h"

/* The requests that one goroutine has in hand. */
struct held {
	struct owner v[HANDS_MAX];
	size_t nr;
	bool full;
};

/* --- whose a context is --- */

int pass__claim(struct pass *p)
{
	int err = 0;

	for (size_t i = 0; i < p->nr_served && !err; i++) {
		const uint64_t own = p->served[i].own;
		uint64_t known;

		if (own)
			err = u64map__set(&p->claims, own,
					  u64map__get(&p->claims, own, &known) ? CLAIM_UNCLEAR
									       : i + 1);
	}
	return err ? err : pass__done_chans(p);
}

static struct owner served_owner(const struct pass *p, uint64_t claim)
{
	struct owner o = { .whose = UNCLEAR };

	if (claim == CLAIM_UNCLEAR)
		return o;
	o.whose = SERVED;
	o.served = claim - 1;
	o.own = p->served[o.served].own;
	return o;
}

/*
 * Of a request that nobody was seen to serve. net/http cancels its context when the handler has
 * returned; but also when the client went away, while the handler goes on (server.go
 * connReader.handleReadError). So it is over only if everybody who can serve was seen.
 */
static struct owner unserved_owner(const struct pass *p, uint32_t n)
{
	const struct context *x = contexts__get(p->contexts, n);

	return (struct owner){
		.whose = x->cancelled && p->complete ? OVER : UNCLEAR,
		.own = x->addr,
	};
}

/* The innermost request counts: a server inside of a handler has requests of its own. */
struct owner pass__owner(const struct pass *p, uint32_t n)
{
	for (uint32_t i = 0; n && i < CONTEXTS_CHAIN_MAX; i++) {
		const struct context *x = contexts__get(p->contexts, n);
		uint64_t claim;

		if (x->cancel && u64map__get(&p->claims, x->cancel, &claim))
			return served_owner(p, claim);
		if (contexts__is_of_request(p->contexts, n))
			return unserved_owner(p, n);
		n = x->up;
	}
	return (struct owner){ .whose = NOBODYS };
}

/* --- what a goroutine has in hand --- */

static void held__add(struct held *h, const struct owner *o)
{
	if (o->whose == NOBODYS)
		return;
	for (size_t i = 0; i < h->nr; i++)
		if (h->v[i].whose == o->whose && h->v[i].own == o->own)
			return;
	if (h->nr == HANDS_MAX)
		h->full = true;
	else
		h->v[h->nr++] = *o;
}

static void pass__held(const struct pass *p, const struct pass_g *g, struct held *ret)
{
	uint64_t claim;

	ret->nr = 0;
	ret->full = false;
	for (uint32_t i = 0; i < g->nr_hands; i++) {
		const struct owner o = pass__owner(p, p->hands[g->hands_at + i].context);

		held__add(ret, &o);
	}
	for (uint32_t i = 0; i < g->nr_chans; i++)
		if (u64map__get(&p->done, p->chans[g->chans_at + i], &claim)) {
			const struct owner o = served_owner(p, claim);

			held__add(ret, &o);
		}
}

bool pass__has_none(const struct pass *p, const struct pass_g *g)
{
	struct held h;

	pass__held(p, g, &h);
	return !h.nr && !h.full;
}

static size_t held__count(const struct held *h, enum whose whose)
{
	size_t nr = 0;

	for (size_t i = 0; i < h->nr; i++)
		nr += h->v[i].whose == whose;
	return nr;
}

static const struct owner *held__first(const struct held *h, enum whose whose)
{
	for (size_t i = 0; i < h->nr; i++)
		if (h->v[i].whose == whose)
			return &h->v[i];
	return NULL;
}

/* --- words --- */

const char *pass__text(struct pass *p, uint64_t addr, bool *ok)
{
	char text[PROVER_TEXT_MAX];

	if (!prover__string(p->prover, addr, text, sizeof(text))) {
		*ok = false;
		return NULL;
	}
	return arena__copy(&p->texts, text, strlen(text) + 1);
}

/*
 * As it was asked for; of a whole URL, which proxies get, its path. What follows the '?' has
 * secrets, and is told by itself.
 */
static const char *pass__path(struct pass *p, uint64_t request, const struct webtypes_request *of,
			      const char **ret_query, bool *ok)
{
	const char *uri = pass__text(p, request + of->uri, ok);
	uint64_t url;
	char *query;

	if (!uri)
		return NULL;
	if (uri[0] == '/' || !strcmp(uri, "*")) {
		query = strchr(uri, '?');
		if (query) {
			*query = '\0'; /* our own copy */
			*ret_query = query + 1;
		}
		return uri;
	}
	if (of->url == WEBTYPES_NONE || p->of.web->url_path == WEBTYPES_NONE)
		return NULL;
	url = prover__word(p->prover, request + of->url);
	return url ? pass__text(p, url + p->of.web->url_path, ok) : NULL;
}

/* "GET host/quote/{id}" is the route /quote/{id} */
static const char *pass__route(struct pass *p, uint64_t request, const struct webtypes_request *of,
			       bool *ok)
{
	const char *pattern, *path;

	if (of->pattern == WEBTYPES_NONE)
		return NULL;
	pattern = pass__text(p, request + of->pattern, ok);
	path = pattern ? strchr(pattern, '/') : NULL;
	return path;
}

/* The kind of a request of which nobody serves it: its own word for it. */
static uint8_t pass__kind(struct pass *p, uint64_t request, const struct webtypes_request *of)
{
	switch (of->major == WEBTYPES_NONE ? 0 : prover__word(p->prover, request + of->major)) {
	case 1: return GREQUEST_HTTP;
	case 2: return GREQUEST_HTTP2;
	default: return GREQUEST_UNKNOWN;
	}
}

/* false: nothing can be said of it. */
static bool pass__words(struct pass *p, uint64_t request, const struct webtypes_request *of,
			struct finding *f)
{
	bool ok = true;

	f->request = request;
	f->method = pass__text(p, request + of->method, &ok);
	f->path = pass__path(p, request, of, &f->query, &ok);
	f->route = pass__route(p, request, of, &ok);
	if (of->host != WEBTYPES_NONE)
		f->host = pass__text(p, request + of->host, &ok);
	if (of->peer != WEBTYPES_NONE)
		f->peer = pass__text(p, request + of->peer, &ok);
	if (ok && f->method && !f->method[0])
		f->method = "GET"; /* Go net/http/request.go: "" means GET */
	return ok && f->method && is_http_method(f->method);
}

/* A call of gRPC is a POST of HTTP/2 (its PROTOCOL-HTTP2.md). */
static bool pass__call(struct pass *p, uint64_t stream, struct finding *f)
{
	bool ok = true;

	f->request = stream;
	f->method = "POST";
	f->path = pass__text(p, stream + p->of.web->stream_method, &ok);
	f->route = f->path; /* its methods are its routes */
	return ok;
}

/*
 * A router's pattern, else that of Go's own mux: middlewares hand copies on, the one that reached
 * the mux has it.
 */
static void pass__route_in_hand(struct pass *p, struct served *s, struct finding *f)
{
	const struct pass_g *g = &p->gs[s->g];
	const char *route = pass__route_of_router(p, s);

	if (route)
		f->route = route;
	for (uint32_t i = 0; i < g->nr_hands && (!f->route || !f->route[0]); i++) {
		const struct hand *h = &p->hands[g->hands_at + i];
		const struct owner o = pass__owner(p, h->context);
		bool ok = true;

		if (h->request && o.whose == SERVED && &p->served[o.served] == s)
			f->route = pass__route(p, h->request, &p->of.web->http, &ok);
	}
	if (f->route && !f->route[0])
		f->route = NULL;
}

/* --- its deadline --- */

static uint32_t chain_len(const struct pass *p, uint32_t n)
{
	uint32_t len = 0;

	for (; n && len < CONTEXTS_CHAIN_MAX; n = contexts__get(p->contexts, n)->up)
		len++;
	return len;
}

/* The context of that request which its innermost frame has; of several the one made last. */
static uint32_t pass__innermost(const struct pass *p, const struct pass_g *g, uint64_t own)
{
	uint32_t best = 0, frame = 0, len = 0;
	uint64_t n;

	for (uint32_t i = 0; i < g->nr_hands; i++) {
		const struct hand *h = &p->hands[g->hands_at + i];
		const uint32_t l = chain_len(p, h->context);

		if (pass__owner(p, h->context).own != own ||
		    (best && (h->frame > frame || (h->frame == frame && l <= len))))
			continue;
		best = h->context;
		frame = h->frame;
		len = l;
	}
	for (uint32_t i = 0; i < g->nr_chans && !best; i++)
		if (u64map__get(&p->done_context, p->chans[g->chans_at + i], &n) && n &&
		    pass__owner(p, (uint32_t)n).own == own)
			best = (uint32_t)n;
	return best;
}

/* The earliest counts. */
static void pass__add_deadline(const struct pass *p, uint32_t n, struct finding *f)
{
	int64_t ns;

	if (!n || !contexts__deadline(p->contexts, n, &ns))
		return;
	if (!f->has_deadline || ns < f->deadline_ns)
		f->deadline_ns = ns;
	f->has_deadline = true;
}

/* Who has ended it. A deadline is only told if it is the one that is told of the goroutine. */
static void pass__ended(struct pass *p, uint32_t best, uint64_t own, uint32_t served,
			struct finding *f)
{
	/* a program may have given its request another context, which others than net/http end */
	const bool by_net_http = served && contexts__is_of_request(p->contexts, served);
	const struct ended e = ended__of(p->contexts, best, own, by_net_http, p->now_ns);
	const bool late = e.by == GCONTEXT_OWN_DEADLINE || e.by == GCONTEXT_PARENT_DEADLINE ||
			  e.by == GCONTEXT_REQUEST_DEADLINE;

	f->left = by_net_http &&
		  ended__of(p->contexts, served, own, true, p->now_ns).by == GCONTEXT_CONNECTION;
	if (!late || (f->has_deadline && f->deadline_ns == e.deadline_ns))
		f->ended_by = e.by;
	if (e.first)
		(void)contexts__cause(p->contexts, e.first, &p->texts, &f->cause_type, &f->cause);
}

/*
 * best: the innermost context of the request. own: of the request; 0: it has none. served: number of
 * that, if the handler runs; else 0.
 */
static void pass__deadline(struct pass *p, const struct pass_g *g, uint32_t best, uint64_t own,
			   uint32_t served, struct finding *f)
{
	uint64_t n;

	if (best)
		f->cancelled = contexts__cancelled(p->contexts, best);
	pass__add_deadline(p, best, f);
	for (uint32_t i = 0; i < g->nr_hands && own; i++)
		if (pass__owner(p, p->hands[g->hands_at + i].context).own == own)
			pass__add_deadline(p, p->hands[g->hands_at + i].context, f);
	for (uint32_t i = 0; i < g->nr_chans && own; i++)
		if (u64map__get(&p->done_context, p->chans[g->chans_at + i], &n) && n &&
		    pass__owner(p, (uint32_t)n).own == own)
			pass__add_deadline(p, (uint32_t)n, f);
	if (f->cancelled)
		pass__ended(p, best, own, served, f);
}

/* --- findings --- */

static bool pass__served_by(struct pass *p, struct served *s, struct finding *f)
{
	const struct pass_g *server = &p->gs[s->g];

	f->own = s->own ? s->own : s->request.addr;
	f->kind = (uint8_t)s->request.kind;
	f->server = server->addr;
	f->server_goid = server->goid;
	if (!(s->request.of ? pass__words(p, s->request.addr, s->request.of, f)
			    : pass__call(p, s->request.addr, f)))
		return false;
	pass__route_in_hand(p, s, f);
	return true;
}

/* It serves the request, or has it in hand, or a context of it. */
static bool pass__has(struct pass *p, const struct pass_g *g, struct served *s, struct finding *f)
{
	const uint32_t n = s->own ? pass__innermost(p, g, s->own) : 0;

	if (!pass__served_by(p, s, f))
		return false;
	pass__deadline(p, g, n ? n : s->context, s->own, s->context, f);
	if (f->relation == GREQUEST_SERVES)
		pass__trace_of_server(p, s, f);
	else
		pass__trace(p, g, s->own, f);
	return true;
}

/* Of a request that is over only what the goroutine itself has in hand tells. */
static bool pass__over(struct pass *p, const struct pass_g *g, const struct owner *o,
		       struct finding *f)
{
	f->own = o->own;
	f->over = true;
	pass__trace(p, g, o->own, f);
	for (uint32_t i = 0; i < g->nr_hands; i++) {
		const struct hand *h = &p->hands[g->hands_at + i];

		if (h->request && pass__owner(p, h->context).own == o->own) {
			if (!pass__words(p, h->request, &p->of.web->http, f))
				return false;
			f->kind = pass__kind(p, h->request, &p->of.web->http);
			if (f->route && !f->route[0])
				f->route = NULL;
			if (!gtrace_is_known(&f->trace))
				pass__trace_of_header(p, h->request, &p->of.web->http, f);
			break;
		}
	}
	pass__deadline(p, g, pass__innermost(p, g, o->own), o->own, 0, f);
	return true;
}

/* What it has to do with a request that a server has. false: nothing is to be said. */
static bool pass__related(struct pass *p, const struct pass_g *g, struct finding *f)
{
	struct held h;
	size_t served, over, unclear;

	if (g->serves) {
		f->relation = GREQUEST_SERVES;
		return pass__has(p, g, &p->served[g->serves - 1], f);
	}
	if (g->relation) {
		f->relation = g->relation;
		f->object = g->object;
		pass__trace(p, g, 0, f);
		return pass__served_by(p, &p->served[g->related], f);
	}
	pass__held(p, g, &h);
	served = held__count(&h, SERVED);
	over = held__count(&h, OVER);
	unclear = held__count(&h, UNCLEAR);
	if (h.full || (unclear && served + over == 0))
		return false;
	if (!h.nr) {
		pass__trace(p, g, 0, f);
		return gtrace_is_known(&f->trace);
	}
	f->relation = GREQUEST_OF;
	if (!unclear && served == 1)
		return pass__has(p, g, &p->served[held__first(&h, SERVED)->served], f);
	if (!unclear && !served && over == 1)
		return pass__over(p, g, held__first(&h, OVER), f);
	f->relation = GREQUEST_NONE;
	f->in_hand = (uint32_t)(served || unclear ? served + unclear : over);
	return f->in_hand > 1;
}

/* Who waits for the answer has the request; the client's own goroutines may have but its stream. */
static int pass__map_streams(struct pass *p)
{
	int err = 0;

	for (size_t i = 0; i < p->nr_gs && !err; i++) {
		const struct calling *c = &p->gs[i].calling;
		uint64_t known;

		if (!c->request || !c->stream)
			continue;
		if (u64map__get(&p->streams, c->stream, &known))
			known = known != CLAIM_UNCLEAR &&
						p->gs[known - 1].calling.request == c->request
					? known
					: CLAIM_UNCLEAR;
		else
			known = i + 1;
		err = u64map__set(&p->streams, c->stream, known);
	}
	return err;
}

/* The request that it sent, or its client for another. false: none. */
static bool pass__calls(struct pass *p, const struct pass_g *g, struct finding *f)
{
	uint64_t request = g->calling.request, caller;

	f->caller = 0;
	if (g->calling.call) {
		f->call = g->calling.call;
		if (outgoing__of_call(p->prover, p->of.web, f->call, &p->texts, &f->calls))
			return true;
		f->call = 0;
		f->calls = (struct outgoing){ .method = NULL };
		return false;
	}
	if (!request && g->calling.stream && u64map__get(&p->streams, g->calling.stream, &caller) &&
	    caller != CLAIM_UNCLEAR) {
		request = p->gs[caller - 1].calling.request;
		f->caller = p->gs[caller - 1].addr;
	}
	if (!request || !outgoing__of(p->prover, p->of.web, request, &p->texts, &f->calls))
		return false;
	f->call = request;
	return true;
}

/* false: nothing is to be said. */
static bool pass__finding(struct pass *p, const struct pass_g *g, struct finding *f)
{
	const struct finding of_it = {
		.g = g->addr, .goid = g->goid, .print = g->print, .sp = g->sp, .stops = g->stops
	};
	bool said;

	*f = of_it;
	said = pass__related(p, g, f);
	if (!said)
		*f = of_it;
	return pass__calls(p, g, f) || said;
}

int pass__tell(struct pass *p)
{
	int err = pass__map_streams(p);

	for (size_t i = 0; i < p->nr_gs && !err; i++) {
		struct finding f;

		if (!pass__finding(p, &p->gs[i], &f))
			continue;
		err = vec__reserve(&p->findings, &p->findings_room, p->nr_findings + 1,
				   sizeof(*p->findings));
		if (!err)
			p->findings[p->nr_findings++] = f;
	}
	return err;
}
