/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/hands.h"

#include <errno.h>
#include <string.h>

#include "golang/gosizes.h"

#define CLOSURE_MAX 512u /* bytes of a closure that are looked at */
#define SHARED_MAX  16u  /* of a variable that closures share: a value, or an interface */
#define CLOSURES    3u   /* closures in closures */
#define CODE_MAX    1000000u

#define ALONE 6u /* types that are tried where nothing says what lies there */

struct hands {
	const struct goruntime *rt;
	struct prover *p;
	const struct webtypes *w;
	struct contexts *c;
	struct spans *spans;
	struct u64map code;   /* address: 1, a function begins there; 0: none does */
	struct u64map groups; /* pc of a frame: 1, it is of package errgroup */
	const struct gotype *alone[ALONE];
	uint64_t alone_bytes[ALONE]; /* of an object of that type, with all that goes with it */
	/* of one goroutine: */
	struct hand *out;
	size_t nr;
	uint32_t steps;
	bool in_group; /* the word is of a frame of package errgroup */
	bool full;
	const struct u64map *sought; /* borrowed; NULL: nothing is */
	struct hand_object found[HANDS_FOUND];
	size_t nr_found;
};

int hands__new(const struct goruntime *rt, struct prover *p, const struct webtypes *w,
	       struct contexts *c, struct spans *spans, struct hands **ret)
{
	struct hands *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	*h = (struct hands){ .rt = rt, .p = p, .w = w, .c = c, .spans = spans };
	h->code.max = h->groups.max = CODE_MAX;
	memcpy(h->alone,
	       (const struct gotype *[]){ w->value, w->cancel, w->timer, w->http.type, w->response,
					  spans__context_type(spans) },
	       sizeof(h->alone));
	for (size_t i = 0; i < ALONE; i++)
		h->alone_bytes[i] = h->alone[i] ? gosizes_spent(rt->minor, h->alone[i]->size,
								h->alone[i]->ptr_bytes)
						: 0;
	*ret = h;
	return 0;
}

void hands__free(struct hands *h)
{
	if (!h)
		return;
	u64map__done(&h->code);
	u64map__done(&h->groups);
	free(h);
}

static void hands__add(struct hands *h, const struct hand *new)
{
	for (size_t i = 0; i < h->nr; i++)
		if (h->out[i].request == new->request && h->out[i].context == new->context &&
		    h->out[i].span == new->span)
			return;
	if (h->nr == HANDS_MAX)
		h->full = true;
	else
		h->out[h->nr++] = *new;
}

static void hands__tell(struct hands *h, uint64_t request, uint32_t context, uint32_t frame)
{
	hands__add(h, &(struct hand){ .request = request, .context = context, .frame = frame });
}

/* --- what an address is --- */

static bool hands__request(struct hands *h, uint64_t addr, uint32_t frame)
{
	if (!prover__is(h->p, addr, h->w->http.type))
		return false;
	hands__tell(h, addr, contexts__of_interface(h->c, addr + h->w->http.ctx), frame);
	return true;
}

/* A response has its request as long as it is one: it is not used again. */
static bool hands__response(struct hands *h, uint64_t addr, uint32_t frame)
{
	return prover__is(h->p, addr, h->w->response) &&
	       hands__request(h, prover__word(h->p, addr + h->w->response_req), frame);
}

/*
 * A writer of HTTP/2 has its state, which is used again, only until the handler has returned (Go
 * net/http/h2_bundle.go responseWriter.handlerDone).
 */
static bool hands__writer(struct hands *h, const struct gotype *t, uint64_t addr, uint32_t frame)
{
	for (size_t i = 0; i < WEBTYPES_HTTP2; i++) {
		const struct webtypes_http2 *x = &h->w->http2[i];
		uint64_t state, request;
		uint32_t n;

		if (!x->of || t != x->writer || !prover__is(h->p, addr, t))
			continue;
		state = prover__word(h->p, addr);
		if (!prover__is(h->p, state, x->state))
			return false;
		request = x->pointer ? prover__word(h->p, state + x->req) : state + x->req;
		if (x->pointer)
			return hands__request(h, request, frame);
		n = contexts__of_interface(h->c, request + x->of->ctx);
		if (n)
			hands__tell(h, 0, n, frame);
		return n;
	}
	return false;
}

static bool hands__context(struct hands *h, const struct gotype *t, uint64_t addr, uint32_t frame)
{
	const uint32_t n = contexts__at(h->c, t, addr);

	if (n)
		hands__tell(h, 0, n, frame);
	return n;
}

/* A context that was not told by a table of methods was made from one, or it is something else. */
static bool hands__made_context(struct hands *h, const struct gotype *t, uint64_t addr,
				uint32_t frame)
{
	if (!t || !prover__is(h->p, addr, t) || !prover__word(h->p, addr))
		return false;
	return hands__context(h, t, addr, frame);
}

/* span: its number. Spans are mostly in hand to be ended. */
static bool hands__span(struct hands *h, uint32_t span, uint32_t frame)
{
	if (span)
		hands__add(h, &(struct hand){ .span = span, .frame = frame });
	return span;
}

/* first: the word before, which may say what lies at addr; 0: there is none. */
static bool hands__pair(struct hands *h, uint64_t first, uint64_t addr, uint32_t frame)
{
	const struct webtypes *w = h->w;
	const struct gotype *interface, *t = first ? prover__held(h->p, first) : NULL;

	if (!t)
		return false;
	if (t == w->http.type)
		return hands__request(h, addr, frame);
	if (t == w->response)
		return hands__response(h, addr, frame);
	if (hands__writer(h, t, addr, frame) || hands__span(h, spans__at(h->spans, t, addr), frame))
		return true;
	if (prover__itab(h->p, first, &interface) && interface == w->context)
		return hands__context(h, t, addr, frame);
	return false;
}

/* The begin of an object that may hold pointers, or nothing is told of it. */
static const struct gospan *hands__object(const struct hands *h, uint64_t addr)
{
	const struct gospan *s = goheap__span(prover__heap(h->p), addr);
	uint64_t base;

	return s && !s->noscan && gospan_object(s, addr, &base) && base + s->header == addr ? s
											    : NULL;
}

/* Most objects have the size of none of them. */
static bool hands__may_be(const struct hands *h, const struct gospan *s)
{
	for (size_t i = 0; i < ALONE; i++)
		if (h->alone_bytes[i] == s->elem_bytes)
			return true;
	return false;
}

static bool hands__alone(struct hands *h, const struct gospan *s, uint64_t addr, uint32_t frame)
{
	const struct webtypes *w = h->w;

	return hands__may_be(h, s) &&
	       (hands__made_context(h, w->value, addr, frame) ||
		hands__made_context(h, w->cancel, addr, frame) ||
		hands__made_context(h, w->timer, addr, frame) ||
		hands__made_context(h, spans__context_type(h->spans), addr, frame) ||
		hands__request(h, addr, frame) || hands__response(h, addr, frame));
}

/* --- closures --- */

static bool hands__is_code(struct hands *h, uint64_t pc)
{
	struct gofunc fn;
	uint64_t known;

	if (!goruntime__holds(h->rt, pc))
		return false;
	if (u64map__get(&h->code, pc, &known))
		return known;
	known = !gosym__func_at(h->rt->sym, pc, &fn) && fn.entry == pc;
	(void)u64map__set(&h->code, pc, known); /* else it is looked up again */
	return known;
}

static void hands__value(struct hands *h, uint64_t first, uint64_t addr, uint32_t frame,
			 unsigned int closures);

/* The words of an object from `from` on; each may be the second one of an interface. */
static void hands__words(struct hands *h, uint64_t from, uint64_t to, uint32_t frame,
			 unsigned int closures)
{
	uint64_t before = 0;

	for (uint64_t at = from; at < to && !h->full; at += 8) {
		const uint64_t v = prover__word(h->p, at);

		hands__value(h, before, v, frame, closures);
		before = v;
	}
}

/* A goroutine of an errgroup has the group, and that the context that it cancels. */
static bool hands__group(struct hands *h, uint64_t addr, uint32_t frame, unsigned int closures)
{
	if (!h->in_group || !h->w->group || !closures || !prover__is(h->p, addr, h->w->group))
		return false;
	hands__value(h, 0, prover__word(h->p, addr + h->w->group_cancel), frame, closures - 1);
	return true;
}

static void hands__look_up(struct hands *h, uint64_t addr)
{
	uint64_t number;

	if (!u64map__get(h->sought, addr, &number))
		return;
	for (size_t i = 0; i < h->nr_found; i++)
		if (h->found[i].addr == addr)
			return;
	if (h->nr_found == HANDS_FOUND)
		h->full = true;
	else
		h->found[h->nr_found++] = (struct hand_object){ addr, number };
}

void hands__seek(struct hands *h, const struct u64map *objects)
{
	h->sought = objects;
}

const struct hand_object *hands__found(const struct hands *h, size_t *ret_nr)
{
	*ret_nr = h->nr_found;
	return h->found;
}

/* closures: how many more may be opened. */
static void hands__value(struct hands *h, uint64_t first, uint64_t addr, uint32_t frame,
			 unsigned int closures)
{
	const struct gospan *s;

	if (++h->steps > HANDS_STEPS)
		h->full = true;
	if (h->sought)
		hands__look_up(h, addr);
	if (h->full || addr < 4096 || addr % 8 || hands__pair(h, first, addr, frame))
		return;
	s = hands__object(h, addr);
	if (!s || hands__alone(h, s, addr, frame) ||
	    hands__span(h, spans__alone(h->spans, s->elem_bytes, addr), frame) ||
	    hands__group(h, addr, frame, closures) || !closures || s->elem_bytes > CLOSURE_MAX)
		return;
	if (hands__is_code(h, prover__word(h->p, addr)))
		hands__words(h, addr + 8, addr + s->elem_bytes, frame, closures - 1);
	else if (s->elem_bytes <= SHARED_MAX)
		hands__words(h, addr, addr + s->elem_bytes, frame, 0);
}

static bool hands__is_group(struct hands *h, const struct liveslots *s, uint32_t frame)
{
	static const char package[] = "golang.org/x/sync/errgroup.";
	struct goframe f[GOSYM_INLINE_MAX];
	uint64_t known;
	int nr;

	if (!h->w->group || frame >= s->nr_frames)
		return false;
	if (u64map__get(&h->groups, s->pcs[frame], &known))
		return known;
	nr = gosym__frames(h->rt->sym, s->pcs[frame], true, f, ARRAY_SIZE(f));
	known = nr > 0 && !strncmp(f[nr - 1].func, package, sizeof(package) - 1);
	(void)u64map__set(&h->groups, s->pcs[frame], known); /* else it is looked up again */
	return known;
}

int hands__of(struct hands *h, const struct liveslots_reader *r, const struct liveslots *s,
	      struct hand ret[HANDS_MAX], size_t *ret_nr)
{
	h->out = ret;
	h->nr = 0;
	h->steps = 0;
	h->full = false;
	h->nr_found = 0;
	for (size_t i = 0; i < s->nr && !h->full; i++) {
		const struct liveslot *slot = &s->v[i];
		uint64_t first = 0;

		if (slot->frame < s->nr_inner)
			continue;
		/* The compiler marks only the second word of an interface as a pointer. */
		if (slot->frame != LIVESLOT_DEFER && !liveslots__is_live(r, slot->addr - 8))
			(void)liveslots__word(r, slot->addr - 8, &first);
		h->in_group = hands__is_group(h, s, slot->frame);
		hands__value(h, first, slot->value, slot->frame, CLOSURES);
	}
	*ret_nr = h->nr;
	return h->full ? -ENOSPC : 0;
}
