/* SPDX-License-Identifier: BSD-2-Clause */
#include "requests/requests.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/u64map.h"
#include "base/vec.h"
#include "census/census.h"
#include "golang/gofacts.h"
#include "heap/gosecret.h"
#include "requests/liveslots.h"
#include "requests/pass.h"
#include "requests/rows.h"
#include "requests/sweeps.h"
#include "requests/webtypes.h"

#define MAKERS_MAX 16u /* of one another, that are looked at */

struct requests_reader {
	const struct addrspace *as;
	const struct goruntime *rt;
	bool found;            /* what follows */
	struct gotypes *types; /* NULL: no server is known, or no such Go */
	struct webtypes web;
	struct libtypes libs;
	struct liveslots_code *code;
};

struct reading {
	const struct addrspace *as; /* what is secret is not in it */
	const struct goruntime *rt;
	const struct census *c;
	struct deadline *until;
	struct cause *why;
	const struct requests_reader *of;
	struct goheap *heaps[2]; /* of each pass */
	struct pass *passes[2];
	struct rows rows;
	struct u64map moved; /* address of a g: 1, it moved after it was read */
	struct u64map told;  /* address of a request's own context: index into ret->v + 1 */
	struct u64map sent;  /* the same of one that the program sent: its own address */
	/* such an address: index into sweeps[0], before the second pass, and sweeps[1], after it */
	struct u64map swept;
	struct gsweep *sweeps[2]; /* owned */
	struct liveslots_reader *again;
	struct grequests *to;
	size_t room;
	int64_t now_ns;
};

static void reading__done(struct reading *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(r->passes); i++) {
		pass__free(r->passes[i]);
		goheap__free(r->heaps[i]);
	}
	liveslots_reader__free(r->again);
	rows__done(&r->rows);
	u64map__done(&r->moved);
	u64map__done(&r->told);
	u64map__done(&r->sent);
	u64map__done(&r->swept);
	for (size_t i = 0; i < ARRAY_SIZE(r->sweeps); i++)
		free(r->sweeps[i]);
	grequests__free(r->to);
}

/* --- two passes --- */

static int reading__pass(struct reading *r, size_t i, const uint64_t *gs, size_t nr)
{
	struct pass_of of = { .as = r->as,
			      .rt = r->rt,
			      .types = r->of->types,
			      .web = &r->of->web,
			      .libs = &r->of->libs,
			      .code = r->of->code,
			      .gs = gs,
			      .nr_gs = nr,
			      .rows = &r->rows,
			      .until = r->until };
	int err = goheap__read(r->as, r->rt, &r->heaps[i], r->why);

	if (err)
		return err;
	of.heap = r->heaps[i];
	return pass__take(&of, &r->passes[i]);
}

/* Of the requests that are served, as the first pass has found them: which objects they are. */
static int reading__find_sweeps(struct reading *r)
{
	size_t nr;
	const struct finding *v = pass__findings(r->passes[0], &nr);
	uint64_t known;
	int err = 0;

	r->swept.max = nr + 1;
	for (size_t i = 0; i < ARRAY_SIZE(r->sweeps); i++) {
		r->sweeps[i] = calloc(nr + 1, sizeof(*r->sweeps[i]));
		if (!r->sweeps[i])
			return -ENOMEM;
	}
	for (size_t i = 0; i < nr && !err; i++) {
		if (!v[i].server || u64map__get(&r->swept, v[i].own, &known))
			continue;
		r->sweeps[0][r->swept.nr] = r->sweeps[1][r->swept.nr] =
			sweeps__find(r->heaps[0], v[i].own);
		err = u64map__set(&r->swept, v[i].own, r->swept.nr);
	}
	return err;
}

static int reading__sweeps(struct reading *r, size_t i)
{
	return sweeps__read(r->as, r->rt, r->sweeps[i], r->swept.nr);
}

/* Those of which something was found, and all that serve: whose requests these are. */
static int reading__worth(const struct reading *r, uint64_t **ret, size_t *ret_nr)
{
	size_t nr_findings, nr_servers, nr = 0;
	const struct finding *v = pass__findings(r->passes[0], &nr_findings);
	const uint64_t *servers = pass__servers(r->passes[0], &nr_servers);
	uint64_t *gs = reallocarray(NULL, nr_findings + nr_servers + 1, sizeof(*gs));
	struct u64map seen = { .max = nr_findings + nr_servers + 1 };
	uint64_t known;
	int err = gs ? 0 : -ENOMEM;

	for (size_t i = 0; i < nr_findings + nr_servers && !err; i++) {
		const uint64_t g = i < nr_findings ? v[i].g : servers[i - nr_findings];

		if (u64map__get(&seen, g, &known))
			continue;
		gs[nr++] = g;
		err = u64map__set(&seen, g, 1);
	}
	u64map__done(&seen);
	if (err) {
		free(gs);
		return err;
	}
	*ret = gs;
	*ret_nr = nr;
	return 0;
}

static int reading__passes(struct reading *r)
{
	scoped_mem uint64_t *gs = NULL;
	scoped_mem uint64_t *worth = NULL;
	size_t nr, nr_worth;
	int err = census__addrs(r->as, r->rt, &gs, &nr);

	if (!err)
		err = reading__pass(r, 0, gs, nr);
	if (!err)
		err = reading__worth(r, &worth, &nr_worth);
	if (err || !nr_worth)
		return err;
	err = reading__find_sweeps(r);
	if (!err)
		err = reading__sweeps(r, 0);
	if (!err)
		err = reading__pass(r, 1, worth, nr_worth);
	return err ? err : reading__sweeps(r, 1);
}

/* --- what both found --- */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool same_finding(const struct finding *a, const struct finding *b)
{
	return a->g == b->g && a->goid == b->goid && a->print == b->print && a->own == b->own &&
	       a->request == b->request && a->server == b->server &&
	       a->server_goid == b->server_goid && a->in_hand == b->in_hand &&
	       a->relation == b->relation && a->kind == b->kind && a->over == b->over &&
	       a->cancelled == b->cancelled && a->has_deadline == b->has_deadline &&
	       a->deadline_ns == b->deadline_ns && a->ended_by == b->ended_by &&
	       a->left == b->left && same_text(a->cause_type, b->cause_type) &&
	       same_text(a->cause, b->cause) && same_text(a->method, b->method) &&
	       same_text(a->path, b->path) && same_text(a->query, b->query) &&
	       same_text(a->route, b->route) && same_text(a->host, b->host) &&
	       same_text(a->peer, b->peer) && a->object == b->object && a->call == b->call &&
	       a->caller == b->caller && outgoing_is_same(&a->calls, &b->calls);
}

/* The rest holds without it: a span may have ended meanwhile. */
static bool same_trace(const struct finding *a, const struct finding *b)
{
	return a->began_ns == b->began_ns && same_text(a->trace.span, b->trace.span) &&
	       !memcmp(a->trace.trace_id, b->trace.trace_id, sizeof(a->trace.trace_id)) &&
	       !memcmp(a->trace.span_id, b->trace.span_id, sizeof(a->trace.span_id));
}

/* The print of a goroutine in a pass. false: nothing was found of it. */
static bool print_of(const struct u64map *by_g, const struct finding *v, uint64_t g, uint64_t *ret)
{
	uint64_t i;

	if (!u64map__get(by_g, g, &i))
		return false;
	*ret = v[i].print;
	return true;
}

/* Whether it is now as both passes saw it. */
static int reading__stood(struct reading *r, uint64_t g, uint64_t print, bool *ret)
{
	uint64_t known, now;
	int err;

	if (u64map__get(&r->moved, g, &known)) {
		*ret = !known;
		return 0;
	}
	err = liveslots__print(r->again, g, &now);
	if (err == -ESRCH || err == -ENOMEM)
		return err;
	*ret = !err && now == print;
	return u64map__set(&r->moved, g, !*ret);
}

/* It is the goroutine of the census, in the same wait. */
static bool reading__is_row(struct reading *r, const struct finding *f, uint64_t *ret_row)
{
	const struct census_g *g;

	if (!rows__find(&r->rows, f->goid, ret_row))
		return false;
	g = &r->c->gs[*ret_row];
	return g->addr == f->g && g->sp == f->sp && g->stops == f->stops;
}

struct findings {
	const struct finding *v;
	size_t nr;
	struct u64map by_g; /* index into v */
};

static int findings__of(const struct pass *p, struct findings *ret)
{
	int err = 0;

	ret->v = pass__findings(p, &ret->nr);
	ret->by_g = (struct u64map){ .max = ret->nr + 1 };
	for (size_t i = 0; i < ret->nr && !err; i++)
		err = u64map__set(&ret->by_g, ret->v[i].g, i);
	return err;
}

/* The same of another goroutine, on which it rests. g 0: there is none. */
static int reading__stands_by(struct reading *r, const struct findings *a, const struct findings *b,
			      uint64_t g, bool *ret)
{
	uint64_t print, before;

	*ret = !g;
	if (!g)
		return 0;
	if (!print_of(&b->by_g, b->v, g, &print) || !print_of(&a->by_g, a->v, g, &before) ||
	    print != before)
		return 0;
	return reading__stood(r, g, print, ret);
}

/* f: of the second pass; its trace is taken out if that does not hold. *ret: that f holds. */
static int reading__holds(struct reading *r, const struct findings *a, const struct findings *b,
			  struct finding *f, bool *ret)
{
	uint64_t i;
	int err;

	*ret = u64map__get(&a->by_g, f->g, &i) && same_finding(&a->v[i], f);
	if (!*ret)
		return 0;
	if (!same_trace(&a->v[i], f)) {
		f->trace = (struct gtrace){ .span = NULL };
		f->began_ns = 0;
	}
	err = reading__stood(r, f->g, f->print, ret);
	if (!err && *ret && f->server != f->g)
		err = reading__stands_by(r, a, b, f->server, ret);
	if (!err && *ret)
		err = reading__stands_by(r, a, b, f->caller, ret);
	return err;
}

/* --- telling --- */

static const char *reading__copy(struct reading *r, const char *text, int *err)
{
	const char *copy = text ? arena__copy(&r->to->texts, text, strlen(text) + 1) : NULL;

	if (text && !copy)
		*err = -ENOMEM;
	return copy;
}

static int reading__trace(struct reading *r, const struct gtrace *from, struct gtrace *to)
{
	int err = 0;

	*to = *from;
	to->span = reading__copy(r, from->span, &err);
	return err;
}

/* Not known where another object may have come there meanwhile. */
static struct gsweep reading__swept(const struct reading *r, const struct finding *f)
{
	uint64_t i;

	if (!f->server || !u64map__get(&r->swept, f->own, &i) ||
	    !gsweep__follows(&r->sweeps[0][i], &r->sweeps[1][i]))
		return (struct gsweep){ 0 };
	return r->sweeps[1][i];
}

/* The request of a finding, once. Who has more to say of it wins: a context alone has no words. */
static int reading__request(struct reading *r, const struct finding *f, uint32_t *ret)
{
	struct grequests *to = r->to;
	struct grequest q = {
		.kind = f->kind,
		.over = f->over,
		.served_by = f->server_goid,
		.age_ns = -1,
		.object = f->own,
		.sweep = reading__swept(r, f),
	};
	struct grequest *same;
	uint64_t known = 0;
	int err = 0;

	(void)u64map__get(&r->told, f->own, &known);
	same = known ? &to->v[known - 1] : NULL;
	if (same && (same->method || !f->method)) {
		*ret = (uint32_t)known;
		return 0;
	}
	if (same)
		q.trace = same->trace;
	q.method = reading__copy(r, f->method, &err);
	q.path = reading__copy(r, f->path, &err);
	q.query = reading__copy(r, f->query, &err);
	q.route = reading__copy(r, f->route, &err);
	q.host = reading__copy(r, f->host, &err);
	q.peer = reading__copy(r, f->peer, &err);
	if (!err && !known)
		err = vec__reserve(&to->v, &r->room, to->nr + 1, sizeof(*to->v));
	if (!err && !known)
		err = u64map__set(&r->told, f->own, to->nr + 1);
	if (err)
		return err;
	to->v[known ? known - 1 : to->nr++] = q;
	*ret = (uint32_t)(known ? known : to->nr);
	return 0;
}

/* The request that a finding's goroutine sent, once. */
static int reading__outgoing(struct reading *r, const struct finding *f, uint32_t *ret)
{
	struct grequests *to = r->to;
	struct grequest q = { .kind = GREQUEST_OUTGOING, .age_ns = -1 };
	uint64_t known;
	int err = 0;

	if (u64map__get(&r->sent, f->call, &known)) {
		*ret = (uint32_t)known;
		return 0;
	}
	q.method = reading__copy(r, f->calls.method, &err);
	q.scheme = reading__copy(r, f->calls.scheme, &err);
	q.host = reading__copy(r, f->calls.host, &err);
	q.path = reading__copy(r, f->calls.path, &err);
	if (!err)
		err = vec__reserve(&to->v, &r->room, to->nr + 1, sizeof(*to->v));
	if (!err)
		err = u64map__set(&r->sent, f->call, to->nr + 1);
	if (err)
		return err;
	to->v[to->nr++] = q;
	*ret = (uint32_t)to->nr;
	return 0;
}

/* Who serves it made the goroutine, or who made it, and so on. */
static bool reading__is_made_by(struct reading *r, const struct census_g *g, uint64_t server)
{
	uint64_t row, goid = g->who.parent_goid;

	for (uint32_t i = 0; goid && server && i < MAKERS_MAX; i++) {
		if (goid == server)
			return true;
		if (!rows__find(&r->rows, goid, &row))
			break;
		goid = r->c->gs[row].who.parent_goid;
	}
	return false;
}

/* What who serves it says of it; if it is over, the first one that says something. */
static void reading__tell_of_request(const struct reading *r, const struct finding *f,
				     const struct grequest_of *of, struct grequest *q)
{
	if (f->relation == GREQUEST_SERVES || (q->over && !gtrace_is_known(&q->trace)))
		q->trace = of->trace;
	if (f->relation != GREQUEST_SERVES)
		return;
	q->has_deadline = of->has_deadline;
	q->left_ns = of->left_ns;
	q->left = f->left;
	if (f->began_ns && f->began_ns <= r->now_ns)
		q->age_ns = r->now_ns - f->began_ns;
}

static int reading__tell(struct reading *r, const struct finding *f, uint64_t row)
{
	struct grequest_of *of = &r->to->of[row];
	int err = 0;

	of->in_hand = f->in_hand;
	if (f->call)
		err = reading__outgoing(r, f, &of->calls);
	if (!err && f->relation == GREQUEST_NONE)
		return reading__trace(r, &f->trace, &of->trace);
	if (err)
		return err;
	err = reading__request(r, f, &of->request);
	if (err)
		return err;
	of->relation = f->relation;
	of->made_by_it = f->relation != GREQUEST_SERVES &&
			 reading__is_made_by(r, &r->c->gs[row], f->server_goid);
	of->cancelled = f->cancelled;
	of->has_deadline = f->has_deadline;
	of->left_ns = f->deadline_ns - r->now_ns;
	of->ended_by = f->ended_by;
	of->cause_type = reading__copy(r, f->cause_type, &err);
	of->cause = reading__copy(r, f->cause, &err);
	if (!err)
		err = reading__trace(r, &f->trace, &of->trace);
	if (!err)
		reading__tell_of_request(r, f, of, &r->to->v[of->request - 1]);
	return err;
}

static int reading__tell_all(struct reading *r)
{
	struct findings a = { 0 }, b = { 0 };
	int err;

	if (!r->passes[1])
		return 0; /* the first one has found nothing */
	err = findings__of(r->passes[0], &a);
	if (!err)
		err = findings__of(r->passes[1], &b);
	r->moved.max = 2 * b.nr + 1;
	r->told.max = r->sent.max = b.nr + 1;
	for (size_t i = 0; i < b.nr && !err; i++) {
		struct finding f = b.v[i];
		uint64_t row = 0;
		bool holds = false;

		if (!reading__is_row(r, &f, &row))
			continue;
		err = reading__holds(r, &a, &b, &f, &holds);
		if (!err && holds)
			err = reading__tell(r, &f, row);
		r->to->moved += !holds;
	}
	u64map__done(&a.by_g);
	u64map__done(&b.by_g);
	return err ? err : r->rows.err;
}

/* --- all of it --- */

static int reading__begin(struct reading *r)
{
	r->to = calloc(1, sizeof(*r->to));
	if (r->to)
		r->to->of = calloc(r->c->nr + 1, sizeof(*r->to->of));
	if (!r->to || !r->to->of)
		return -ENOMEM;
	r->to->nr_of = r->c->nr;
	r->rows.c = r->c;
	return 0;
}

static int reading__read(struct reading *r)
{
	int err = reading__begin(r);

	if (err)
		return err;
	if (!r->of->types) {
		r->to->no_server = true; /* that we know of */
		return 0;
	}
	err = reading__passes(r);
	if (!err)
		err = liveslots_reader__new(r->as, r->rt, r->of->code, &r->again);
	r->now_ns = (int64_t)clock_ns(CLOCK_REALTIME);
	if (!err)
		err = reading__tell_all(r);
	if (err == -ETIMEDOUT) {
		r->to->cut = true;
		err = 0;
	}
	return err;
}

/* --- who reads --- */

static int requests_reader__find(struct requests_reader *rr)
{
	scoped(gotypes) types = NULL;
	int err;

	gotypes__free(steal(rr->types));
	err = gotypes__new(rr->as, rr->rt, &types);
	if (!err)
		err = webtypes__find(types, &rr->web);
	if (!err)
		err = libtypes__find(types, &rr->libs);
	rr->found = !err || err == -ENOENT || err == -EOPNOTSUPP;
	if (err)
		return rr->found ? 0 : err;
	gotypes__trim(types);
	rr->types = steal(types);
	return 0;
}

int requests_reader__new(const struct addrspace *as, const struct goruntime *rt,
			 struct requests_reader **ret)
{
	scoped(requests_reader) rr = calloc(1, sizeof(*rr));
	int err;

	if (!rr)
		return -ENOMEM;
	rr->as = as;
	rr->rt = rt;
	err = liveslots_code__new(rt, &rr->code);
	if (!err)
		err = requests_reader__find(rr);
	if (err)
		return err;
	*ret = steal(rr);
	return 0;
}

void requests_reader__free(struct requests_reader *rr)
{
	if (!rr)
		return;
	gotypes__free(rr->types);
	liveslots_code__free(rr->code);
	free(rr);
}

bool requests_reader__knows_a_server(const struct requests_reader *rr)
{
	return rr->types;
}

int requests_reader__read(struct requests_reader *rr, const struct census *c,
			  struct deadline *until, struct grequests **ret, struct cause *why)
{
	scoped(gosecret) secret = NULL;
	struct reading r = { .of = rr, .rt = rr->rt, .c = c, .until = until, .why = why };
	int err = gosecret__new(rr->as, rr->rt, &secret);

	r.as = gosecret__space(secret, rr->as);
	if (rr->types && gotypes__is_half_full(rr->types))
		rr->found = false;
	if (!err && !rr->found)
		err = requests_reader__find(rr);
	if (!err)
		err = reading__read(&r);
	if (!err)
		*ret = steal(r.to);
	reading__done(&r);
	return err && !why->text[0]
		       ? cause__set(why, err, "cannot read its requests: %s", strerror(-err))
		       : err;
}
