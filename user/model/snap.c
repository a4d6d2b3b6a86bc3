// SPDX-License-Identifier: BSD-2-Clause
#include "model/snap.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/chain.h"
#include "model/rowset.h"
#include "model/wall.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

/* What a snap owns behind its public face. */
struct snap_store {
	struct snap snap; /* first */
	struct snap_row *rows;
	struct snap_link *links;   /* of all chains, one after the other */
	struct snap_chain *chains; /* by chain id */
	struct snap_made *made;
};

static struct snap_stack stack_of(const struct profile *p, uint64_t id)
{
	struct snap_stack s = { .state = SNAP_STACK_NONE };

	if (id < PW_STACK_ID_MIN)
		return s;
	s.state = SNAP_STACK_LOST;
	if (!stackset__get(profile__stacks(p), id, &s.stack))
		s.state = SNAP_STACK_SEEN;
	return s;
}

static void links_of(const struct profile *p, const struct chain *c, struct snap_link *to)
{
	for (uint32_t i = 0; i < c->nr; i++)
		to[i] = (struct snap_link){
			.made = stack_of(p, c->links[i].stack_id),
			.gopc = c->links[i].gopc,
			.startpc = c->links[i].startpc,
		};
}

static int resolve_chains(struct snap_store *st, const struct profile *p)
{
	const struct chainset *cs = profile__chains(p);
	size_t nr_links = 0;
	uint32_t nr = 0, id;
	struct chain c;

	while (!chainset__get(cs, nr + 1, &c)) {
		nr_links += c.nr;
		nr++;
	}
	st->chains = calloc(nr + 1, sizeof(*st->chains));
	st->links = calloc(nr_links + 1, sizeof(*st->links));
	if (!st->chains || !st->links)
		return -ENOMEM;
	nr_links = 0;
	for (id = 1; id <= nr; id++) {
		chainset__get(cs, id, &c);
		st->chains[id] = (struct snap_chain){ st->links + nr_links, c.nr, c.truncated };
		links_of(p, &c, st->links + nr_links);
		nr_links += c.nr;
	}
	return 0;
}

/*
 * Student's t for n degrees of freedom, for ten intervals that hold at once in 95 %: each of them
 * holds in 99.5 % (Bonferroni).
 */
static double t95(double n)
{
	return 1.96 + 2.37 / n + 2.82 / (n * n) + 5.56 / (n * n * n);
}

static double t95_of_ten(double n)
{
	return 2.81 + 6.2 / n + 13 / (n * n) + 105 / (n * n * n);
}

/*
 * Half of the confidence interval; t is that for it. Of time, one goroutine may have done something
 * else between two looks.
 */
static uint64_t error_of(const struct profile *p, const struct rowset_row *row,
			 double (*t)(double freedom))
{
	const enum profile_event event = profile__opts(p)->event;
	const double unseen = profile_event_is_time(event);
	const uint32_t windows = profile__windows(p);

	return windows > 1
		       ? (uint64_t)(t(windows - 1) * rowset__spread(profile__rows(p), row, unseen))
		       : 0;
}

uint64_t snap_error_of_samples(uint64_t count, uint64_t value, bool of_ten)
{
	const double t = of_ten ? t95_of_ten(INFINITY) : t95(INFINITY);

	return count ? (uint64_t)(t * (double)value / sqrt((double)count)) : 0;
}

static void row_of(const struct profile *p, const struct row_key *k, const struct snap_chain *chain,
		   struct snap_row *to)
{
	const enum profile_root root = profile__opts(p)->root;

	*to = (struct snap_row){
		.rt = (uint16_t)k->rt,
		.own = stack_of(p, k->stack_id),
		.reason = k->reason,
		.object_bytes = k->bytes,
		.measure = (enum alloc_measure)k->measure,
		.gopc = root == PROFILE_ROOT_CREATED_BY ? k->root : k->gopc,
		.startpc = k->startpc,
		.chain = *chain,
		.goid = root == PROFILE_ROOT_GOID ? k->root : 0,
	};
	if (profile__opts(p)->event == PROFILE_ALLOC || profile__opts(p)->event == PROFILE_WALL)
		to->type = profile__label_text(p, (uint32_t)k->type);
	if (profile_root_is_of_labels(root))
		to->label = profile__label_text(p, (uint32_t)k->root);
}

void snap__row(const struct profile *p, const struct row_key *k, struct snap_link links[CHAIN_MAX],
	       struct snap_row *ret)
{
	struct snap_chain chain = { .links = links };
	struct chain c;

	if (!chainset__get(profile__chains(p), k->chain, &c)) {
		links_of(p, &c, links);
		chain.nr = c.nr;
		chain.truncated = c.truncated;
	}
	row_of(p, k, &chain, ret);
}

bool snap_row__is_known(const struct snap_row *row)
{
	bool known = row->own.state != SNAP_STACK_LOST;

	for (uint32_t i = 0; i < row->chain.nr; i++)
		known = known && row->chain.links[i].made.state != SNAP_STACK_LOST;
	return known;
}

static void fill_row(struct snap_store *st, const struct profile *p, const struct rowset_row *from,
		     struct snap_row *to)
{
	row_of(p, &from->key, &st->chains[from->key.chain], to);
	to->count = from->count;
	to->value = rowset__value(profile__rows(p), from);
	to->error = error_of(p, from, t95_of_ten);
}

#define by(a, b)                                                                                   \
	do {                                                                                       \
		if ((a) != (b))                                                                    \
			return (a) < (b) ? -1 : 1;                                                 \
	} while (0)

static int stack_before(const struct snap_stack *a, const struct snap_stack *b)
{
	by(a->state, b->state);
	by(a->stack.nr, b->stack.nr);
	for (uint32_t i = a->stack.nr; i > 0; i--)
		by(a->stack.pcs[i - 1], b->stack.pcs[i - 1]);
	by(a->stack.truncated, b->stack.truncated);
	return 0;
}

static int chain_before(const struct snap_chain *a, const struct snap_chain *b)
{
	by(a->nr, b->nr);
	by(a->truncated, b->truncated);
	for (uint32_t i = 0; i < a->nr; i++) {
		const struct snap_link *x = &a->links[i], *y = &b->links[i];
		int d = stack_before(&x->made, &y->made);

		if (d)
			return d;
		by(x->startpc, y->startpc);
		by(x->gopc, y->gopc);
	}
	return 0;
}

/* Ids do not take part: they depend on the order in which records came. */
static int row_before(const void *pa, const void *pb)
{
	const struct snap_row *a = pa, *b = pb;
	int d;

	by(a->rt, b->rt);
	d = stack_before(&a->own, &b->own);
	if (d)
		return d;
	by(a->reason, b->reason);
	d = a->word && b->word ? strcmp(a->word, b->word) : 0;
	if (d)
		return d;
	d = a->type && b->type ? strcmp(a->type, b->type) : 0;
	if (d)
		return d;
	by(a->object_bytes, b->object_bytes);
	by(a->measure, b->measure);
	by(a->startpc, b->startpc);
	by(a->gopc, b->gopc);
	by(a->goid, b->goid);
	d = a->label && b->label ? strcmp(a->label, b->label) : 0;
	if (d)
		return d;
	d = chain_before(&a->chain, &b->chain);
	if (d)
		return d;
	by(a->value, b->value);
	by(a->count, b->count);
	return 0;
}

/* The rows are there: in order, and their sums. */
static void settle(struct snap_store *st)
{
	struct snap *s = &st->snap;

	for (size_t i = 0; i < s->nr; i++) {
		const struct snap_row *row = &st->rows[i];

		s->count += row->count;
		if (__builtin_add_overflow(s->value, row->value, &s->value))
			s->value = UINT64_MAX;
		if (row->own.state == SNAP_STACK_LOST)
			s->stacks_lost += row->count;
	}
	if (s->event == PROFILE_CPU)
		s->error = snap_error_of_samples(s->count, s->value, false);
	for (size_t i = 0; i < s->nr && s->event == PROFILE_CPU; i++)
		st->rows[i].error =
			snap_error_of_samples(st->rows[i].count, st->rows[i].value, true);
	qsort(st->rows, s->nr, sizeof(*st->rows), row_before);
	s->rows = st->rows;
}

/*
 * Event wall: what looks say of those that ran is shared out among samples of what ran, as far as there
 * are some. The rows of the looks are there, and go.
 */
static void share_running(struct snap_store *st, const struct profile *p)
{
	uint64_t unwanted_ns = 0;
	const struct rowset *ran = profile__ran_rows(p, &unwanted_ns);
	struct wall_shares shares = { .whole = 0 };
	const struct rowset_row *from = NULL;
	struct snap *s = &st->snap;
	double error = 0;
	size_t nr = 0;

	shares.whole = ran ? rowset__total(ran)->value + unwanted_ns : 0;
	if (!shares.whole)
		return;
	for (size_t i = 0; i < s->nr; i++) {
		const struct snap_row *row = &st->rows[i];

		if (wall_state_of(row->reason) != WALL_RUNNING) {
			st->rows[nr++] = *row;
			continue;
		}
		shares.time += row->value;
		error = hypot(error, (double)row->error);
	}
	s->nr = nr;
	while ((from = rowset__next(ran, from))) {
		struct snap_row *to = &st->rows[s->nr++];

		fill_row(st, p, from, to);
		to->value = wall_shares__next(&shares, from->value);
		to->error = wall_share_error(to->value, shares.time, (uint64_t)error,
					     snap_error_of_samples(to->count, to->value, true));
	}
}

/* --- event wall: system calls that are known one by one --- */

/* Those of one stack and root: as they were told, and what looks say of them. */
struct called {
	UT_hash_handle hh;
	struct called_key { /* hashed as bytes: no padding */
		uint64_t stack, root, rt;
	} key;
	const struct rowset_row *row; /* the first of them */
	uint64_t count, ns;
	double seen;
};

/* Equal stacks have several ids: of who walked them in the kernel, and of who read them from memory. */
static uint64_t same_for_equal(const struct snap_stack *s)
{
	uint64_t h = s->state;

	for (uint32_t i = 0; i < s->stack.nr; i++) {
		h = (h ^ s->stack.pcs[i]) * 0x9e3779b97f4a7c15ULL;
		h ^= h >> 32;
	}
	return h;
}

static struct called_key called_key(const struct profile *p, const struct row_key *k)
{
	const struct snap_stack s = stack_of(p, k->stack_id);

	return (struct called_key){ same_for_equal(&s), k->root, k->rt };
}

static struct called *find_called(const struct profile *p, struct called *all,
				  const struct row_key *k)
{
	struct called_key key;
	struct called *c;

	if (wall_state_of(k->reason) != WALL_SYSCALL)
		return NULL;
	key = called_key(p, k);
	HASH_FIND(hh, all, &key, sizeof(key), c);
	return c;
}

/* v: room for as many as there are rows. */
static int index_called(const struct profile *p, struct called *v, struct called **ret)
{
	const struct rowset_row *row = NULL;
	unsigned int nr = 0;

	while ((row = rowset__next(profile__called_rows(p), row))) {
		struct called *c = find_called(p, *ret, &row->key);

		if (!c) {
			c = &v[nr++];
			c->key = called_key(p, &row->key);
			c->row = row;
			HASH_ADD(hh, *ret, key, sizeof(c->key), c);
		}
		if (HASH_COUNT(*ret) != nr)
			return -ENOMEM;
		c->count += row->count;
		c->ns += row->value;
	}
	return 0;
}

/*
 * Which call it was, looks alone know: the time is shared out among those that they met. Returns how much
 * less the rows have than before.
 */
static double replace_by_called(struct snap_store *st, const struct profile *p, struct called *all)
{
	const struct rowset *rs = profile__rows(p);
	const struct rowset_row *from = NULL;
	struct snap *s = &st->snap;
	double less = 0;

	for (size_t i = 0; (from = rowset__next(rs, from)); i++) {
		struct called *c = find_called(p, all, &from->key);

		if (c)
			c->seen += (double)st->rows[i].value;
	}
	for (size_t i = 0; (from = rowset__next(rs, from)); i++) {
		const struct called *c = find_called(p, all, &from->key);
		struct snap_row *row = &st->rows[i];
		double part;

		if (!c || c->seen <= 0)
			continue;
		part = (double)row->value / c->seen;
		less += (double)row->value - part * (double)c->ns;
		row->error =
			part < 1 ? (uint64_t)((double)row->error * (double)c->ns / c->seen) : 0;
		row->value = (uint64_t)(part * (double)c->ns);
		row->count = (uint64_t)(part * (double)c->count + 0.5);
		s->calls += row->count;
	}
	return less;
}

/* Those that no look has met. */
static double add_unseen(struct snap_store *st, const struct profile *p, struct called *all)
{
	struct snap *s = &st->snap;
	double more = 0;

	for (const struct called *c = all; c; c = c->hh.next) {
		if (c->seen > 0)
			continue;
		row_of(p, &c->row->key, &st->chains[c->row->key.chain], &st->rows[s->nr]);
		st->rows[s->nr].count = c->count;
		st->rows[s->nr++].value = c->ns;
		s->calls += c->count;
		more += (double)c->ns;
	}
	return more;
}

/*
 * All of their time together is the same. What looks had too much or too little in system calls goes to the
 * rest, the most to what is the least certain: who does one thing all the time does not do it less.
 */
static void give_to_rest(struct snap_store *st, double more)
{
	double weights = 0;

	for (size_t i = 0; i < st->snap.nr; i++)
		if (wall_state_of(st->rows[i].reason) != WALL_SYSCALL)
			weights += pow((double)st->rows[i].error, 2);
	for (size_t i = 0; i < st->snap.nr && weights > 0; i++) {
		struct snap_row *row = &st->rows[i];
		const double gets = more * pow((double)row->error, 2) / weights;

		if (wall_state_of(row->reason) != WALL_SYSCALL)
			row->value = (uint64_t)fmax(0, (double)row->value + gets);
	}
}

/* Rows are as those of the profile: in the same order. */
static int take_calls(struct snap_store *st, const struct profile *p)
{
	const struct rowset *called = profile__called_rows(p);
	scoped_mem struct called *v = NULL;
	struct called *all = NULL;
	double less;
	int err;

	if (!called)
		return 0;
	v = calloc(rowset__nr(called) + 1, sizeof(*v));
	err = v ? index_called(p, v, &all) : -ENOMEM;
	if (!err) {
		less = replace_by_called(st, p, all);
		less -= add_unseen(st, p, all);
		give_to_rest(st, less);
		st->snap.calls_known = true;
	}
	HASH_CLEAR(hh, all);
	return err;
}

static int fill(struct snap_store *st, const struct profile *p)
{
	uint64_t unwanted_ns;
	const struct rowset *rs = profile__rows(p), *ran = profile__ran_rows(p, &unwanted_ns);
	const struct rowset_row *from = NULL;
	const struct rowset *called = profile__called_rows(p);
	struct snap *s = &st->snap;
	int err;

	st->rows = calloc(rowset__nr(rs) + (ran ? rowset__nr(ran) : 0) +
				  (called ? rowset__nr(called) : 0) + 1,
			  sizeof(*st->rows));
	if (!st->rows)
		return -ENOMEM;
	s->error = error_of(p, rowset__total(rs), t95);
	while ((from = rowset__next(rs, from)))
		fill_row(st, p, from, &st->rows[s->nr++]);
	err = take_calls(st, p);
	if (err)
		return err;
	share_running(st, p);
	settle(st);
	return 0;
}

static int fill_made(struct snap_store *st, const struct profile *p)
{
	const struct rowset *rs = profile__made(p);
	const struct rowset_row *from = NULL;

	if (!rs)
		return 0;
	st->made = calloc(rowset__nr(rs) + 1, sizeof(*st->made));
	if (!st->made)
		return -ENOMEM;
	while ((from = rowset__next(rs, from)))
		st->made[st->snap.nr_made++] = (struct snap_made){
			.gopc = from->key.gopc,
			.count = from->count,
			.chain = st->chains[from->key.chain],
			.rt = (uint16_t)from->key.rt,
		};
	st->snap.made = st->made;
	return 0;
}

int snap__from_rows(enum profile_event event, enum profile_root root, struct snap_row **rows,
		    size_t nr, struct snap **ret)
{
	struct snap_store *st = calloc(1, sizeof(*st));

	if (!st)
		return -ENOMEM;
	st->snap = (struct snap){ .event = event, .root = root, .nr = nr };
	st->rows = steal(*rows);
	settle(st);
	*ret = &st->snap;
	return 0;
}

int snap__take(const struct profile *p, struct snap **ret)
{
	struct snap_store *st = calloc(1, sizeof(*st));
	scoped(snap) s = st ? &st->snap : NULL;
	int err;

	if (!st)
		return -ENOMEM;
	s->event = profile__opts(p)->event;
	s->root = profile__opts(p)->root;
	profile__span(p, &s->start_ns, &s->end_ns);
	s->windows = profile__windows(p);
	s->counts_least = profile__counts_least(p);
	err = resolve_chains(st, p);
	if (!err)
		err = fill(st, p);
	if (!err)
		err = fill_made(st, p);
	if (err)
		return err;
	*ret = steal(s);
	return 0;
}

void snap__free(struct snap *s)
{
	struct snap_store *st = (struct snap_store *)s;

	if (!st)
		return;
	free(st->rows);
	free(st->links);
	free(st->chains);
	free(st->made);
	free(st);
}
