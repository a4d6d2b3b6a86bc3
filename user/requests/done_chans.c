/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * done_chans: which channel belongs to which request: the Done channels of the request's own
 * context and of all that were made from it.
 *
 * A goroutine that waits for ctx.Done(), and does nothing afterwards, has no context in hand any
 * more, but it waits for the channel. The way down is cancelCtx.children, a map[canceler]struct{}.
 * It ends at a context that is another request's own. Each context is met once.
 */
#include "requests/pass_state.h"

#include <errno.h>

#include "base/vec.h"
#include "requests/gomap.h"

struct way_down { /* contexts that were met, and not yet looked into */
	struct pass *p;
	uint64_t *todo; /* addresses of cancelCtxs */
	size_t nr, room;
	struct u64map met;
	uint64_t of; /* index into served + 1 */
	int err;
};

/* The key is an interface canceler. */
static bool way_down__key(void *ctx, uint64_t addr, uint64_t elem)
{
	struct way_down *d = ctx;
	struct prover *pr = d->p->prover;
	const struct gotype *t = prover__held(pr, prover__word(pr, addr));
	const uint64_t at = prover__word(pr, addr + 8);
	const uint32_t n = t && prover__is(pr, at, t) ? contexts__at(d->p->contexts, t, at) : 0;
	const uint64_t cancel = n ? contexts__get(d->p->contexts, n)->cancel : 0;
	uint64_t known;

	(void)elem;
	if (!cancel || u64map__get(&d->met, cancel, &known) ||
	    u64map__get(&d->p->claims, cancel, &known))
		return true;
	d->err = u64map__set(&d->met, cancel, n);
	if (!d->err)
		d->err = vec__reserve(&d->todo, &d->room, d->nr + 1, sizeof(*d->todo));
	if (!d->err)
		d->todo[d->nr++] = cancel;
	return !d->err;
}

static void way_down__children(struct way_down *d, uint64_t cancel)
{
	const struct webtypes *w = d->p->of.web;

	if (w->children && w->cancel_children != WEBTYPES_NONE)
		gomap__each(d->p->prover, d->p->of.rt->minor, w->children,
			    prover__word(d->p->prover, cancel + w->cancel_children), way_down__key,
			    d);
}

/* The channel of a context. Two requests cannot have it: then nobody has. */
static void way_down__chan(struct way_down *d, uint64_t cancel, uint32_t n)
{
	const uint64_t chan = contexts__done(d->p->contexts, cancel);
	uint64_t known;

	if (!chan || d->err)
		return;
	d->err = u64map__set(&d->p->done, chan,
			     u64map__get(&d->p->done, chan, &known) ? CLAIM_UNCLEAR : d->of);
	if (!d->err)
		d->err = u64map__set(&d->p->done_context, chan, n);
}

static void way_down__from(struct way_down *d, const struct served *s)
{
	way_down__chan(d, s->own, s->context);
	way_down__children(d, s->own);
	while (d->nr && !d->err) {
		const uint64_t cancel = d->todo[--d->nr];
		uint64_t n = 0;

		(void)u64map__get(&d->met, cancel, &n);
		way_down__chan(d, cancel, (uint32_t)n);
		way_down__children(d, cancel);
	}
}

int pass__done_chans(struct pass *p)
{
	struct way_down d = { .p = p, .met = { .max = CONTEXTS_MAX } };

	for (size_t i = 0; i < p->nr_served && !d.err; i++) {
		uint64_t claimed = 0;

		if (!p->served[i].own || !u64map__get(&p->claims, p->served[i].own, &claimed) ||
		    claimed == CLAIM_UNCLEAR)
			continue;
		d.of = i + 1;
		way_down__from(&d, &p->served[i]);
	}
	u64map__done(&d.met);
	free(d.todo);
	return d.err;
}
