// SPDX-License-Identifier: BSD-2-Clause
#include "model/profile_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "golang/gostate.h"
#include "model/gtable.h"
#include "model/labelset.h"
#include "model/rowset.h"
#include "model/stackset.h"
#include "model/wall.h"

/* Something that happened to one goroutine, before it is a row. */
struct event {
	uint16_t rt;
	uint32_t reason;
	uint32_t label;
	struct goroutine who;
	uint64_t stack_id;
	uint64_t value;
	uint64_t at_ns;  /* of a wait: its end */
	uint32_t wakers; /* chain: who ended it */
	bool uncounted;  /* it is open at the end of a window: counted where it ends */
};

/* Exits are not seen, and only creation is asked for: the oldest goroutines make room. */
static bool origins_pass(const struct profile_opts *o)
{
	return o->root == PROFILE_ROOT_CREATED_BY && !o->async && o->event != PROFILE_EXITS;
}

int profile__new(const struct profile_opts *o, struct profile **ret)
{
	scoped(profile) p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->opts = *o;
	if (!p->opts.max_rows)
		p->opts.max_rows = PROFILE_ROWS_DEFAULT;
	if (!p->opts.max_goroutines)
		p->opts.max_goroutines = GTABLE_MAX_DEFAULT;
	if (!p->opts.max_stack_bytes)
		p->opts.max_stack_bytes = STACKSET_BYTES_DEFAULT;
	p->end_ns = UINT64_MAX;
	err = labelset__new(PROFILE_LABELS_MAX, PROFILE_LABEL_TEXT_MAX, &p->labels);
	if (!err)
		err = stackset__new(p->opts.max_stack_bytes, &p->stacks);
	if (!err)
		err = gtable__new(origins_pass(o) ? PROFILE_MAKERS_MAX : p->opts.max_goroutines,
				  &p->origins);
	if (!err)
		err = rowset__new(p->opts.max_rows, &p->rows);
	if (!err && o->event == PROFILE_WAKEUPS)
		err = chainset__new(&p->wakers);
	if (!err && o->event == PROFILE_WALL)
		err = rowset__new(p->opts.max_rows, &p->ran);
	if (!err && o->event == PROFILE_WALL)
		err = rowset__new(p->opts.max_rows, &p->called);
	if (!err && o->root == PROFILE_ROOT_CREATED_BY)
		err = rowset__new(PROFILE_MADE_MAX, &p->made);
	if (err)
		return err;
	*ret = steal(p);
	return 0;
}

void profile__free(struct profile *p)
{
	if (!p)
		return;
	labelset__free(p->labels);
	rowset__free(p->rows);
	rowset__free(p->made);
	rowset__free(p->ran);
	rowset__free(p->called);
	gtable__free(p->origins);
	chainset__free(p->wakers);
	stackset__free(p->stacks);
	free(p);
}

void profile__tap(struct profile *p, const struct profile_tap *tap)
{
	p->tap = *tap;
}

void profile__begin(struct profile *p, uint64_t start_ns)
{
	p->start_ns = start_ns;
	if (!p->first_ns)
		p->first_ns = start_ns;
}

void profile__end(struct profile *p, uint64_t end_ns)
{
	p->end_ns = end_ns;
}

uint32_t profile__label(struct profile *p, const char *text)
{
	const uint32_t id = labelset__id(p->labels, text);

	if (id == PROFILE_LABEL_NONE && text[0])
		p->stats.labels_refused++;
	return id;
}

const char *profile__label_text(const struct profile *p, uint32_t id)
{
	return labelset__text(p->labels, id);
}

static uint64_t root_of(const struct profile *p, const struct event *w)
{
	return profile__root(p, w->who.goid, w->who.gopc, w->label);
}

static void keep_origin(struct profile *p, uint16_t rt, uint64_t goid, const struct gorigin *o)
{
	(void)gtable__put(p->origins, rt, goid, o);
	if (origins_pass(&p->opts))
		gtable__ended(p->origins, rt, goid);
}

/* Of one that waits. If neither birth nor census told of it, there is at least its own gopc. */
static uint32_t chain_of(struct profile *p, const struct event *w)
{
	const struct gorigin o = { .made = { PW_STACK_ID_NONE, w->who.gopc, w->who.startpc } };

	if (!p->opts.async)
		return CHAIN_NONE;
	if (w->who.gopc && !gtable__get(p->origins, w->rt, w->who.goid))
		gtable__put(p->origins, w->rt, w->who.goid, &o);
	return gtable__chain(p->origins, w->rt, w->who.goid);
}

static int add_row(struct profile *p, const struct row_key *key, uint64_t value, bool counts)
{
	int err = rowset__add_many(p->rows, key, counts, value);

	if (err)
		p->stats.refused++;
	else
		p->stats.out++;
	return err;
}

static int add_event(struct profile *p, const struct event *w, const struct row_key *key)
{
	const int err = add_row(p, key, w->value, !w->uncounted);

	if (!err && p->tap.event && !p->windows)
		p->tap.event(p->tap.ctx, key, w->who.goid, w->at_ns, w->value);
	return err;
}

static int add_wait(struct profile *p, const struct event *w)
{
	const struct row_key key = {
		.stack_id = w->stack_id,
		.root = root_of(p, w),
		.reason = w->reason,
		.chain = w->wakers ? w->wakers : chain_of(p, w),
		.rt = w->rt,
	};

	return add_event(p, w, &key);
}

/* A birth or an exit: w is about the goroutine itself, its ancestry begins with its parent. */
static int add_life(struct profile *p, const struct event *w, uint64_t parent_goid)
{
	const struct row_key key = {
		.stack_id = w->stack_id,
		.root = root_of(p, w),
		.gopc = w->who.gopc,
		.startpc = w->who.startpc,
		.chain = p->opts.async && parent_goid
				 ? gtable__chain(p->origins, w->rt, parent_goid)
				 : CHAIN_NONE,
		.rt = w->rt,
	};

	return add_event(p, w, &key);
}

void profile__known(struct profile *p, uint16_t rt, const struct goroutine *g)
{
	const struct gorigin o = {
		.made = { PW_STACK_ID_NONE, g->gopc, g->startpc },
		.parent_goid = g->parent_goid,
	};

	if ((p->opts.async || p->made) && g->gopc)
		keep_origin(p, rt, g->goid, &o);
}

/* A wait or latency from `from_ns` to `to_ns`, as much of it as lies in the window. */
static int apply_span(struct profile *p, struct event *w, uint64_t from_ns, uint64_t to_ns)
{
	p->stats.in++;
	if (to_ns < p->start_ns || from_ns > p->end_ns) {
		p->stats.filtered++;
		return 0;
	}
	if (from_ns < p->start_ns)
		from_ns = p->start_ns;
	if (to_ns > p->end_ns)
		to_ns = p->end_ns;
	w->value = to_ns > from_ns ? to_ns - from_ns : 0;
	w->at_ns = to_ns;
	return add_wait(p, w);
}

static int apply_wait(struct profile *p, const struct pw_wait *r, uint32_t label)
{
	struct event w = {
		.rt = r->hdr.rt,
		.reason = r->reason,
		.label = label,
		.who.goid = r->hdr.goid,
		.stack_id = r->stack_id,
		.who.gopc = r->gopc,
		.who.startpc = r->startpc,
	};

	return apply_span(p, &w, r->start_ns, r->hdr.ts_ns);
}

static int apply_whole(struct profile *p, const struct event *w)
{
	p->stats.in++;
	if (w->at_ns < p->start_ns || w->at_ns > p->end_ns) {
		p->stats.filtered++;
		return 0;
	}
	return add_wait(p, w);
}

static int apply_mutex(struct profile *p, const struct pw_mutex *r, uint32_t label)
{
	const struct event w = {
		.rt = r->hdr.rt,
		.label = label,
		.who = { .goid = r->hdr.goid, .gopc = r->gopc, .startpc = r->startpc },
		.stack_id = r->stack_id,
		.value = r->hdr.ts_ns - r->start_ns,
		.at_ns = r->hdr.ts_ns,
	};

	return apply_whole(p, &w);
}

static uint32_t wakers_of(struct profile *p, const struct pw_wake_key *k)
{
	uint32_t nr = 1, id = CHAIN_NONE;

	while (nr < PW_WAKERS_MAX && k->wakers[nr] != PW_STACK_ID_NONE)
		nr++;
	while (nr--) {
		const struct chain_link link = { .stack_id = k->wakers[nr] };

		id = chainset__extend(p->wakers, &link, id);
	}
	return id;
}

static int apply_wake(struct profile *p, const struct pw_wake *r, uint32_t label)
{
	struct event w = {
		.rt = r->hdr.rt,
		.reason = r->key.reason,
		.label = label,
		.who = { .goid = r->hdr.goid, .gopc = r->key.gopc, .startpc = r->key.startpc },
		.stack_id = r->key.stack_id,
		.wakers = wakers_of(p, &r->key),
	};

	return apply_span(p, &w, r->start_ns, r->hdr.ts_ns);
}

/*
 * The code behind a library's `go` statement is known from all goroutines that it made. Those that
 * do not fit are not known.
 */
static void count_made(struct profile *p, const struct pw_birth *r)
{
	const struct row_key key = {
		.gopc = r->gopc,
		.chain = gtable__chain(p->origins, r->hdr.rt, r->hdr.goid),
		.rt = r->hdr.rt,
	};

	if (key.chain != CHAIN_NONE)
		(void)rowset__add(p->made, &key, 1);
}

static int apply_birth(struct profile *p, const struct pw_birth *r, uint32_t label)
{
	const struct event w = {
		.rt = r->hdr.rt,
		.label = label,
		.who.goid = r->hdr.goid,
		.stack_id = r->stack_id,
		.who.gopc = r->gopc,
		.who.startpc = r->startpc,
		.value = 1,
		.at_ns = r->hdr.ts_ns,
	};

	if (p->opts.async || p->made || p->opts.event == PROFILE_EXITS) {
		const struct gorigin o = {
			.made = { r->stack_id, r->gopc, r->startpc },
			.parent_goid = r->parent_goid,
		};

		keep_origin(p, r->hdr.rt, r->hdr.goid, &o);
	}
	if (p->made)
		count_made(p, r);
	if (p->opts.event != PROFILE_BIRTHS)
		return 0;
	p->stats.in++;
	return add_life(p, &w, r->parent_goid);
}

static int apply_exit(struct profile *p, const struct pw_exit *r, uint32_t label)
{
	const struct gorigin *o = gtable__get(p->origins, r->hdr.rt, r->hdr.goid);
	struct event w = {
		.rt = r->hdr.rt,
		.label = label,
		.who.goid = r->hdr.goid,
		.stack_id = PW_STACK_ID_NONE,
		.who.gopc = r->gopc,
		.who.startpc = r->startpc,
		.value = 1,
		.at_ns = r->hdr.ts_ns,
	};
	uint64_t parent_goid = r->parent_goid;
	int err = 0;

	if (o) {
		w.stack_id = o->made.stack_id;
		if (o->parent_goid)
			parent_goid = o->parent_goid;
	}
	if (p->opts.event == PROFILE_EXITS) {
		p->stats.in++;
		err = add_life(p, &w, parent_goid);
	}
	gtable__ended(p->origins, r->hdr.rt, r->hdr.goid);
	return err;
}

static int apply_stack(struct profile *p, const struct pw_stack *r)
{
	/* __u64 and uint64_t are different types of the same width. */
	const uint64_t *pcs = (const uint64_t *)r->pcs;

	return stackset__add(p->stacks, r->stack_id, pcs, r->nr, r->truncated != 0);
}

static int apply_call(struct profile *p, const struct pw_call *r)
{
	const struct pw_wait_sum one = { 1, r->hdr.ts_ns - r->start_ns };

	return profile__add_calls(p, r->hdr.rt, r->stack_id, r->gopc, &one);
}

int profile__apply(struct profile *p, const struct pw_hdr *h, uint32_t label)
{
	switch (h->kind) {
	case PW_STACK: return apply_stack(p, (const struct pw_stack *)h);
	case PW_BIRTH: return apply_birth(p, (const struct pw_birth *)h, label);
	case PW_EXIT: return apply_exit(p, (const struct pw_exit *)h, label);
	case PW_WAIT:
		if (p->opts.event != PROFILE_BLOCKED)
			return 0;
		return apply_wait(p, (const struct pw_wait *)h, label);
	case PW_SCHED:
		if (p->opts.event != PROFILE_SCHED)
			return 0;
		return apply_wait(p, (const struct pw_sched *)h, label);
	case PW_BLOCK:
		if (p->opts.event != PROFILE_BLOCK)
			return 0;
		return apply_wait(p, (const struct pw_block *)h, label);
	case PW_MUTEX:
		if (p->opts.event != PROFILE_MUTEX)
			return 0;
		return apply_mutex(p, (const struct pw_mutex *)h, label);
	case PW_WAKE:
		if (p->opts.event != PROFILE_WAKEUPS)
			return 0;
		return apply_wake(p, (const struct pw_wake *)h, label);
	case PW_CALL:
		if (p->opts.event != PROFILE_WALL)
			return 0;
		return apply_call(p, (const struct pw_call *)h);
	}
	return 0;
}

int profile__open_wait(struct profile *p, uint16_t rt, const struct pw_gstate *s, uint64_t gopc,
		       uint64_t startpc, uint32_t label)
{
	const bool sched = p->opts.event == PROFILE_SCHED;
	const uint64_t from_ns = sched ? s->ready_ns : s->start_ns;
	const struct gorigin *o = gtable__get(p->origins, rt, s->goid);
	struct event w = {
		.rt = rt,
		.label = label,
		.who = { .goid = s->goid, .gopc = gopc, .startpc = startpc },
		.reason = sched ? s->ready_reason : s->reason,
		.stack_id = sched ? s->ready_stack_id : s->stack_id,
		.uncounted = p->windows,
	};

	if (p->opts.event == PROFILE_WALL)
		return profile__open_call(p, rt, s, gopc);
	if (!from_ns || (!sched && !profile_event_is_wait(p->opts.event) &&
			 (p->opts.event != PROFILE_BLOCK || !p->windows)))
		return 0;
	if (p->windows && from_ns < p->start_ns) /* of another window */
		return 0;
	if (p->end_ns < from_ns || p->end_ns - from_ns < p->opts.min_ns) {
		p->stats.in++;
		p->stats.filtered++;
		return 0;
	}
	if (!w.who.gopc && o) {
		w.who.gopc = o->made.gopc;
		w.who.startpc = o->made.startpc;
	}
	return apply_span(p, &w, from_ns, p->end_ns);
}

int profile__cpu(struct profile *p, const struct pw_cpu *r, uint64_t stack_id, uint32_t label)
{
	const struct event w = {
		.rt = r->hdr.rt,
		.label = label,
		.who = { .goid = r->hdr.goid, .gopc = r->gopc, .startpc = r->startpc },
		.stack_id = stack_id,
		.value = r->ns,
		.at_ns = r->hdr.ts_ns,
	};

	return apply_whole(p, &w);
}

static int add_rows(struct profile *p, const struct row_key *key, uint64_t count, uint64_t value)
{
	int err = rowset__add_many(p->rows, key, count, value);

	p->stats.in += count;
	if (err)
		p->stats.refused += count;
	else
		p->stats.out += count;
	return err;
}

static uint32_t kind_of_wait(enum profile_event event)
{
	switch (event) {
	case PROFILE_SCHED: return PW_SCHED;
	case PROFILE_BLOCK: return PW_BLOCK;
	case PROFILE_MUTEX: return PW_MUTEX;
	case PROFILE_WALL: return PW_CALL;
	default: return PW_WAIT;
	}
}

int profile__waits(struct profile *p, uint16_t rt, const struct pw_wait_key *k,
		   const struct pw_wait_sum *s)
{
	const struct event w = { .who.gopc = k->gopc };
	const struct row_key key = {
		.stack_id = k->stack_id,
		.root = root_of(p, &w),
		.reason = k->reason,
		.rt = rt,
	};

	if (k->kind != kind_of_wait(p->opts.event))
		return 0;
	if (k->kind == PW_CALL)
		return profile__add_calls(p, rt, k->stack_id, k->gopc, s);
	return add_rows(p, &key, s->count, s->ns);
}

int profile__wakes(struct profile *p, uint16_t rt, const struct pw_wake_key *k,
		   const struct pw_wait_sum *s)
{
	const struct event w = { .who.gopc = k->gopc };
	const struct row_key key = {
		.stack_id = k->stack_id,
		.root = root_of(p, &w),
		.reason = k->reason,
		.chain = wakers_of(p, k),
		.rt = rt,
	};

	return add_rows(p, &key, s->count, s->ns);
}

int profile__alloc(struct profile *p, uint16_t rt, const struct profile_alloc *a)
{
	const struct row_key key = {
		.stack_id = a->stack_id,
		.root = a->root,
		.type = a->type,
		.bytes = a->object_bytes,
		.measure = a->measure,
		.rt = rt,
	};

	return add_rows(p, &key, a->objects, a->bytes);
}

void profile__again(struct profile *p)
{
	p->end_ns = UINT64_MAX;
}

void profile__window(struct profile *p)
{
	if (p->windows++)
		rowset__next_window(p->rows);
	else
		rowset__sampled(p->rows);
	p->end_ns = UINT64_MAX;
}

void profile__weigh(struct profile *p, double factor, double count_factor, uint64_t length_ns)
{
	rowset__weigh(p->rows, factor, count_factor, length_ns);
}

/* One cut that is told. */
struct cutting {
	const struct profile_tap *to;
	struct profile_cut cut;
	struct wall_shares shares; /* of the time that goroutines ran, in this interval */
};

static void tell_gain(void *ctx, const struct row_key *key, uint64_t count, uint64_t value)
{
	struct cutting *c = ctx;

	if (c->shares.whole && wall_state_of(key->reason) == WALL_RUNNING)
		c->shares.time += value;
	else
		c->to->cut(c->to->ctx, &c->cut, key, count, value);
}

static void tell_share(void *ctx, const struct row_key *key, uint64_t count, uint64_t value)
{
	struct cutting *c = ctx;

	c->to->cut(c->to->ctx, &c->cut, key, count, wall_shares__next(&c->shares, value));
}

/* What all samples stand for. */
static uint64_t ran_ns(const struct profile *p)
{
	return p->ran ? rowset__total(p->ran)->value + p->ran_unwanted_ns : 0;
}

uint64_t profile__cut_ns(const struct profile *p)
{
	return p->cut_ns ? p->cut_ns : p->first_ns;
}

void profile__cut(struct profile *p, uint64_t end_ns)
{
	struct cutting c = {
		.to = &p->tap,
		.cut = { .begin_ns = profile__cut_ns(p),
			 .end_ns = end_ns,
			 .exact = !p->windows,
			 .windows = p->windows - p->cut_windows,
			 .counts_least = p->counts_least },
		.shares.whole = ran_ns(p) - p->ran_cut_ns,
	};

	if (!p->tap.cut || end_ns <= c.cut.begin_ns)
		return;
	rowset__cut(p->rows, tell_gain, &c);
	if (p->ran)
		rowset__cut(p->ran, tell_share, &c);
	p->ran_cut_ns += c.shares.whole;
	p->tap.cut(p->tap.ctx, &c.cut, NULL, 0, 0);
	p->cut_ns = end_ns;
	p->cut_windows = p->windows;
}

uint64_t profile__stack(struct profile *p, const uint64_t *pcs, size_t nr, bool truncated)
{
	uint64_t id = PW_STACK_ID_NONE;

	stackset__intern(p->stacks, pcs, nr, truncated, &id);
	return id;
}

int profile__sample(struct profile *p, const struct profile_sample *s)
{
	const bool life = p->opts.event == PROFILE_BIRTHS || p->opts.event == PROFILE_EXITS;
	const struct event w = {
		.rt = s->rt,
		.reason = s->reason,
		.label = s->label,
		.who = s->who,
		.stack_id = s->stack_id,
	};
	const struct gorigin o = {
		.made = { PW_STACK_ID_NONE, s->who.gopc, s->who.startpc },
		.parent_goid = s->who.parent_goid,
	};
	struct row_key key = {
		.stack_id = w.stack_id,
		.root = root_of(p, &w),
		.gopc = life ? w.who.gopc : 0,
		.startpc = life ? w.who.startpc : 0,
		.reason = w.reason,
		.type = s->call,
		.rt = w.rt,
	};

	if (p->opts.async && s->who.gopc)
		gtable__put(p->origins, s->rt, s->who.goid, &o);
	if (p->opts.async)
		key.chain =
			gtable__chain(p->origins, s->rt, life ? s->who.parent_goid : s->who.goid);
	p->stats.in++;
	p->counts_least |= s->counts && !life && p->opts.event != PROFILE_WALL;
	return add_row(p, &key, s->value, s->counts);
}

void profile__stats(const struct profile *p, struct profile_stats *ret)
{
	*ret = p->stats;
	ret->stacks_refused = stackset__refused(p->stacks);
	ret->goroutines_refused +=
		gtable__refused(p->origins) + (p->wakers ? chainset__refused(p->wakers) : 0);
}

const struct profile_opts *profile__opts(const struct profile *p)
{
	return &p->opts;
}

void profile__span(const struct profile *p, uint64_t *ret_start_ns, uint64_t *ret_end_ns)
{
	*ret_start_ns = p->start_ns;
	*ret_end_ns = p->end_ns;
}

uint64_t profile__first_ns(const struct profile *p)
{
	return p->first_ns;
}

uint32_t profile__windows(const struct profile *p)
{
	return p->windows;
}

bool profile__counts_least(const struct profile *p)
{
	return p->counts_least;
}

const struct rowset *profile__rows(const struct profile *p)
{
	return p->rows;
}

const struct rowset *profile__made(const struct profile *p)
{
	return p->made;
}

uint64_t profile__creation(const struct profile *p, uint16_t rt, uint64_t goid)
{
	const struct gorigin *o = gtable__get(p->origins, rt, goid);

	return o ? o->made.stack_id : PW_STACK_ID_NONE;
}

const struct stackset *profile__stacks(const struct profile *p)
{
	return p->stacks;
}

const struct chainset *profile__chains(const struct profile *p)
{
	return p->wakers ? p->wakers : gtable__chains(p->origins);
}
