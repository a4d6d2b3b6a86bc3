/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/awaited.h"

#include <errno.h>
#include <string.h>

#include "base/heart.h"
#include "base/vec.h"
#include "golang/gofacts.h"
#include "heap/chanops.h"

#define DEADLINE_EVERY 64u /* goroutines from one look at the clock to the next */
#define OBJECTS_MAX    1000000u
#define CODE_MAX       100000u
#define FRAMES_MAX     64u /* of one stack whose code is looked at */

/* What who serves waits for: number of the request, and which kind of thing. */
#define OBJECT(served, is_group) ((uint64_t)(served) << 1 | (is_group))

struct awaited {
	struct pass *p;
	struct liveslots_reader *reader;
	struct hands *hands;
	struct chanops *ops;
	struct u64map objects; /* address: OBJECT(index into served + 1), or CLAIM_UNCLEAR */
	struct u64map makers;  /* goid of who serves one request and no other: index + 1 */
	struct u64map starts;  /* startpc: 1, of a package whose goroutines nobody awaits */
	struct u64map code;    /* pc: what its function does to channels */
	struct hand of_one[HANDS_MAX];
};

static void awaited__done(struct awaited *a)
{
	chanops__free(a->ops);
	u64map__done(&a->objects);
	u64map__done(&a->makers);
	u64map__done(&a->starts);
	u64map__done(&a->code);
}

/* --- what requests wait for --- */

/* The row of the census in which it stands as the pass has seen it; NULL: it moved. */
static const struct census_g *awaited__row(const struct awaited *a, uint64_t goid, uint64_t addr,
					   uint64_t sp, uint8_t stops)
{
	const struct pass_of *of = &a->p->of;
	const struct census_g *g;
	uint64_t row;

	if (!rows__find(of->rows, goid, &row))
		return NULL;
	g = &of->rows->c->gs[row];
	return g->addr == addr && g->sp == sp && g->stops == stops ? g : NULL;
}

static int awaited__object(struct awaited *a, uint64_t addr, size_t served, bool is_group)
{
	uint64_t known;

	if (!addr || u64map__get(&a->p->done, addr, &known))
		return 0; /* who has a context has more in hand than its channel */
	return u64map__set(&a->objects, addr,
			   u64map__get(&a->objects, addr, &known) &&
					   known != OBJECT(served + 1, is_group)
				   ? CLAIM_UNCLEAR
				   : OBJECT(served + 1, is_group));
}

/* Which WaitGroup is known of the census alone: Go that does not count stops may have moved on. */
static int awaited__group(struct awaited *a, const struct pass_g *g, size_t served)
{
	const struct census_g *row = gofacts_has(a->p->of.rt->minor, GO_RUNS_COUNTED)
					     ? awaited__row(a, g->goid, g->addr, g->sp, g->stops)
					     : NULL;
	int err = 0;

	for (uint32_t i = 0; row && i < row->nr_waits && !err; i++) {
		const struct census_wait *w = &a->p->of.rows->c->waits[row->waits_at + i];

		if (w->kind == CENSUS_WAIT_WAITGROUP)
			err = awaited__object(a, w->addr, served, true);
	}
	return err;
}

static bool awaited__serves_one_only(const struct awaited *a, const struct pass_g *g,
				     const struct served *s)
{
	struct goframe f[GOSYM_INLINE_MAX];
	struct gosym *sym = a->p->of.rt->sym;
	int nr;

	if (s->request.kind == GREQUEST_HTTP2)
		return true;
	if (s->request.kind != GREQUEST_GRPC)
		return false;
	nr = gosym__frames(sym, gosym__unwrap_start(sym, g->startpc), false, f, ARRAY_SIZE(f));
	return nr > 0 && !strstr(f[nr - 1].func, "erverWorker");
}

static int awaited__learn(struct awaited *a)
{
	const struct pass *p = a->p;
	int err = 0;

	for (size_t i = 0; i < p->nr_served && !err; i++) {
		const struct pass_g *g = &p->gs[p->served[i].g];

		for (uint32_t k = 0; k < g->nr_chans && !err; k++)
			err = awaited__object(a, p->chans[g->chans_at + k], i, false);
		if (!err)
			err = awaited__group(a, g, i);
		if (!err && awaited__serves_one_only(a, g, &p->served[i]))
			err = u64map__set(&a->makers, g->goid, i + 1);
	}
	return err;
}

/* --- what a goroutine does --- */

static bool awaited__is_passed_over(struct awaited *a, uint64_t startpc)
{
	static const char *const packages[] = { "net/http.",         "net/http/",
						"golang.org/x/net/", "google.golang.org/grpc",
						"context.",          "database/sql.",
						"runtime." };
	struct gosym *sym = a->p->of.rt->sym;
	struct goframe f[GOSYM_INLINE_MAX];
	uint64_t known;
	int nr;

	if (u64map__get(&a->starts, startpc, &known))
		return known;
	nr = gosym__frames(sym, gosym__unwrap_start(sym, startpc), false, f, ARRAY_SIZE(f));
	known = nr < 1;
	for (size_t i = 0; i < ARRAY_SIZE(packages) && !known; i++)
		known = !strncmp(f[nr - 1].func, packages[i], strlen(packages[i]));
	(void)u64map__set(&a->starts, startpc, known); /* else it is looked up again */
	return known;
}

static unsigned int awaited__ops_at(struct awaited *a, uint64_t pc)
{
	uint64_t known;

	if (u64map__get(&a->code, pc, &known))
		return (unsigned int)known;
	known = chanops__at(a->ops, pc, true);
	(void)u64map__set(&a->code, pc, known);
	return (unsigned int)known;
}

/* The code of a closure that a live word leads to, on the stack or elsewhere; 0: it is none. */
static uint64_t awaited__closure(struct awaited *a, uint64_t value)
{
	struct gofunc fn;
	uint64_t pc;

	if (!liveslots__word(a->reader, value, &pc))
		pc = prover__word(a->p->prover, value);
	return goruntime__holds(a->p->of.rt, pc) && !gosym__func_at(a->p->of.rt->sym, pc, &fn) &&
			       fn.entry == pc
		       ? pc
		       : 0;
}

/* Whether its code can end the wait: it may have the channel to receive from it, too. */
static bool awaited__can_end(struct awaited *a, const struct liveslots *s, bool is_group)
{
	const unsigned int wanted = is_group ? CHANOP_DONE : CHANOP_SENDS | CHANOP_CLOSES;
	unsigned int ops = 0;

	for (uint32_t i = 0; i < s->nr_frames && i < FRAMES_MAX; i++)
		ops |= awaited__ops_at(a, s->pcs[i] - 1);
	for (size_t i = 0; i < s->nr && !(ops & wanted); i++) {
		const uint64_t pc = awaited__closure(a, s->v[i].value);

		ops |= pc ? awaited__ops_at(a, pc) : 0;
	}
	return ops & wanted;
}

/* Whether it waits for the same. Where that is not known it may. */
static bool awaited__waits_too(const struct awaited *a, const struct liveslots *s, uint64_t object)
{
	const struct gview *v = &s->view;
	const struct census_g *row = awaited__row(a, v->who.goid, v->addr, s->sp, v->stops);

	for (size_t i = 0; i < s->nr_chans; i++)
		if (s->chans[i] == object)
			return true;
	for (uint32_t i = 0; row && i < row->nr_waits; i++)
		if (a->p->of.rows->c->waits[row->waits_at + i].addr == object)
			return true;
	return !row || row->waits_cut;
}

/* --- who is awaited, or was made --- */

/* The one object that it has, and does not wait for itself. false: there is none, or several. */
static bool awaited__pick(const struct awaited *a, const struct liveslots *s,
			  struct hand_object *ret)
{
	size_t nr, picked = 0;
	const struct hand_object *v = hands__found(a->hands, &nr);

	for (size_t i = 0; i < nr; i++) {
		if (awaited__waits_too(a, s, v[i].addr))
			continue;
		*ret = v[i];
		picked++;
	}
	return picked == 1 && ret->number != CLAIM_UNCLEAR;
}

/* What its words say of objects that a request waits for. */
static int awaited__seek(struct awaited *a, const struct liveslots *s, struct pass_g *g)
{
	struct hand_object object;
	size_t nr;
	int err;

	hands__seek(a->hands, &a->objects);
	err = hands__of(a->hands, a->reader, s, a->of_one, &nr);
	hands__seek(a->hands, NULL);
	if (err)
		return err == -ENOSPC ? 0 : err;
	if (awaited__pick(a, s, &object) && awaited__can_end(a, s, object.number & 1)) {
		g->relation = GREQUEST_AWAITED_BY;
		g->related = (uint32_t)((object.number >> 1) - 1);
		g->object = object.addr;
	}
	return 0;
}

/* Of a goroutine with nothing in hand: what it has to do with a request. */
static int awaited__relate(struct awaited *a, const struct liveslots *s, uint64_t startpc,
			   struct pass_g *g)
{
	uint64_t maker;
	int err = 0;

	if (a->objects.nr && !awaited__is_passed_over(a, startpc))
		err = awaited__seek(a, s, g);
	if (!err && !g->relation && u64map__get(&a->makers, s->view.who.parent_goid, &maker)) {
		g->relation = GREQUEST_MADE_IN;
		g->related = (uint32_t)(maker - 1);
	}
	return err;
}

/* Whether one more look can tell something of it. */
static bool awaited__is_worth(struct awaited *a, uint64_t startpc, uint64_t parent)
{
	uint64_t known;

	return (parent && u64map__get(&a->makers, parent, &known)) ||
	       (a->objects.nr && !awaited__is_passed_over(a, startpc));
}

/* ret: its relation is filled in. It stands as it did, or nothing is said of it. */
static int awaited__look(struct awaited *a, uint64_t addr, uint64_t print, struct pass_g *ret)
{
	const struct liveslots *s;
	int err = liveslots__read(a->reader, addr, &s);

	if (err)
		return err == -ESRCH || err == -ENOMEM ? err : 0;
	if (s->print != print || !s->whole)
		return 0;
	ret->addr = addr;
	ret->goid = s->view.who.goid;
	ret->print = print;
	ret->sp = s->sp;
	ret->stops = s->view.stops;
	return awaited__relate(a, s, s->view.who.startpc, ret);
}

static int awaited__look_at_idle(struct awaited *a, const struct pass_idle *idle)
{
	struct pass *p = a->p;
	struct pass_g g = { .addr = 0 };
	int err;

	if (!awaited__is_worth(a, idle->startpc, idle->parent))
		return 0;
	err = awaited__look(a, idle->addr, idle->print, &g);
	if (err || !g.relation)
		return err;
	err = vec__reserve(&p->gs, &p->gs_room, p->nr_gs + 1, sizeof(*p->gs));
	if (!err)
		p->gs[p->nr_gs++] = g;
	return err;
}

static int awaited__look_at(struct awaited *a, struct pass_g *g)
{
	if (g->serves || g->unclear || !awaited__is_worth(a, g->startpc, g->parent) ||
	    !pass__has_none(a->p, g))
		return 0;
	return awaited__look(a, g->addr, g->print, g);
}

static int awaited__look_at_all(struct awaited *a)
{
	struct pass *p = a->p;
	const size_t nr_gs = p->nr_gs;
	int err = 0;

	for (size_t i = 0; i < nr_gs + p->nr_idle && !err; i++) {
		if (i % DEADLINE_EVERY == 0) {
			heart__beat();
			if (deadline__over(p->of.until))
				return -ETIMEDOUT;
		}
		err = i < nr_gs ? awaited__look_at(a, &p->gs[i])
				: awaited__look_at_idle(a, &p->idle[i - nr_gs]);
		if (!err)
			err = prover__err(p->prover);
	}
	return err;
}

int awaited__add(struct pass *p, struct liveslots_reader *reader, struct hands *hands)
{
	struct awaited a = { .p = p, .reader = reader, .hands = hands };
	int err;

	a.objects.max = a.makers.max = OBJECTS_MAX;
	a.starts.max = a.code.max = CODE_MAX;
	err = awaited__learn(&a);
	if (!err && a.objects.nr)
		err = chanops__new(p->of.as, p->of.rt, &a.ops);
	if (!err && (a.objects.nr || a.makers.nr))
		err = awaited__look_at_all(&a);
	awaited__done(&a);
	return err;
}
