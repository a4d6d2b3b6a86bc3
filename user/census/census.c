/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A goroutine is read in this order: its g, its stack, what it waits for, its g again. Many are
 * read together, so there is time in between, and what counts is that the second look at the g
 * finds it as the first did: from Go 1.17 on a g counts how often it stopped running, before that
 * the stack is compared as well. Those that moved are read again, fewer and fewer at a time.
 */
#include "census/census.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/deadline.h"
#include "base/vec.h"
#include "census/allgs.h"
#include "census/field.h"
#include "census/readv_batch.h"
#include "census/wait_since.h"
#include "census/gstack.h"
#include "census/gview.h"
#include "census/gwait.h"
#include "census/pcfacts.h"
#include "census/stackpool.h"
#include "golang/gostate.h"

#define BATCH        256 /* fits the processor's cache, and is read soon again */
#define RETRY_NAP_NS (100 * NS_PER_US)
#define M_BYTES_MAX  1024
#define STACK_BYTES_MAX                                                                            \
	(1ULL << 30)          /* Go's own limit (runtime/proc.go main), but for SetMaxStack */
#define STEPS_MAX  (1u << 28) /* frames that are walked in all: some seconds */
#define LONERS_MAX 100000     /* goroutines that are read alone: a second or two */

_Static_assert(sizeof(struct census_g) == CENSUS_G_BYTES, "census.h says what a goroutine takes");

enum outcome { LIVE, GONE, MOVED };

/* One goroutine on its way into the census. */
struct slot {
	uint64_t addr, sp;
	struct gview first, last; /* as it was seen before its stack, and after it */
	enum outcome outcome;
	int piece, stack, m, p; /* numbers in the batches, the same in both of a kind; < 0: none */
	size_t window;          /* bytes of stack that were read; 0: it has none */
	size_t pcs_at, nr_pcs;  /* of reading.pcs */
	bool truncated, moved;
	struct gwait wait;
};

struct reader {
	const struct addrspace *as;
	const struct goruntime *rt;
	size_t depth, g_bytes, m_bytes;
	/* kept from one census to the next */
	struct pcfacts *facts;
	struct gwaits *waits;
	struct gstack walker;
	struct allgs all; /* addrs NULL: not met */
	struct wait_bounds bounds;
	/* of the census that is being taken; NULL: none is */
	struct census *c;
	struct readv_batch *gs, *stacks, *again, *stacks_again, *ms, *ps;
	struct stackpool *pool;
	struct slot *slots; /* BATCH */
	uint64_t *pcs;      /* of the goroutines of one round */
	size_t nr_pcs, pcs_room;
	size_t g_room, waits_room, moved_room;
	size_t steps_left, loners_left;
	struct deadline *until; /* borrowed; NULL: none */
};

/*
 * Whatever becomes of it, the next one begins anew, but for what is known of code and of waits, and
 * where the gs are: a g is never freed.
 */
static void reader__done(struct reader *r, int err)
{
	readv_batch__free(steal(r->gs));
	readv_batch__free(steal(r->stacks));
	readv_batch__free(steal(r->again));
	readv_batch__free(steal(r->stacks_again));
	readv_batch__free(steal(r->ms));
	readv_batch__free(steal(r->ps));
	stackpool__free(steal(r->pool));
	census__free(steal(r->c));
	free(steal(r->slots));
	free(steal(r->pcs));
	if (err)
		allgs__done(&r->all);
	r->nr_pcs = r->pcs_room = r->g_room = r->waits_room = r->moved_room = 0;
}

void reader__free(struct reader *r)
{
	if (!r)
		return;
	reader__done(r, 0);
	gwaits__free(r->waits);
	pcfacts__free(r->facts);
	allgs__done(&r->all);
	wait_bounds__done(&r->bounds);
	free(r);
}

int census__addrs(const struct addrspace *as, const struct goruntime *rt, uint64_t **ret_addrs,
		  size_t *ret_nr)
{
	struct allgs all = { NULL, 0, 0 };
	int err = allgs__read(as, rt, &all);

	if (err)
		return err;
	*ret_addrs = all.addrs;
	*ret_nr = all.nr;
	return 0;
}

/* --- one round, step by step --- */

/* Asks for a piece and keeps its number. */
static int want(struct readv_batch *g, uint64_t addr, size_t len, int *ret_nr)
{
	*ret_nr = readv_batch__want(g, addr, len);
	return *ret_nr < 0 ? *ret_nr : 0;
}

static const uint8_t *piece_of(const struct readv_batch *g, int nr)
{
	return nr < 0 ? NULL : readv_batch__piece(g, (size_t)nr);
}

/* Which goroutines are these? */
static int reader__look(struct reader *r, struct slot **todo, size_t nr)
{
	int err = 0;

	readv_batch__clear(r->gs);
	for (size_t i = 0; i < nr && !err; i++)
		err = want(r->gs, todo[i]->addr, r->g_bytes, &todo[i]->piece);
	if (!err)
		err = readv_batch__read(r->gs);
	for (size_t i = 0; i < nr && !err; i++) {
		struct slot *s = todo[i];
		const uint8_t *bytes = piece_of(r->gs, s->piece);

		s->first = (struct gview){ .status = GOSTATUS_DEAD };
		if (bytes) /* else no g is there: allgs lies */
			gview__take(&s->first, r->rt, s->addr, bytes);
		s->window = s->first.scanning ? 0 : gstack_window(&s->first, &s->sp);
		s->stack = s->m = s->p = -ENOENT;
		s->nr_pcs = 0;
		s->wait.v = &s->first;
		s->wait.nr = 0;
		gspot__clear(&s->wait.spot);
	}
	return err;
}

static int reader__walk(struct reader *r, struct slot *s, const uint8_t *window)
{
	int err = vec__reserve(&r->pcs, &r->pcs_room, r->nr_pcs + r->depth, sizeof(*r->pcs));

	if (err || r->steps_left < r->depth) /* reader__keep() refuses what was not walked */
		return err;
	s->pcs_at = r->nr_pcs;
	s->nr_pcs = gstack__walk(&r->walker, &s->first, window, r->pcs + r->nr_pcs, r->depth,
				 &s->truncated, &s->wait.spot);
	r->nr_pcs += s->nr_pcs;
	r->steps_left -= s->nr_pcs;
	return 0;
}

/* Where does it stand? */
static int reader__stacks(struct reader *r, struct slot **todo, size_t nr)
{
	int err = 0;

	r->nr_pcs = 0;
	readv_batch__clear(r->stacks);
	for (size_t i = 0; i < nr && !err; i++)
		if (todo[i]->window)
			err = want(r->stacks, todo[i]->sp, todo[i]->window, &todo[i]->stack);
	if (!err)
		err = readv_batch__read(r->stacks);
	for (size_t i = 0; i < nr && !err; i++) {
		const uint8_t *window = piece_of(r->stacks, todo[i]->stack);

		if (window)
			err = reader__walk(r, todo[i], window);
	}
	return err;
}

/* What for? */
static int reader__waits(struct reader *r, struct slot **todo, size_t nr)
{
	struct gwait *waits[BATCH];

	for (size_t i = 0; i < nr; i++)
		waits[i] = &todo[i]->wait;
	return gwaits__look_up(r->waits, waits, nr);
}

/* Which threads run them? */
static int reader__threads(struct reader *r, struct slot **todo, size_t nr)
{
	const struct pw_layout *lay = &r->rt->layout;
	int err = 0;

	readv_batch__clear(r->ms);
	readv_batch__clear(r->ps);
	for (size_t i = 0; i < nr && !err; i++)
		if (todo[i]->first.m && r->m_bytes)
			err = want(r->ms, todo[i]->first.m, r->m_bytes, &todo[i]->m);
	if (!err)
		err = readv_batch__read(r->ms);
	for (size_t i = 0; i < nr && !err; i++) {
		const uint8_t *m = piece_of(r->ms, todo[i]->m);
		uint64_t p = 0;

		if (m)
			memcpy(&p, m + lay->m_p, sizeof(p));
		if (p)
			err = want(r->ps, p + (uint64_t)lay->p_id, sizeof(int32_t), &todo[i]->p);
	}
	return err ? err : readv_batch__read(r->ps);
}

/* Is it still the same? */
static int reader__look_again(struct reader *r, struct slot **todo, size_t nr)
{
	bool compare = r->rt->objects.g_trackingseq == PW_NO_FIELD;
	int err = 0;

	readv_batch__clear(r->stacks_again);
	for (size_t i = 0; i < nr && compare && !err; i++)
		if (todo[i]->stack >= 0)
			err = want(r->stacks_again, todo[i]->sp, todo[i]->window, &todo[i]->stack);
	readv_batch__clear(r->again);
	for (size_t i = 0; i < nr && !err; i++)
		err = want(r->again, todo[i]->addr, r->g_bytes, &todo[i]->piece);
	if (!err)
		err = readv_batch__read(r->stacks_again);
	return err ? err : readv_batch__read(r->again);
}

/* --- the verdict --- */

static bool slot__stack_held(const struct reader *r, const struct slot *s)
{
	const uint8_t *before = piece_of(r->stacks, s->stack), *after;

	if (r->rt->objects.g_trackingseq != PW_NO_FIELD || !before)
		return before;
	after = piece_of(r->stacks_again, s->stack);
	return after && !memcmp(before, after, s->window);
}

static enum outcome slot__settle(const struct reader *r, struct slot *s, const uint8_t *bytes)
{
	struct gview *v = &s->last;
	uint64_t sp;

	if (!bytes)
		return MOVED;
	gview__take(v, r->rt, s->addr, bytes);
	if (!gview__is_live(v))
		return GONE;
	/* Born meanwhile: up to Go 1.25 the goid is written last (runtime/proc.go newproc1). */
	if (!v->who.goid || v->who.goid != s->first.who.goid || !gview__is_live(&s->first))
		return MOVED;
	if (v->scanning || v->status == GOSTATUS_COPYSTACK ||
	    !gostatus_name(r->rt->minor, v->status))
		return MOVED;
	if (v->status == GOSTATUS_RUNNING)
		return LIVE;
	if (!gview__is_same(v, &s->first))
		return MOVED;
	return !gstack_window(v, &sp) || slot__stack_held(r, s) ? LIVE : MOVED;
}

/* It did the same all the time; one that runs is not asked what it did meanwhile. */
static bool slot__held(const struct slot *s)
{
	return s->outcome == LIVE &&
	       (s->last.status != GOSTATUS_RUNNING || s->first.status == GOSTATUS_RUNNING);
}

static int reader__round(struct reader *r, struct slot **todo, size_t nr)
{
	int err = reader__look(r, todo, nr);

	if (!err)
		err = reader__stacks(r, todo, nr);
	if (!err)
		err = reader__waits(r, todo, nr);
	if (!err)
		err = reader__threads(r, todo, nr);
	if (!err)
		err = reader__look_again(r, todo, nr);
	for (size_t i = 0; i < nr && !err; i++)
		todo[i]->outcome = slot__settle(r, todo[i], piece_of(r->again, todo[i]->piece));
	return err;
}

/* --- into the census --- */

static void slot__thread(const struct reader *r, const struct slot *s, struct census_g *g)
{
	const struct pw_layout *lay = &r->rt->layout;
	const uint8_t *m = piece_of(r->ms, s->m), *p = piece_of(r->ps, s->p);
	uint64_t curg, procid, id;

	if (!m)
		return;
	curg = field_u64(m, lay->m_curg);
	procid = field_u64(m, lay->m_procid);
	id = field_u64(m, r->rt->objects.m_id);
	if (curg != s->addr || procid > UINT32_MAX || id > INT32_MAX)
		return;
	g->tid = (uint32_t)procid;
	g->m = (int32_t)id;
	if (p)
		memcpy(&g->p, p, sizeof(g->p));
}

static int reader__keep_waits(struct reader *r, const struct slot *s, struct census_g *g)
{
	struct census *c = r->c;
	int err;

	g->waits_cut = s->wait.cut;
	if (!s->wait.nr)
		return 0;
	if (c->nr_waits + s->wait.nr > CENSUS_WAITS_MAX)
		return -ENOSPC;
	err = vec__reserve(&c->waits, &r->waits_room, c->nr_waits + s->wait.nr, sizeof(*c->waits));
	if (err)
		return err;
	gwaits__copy(r->waits, &s->wait, c->waits + c->nr_waits);
	g->waits_at = (uint32_t)c->nr_waits;
	g->nr_waits = s->wait.nr;
	c->nr_waits += s->wait.nr;
	return 0;
}

static struct census_g g_of(const struct gview *v)
{
	return (struct census_g){
		.addr = v->addr,
		.who = v->who,
		.labels = v->labels,
		.stack_lo = v->stack_lo,
		.stack_hi = v->stack_hi,
		.stack = CENSUS_NO_STACK,
		.m = -1,
		.p = -1,
		.status = (uint8_t)v->status,
		.reason = v->reason,
		.locked = v->lockedm,
		.stops = v->stops,
	};
}

static int reader__keep(struct reader *r, const struct slot *s)
{
	const struct gview *v = &s->last;
	struct census *c = r->c;
	struct census_g g = g_of(v);
	int err = vec__reserve(&c->gs, &r->g_room, c->nr + 1, sizeof(*c->gs));

	if (err)
		return err;
	g.moved = s->moved || !slot__held(s);
	slot__thread(r, s, &g);
	if (v->status != GOSTATUS_RUNNING && s->window) {
		g.sp = s->sp;
		g.waitsince_ns = v->status == GOSTATUS_RUNNABLE ? 0 : v->waitsince;
		err = s->nr_pcs ? reader__keep_waits(r, s, &g) : -ENOSPC;
		if (!err)
			err = stackpool__add(r->pool, r->pcs + s->pcs_at, s->nr_pcs, s->truncated,
					     &g.stack);
	}
	if (err == -ENOSPC) {
		c->refused++;
		return 0;
	}
	if (!err)
		c->gs[c->nr++] = g;
	return err;
}

/* What a g of an ended goroutine says of its stack is a lie if no stack is so large. */
static void reader__bury(struct reader *r, const struct gview *v)
{
	const uint64_t bytes = v->stack_hi - v->stack_lo;

	if (v->status == GOSTATUS_IDLE)
		return;
	r->c->dead.nr++;
	r->c->dead.stack_bytes += v->stack_lo && bytes <= STACK_BYTES_MAX ? bytes : 0;
}

/* Keeps what stood still, and puts what moved to the front of todo. */
static int reader__harvest(struct reader *r, struct slot **todo, size_t *nr)
{
	size_t moved = 0;

	for (size_t i = 0; i < *nr; i++) {
		int err = 0;

		if (todo[i]->outcome == LIVE)
			err = reader__keep(r, todo[i]);
		else if (todo[i]->outcome == MOVED)
			todo[moved++] = todo[i];
		else
			reader__bury(r, &todo[i]->last);
		if (err)
			return err;
	}
	*nr = moved;
	return 0;
}

/*
 * After the first round of a batch: those that moved in it, and what they did when they were met.
 */
static int reader__keep_moved(struct reader *r, size_t nr)
{
	struct census *c = r->c;

	for (size_t i = 0; i < nr; i++) {
		struct slot *s = &r->slots[i];
		struct census_moved m = { .g = g_of(&s->first) };
		int err;

		s->moved = !slot__held(s);
		if (!s->moved || !m.g.who.goid || !gview__is_live(&s->first))
			continue;
		(void)gview__context(&s->first, &m.pc, &m.g.sp);
		err = vec__reserve(&c->moved, &r->moved_room, c->nr_moved + 1, sizeof(*c->moved));
		if (err)
			return err;
		c->moved[c->nr_moved++] = m;
	}
	return 0;
}

/* In groups of `size`; what moved again is at the front of todo afterwards. */
static int reader__try(struct reader *r, struct slot **todo, size_t *nr, size_t size)
{
	size_t left = 0;

	for (size_t at = 0; at < *nr; at += size) {
		size_t group = *nr - at < size ? *nr - at : size;
		int err = reader__round(r, todo + at, group);

		if (!err)
			err = reader__harvest(r, todo + at, &group);
		if (err)
			return err;
		memmove(todo + left, todo + at, group * sizeof(*todo));
		left += group;
	}
	*nr = left;
	return 0;
}

/* The fewer are read together, the less time they have to move. */
static int reader__batch(struct reader *r, const uint64_t *addrs, size_t nr)
{
	static const size_t sizes[] = { BATCH, 64, 4, 1, 1 };
	const struct timespec nap = { .tv_nsec = RETRY_NAP_NS };
	const size_t all = nr;
	struct slot *todo[BATCH];

	for (size_t i = 0; i < nr; i++) {
		r->slots[i].addr = addrs[i];
		r->slots[i].moved = false;
		todo[i] = &r->slots[i];
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes) && nr; i++) {
		int err;

		if (sizes[i] == 1 && r->loners_left < nr)
			break;
		if (sizes[i] == 1)
			r->loners_left -= nr;
		if (i + 1 == ARRAY_SIZE(sizes))
			nanosleep(&nap, NULL);
		err = reader__try(r, todo, &nr, sizes[i]);
		if (!err && !i)
			err = reader__keep_moved(r, all);
		if (err)
			return err;
	}
	r->c->unsettled += nr;
	return 0;
}

static int reader__date(struct reader *r)
{
	uint64_t tstart = 0;

	if (r->rt->gcstart && addrspace__read(r->as, r->rt->gcstart, &tstart, sizeof(tstart)))
		tstart = 0;
	return wait_since_date(r->c->gs, r->c->nr, tstart, clock_now_ns(), &r->bounds);
}

static int reader__read_from(struct reader *r, size_t first)
{
	for (size_t at = first; at < r->all.nr; at += BATCH) {
		const size_t nr = r->all.nr - at < BATCH ? r->all.nr - at : BATCH;
		int err = deadline__over(r->until) ? -ETIMEDOUT
						   : reader__batch(r, r->all.addrs + at, nr);

		r->c->not_read = r->all.nr - at;
		if (err)
			return err;
	}
	r->c->not_read = 0;
	return 0;
}

static int reader__meet(struct reader *r)
{
	struct allgs all = { NULL, 0, 0 };
	int err = allgs__read(r->as, r->rt, &all);

	if (err)
		return err;
	allgs__done(&r->all);
	r->all = all;
	return 0;
}

/* Those that were there when they were met and, if that was before, those that came since. */
static int reader__all(struct reader *r)
{
	const bool before = r->all.addrs;
	int err = before ? 0 : reader__meet(r);
	const size_t met = r->all.nr;

	if (!err)
		err = reader__read_from(r, 0);
	if (!err && before)
		err = reader__meet(r);
	if (!err && r->all.nr > met)
		err = reader__read_from(r, met);
	/*
	 * what reads memory has a deadline too, and behaves then as if the process had ended
	 * (target/mem)
	 */
	r->c->cut = err == -ETIMEDOUT || (err == -ESRCH && deadline__over(r->until));
	if (err && !r->c->cut)
		return err;
	r->c->dead.known = true;
	r->c->allglen = r->all.len;
	r->c->refused += r->all.len > CENSUS_G_MAX ? r->all.len - CENSUS_G_MAX : 0;
	err = reader__date(r);
	return err ? err : stackpool__take(r->pool, r->c);
}

int reader__new(const struct addrspace *as, const struct goruntime *rt, unsigned int depth,
		struct reader **ret)
{
	const int32_t m_offsets[] = { rt->layout.m_procid, rt->layout.m_curg, rt->layout.m_p,
				      rt->objects.m_id };
	scoped(reader) r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->as = as;
	r->rt = rt;
	r->depth = depth < CENSUS_DEPTH_MAX ? depth : CENSUS_DEPTH_MAX;
	r->g_bytes = gview_bytes(rt);
	r->m_bytes = field_span(m_offsets, ARRAY_SIZE(m_offsets), M_BYTES_MAX);
	if (!r->g_bytes || !depth)
		return -EBADMSG;
	err = pcfacts__new(rt->sym, rt->minor, &r->facts);
	if (!err)
		err = gwaits__new(as, rt, r->facts, &r->waits);
	if (err)
		return err;
	r->walker.as = as;
	r->walker.facts = r->facts;
	r->walker.link = goruntime_has_link(rt);
	*ret = steal(r);
	return 0;
}

static int reader__begin(struct reader *r)
{
	struct readv_batch **batches[] = { &r->gs,           &r->stacks, &r->again,
					   &r->stacks_again, &r->ms,     &r->ps };
	int err = stackpool__new(&r->pool);

	r->steps_left = STEPS_MAX;
	r->loners_left = LONERS_MAX;
	r->c = calloc(1, sizeof(*r->c));
	r->slots = reallocarray(NULL, BATCH, sizeof(*r->slots));
	if (!r->c || !r->slots)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(batches) && !err; i++)
		err = readv_batch__new(r->as, batches[i]);
	r->c->taken_ns = clock_now_ns();
	return err;
}

int reader__take(struct reader *r, struct census **ret)
{
	int err = reader__begin(r);

	if (!err)
		err = reader__all(r);
	if (!err)
		*ret = steal(r->c);
	reader__done(r, err);
	return err;
}

void reader__limit(struct reader *r, struct deadline *until)
{
	r->until = until;
}

int census__read_until(const struct addrspace *as, const struct goruntime *rt, unsigned int depth,
		       struct deadline *until, struct census **ret)
{
	scoped(reader) r = NULL;
	int err = reader__new(as, rt, depth, &r);

	if (err)
		return err;
	reader__limit(r, until);
	return reader__take(r, ret);
}

int census__read(const struct addrspace *as, const struct goruntime *rt, unsigned int depth,
		 struct census **ret)
{
	return census__read_until(as, rt, depth, NULL, ret);
}
