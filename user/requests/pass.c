/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/pass.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/heart.h"
#include "base/vec.h"
#include "requests/ahead.h"
#include "requests/awaited.h"
#include "requests/pass_state.h"

#define PATHS_MAX      1000000u /* of stacks, that are remembered */
#define DEADLINE_EVERY 64u      /* goroutines from one look at the clock to the next */

struct gathering {
	struct pass *p;
	struct ahead *ahead;
	struct liveslots_reader *reader;
	struct serving *serving;
	struct hands *hands;
	struct callings *callings;
	struct u64map plain; /* path of a stack: 1, no frame serves or calls */
	struct hand of_one[HANDS_MAX];
};

/* What was gathered, and the memory that was read: findings do not need it. */
static void pass__forget(struct pass *p)
{
	contexts__free(p->contexts);
	spans__free(p->spans);
	prover__free(p->prover);
	u64map__done(&p->claims);
	u64map__done(&p->done);
	u64map__done(&p->done_context);
	u64map__done(&p->streams);
	free(p->gs);
	free(p->idle);
	free(p->hands);
	free(p->chans);
	free(p->served);
	p->contexts = NULL;
	p->spans = NULL;
	p->prover = NULL;
	p->gs = NULL;
	p->idle = NULL;
	p->hands = NULL;
	p->chans = NULL;
	p->served = NULL;
	p->nr_gs = p->nr_idle = p->nr_hands = p->nr_chans = p->nr_served = 0;
}

void pass__free(struct pass *p)
{
	if (!p)
		return;
	pass__forget(p);
	arena__done(&p->texts);
	free(p->servers);
	free(p->findings);
	free(p);
}

const struct finding *pass__findings(const struct pass *p, size_t *ret_nr)
{
	*ret_nr = p->nr_findings;
	return p->findings;
}

const uint64_t *pass__servers(const struct pass *p, size_t *ret_nr)
{
	*ret_nr = p->nr_servers;
	return p->servers;
}

size_t pass__unread(const struct pass *p)
{
	return p->unread;
}

/* --- one goroutine --- */

static int pass__add_server(struct pass *p, uint64_t g)
{
	int err =
		vec__reserve(&p->servers, &p->servers_room, p->nr_servers + 1, sizeof(*p->servers));

	if (!err)
		p->servers[p->nr_servers++] = g;
	return err;
}

/*
 * own: a plain cancelCtx, which net/http makes for each request; of gRPC the first cancelCtx above
 * the context of the stream.
 */
static int pass__add_served(struct pass *p, size_t g, const struct serving_request *request,
			    const struct liveslots *s)
{
	const uint64_t ctx = request->of ? request->of->ctx : p->of.web->stream_ctx;
	const uint32_t n = contexts__of_interface(p->contexts, request->addr + ctx);
	const struct context *x = n ? contexts__get(p->contexts, n) : NULL;
	int err = vec__reserve(&p->served, &p->served_room, p->nr_served + 1, sizeof(*p->served));

	if (err)
		return err;
	p->served[p->nr_served] = (struct served){
		.g = g,
		.request = *request,
		.context = n,
		.own = !request->of                        ? contexts__cancel(p->contexts, n)
		       : x && x->type == p->of.web->cancel ? x->addr
							   : 0,
	};
	p->served[p->nr_served].nr_pooled =
		(uint8_t)routes__pooled(p->prover, p->of.libs, s, p->served[p->nr_served].pooled);
	p->nr_served++;
	return 0;
}

static int pass__add_chans(struct pass *p, struct pass_g *g, const struct liveslots *s)
{
	int err;

	if (s->nr_chans > PASS_CHANS_MAX - p->nr_chans)
		return -ENOSPC;
	err = vec__reserve(&p->chans, &p->chans_room, p->nr_chans + s->nr_chans, sizeof(*p->chans));
	if (err)
		return err;
	g->chans_at = p->nr_chans;
	g->nr_chans = (uint32_t)s->nr_chans;
	if (s->nr_chans)
		memcpy(p->chans + p->nr_chans, s->chans, s->nr_chans * sizeof(*p->chans));
	p->nr_chans += s->nr_chans;
	return 0;
}

/* Of a goroutine that has too much in hand nothing is known: it has nothing. */
static int gathering__hands(struct gathering *t, struct pass_g *g, const struct liveslots *s)
{
	struct pass *p = t->p;
	size_t nr = 0;
	int err = hands__of(t->hands, t->reader, s, t->of_one, &nr);

	g->unclear |= err == -ENOSPC;
	if (err || !nr)
		return err == -ENOSPC ? 0 : err;
	if (nr > PASS_HANDS_MAX - p->nr_hands)
		return -ENOSPC;
	err = vec__reserve(&p->hands, &p->hands_room, p->nr_hands + nr, sizeof(*p->hands));
	if (err)
		return err;
	g->hands_at = p->nr_hands;
	g->nr_hands = (uint32_t)nr;
	memcpy(p->hands + p->nr_hands, t->of_one, nr * sizeof(*p->hands));
	p->nr_hands += nr;
	return 0;
}

static int pass__add_idle(struct pass *p, const struct pass_g *g)
{
	int err = vec__reserve(&p->idle, &p->idle_room, p->nr_idle + 1, sizeof(*p->idle));

	if (!err)
		p->idle[p->nr_idle++] =
			(struct pass_idle){ g->addr, g->print, g->startpc, g->parent };
	return err;
}

/* Whether neither a server nor a client is anywhere in its stack, as in most. */
static bool gathering__is_plain(struct gathering *t, const struct liveslots *s)
{
	const uint64_t key = s->path ^ s->view.who.startpc;
	uint64_t known;

	if (u64map__get(&t->plain, key, &known))
		return known;
	known = !serving__starts_at(t->serving, s->view.who.startpc);
	for (size_t i = 0; i < s->nr_frames && known; i++)
		known = !serving__is_server(t->serving, s->pcs[i]) &&
			!callings__is_client(t->callings, s->pcs[i]);
	(void)u64map__set(&t->plain, key, known); /* else it is found again */
	return known;
}

/* Its hands are known. */
static int gathering__roles(struct gathering *t, struct pass_g *g, const struct liveslots *s)
{
	struct pass *p = t->p;
	struct serving_request request;
	const enum serving_state state =
		serving__of(t->serving, s, t->of_one, g->nr_hands, &request);
	int err = 0;

	if (state == SERVING_REQUEST)
		err = pass__add_served(p, p->nr_gs, &request, s);
	if (!err &&
	    (state != SERVING_NOTHING || serving__starts_at(t->serving, s->view.who.startpc)))
		err = pass__add_server(p, g->addr);
	if (state == SERVING_REQUEST)
		g->serves = (uint32_t)p->nr_served;
	if (state == SERVING_UNCLEAR) {
		g->unclear = true;
		p->complete = false;
	}
	g->calling = callings__of(t->callings, s);
	return err;
}

static int gathering__add(struct gathering *t, const struct liveslots *s)
{
	struct pass *p = t->p;
	struct pass_g g = { .addr = s->view.addr,
			    .goid = s->view.who.goid,
			    .print = s->print,
			    .sp = s->sp,
			    .stops = s->view.stops,
			    .unclear = !s->whole,
			    .startpc = s->view.who.startpc,
			    .parent = s->view.who.parent_goid };
	int err = gathering__hands(t, &g, s);

	if (!err && !gathering__is_plain(t, s))
		err = gathering__roles(t, &g, s);
	if (!err)
		err = pass__add_chans(p, &g, s);
	if (err)
		return err;
	if (!g.nr_hands && !g.nr_chans && !g.serves && !g.calling.request && !g.calling.stream &&
	    !g.calling.call)
		return g.unclear ? 0 : pass__add_idle(p, &g);
	err = vec__reserve(&p->gs, &p->gs_room, p->nr_gs + 1, sizeof(*p->gs));
	if (!err)
		p->gs[p->nr_gs++] = g;
	return err;
}

static int gathering__one(struct gathering *t, uint64_t addr)
{
	const struct liveslots *s;
	int err = liveslots__read(t->reader, addr, &s);

	if (!err)
		err = gathering__add(t, s);
	else if (err == -ENOENT)
		return 0;
	else if (err != -ESRCH && err != -ENOMEM && err != -ETIMEDOUT) {
		t->p->unread++;
		if (err != -EAGAIN || serving__starts_at(t->serving, s->view.who.startpc))
			t->p->complete = false;
		err = 0;
	}
	return err ? err : prover__err(t->p->prover);
}

static int gathering__all(struct gathering *t)
{
	const struct pass_of *of = &t->p->of;
	int err = 0;

	for (size_t i = 0; i < of->nr_gs && !err; i++) {
		if (i % DEADLINE_EVERY == 0) {
			heart__beat();
			if (deadline__over(of->until))
				return -ETIMEDOUT;
		}
		if (i % AHEAD_MOST == 0)
			err = ahead__of(t->ahead, of->gs + i,
					of->nr_gs - i < AHEAD_MOST ? of->nr_gs - i : AHEAD_MOST);
		if (!err)
			err = gathering__one(t, of->gs[i]);
	}
	return err ? err : ahead__of(t->ahead, NULL, 0);
}

/* --- all of it --- */

static int pass__gather(struct pass *p)
{
	scoped(ahead) ahead = NULL;
	scoped(liveslots_reader) reader = NULL;
	scoped(serving) serving = NULL;
	scoped(callings) callings = NULL;
	scoped(hands) hands = NULL;
	struct gathering t = { .p = p };
	int err = ahead__new(p->of.as, p->of.rt, &ahead);

	if (!err)
		err = liveslots_reader__new(ahead__space(ahead), p->of.rt, p->of.code, &reader);
	if (!err)
		err = serving__new(p->of.rt, p->prover, p->of.web, p->contexts, &serving);
	if (!err)
		err = hands__new(p->of.rt, p->prover, p->of.web, p->contexts, p->spans, &hands);
	if (!err)
		err = callings__new(p->of.rt, p->prover, p->of.web, &callings);
	if (err)
		return err;
	t.ahead = ahead;
	t.reader = reader;
	t.plain.max = PATHS_MAX;
	t.serving = serving;
	t.hands = hands;
	t.callings = callings;
	err = gathering__all(&t);
	u64map__done(&t.plain);
	if (!err)
		err = pass__claim(p);
	return err ? err : awaited__add(p, reader, hands);
}

int pass__take(const struct pass_of *of, struct pass **ret)
{
	scoped(pass) p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->of = *of;
	p->complete = true;
	p->now_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	p->claims.max = p->done.max = p->done_context.max = p->streams.max = CONTEXTS_MAX;
	err = prover__new(of->as, of->rt, of->types, of->heap, &p->prover);
	if (!err)
		err = spans__new(p->prover, of->rt->minor, of->libs, &p->spans);
	if (!err)
		err = contexts__new(p->prover, of->web, p->spans, &p->contexts);
	if (!err)
		err = pass__gather(p);
	if (!err)
		err = pass__tell(p);
	if (!err)
		err = prover__err(p->prover);
	if (err)
		return err;
	pass__forget(p);
	*ret = steal(p);
	return 0;
}
