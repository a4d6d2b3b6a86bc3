/* SPDX-License-Identifier: BSD-2-Clause */
#include "census/census.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "census/allgs.h"
#include "census/gstack.h"
#include "census/gview.h"
#include "golang/gostate.h"

#define BATCH        256 /* goroutines read together */
#define RETRIES      2   /* of those that did not hold still: at once, and after a nap */
#define RETRY_NAP_NS (100 * NS_PER_US)

enum outcome { LIVE, GONE, MOVED };

/* One goroutine on its way into the census. */
struct slot {
	uint64_t addr;
	struct gview first;
	uint8_t before[GVIEW_BYTES_MAX], after[GVIEW_BYTES_MAX];
	uint8_t window[GSTACK_WINDOW];
	size_t window_len; /* 0: no stack wanted */
	enum outcome outcome;
	struct census_g g;
	uint64_t pcs[PW_STACK_MAX];
};

struct reading {
	const struct proc *p;
	const struct goruntime *rt;
	unsigned int depth;
	size_t g_bytes;
	struct gstack stack;
	struct slot slots[BATCH];
	struct memread reads[3 * BATCH];
	struct census *c; /* owned */
	size_t g_room, pcs_room;
};

static void reading__free(struct reading *r)
{
	if (!r)
		return;
	census__free(r->c);
	free(r);
}
DEFINE_SCOPED(reading)

int census__addrs(const struct proc *p, const struct goruntime *rt, uint64_t **ret_addrs,
		  size_t *ret_nr)
{
	struct allgs all = { NULL, 0, 0 };
	int err = allgs__read(p, rt, &all);

	if (err)
		return err;
	*ret_addrs = all.addrs;
	*ret_nr = all.nr;
	return 0;
}

/* Round one: who is it, and where is its stack? */
static int reading__look(struct reading *r, struct slot **todo, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		r->reads[i] = (struct memread){ todo[i]->addr, todo[i]->before, r->g_bytes, 0 };
	proc__read_batch(r->p, r->reads, nr);
	for (size_t i = 0; i < nr; i++) {
		struct slot *s = todo[i];

		if (r->reads[i].err == -ESRCH)
			return -ESRCH;
		s->outcome = MOVED;
		s->window_len = 0;
		s->first.status = GOSTATUS_DEAD;
		if (r->reads[i].err) /* not a g: allgs lies */
			continue;
		gview__take(&s->first, &r->rt->layout, s->addr, s->before);
		if (gview__is_parked(&s->first))
			s->window_len = gstack_window(&s->first);
	}
	return 0;
}

/*
 * Round two: the g, its stack and the g again, in this order and within one system call, so that
 * they lie less than a microsecond apart: a goroutine that ran in between and parked at the same
 * place again has little chance.
 */
static int reading__copy(struct reading *r, struct slot **todo, size_t nr)
{
	size_t n = 0;

	for (size_t i = 0; i < nr; i++) {
		struct slot *s = todo[i];

		if (s->window_len) {
			r->reads[n++] = (struct memread){ s->addr, s->before, r->g_bytes, 0 };
			r->reads[n++] =
				(struct memread){ s->first.sp, s->window, s->window_len, 0 };
		}
		r->reads[n++] = (struct memread){ s->addr, s->after, r->g_bytes, 0 };
	}
	proc__read_batch(r->p, r->reads, n);
	n = 0;
	for (size_t i = 0; i < nr; i++) {
		struct slot *s = todo[i];
		size_t pieces = s->window_len ? 3 : 1;

		for (size_t k = 0; k < pieces; k++, n++) {
			if (r->reads[n].err == -ESRCH)
				return -ESRCH;
			if (r->reads[n].err)
				s->window_len = SIZE_MAX; /* settle: it moved */
		}
	}
	return 0;
}

static bool slot__read_again(struct reading *r, struct slot *s)
{
	return !addrspace__read(proc__mem(r->p), s->addr, s->after, r->g_bytes);
}

/* Fills pcs of a parked goroutine; false if it was woken meanwhile. */
static bool slot__settle_stack(struct reading *r, struct slot *s, const struct gview *v)
{
	struct gview before, after;

	gview__take(&before, &r->rt->layout, s->addr, s->before);
	if (before.scanning || before.sp != s->first.sp || !gview__is_same(&before, v))
		return false;
	s->g.nr_pcs =
		(uint32_t)gstack__walk(&r->stack, v, s->window, s->pcs, r->depth, &s->g.truncated);
	if (!r->stack.reread)
		return true;
	if (!slot__read_again(r, s))
		return false;
	gview__take(&after, &r->rt->layout, s->addr, s->after);
	return gview__is_same(v, &after);
}

static enum outcome slot__settle(struct reading *r, struct slot *s)
{
	struct gview v;

	if (s->window_len == SIZE_MAX)
		return MOVED;
	gview__take(&v, &r->rt->layout, s->addr, s->after);
	if (!gview__is_live(&v))
		return GONE;
	/* Born meanwhile: up to Go 1.25 the goid is written last (runtime/proc.go newproc1). */
	if (!v.goid || v.goid != s->first.goid || !gview__is_live(&s->first))
		return MOVED;
	if (!gostatus_name(r->rt->minor, v.status))
		return MOVED;
	s->g = (struct census_g){
		.addr = s->addr,
		.goid = v.goid,
		.parent_goid = v.parent_goid,
		.gopc = v.gopc,
		.startpc = v.startpc,
		.labels = v.labels,
		.status = v.status,
		.reason = v.reason,
	};
	if (!gview__is_parked(&v))
		return LIVE;
	if (!s->window_len) /* it parked meanwhile, or it has no context to walk from */
		return gview__is_same(&v, &s->first) ? LIVE : MOVED;
	return slot__settle_stack(r, s, &v) ? LIVE : MOVED;
}

static int reading__round(struct reading *r, struct slot **todo, size_t nr)
{
	int err = reading__look(r, todo, nr);

	if (!err)
		err = reading__copy(r, todo, nr);
	for (size_t i = 0; i < nr && !err; i++)
		todo[i]->outcome = slot__settle(r, todo[i]);
	return err;
}

/* Reads again, one by one, those that moved: then the whole takes a few microseconds. */
static int reading__retry(struct reading *r, size_t nr)
{
	for (int try = 0; try < RETRIES; try++) {
		const struct timespec nap = { .tv_nsec = try ? RETRY_NAP_NS : 0 };
		bool napped = !try;

		for (size_t i = 0; i < nr; i++) {
			struct slot *s = &r->slots[i];
			int err;

			if (s->outcome != MOVED)
				continue;
			if (!napped)
				nanosleep(&nap, NULL);
			napped = true;
			err = reading__round(r, &s, 1);
			if (err)
				return err;
		}
	}
	return 0;
}

/* Makes room for need more elements of *array. */
static int grow(void **array, size_t *room, size_t nr, size_t need, size_t size)
{
	size_t more = *room ? *room * 2 : 1024;
	void *p;

	if (nr + need <= *room)
		return 0;
	while (more < nr + need)
		more *= 2;
	p = reallocarray(*array, more, size);
	if (!p)
		return -ENOMEM;
	*array = p;
	*room = more;
	return 0;
}

static int reading__keep(struct reading *r, struct slot *s)
{
	struct census *c = r->c;
	void *gs = c->gs, *pcs = c->pcs;
	int err;

	if (c->nr_pcs + s->g.nr_pcs > CENSUS_PCS_MAX) {
		c->refused++;
		return 0;
	}
	err = grow(&gs, &r->g_room, c->nr, 1, sizeof(*c->gs));
	c->gs = gs;
	if (err)
		return err;
	err = grow(&pcs, &r->pcs_room, c->nr_pcs, s->g.nr_pcs, sizeof(*c->pcs));
	c->pcs = pcs;
	if (err)
		return err;
	s->g.pcs_at = (uint32_t)c->nr_pcs;
	if (s->g.nr_pcs)
		memcpy(c->pcs + c->nr_pcs, s->pcs, s->g.nr_pcs * sizeof(*s->pcs));
	c->nr_pcs += s->g.nr_pcs;
	c->gs[c->nr++] = s->g;
	return 0;
}

static int reading__batch(struct reading *r, const uint64_t *addrs, size_t nr)
{
	struct slot *todo[BATCH];
	int err;

	for (size_t i = 0; i < nr; i++) {
		r->slots[i].addr = addrs[i];
		todo[i] = &r->slots[i];
	}
	err = reading__round(r, todo, nr);
	if (!err)
		err = reading__retry(r, nr);
	for (size_t i = 0; i < nr && !err; i++) {
		if (r->slots[i].outcome == LIVE)
			err = reading__keep(r, &r->slots[i]);
		else if (r->slots[i].outcome == MOVED)
			r->c->unsettled++;
	}
	return err;
}

static int reading__all(struct reading *r, const struct allgs *all)
{
	r->c->allglen = all->len;
	r->c->refused = all->len > CENSUS_G_MAX ? all->len - CENSUS_G_MAX : 0;
	for (size_t at = 0; at < all->nr; at += BATCH) {
		size_t nr = all->nr - at < BATCH ? all->nr - at : BATCH;
		int err = reading__batch(r, all->addrs + at, nr);

		if (err)
			return err;
	}
	return 0;
}

static int cause_failed(struct cause *why, const struct proc *p, int err)
{
	if (err == -ESRCH)
		return cause__set(why, err, "process %d ('%s') has ended", (int)proc__pid(p),
				  proc__comm(p));
	return cause__set(why, err, "cannot read the goroutines of '%s' (pid %d): %s",
			  proc__comm(p), (int)proc__pid(p), strerror(-err));
}

int census__read(const struct proc *p, const struct goruntime *rt, unsigned int depth,
		 struct census **ret, struct cause *why)
{
	scoped(reading) r = calloc(1, sizeof(*r));
	struct allgs all = { NULL, 0, 0 };
	int err;

	if (!r)
		return -ENOMEM;
	r->c = calloc(1, sizeof(*r->c));
	if (!r->c)
		return -ENOMEM;
	r->p = p;
	r->rt = rt;
	r->depth = depth < PW_STACK_MAX ? depth : PW_STACK_MAX;
	r->g_bytes = gview_bytes(&rt->layout);
	r->stack.p = p;
	r->stack.sym = rt->sym;
	if (!r->g_bytes)
		return cause__set(why, -EBADMSG, "layout of runtime.g in '%s' (pid %d) is damaged",
				  proc__comm(p), (int)proc__pid(p));
	err = allgs__read(p, rt, &all);
	if (!err)
		err = reading__all(r, &all);
	allgs__done(&all);
	if (err)
		return cause_failed(why, p, err);
	*ret = steal(r->c);
	return 0;
}

void census__free(struct census *c)
{
	if (!c)
		return;
	free(c->gs);
	free(c->pcs);
	free(c);
}
