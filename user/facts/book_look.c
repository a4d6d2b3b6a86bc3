// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/vec.h"
#include "facts/book.h"
#include "facts/fact_flags.h"
#include "facts/fact_stacks.h"

/* as many as a census reads (census/census.h) */
#define GS_MAX    4194304u
#define WAITS_MAX 16777216u
#define PCS_MAX   33554432u

struct id_node {
	UT_hash_handle hh;
	uint32_t id, stack; /* as the file calls it; in census.stacks */
};

struct book_open {        /* a look at one runtime, as far as it is read */
	struct census *c; /* of book.looks */
	struct id_node *ids;
	struct labelbook *labels; /* of book.looks */
	uint32_t look;            /* its number */
	uint16_t rt;
	size_t gs_room, stacks_room, pcs_room, waits_room;
};

/* --- it begins --- */

static int add_look(struct book *b, const Pw__Look *l, struct book_look **ret, struct cause *why)
{
	struct book_look *look = b->nr_looks ? &b->looks[b->nr_looks - 1] : NULL;

	*ret = look;
	if (look && look->number == l->number)
		return 0;
	/* The first may have any number: segments before it may be gone. */
	if ((look && l->number != look->number + 1) || b->nr_looks >= BOOK_LOOKS_MAX)
		return book__bad(why, "its looks do not follow each other");
	if (vec__reserve(&b->looks, &b->looks_room, b->nr_looks + 1, sizeof(*b->looks)))
		return cause__no_memory(why);
	look = *ret = &b->looks[b->nr_looks];
	*look = (struct book_look){ .number = l->number, .unix_ns = l->unix_ns };
	if (labelbook__new(&look->labels))
		return cause__no_memory(why);
	b->nr_looks++;
	return 0;
}

int book__look(struct book *b, const Pw__Look *l, struct cause *why)
{
	struct book_open *o = b->open;
	struct book_look *look;
	struct census *c;
	int err;

	if (o && o->look == l->number && o->rt == l->runtime)
		return 0; /* it goes on in a new segment */
	err = book__close_look(b, why);
	if (!err && l->runtime >= b->nr_runtimes)
		err = book__bad(why, "a look is of no runtime");
	if (!err)
		err = add_look(b, l, &look, why);
	if (err)
		return err;
	if (look->censuses[l->runtime])
		return book__bad(why, "a look comes twice");
	c = look->censuses[l->runtime] = calloc(1, sizeof(*c));
	o = b->open = calloc(1, sizeof(*o));
	if (!c || !o)
		return cause__no_memory(why);
	*o = (struct book_open){
		.c = c, .labels = look->labels, .look = l->number, .rt = (uint16_t)l->runtime
	};
	c->taken_ns = l->taken_ns;
	c->unsettled = l->unsettled;
	c->refused = l->refused;
	c->not_read = l->not_read;
	c->cut = l->cut;
	if (l->dead)
		c->dead = (struct census_dead){ true, l->dead - 1, l->dead_stack_bytes };
	return 0;
}

const struct book_look *book__last_look(const struct book *b)
{
	return b->nr_looks ? &b->looks[b->nr_looks - 1] : NULL;
}

struct book_look *book__open_look(struct book *b, uint16_t *ret_rt)
{
	if (!b->open)
		return NULL;
	*ret_rt = b->open->rt;
	return &b->looks[b->nr_looks - 1];
}

/* --- stacks --- */

static bool is_known(const struct book_open *o, uint32_t id, uint32_t *ret)
{
	struct id_node *n;

	HASH_FIND(hh, o->ids, &id, sizeof(id), n);
	if (n)
		*ret = n->stack;
	return n;
}

static int know(struct book_open *o, uint32_t id, uint32_t stack)
{
	const unsigned int count = HASH_COUNT(o->ids);
	struct id_node *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->id = id;
	n->stack = stack;
	HASH_ADD(hh, o->ids, id, sizeof(n->id), n);
	if (HASH_COUNT(o->ids) == count) {
		free(n);
		return -ENOMEM;
	}
	return 0;
}

static int take_stack(void *ctx, const struct fact_stack *s, struct cause *why)
{
	struct book_open *o = ctx;
	struct census *c = o->c;
	uint32_t known;

	if (is_known(o, s->id, &known))
		return 0;
	if (c->nr_pcs + s->nr > PCS_MAX)
		return book__bad(why, "its stacks are too many");
	if (vec__reserve(&c->stacks, &o->stacks_room, c->nr_stacks + 1, sizeof(*c->stacks)) ||
	    vec__reserve(&c->pcs, &o->pcs_room, c->nr_pcs + s->nr, sizeof(*c->pcs)))
		return cause__no_memory(why);
	c->stacks[c->nr_stacks] = (struct census_stack){ .pcs_at = (uint32_t)c->nr_pcs,
							 .nr_pcs = s->nr,
							 .nr_gs = s->goroutines,
							 .truncated = s->truncated };
	fact_stack__pcs(s, c->pcs + c->nr_pcs);
	c->nr_pcs += s->nr;
	return know(o, s->id, (uint32_t)c->nr_stacks++) ? cause__no_memory(why) : 0;
}

int book__stacks(struct book *b, const Pw__Stacks *s, struct cause *why)
{
	/* without a look they are of something else */
	return b->open ? fact_stacks__each(s, take_stack, b->open, why) : 0;
}

/* --- labels --- */

int book__labels(struct book *b, const Pw__Labels *l, const struct pw_names *names,
		 struct cause *why)
{
	struct label_text v[UINT8_MAX];
	struct labelbook *to = b->open ? b->open->labels : NULL;
	size_t sum = 0, at = 0;

	for (size_t i = 0; i < l->n_nr; i++)
		sum += l->nr[i];
	if (!to || !column_fits(l->n_nr, l->n_set) || l->n_key != sum ||
	    !column_fits(l->n_value, sum))
		return book__bad(why, "columns of its labels differ in length");
	for (size_t i = 0; i < l->n_set; i++) {
		const uint32_t nr = COLUMN_AT(l, nr, i);

		if (nr > UINT8_MAX)
			return book__bad(why, "a goroutine has too many labels");
		for (uint32_t k = 0; k < nr; k++, at++)
			v[k] = (struct label_text){ pw_name(names, COLUMN_AT(l, key, at)),
						    pw_name(names, COLUMN_AT(l, value, at)) };
		if (l->set[i] && !labelbook__has(to, l->set[i]) &&
		    labelbook__put(to, l->set[i], v, nr))
			return cause__no_memory(why);
	}
	if (labelbook__unread(to) < l->unread)
		labelbook__miss(to, l->unread - labelbook__unread(to));
	return 0;
}

/* --- goroutines --- */

static bool goroutines_fit(const Pw__Goroutines *g, size_t nr, size_t waits)
{
	return column_fits(g->n_parent_delta, nr) && column_fits(g->n_addr_delta, nr) &&
	       column_fits(g->n_made_at, nr) && column_fits(g->n_start_at, nr) &&
	       column_fits(g->n_labels, nr) && column_fits(g->n_stack_bytes, nr) &&
	       column_fits(g->n_stack_lo_delta, nr) && column_fits(g->n_depth_bytes, nr) &&
	       column_fits(g->n_waits_since_delta, nr) && column_fits(g->n_stack, nr) &&
	       column_fits(g->n_thread, nr) && column_fits(g->n_m, nr) && column_fits(g->n_p, nr) &&
	       column_fits(g->n_status, nr) && column_fits(g->n_reason, nr) &&
	       column_fits(g->n_flags, nr) && column_fits(g->n_stops, nr) &&
	       column_fits(g->n_nr_waits, nr) && g->n_wait_addr_delta == waits &&
	       column_fits(g->n_wait_via_delta, waits) && column_fits(g->n_wait_kind, waits) &&
	       column_fits(g->n_wait_direction, waits);
}

static int add_waits(struct census *c, const Pw__Goroutines *f, size_t nr, struct cause *why)
{
	struct census_wait last = { 0 };

	for (size_t i = 0; i < nr; i++) {
		const uint32_t direction = COLUMN_AT(f, wait_direction, i),
			       kind = COLUMN_AT(f, wait_kind, i);

		if (kind > CENSUS_WAIT_CORO ||
		    (direction & ~(uint32_t)WAIT_OF_SELECT) > CENSUS_DIR_WRITE)
			return book__bad(why, "a goroutine waits for nothing that is known");
		last.addr += (uint64_t)COLUMN_AT(f, wait_addr_delta, i);
		last.via += (uint64_t)COLUMN_AT(f, wait_via_delta, i);
		last.kind = (uint8_t)kind;
		last.direction = (uint8_t)(direction & ~(uint32_t)WAIT_OF_SELECT);
		last.select = direction & WAIT_OF_SELECT;
		c->waits[c->nr_waits++] = last;
	}
	return 0;
}

/* g: the one before. What is told as a difference goes on from it. */
static void goroutine_of(const Pw__Goroutines *f, size_t i, struct census_g *g)
{
	const uint32_t flags = COLUMN_AT(f, flags, i);
	const uint64_t depth = COLUMN_AT(f, depth_bytes, i);

	g->who.goid += (uint64_t)f->goid_delta[i];
	g->who.parent_goid += (uint64_t)COLUMN_AT(f, parent_delta, i);
	g->addr += (uint64_t)COLUMN_AT(f, addr_delta, i);
	g->stack_lo += (uint64_t)COLUMN_AT(f, stack_lo_delta, i);
	g->waitsince_ns += (uint64_t)COLUMN_AT(f, waits_since_delta, i);
	g->who.gopc = COLUMN_AT(f, made_at, i);
	g->who.startpc = COLUMN_AT(f, start_at, i);
	g->labels = COLUMN_AT(f, labels, i);
	g->stack_hi = g->stack_lo + COLUMN_AT(f, stack_bytes, i);
	g->sp = depth ? g->stack_hi - depth : 0;
	g->tid = COLUMN_AT(f, thread, i);
	g->m = (int32_t)(COLUMN_AT(f, m, i) - 1);
	g->p = (int32_t)(COLUMN_AT(f, p, i) - 1);
	g->status = (uint8_t)COLUMN_AT(f, status, i);
	g->reason = (uint8_t)COLUMN_AT(f, reason, i);
	g->locked = flags & GOROUTINE_LOCKED;
	g->waits_cut = flags & GOROUTINE_WAITS_CUT;
	g->moved = flags & GOROUTINE_MOVED;
	g->stops = (uint8_t)COLUMN_AT(f, stops, i);
}

static int add_goroutines(struct book_open *o, const Pw__Goroutines *f, size_t waits_at,
			  struct cause *why)
{
	struct census_g g = { 0 };

	for (size_t i = 0; i < f->n_goid_delta; i++) {
		const uint32_t stack = COLUMN_AT(f, stack, i);

		goroutine_of(f, i, &g);
		g.stack = CENSUS_NO_STACK;
		if (stack && !is_known(o, stack - 1, &g.stack))
			return book__bad(why, "a goroutine stands in no stack that is known");
		g.nr_waits = COLUMN_AT(f, nr_waits, i);
		g.waits_at = (uint32_t)waits_at;
		waits_at += g.nr_waits;
		o->c->gs[o->c->nr++] = g;
	}
	return 0;
}

int book__goroutines(struct book *b, const Pw__Goroutines *g, struct cause *why)
{
	struct book_open *o = b->open;
	struct census *c = o ? o->c : NULL;
	size_t nr = g->n_goid_delta, waits = 0, waits_at;
	int err;

	for (size_t i = 0; i < g->n_nr_waits; i++)
		waits += g->nr_waits[i];
	if (!c || !goroutines_fit(g, nr, waits))
		return book__bad(why, "columns of its goroutines differ in length");
	if (b->looks[b->nr_looks - 1].waits[o->rt].graph ||
	    b->looks[b->nr_looks - 1].requests[o->rt].rs)
		return book__bad(why, "goroutines come after what is said of all");
	if (nr > GS_MAX - c->nr || waits > WAITS_MAX - c->nr_waits)
		return book__bad(why, "it has too many goroutines");
	if (vec__reserve(&c->gs, &o->gs_room, c->nr + nr, sizeof(*c->gs)) ||
	    vec__reserve(&c->waits, &o->waits_room, c->nr_waits + waits, sizeof(*c->waits)))
		return cause__no_memory(why);
	waits_at = c->nr_waits;
	err = add_waits(c, g, waits, why);
	return err ? err : add_goroutines(o, g, waits_at, why);
}

/* --- it ends --- */

struct numbered {
	uint32_t id, stack;
};

static int compare_numbered(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* Stacks in the order of who wrote them: what is in a row of equals keeps its place. */
static int order_stacks(struct book_open *o)
{
	struct census *c = o->c;
	scoped_mem struct numbered *order = reallocarray(NULL, c->nr_stacks + 1, sizeof(*order));
	scoped_mem struct census_stack *to = reallocarray(NULL, c->nr_stacks + 1, sizeof(*to));
	scoped_mem uint32_t *now = reallocarray(NULL, c->nr_stacks + 1, sizeof(*now));
	struct id_node *n, *next;
	size_t nr = 0;

	if (!order || !to || !now)
		return -ENOMEM;
	HASH_ITER(hh, o->ids, n, next)
	order[nr++] = (struct numbered){ n->id, n->stack };
	if (nr)
		qsort(order, nr, sizeof(*order), compare_numbered);
	for (size_t i = 0; i < nr; i++) {
		to[i] = c->stacks[order[i].stack];
		now[order[i].stack] = (uint32_t)i;
	}
	if (nr)
		memcpy(c->stacks, to, nr * sizeof(*to));
	for (size_t i = 0; i < c->nr; i++)
		if (c->gs[i].stack != CENSUS_NO_STACK)
			c->gs[i].stack = now[c->gs[i].stack];
	return 0;
}

int book__close_look(struct book *b, struct cause *why)
{
	struct book_open *o = b->open;
	struct id_node *n, *next;
	int err = o ? order_stacks(o) : 0;

	if (!o)
		return 0;
	HASH_ITER(hh, o->ids, n, next)
	{
		HASH_DEL(o->ids, n);
		free(n);
	}
	free(o);
	b->open = NULL;
	return err ? cause__no_memory(why) : 0;
}
