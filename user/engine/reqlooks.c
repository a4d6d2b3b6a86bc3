/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/reqlooks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/random.h"
#include "base/u64map.h"
#include "base/vec.h"
#include "census/census.h"
#include "facts/requests.h"
#include "model/reqlabel.h"
#include "requests/requests.h"
#include "requests/sweeps.h"

#define GOROUTINES_MAX CENSUS_G_MAX
#define FOLLOW_NS      (10 * NS_PER_MS)  /* from one time to the next, between looks */
#define FOLLOW_PART    0.2               /* of what looks may take */
#define SLICE_NS       (100 * NS_PER_MS) /* allocations in one are told together */

/* What was said last of a goroutine. */
struct said {
	uint64_t begin_ns, end_ns; /* of the look; 0: nothing was ever said */
	uint64_t object;
	struct gsweep sweep; /* as it was seen last */
	uint64_t
		chain; /* the same number at two looks: the same request was served in between; 0: none */
	uint32_t label;
	bool serves, http2;
};

struct one {              /* goroutine at one look */
	uint32_t label;   /* of that look: a request, or why none is said */
	struct said said; /* at this look, or before it */
};

struct look {
	uint64_t begin_ns, end_ns; /* 0: there was none */
	const struct census *of;   /* only to compare */
	const struct census_g *gs;
	struct one *v; /* in the order of the census; owned */
	size_t nr;
	struct u64map by_goid; /* index into v */
};

/* A sample that waits for the next look at its goroutine. */
struct held {
	struct pw_hdr hdr;
	uint64_t gopc, startpc, ns, stack_id;
	struct said before;
	bool is_wanted;
};

/* Allocations that do so, of one goroutine, after one look, soon after each other; hashed as bytes. */
struct held_id {
	struct pw_alloc_key key;
	uint64_t goid, rt, looked_ns, slice;
};
struct held_allocs {
	UT_hash_handle hh;
	struct held_id id;
	struct pw_alloc sum; /* the time is that of the last one */
	struct said before;
};

struct reqlooks {
	struct reqlooks_opts o;
	struct reader *readers[GOPROC_RUNTIMES_MAX]; /* of looks of our own; NULL: none yet */
	struct requests_reader *requests[GOPROC_RUNTIMES_MAX]; /* the same */
	struct look looks[GOPROC_RUNTIMES_MAX][2]; /* the last one, and the one before */
	struct held *held;
	size_t nr_held, room_held;
	struct held_allocs *allocs;
	reqlooks_alloc_fn *put_alloc; /* NULL: nobody asks */
	void *put_ctx;
	uint64_t chains;                                       /* that were begun */
	uint32_t no_look, none, several, changed, nobody, has; /* labels of reasons */
	uint64_t due_ns, ends_ns;
	uint64_t first_ns, spent_ns; /* the first look; of our CPU time, in those after it */
	uint64_t follow_ns;          /* due, between looks; UINT64_MAX: nobody needs it */
	uint64_t random;             /* state of base/random */
	struct reqlooks_stats stats;
};

static uint32_t reason(struct reqlooks *l, const char *why)
{
	char text[REQLABEL_TEXT_MAX + 1];

	reqlabel__put(&(struct reqlabel){ .why = why }, text, sizeof(text));
	return profile__label(l->o.profile, text);
}

int reqlooks__new(const struct reqlooks_opts *o, struct reqlooks **ret)
{
	scoped(reqlooks) l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->o = *o;
	l->random = random_seed();
	if (profile__opts(o->profile)->event != PROFILE_CPU &&
	    profile__opts(o->profile)->event != PROFILE_WALL &&
	    profile__opts(o->profile)->event != PROFILE_ALLOC)
		l->follow_ns = UINT64_MAX; /* waits need no chain */
	l->no_look = reason(l, REQLABEL_NO_LOOK);
	l->none = reason(l, REQLABEL_NONE);
	l->several = reason(l, REQLABEL_SEVERAL);
	l->changed = reason(l, REQLABEL_CHANGED);
	l->nobody = reason(l, REQLABEL_NOBODY);
	l->has = reason(l, REQLABEL_HAS);
	*ret = steal(l);
	return 0;
}

static void look__done(struct look *k)
{
	free(k->v);
	u64map__done(&k->by_goid);
	*k = (struct look){ 0 };
}

void reqlooks__free(struct reqlooks *l)
{
	struct held_allocs *h, *next;

	if (!l)
		return;
	HASH_ITER(hh, l->allocs, h, next)
	{
		HASH_DEL(l->allocs, h);
		free(h);
	}
	for (size_t i = 0; i < ARRAY_SIZE(l->readers); i++) {
		reader__free(l->readers[i]);
		requests_reader__free(l->requests[i]);
		look__done(&l->looks[i][0]);
		look__done(&l->looks[i][1]);
	}
	free(l->held);
	free(l);
}

static const struct one *look__one(const struct look *k, uint64_t goid)
{
	uint64_t i;

	return k->end_ns && u64map__get(&k->by_goid, goid, &i) ? &k->v[i] : NULL;
}

/* --- labels --- */

/*
 * Rows are kept apart by that of it which is asked for. What there is no room for loses its trace first, and its
 * route last.
 */
static uint32_t reqlooks__label(struct reqlooks *l, const struct reqlabel *all)
{
	const enum profile_root root = profile__opts(l->o.profile)->root;
	const bool span = l->o.apart || root == PROFILE_ROOT_SPAN || root == PROFILE_ROOT_REQUEST,
		   trace = span || root == PROFILE_ROOT_TRACE;
	struct reqlabel r = { all->route, "", "", "", NULL };
	char text[REQLABEL_TEXT_MAX + 1];
	uint32_t least, id;

	reqlabel__put(&r, text, sizeof(text));
	least = profile__label(l->o.profile, text);
	if (trace)
		r.trace_id = all->trace_id;
	if (span) {
		r.span_id = all->span_id;
		r.span = all->span;
	}
	reqlabel__put(&r, text, sizeof(text));
	id = profile__label(l->o.profile, text);
	return id == PROFILE_LABEL_NONE ? least : id;
}

static uint32_t reqlooks__request(struct reqlooks *l, const struct grequest_of *of,
				  const struct grequest *q)
{
	struct reqlabel_texts texts;
	struct reqlabel all;

	reqlabel__of(of, q, &texts, &all);
	return reqlooks__label(l, &all);
}

/* Of the same request at two looks: what did not change. */
static uint32_t reqlooks__common(struct reqlooks *l, uint32_t a, uint32_t b)
{
	char buf_a[REQLABEL_TEXT_MAX + 1], buf_b[REQLABEL_TEXT_MAX + 1];
	struct reqlabel x, y;

	if (a == b)
		return a;
	reqlabel__get(profile__label_text(l->o.profile, a), buf_a, &x);
	reqlabel__get(profile__label_text(l->o.profile, b), buf_b, &y);
	if (x.why || y.why)
		return l->changed;
	if (strcmp(x.route, y.route))
		x.route = "";
	if (strcmp(x.trace_id, y.trace_id))
		x.trace_id = "";
	if (strcmp(x.span_id, y.span_id))
		x.span_id = x.span = "";
	return reqlooks__label(l, &x);
}

/* --- a look --- */

/* Served at two looks: the same request, and all the while in between. */
static bool is_same(const struct said *a, const struct said *b)
{
	return a->chain && b->serves && a->object == b->object &&
	       (gsweep__follows(&a->sweep, &b->sweep) || (a->http2 && b->http2));
}

static struct one one_of(struct reqlooks *l, const struct look *k, const struct grequests *rs,
			 size_t i, const struct one *before)
{
	const struct grequest_of *of = &rs->of[i];
	const struct grequest *q = of->request ? &rs->v[of->request - 1] : NULL;
	struct one o = { .label = of->in_hand > 1 ? l->several : l->none };

	if (before)
		o.said = before->said;
	if (!reqlabel_is_worked_for(of, q))
		return o;
	o.label = reqlooks__request(l, of, q);
	o.said = (struct said){
		.begin_ns = k->begin_ns,
		.end_ns = k->end_ns,
		.object = q->object,
		.sweep = q->sweep,
		.label = o.label,
		.serves = of->relation == GREQUEST_SERVES && !q->over,
		.http2 = q->kind == GREQUEST_HTTP2,
	};
	if (o.said.serves)
		o.said.chain = before && is_same(&before->said, &o.said) ? before->said.chain
									 : ++l->chains;
	return o;
}

static int look__fill(struct reqlooks *l, struct look *k, const struct census *c,
		      const struct grequests *rs, const struct look *before)
{
	int err = 0;

	k->by_goid.max = GOROUTINES_MAX;
	k->v = calloc(c->nr + 1, sizeof(*k->v));
	if (!k->v)
		return -ENOMEM;
	for (; k->nr < c->nr && k->nr < rs->nr_of && !err; k->nr++) {
		const uint64_t goid = c->gs[k->nr].who.goid;

		k->v[k->nr] = one_of(l, k, rs, k->nr, look__one(before, goid));
		err = u64map__set(&k->by_goid, goid, k->nr);
	}
	return err;
}

/*
 * Between looks: whether requests that are served lie in the same memory still. Where a collection follows the
 * other so fast that this is not known, the chain ends.
 */
static int reqlooks__check(struct reqlooks *l, uint16_t rt)
{
	struct look *k = &l->looks[rt][0];
	scoped_mem struct gsweep *now = calloc(k->nr + 1, sizeof(*now));
	scoped_mem struct said **of = calloc(k->nr + 1, sizeof(*of));
	size_t nr = 0;
	int err;

	if (!now || !of)
		return -ENOMEM;
	for (size_t i = 0; i < k->nr; i++) {
		struct said *s = &k->v[i].said;

		if (!s->chain || s->http2)
			continue;
		now[nr] = s->sweep;
		of[nr++] = s;
	}
	err = sweeps__read(proc__mem(l->o.proc), goproc__runtime(l->o.gp, rt), now, nr);
	for (size_t i = 0; i < nr && !err; i++) {
		if (!gsweep__follows(&of[i]->sweep, &now[i]))
			of[i]->chain = 0;
		of[i]->sweep = now[i];
	}
	return err;
}

/* --- samples --- */

static void reqlooks__put_cpu(struct reqlooks *l, const struct held *h, uint32_t label)
{
	const struct pw_cpu r = {
		.hdr = h->hdr, .gopc = h->gopc, .startpc = h->startpc, .ns = h->ns
	};

	if (profile__opts(l->o.profile)->event == PROFILE_WALL)
		(void)profile__ran(l->o.profile, &r, h->stack_id, label, h->is_wanted);
	else
		(void)profile__cpu(l->o.profile, &r, h->stack_id,
				   label); /* it counts what it refuses */
}

/* Looks have met its goroutine again since then, and said something, or it is gone. */
static bool reqlooks__settles(struct reqlooks *l, const struct pw_hdr *h, const struct said *before,
			      uint32_t *ret_label)
{
	const struct look *k = l->looks[h->rt];
	const struct one *o = look__one(k, h->goid);

	if (k->begin_ns <= h->ts_ns)
		return false;
	*ret_label = l->changed;
	if (!o) /* it is gone, or changed each time it was read */
		return k[1].begin_ns > h->ts_ns && !look__one(&k[1], h->goid);
	if (o->said.begin_ns <= h->ts_ns) /* it runs, most likely */
		return false;
	if (o->said.chain && before->chain == o->said.chain)
		*ret_label = reqlooks__common(l, before->label, o->said.label);
	return true;
}

/* They are told, and kept no more. */
static void reqlooks__put_allocs(struct reqlooks *l, struct held_allocs *h, uint32_t label)
{
	l->put_alloc(l->put_ctx, &h->sum, label);
	HASH_DEL(l->allocs, h);
	free(h);
}

static void reqlooks__settle(struct reqlooks *l)
{
	struct held_allocs *h, *next;
	uint32_t label;
	size_t nr = 0;

	for (size_t i = 0; i < l->nr_held; i++) {
		if (reqlooks__settles(l, &l->held[i].hdr, &l->held[i].before, &label))
			reqlooks__put_cpu(l, &l->held[i], label);
		else
			l->held[nr++] = l->held[i];
	}
	l->nr_held = nr;
	HASH_ITER(hh, l->allocs, h, next)
	{
		if (reqlooks__settles(l, &h->sum.hdr, &h->before, &label))
			reqlooks__put_allocs(l, h, label);
	}
}

/* What the looks before it said, if one after it can prove that it was so then. Else why there is none. */
static const struct said *reqlooks__before(const struct reqlooks *l, const struct pw_hdr *h,
					   uint32_t *ret_why)
{
	const struct one *o = NULL;

	for (size_t i = 0; i < 2 && !o && h->goid; i++)
		if (l->looks[h->rt][i].end_ns < h->ts_ns)
			o = look__one(&l->looks[h->rt][i], h->goid);
	*ret_why = !h->goid ? l->nobody : o && o->said.end_ns ? l->has : l->no_look;
	return o && o->said.serves ? &o->said : NULL;
}

void reqlooks__cpu(struct reqlooks *l, const struct pw_cpu *r, uint64_t stack_id, bool is_wanted)
{
	struct held h = { r->hdr, r->gopc, r->startpc, r->ns, stack_id, .is_wanted = is_wanted };
	uint32_t why;
	const struct said *before = reqlooks__before(l, &r->hdr, &why);

	if (!before || l->nr_held == REQLOOKS_HELD_MAX ||
	    vec__reserve(&l->held, &l->room_held, l->nr_held + 1, sizeof(*l->held))) {
		reqlooks__put_cpu(l, &h, why);
		return;
	}
	h.before = *before;
	l->held[l->nr_held++] = h;
}

/* The sum that it adds to; NULL: there is no room for a new one. */
static struct held_allocs *reqlooks__held(struct reqlooks *l, const struct pw_alloc *a,
					  const struct said *before)
{
	const struct held_id id = { a->key, a->hdr.goid, a->hdr.rt, before->begin_ns,
				    a->hdr.ts_ns / SLICE_NS };
	const unsigned int count = HASH_COUNT(l->allocs);
	struct held_allocs *h;

	HASH_FIND(hh, l->allocs, &id, sizeof(id), h);
	if (h || count == REQLOOKS_HELD_MAX)
		return h;
	h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	h->id = id;
	h->before = *before;
	h->sum = *a;
	h->sum.sum = (struct pw_alloc_sum){ 0 };
	HASH_ADD(hh, l->allocs, id, sizeof(h->id), h);
	if (HASH_COUNT(l->allocs) == count) {
		free(h);
		return NULL;
	}
	return h;
}

void reqlooks__allocs(struct reqlooks *l, reqlooks_alloc_fn *put, void *ctx)
{
	l->put_alloc = put;
	l->put_ctx = ctx;
}

void reqlooks__alloc(struct reqlooks *l, const struct pw_alloc *a)
{
	uint32_t why;
	const struct said *before = reqlooks__before(l, &a->hdr, &why);
	struct held_allocs *h = before ? reqlooks__held(l, a, before) : NULL;

	if (!h) {
		l->put_alloc(l->put_ctx, a, why);
		return;
	}
	if (a->hdr.ts_ns > h->sum.hdr.ts_ns)
		h->sum.hdr.ts_ns = a->hdr.ts_ns;
	h->sum.sum.objects += a->sum.objects;
	h->sum.sum.bytes += a->sum.bytes;
}

void reqlooks__end(struct reqlooks *l)
{
	struct held_allocs *h, *next;

	for (size_t i = 0; i < l->nr_held; i++)
		reqlooks__put_cpu(l, &l->held[i], l->no_look);
	l->nr_held = 0;
	HASH_ITER(hh, l->allocs, h, next)
	{
		reqlooks__put_allocs(l, h, l->no_look);
	}
}

/* --- looking --- */

int reqlooks__told(struct reqlooks *l, uint16_t rt, const struct census *c,
		   const struct grequests *rs, uint64_t begin_ns, uint64_t end_ns)
{
	struct look *looks = l->looks[rt],
		    k = { .begin_ns = begin_ns, .end_ns = end_ns, .of = c, .gs = c->gs };
	int err = look__fill(l, &k, c, rs, &looks[0]);

	if (err) {
		look__done(&k);
		return err;
	}
	look__done(&looks[1]);
	looks[1] = looks[0];
	looks[0] = k;
	reqlooks__settle(l);
	return 0;
}

int reqlooks__take(struct reqlooks *l, uint16_t rt, const struct census *c, struct cause *why)
{
	struct deadline until = deadline_in(REQLOOKS_MOST_NS, l->o.stop);
	const uint64_t cpu_began = clock_cpu_ns();
	scoped(grequests) rs = NULL;
	int err = l->requests[rt]
			  ? 0
			  : requests_reader__new(proc__mem(l->o.proc), goproc__runtime(l->o.gp, rt),
						 &l->requests[rt]);

	if (!err)
		err = requests_reader__read(l->requests[rt], c, &until, &rs, why);
	l->stats.cpu_ns += clock_cpu_ns() - cpu_began;
	if (err || rs->cut)
		return err ? err : -ETIMEDOUT;
	return reqlooks__told(l, rt, c, rs, c->taken_ns, clock_now_ns());
}

static int reqlooks__one(struct reqlooks *l, uint16_t rt, struct cause *why)
{
	struct deadline until = deadline_in(REQLOOKS_MOST_NS, l->o.stop);
	scoped(census) c = NULL;
	int err = 0;

	if (!l->readers[rt])
		err = reader__new(proc__mem(l->o.proc), goproc__runtime(l->o.gp, rt), 1,
				  &l->readers[rt]);
	if (err)
		return err;
	reader__limit(l->readers[rt], &until);
	err = reader__take(l->readers[rt], &c);
	reader__limit(l->readers[rt], NULL);
	if (!err && c->cut)
		err = -ETIMEDOUT;
	if (!err)
		err = reqlooks__take(l, rt, c, why);
	l->looks[rt][0].of = NULL; /* that census is gone */
	return err;
}

/* The next one after about as long, so that nothing that the program does goes in step with it. */
static void reqlooks__plan(struct reqlooks *l, uint64_t began_ns, uint64_t cpu_ns, double part)
{
	double period = part > 0 ? (double)cpu_ns / part : (double)REQLOOKS_MOST_NS;

	if (period < (double)REQLOOKS_LEAST_NS)
		period = (double)REQLOOKS_LEAST_NS;
	l->due_ns = began_ns + (uint64_t)(period * (0.5 + random_next(&l->random)));
	/* one more at the end, if there is time for it */
	l->spent_ns += l->first_ns ? cpu_ns : 0;
	l->first_ns = l->first_ns ? l->first_ns : began_ns;
	if (l->ends_ns > l->first_ns &&
	    (double)(l->spent_ns + cpu_ns) <= part * (double)(l->ends_ns - l->first_ns)) {
		const uint64_t took = 2 * (clock_now_ns() - began_ns);

		if (l->ends_ns > began_ns + took + REQLOOKS_LEAST_NS &&
		    l->due_ns > l->ends_ns - took)
			l->due_ns = l->ends_ns - took;
	}
}

void reqlooks__follow(struct reqlooks *l, double part)
{
	const uint64_t now = clock_now_ns(), cpu_began = clock_cpu_ns();
	double period;

	if (now < l->follow_ns)
		return;
	for (size_t i = 0; i < goproc__nr_runtimes(l->o.gp); i++)
		(void)reqlooks__check(l, (uint16_t)i); /* else the next one tells */
	period = part > 0 ? (double)(clock_cpu_ns() - cpu_began) / (FOLLOW_PART * part) : 0;
	if (period < (double)FOLLOW_NS)
		period = (double)FOLLOW_NS;
	l->follow_ns = now + (uint64_t)period;
	l->stats.cpu_ns += clock_cpu_ns() - cpu_began;
}

void reqlooks__look(struct reqlooks *l, double part)
{
	const uint64_t began = clock_now_ns(), cpu_began = clock_cpu_ns();
	struct cause why = { "" };
	int err = 0;

	if (began < l->due_ns) {
		reqlooks__follow(l, part);
		return;
	}
	for (size_t i = 0; i < goproc__nr_runtimes(l->o.gp) && !err; i++)
		err = reqlooks__one(l, (uint16_t)i, &why);
	l->stats.looks += !err;
	reqlooks__plan(l, began, clock_cpu_ns() - cpu_began, part);
}

uint64_t reqlooks__due_ns(const struct reqlooks *l)
{
	return l->follow_ns < l->due_ns ? l->follow_ns : l->due_ns;
}

void reqlooks__ends(struct reqlooks *l, uint64_t at_ns)
{
	l->ends_ns = at_ns;
}

const struct reqlooks_stats *reqlooks__stats(const struct reqlooks *l)
{
	return &l->stats;
}

/* --- what looks say --- */

uint32_t reqlooks__wait(const struct reqlooks *l, uint16_t rt, uint64_t goid, uint64_t start_ns,
			uint64_t end_ns)
{
	for (size_t i = 0; i < 2; i++) {
		const struct look *k = &l->looks[rt][i];
		const struct one *o = NULL;

		if (k->begin_ns > start_ns && k->end_ns < end_ns)
			o = look__one(k, goid);
		if (o)
			return o->label;
	}
	return l->no_look;
}

uint32_t reqlooks__met(const struct reqlooks *l, uint16_t rt, const struct census *c,
		       const struct census_g *g)
{
	const struct look *k = &l->looks[rt][0];
	const size_t i = (size_t)(g - c->gs);

	return k->of == c && k->gs == c->gs && g >= c->gs && i < k->nr ? k->v[i].label : l->no_look;
}
