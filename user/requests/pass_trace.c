/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pass_trace: which trace a goroutine is in: its innermost span that is alive, or what the header of
 * its request says; and what a router calls the request.
 *
 * A span counts if a live variable has it, or a context of the request. The innermost frame's wins,
 * of one frame the one made last; one that has ended, or does not record, only if there is no other.
 * A channel of Done tells of no span: what waits for it may be in one that was made since.
 */
#include "requests/pass_state.h"

#include <string.h>

#include "requests/header.h"

#define NOT_TOLD UINT64_MAX /* which request: no context of it can be told */

struct pick {          /* the best so far */
	uint32_t span; /* number; 0: none */
	uint32_t frame;
	uint32_t above; /* contexts above the one that has it; 0: a variable has it */
};

/* One that does not record may be that of the client. */
static bool is_alive(const struct span *s)
{
	return s->start_ns && !s->ended;
}

/* Whether a is to be told, and not b. */
static bool is_before(const struct pass *p, const struct pick *a, const struct pick *b)
{
	const struct span *x = spans__get(p->spans, a->span), *y;

	if (!b->span)
		return true;
	y = spans__get(p->spans, b->span);
	if (is_alive(x) != is_alive(y))
		return is_alive(x);
	if (a->frame != b->frame)
		return a->frame < b->frame;
	if (x->start_ns != y->start_ns)
		return x->start_ns > y->start_ns; /* not known: before all others */
	return a->above > b->above;
}

static void pass__offer(const struct pass *p, const struct pick *new, struct pick *best)
{
	if (is_before(p, new, best))
		*best = *new;
}

static uint32_t nr_above(const struct pass *p, uint32_t n)
{
	uint32_t nr = 0;

	while (nr < CONTEXTS_CHAIN_MAX && (n = contexts__get(p->contexts, n)->up) != 0)
		nr++;
	return nr;
}

/* Of a context the span that is next, as SpanFromContext of OpenTelemetry; on to one that is alive. */
static void pass__offer_context(const struct pass *p, uint32_t n, uint32_t frame, struct pick *best)
{
	for (uint32_t i = 0; n && i < CONTEXTS_CHAIN_MAX; i++) {
		const struct context *x = contexts__get(p->contexts, n);

		if (x->span) {
			pass__offer(p, &(struct pick){ x->span, frame, nr_above(p, n) }, best);
			if (is_alive(spans__get(p->spans, x->span)))
				break;
		}
		n = x->up;
	}
}

/* Whether a context that it has in hand counts for the request with this own; 0: for none. */
static bool counts(const struct pass *p, uint32_t n, uint64_t own)
{
	const struct owner o = pass__owner(p, n);

	return n && (own ? o.own == own : o.whose == NOBODYS);
}

static struct pick pass__innermost_span(const struct pass *p, const struct pass_g *g, uint64_t own)
{
	struct pick best = { .span = 0 };

	for (uint32_t i = 0; i < g->nr_hands; i++) {
		const struct hand *h = &p->hands[g->hands_at + i];

		if (h->span)
			pass__offer(p, &(struct pick){ h->span, h->frame, 0 }, &best);
		else if (counts(p, h->context, own))
			pass__offer_context(p, h->context, h->frame, &best);
	}
	return best;
}

/* --- since when --- */

static bool same_trace(const struct span *a, const struct span *b)
{
	return !memcmp(a->trace_id, b->trace_id, sizeof(a->trace_id));
}

static void pass__older(const struct pass *p, uint32_t span, const struct span *of, int64_t *began)
{
	const struct span *s = spans__get(p->spans, span);

	if (s->start_ns && same_trace(s, of) && (!*began || s->start_ns < *began))
		*began = s->start_ns;
}

/*
 * When the first span of that trace began that who serves has in hand, or a context below the
 * request's own; 0: not known.
 */
static int64_t pass__began(const struct pass *p, const struct pass_g *g, uint64_t own,
			   const struct span *of)
{
	int64_t began = 0;

	for (uint32_t i = 0; i < g->nr_hands; i++) {
		const struct hand *h = &p->hands[g->hands_at + i];
		uint32_t n = h->context;

		if (h->span)
			pass__older(p, h->span, of, &began);
		if (!own || pass__owner(p, n).own != own)
			continue;
		for (uint32_t k = 0; n && k < CONTEXTS_CHAIN_MAX; k++) {
			const struct context *x = contexts__get(p->contexts, n);

			if (x->addr == own)
				break;
			if (x->span)
				pass__older(p, x->span, of, &began);
			n = x->up;
		}
	}
	return began;
}

/* --- what is told --- */

static void pass__tell_span(struct pass *p, const struct span *s, struct finding *f)
{
	bool ok = true;

	memcpy(f->trace.trace_id, s->trace_id, sizeof(s->trace_id));
	memcpy(f->trace.span_id, s->span_id, sizeof(s->span_id));
	f->trace.span = s->name ? pass__text(p, s->name, &ok) : NULL;
}

void pass__trace(struct pass *p, const struct pass_g *g, uint64_t own, struct finding *f)
{
	const struct pick best = pass__innermost_span(p, g, own);

	if (best.span)
		pass__tell_span(p, spans__get(p->spans, best.span), f);
}

/* Of a call of gRPC: what it came with is in its context. */
static void pass__trace_of_metadata(struct pass *p, uint32_t n, struct finding *f)
{
	const struct webtypes *w = p->of.web;
	const struct gotype *t = p->of.libs->metadata;

	for (uint32_t i = 0; t && n && i < CONTEXTS_CHAIN_MAX; i++) {
		const struct context *x = contexts__get(p->contexts, n);
		const uint64_t value = x->addr + w->value_val;

		if (x->type == w->value && w->value_val != WEBTYPES_NONE &&
		    prover__word(p->prover, value) == t->addr) {
			(void)header_trace_of_metadata(p->prover, p->of.rt->minor, t,
						       prover__word(p->prover, value + 8),
						       f->trace.trace_id, f->trace.span_id);
			return;
		}
		n = x->up;
	}
}

void pass__trace_of_server(struct pass *p, const struct served *s, struct finding *f)
{
	const struct pass_g *g = &p->gs[s->g];
	const struct pick best = pass__innermost_span(p, g, s->own ? s->own : NOT_TOLD);

	if (best.span) {
		const struct span *span = spans__get(p->spans, best.span);

		pass__tell_span(p, span, f);
		f->began_ns = pass__began(p, g, s->own, span);
	} else if (s->request.of) {
		pass__trace_of_header(p, s->request.addr, s->request.of, f);
	} else {
		pass__trace_of_metadata(p, s->context, f);
	}
}

void pass__trace_of_header(struct pass *p, uint64_t request, const struct webtypes_request *of,
			   struct finding *f)
{
	(void)header_trace(p->prover, p->of.rt->minor, of, request, f->trace.trace_id,
			   f->trace.span_id);
}

/* --- routers --- */

static bool is_served_by(const struct pass *p, const struct served *s, uint32_t context)
{
	const struct owner o = pass__owner(p, context);

	return o.whose == SERVED && &p->served[o.served] == s;
}

static bool pass__has_request(struct pass *p, const struct served *s,
			      const struct routes_pooled *pooled)
{
	const struct webtypes *w = p->of.web;
	const uint64_t request = routes__request(p->prover, p->of.libs, w, pooled);

	return request &&
	       (request == s->request.addr ||
		is_served_by(p, s, contexts__of_interface(p->contexts, request + w->http.ctx)));
}

static bool pass__route_of_contexts(struct pass *p, const struct served *s, char *buf, size_t size)
{
	const struct pass_g *g = &p->gs[s->g];

	for (uint32_t i = 0; i < g->nr_hands; i++) {
		uint32_t n = p->hands[g->hands_at + i].context;

		if (!n || !is_served_by(p, s, n))
			continue;
		for (uint32_t k = 0; n && k < CONTEXTS_CHAIN_MAX; k++) {
			const struct context *x = contexts__get(p->contexts, n);

			if (routes__of_context(p->prover, p->of.libs, p->of.web, x, buf, size))
				return true;
			if (x->addr == s->own)
				break;
			n = x->up;
		}
	}
	return false;
}

const char *pass__route_of_router(struct pass *p, struct served *s)
{
	char text[PROVER_TEXT_MAX];
	bool found = false;

	if (s->route_known)
		return s->route;
	s->route_known = true;
	for (size_t i = 0; i < s->nr_pooled && !found; i++)
		found = pass__has_request(p, s, &s->pooled[i]) &&
			routes__of_pooled(p->prover, p->of.libs, &s->pooled[i], text, sizeof(text));
	if (!found)
		found = pass__route_of_contexts(p, s, text, sizeof(text));
	s->route = found ? arena__copy(&p->texts, text, strlen(text) + 1) : NULL;
	return s->route;
}
