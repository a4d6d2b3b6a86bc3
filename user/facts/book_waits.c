// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include "base/vec.h"
#include "facts/book.h"
#include "facts/fact_flags.h"

#define ROWS_MAX (1u << 24) /* of one kind */
#define NO_ROW   UINT32_MAX

void book_waits__done(struct book_waits *w)
{
	gchans__free(w->chans);
	glocks__free(w->locks);
	gholds__free(w->holds);
	waitgraph__free(w->graph);
	free(w->goids);
}

bool book_look__waits(const struct book_look *l, uint16_t rt, struct chans_source *ret)
{
	const struct book_waits *w = &l->waits[rt];

	*ret = (struct chans_source){
		.chans = w->chans, .locks = w->locks, .holds = w->holds, .graph = w->graph
	};
	return w->graph;
}

/* --- goroutines by goid --- */

static int compare_goids(const void *a, const void *b)
{
	const struct book_goid *x = a, *y = b;

	if (x->goid != y->goid)
		return x->goid < y->goid ? -1 : 1;
	return x->g < y->g ? -1 : x->g > y->g;
}

static int know_goids(struct book_waits *w, const struct census *c)
{
	w->goids = reallocarray(NULL, c->nr + 1, sizeof(*w->goids));
	if (!w->goids)
		return -ENOMEM;
	for (size_t i = 0; i < c->nr; i++)
		w->goids[i] = (struct book_goid){ c->gs[i].who.goid, (uint32_t)i };
	w->nr_goids = c->nr;
	qsort(w->goids, c->nr, sizeof(*w->goids), compare_goids);
	return 0;
}

/* NO_ROW: it is not there. Of two with one goid the first. */
static uint32_t row_of(const struct book_waits *w, uint64_t goid)
{
	size_t lo = 0, hi = w->nr_goids;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;

		if (w->goids[mid].goid < goid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < w->nr_goids && w->goids[lo].goid == goid ? w->goids[lo].g : NO_ROW;
}

/* Of the look that is read; *ret_c: its goroutines. */
static int book__waits(struct book *b, struct book_waits **ret, const struct census **ret_c,
		       struct cause *why)
{
	uint16_t rt;
	struct book_look *l = book__open_look(b, &rt);
	struct book_waits *w = l ? &l->waits[rt] : NULL;

	if (!w)
		return book__bad(why, "channels or locks are of no look");
	*ret = w;
	*ret_c = l->censuses[rt];
	if (w->graph)
		return 0;
	w->chans = calloc(1, sizeof(*w->chans));
	w->locks = calloc(1, sizeof(*w->locks));
	w->holds = calloc(1, sizeof(*w->holds));
	if (w->chans && w->locks && w->holds && !know_goids(w, *ret_c))
		w->graph = calloc(1, sizeof(*w->graph));
	if (w->graph)
		return 0;
	book_waits__done(w);
	*w = (struct book_waits){ 0 };
	return cause__no_memory(why);
}

/* --- channels --- */

static bool channels_fit(const Pw__Channels *f, size_t nr, size_t words)
{
	return column_fits(f->n_flags, nr) && column_fits(f->n_timer, nr) &&
	       column_fits(f->n_len, nr) && column_fits(f->n_cap, nr) &&
	       column_fits(f->n_elem_bytes, nr) && column_fits(f->n_elem_type, nr) &&
	       column_fits(f->n_elem_name, nr) && column_fits(f->n_elements, nr) &&
	       column_fits(f->n_element_words, nr) && column_fits(f->n_word, words);
}

static void channel_of(const struct book *b, const Pw__Channels *f, size_t i,
		       const struct pw_names *names, struct gchan *ret)
{
	const uint32_t flags = COLUMN_AT(f, flags, i);

	ret->settled = flags & CHANNEL_KNOWN;
	ret->closed = flags & CHANNEL_CLOSED;
	ret->secret = flags & CHANNEL_SECRET;
	ret->timer = COLUMN_AT(f, timer, i);
	ret->len = COLUMN_AT(f, len, i);
	ret->cap = COLUMN_AT(f, cap, i);
	ret->elem_size = (uint16_t)COLUMN_AT(f, elem_bytes, i);
	ret->elem_type = COLUMN_AT(f, elem_type, i);
	ret->elem_name = textpool__get(b->texts, pw_name(names, COLUMN_AT(f, elem_name, i)));
}

/* Words of elements in all; -EBADMSG: a channel has too many. */
static int64_t words_of(const Pw__Channels *f)
{
	int64_t words = 0;

	for (size_t i = 0; i < f->n_addr_delta; i++) {
		const uint32_t elements = COLUMN_AT(f, elements, i),
			       each = COLUMN_AT(f, element_words, i);

		if (elements > GCHAN_ELEMENTS || each > GCHAN_WORDS)
			return -EBADMSG;
		words += elements * each;
	}
	return words;
}

int book__channels(struct book *b, const Pw__Channels *f, const struct pw_names *names,
		   struct cause *why)
{
	const size_t nr = f->n_addr_delta;
	const struct census *c;
	struct book_waits *w;
	struct gchans *cs;
	uint64_t addr = 0;
	int err = book__waits(b, &w, &c, why);
	int64_t words;

	if (err)
		return err;
	cs = w->chans;
	/* Columns first: the rest goes by their lengths. */
	words = column_fits(f->n_elements, nr) && column_fits(f->n_element_words, nr) ? words_of(f)
										      : -EBADMSG;
	if (words < 0 || !channels_fit(f, nr, (size_t)words) || nr > ROWS_MAX - cs->nr ||
	    (size_t)words > GCHANS_WORDS_MAX - cs->nr_words)
		return book__bad(why, "columns of its channels do not fit");
	if (vec__reserve(&cs->v, &w->chans_room, cs->nr + nr, sizeof(*cs->v)) ||
	    vec__reserve(&cs->words, &w->words_room, cs->nr_words + (size_t)words,
			 sizeof(*cs->words)))
		return cause__no_memory(why);
	for (size_t i = 0, at = 0; i < nr; i++) {
		struct gchan ch = { .nr_elements = (uint8_t)COLUMN_AT(f, elements, i),
				    .element_words = (uint8_t)COLUMN_AT(f, element_words, i),
				    .words_at = cs->nr_words };

		ch.addr = addr += (uint64_t)f->addr_delta[i];
		if (cs->nr && cs->v[cs->nr - 1].addr >= addr)
			return book__bad(why, "its channels do not follow each other");
		channel_of(b, f, i, names, &ch);
		for (unsigned int k = 0; k < ch.nr_elements * ch.element_words; k++)
			cs->words[cs->nr_words++] = COLUMN_AT(f, word, at++);
		cs->unsettled += !ch.settled;
		cs->v[cs->nr++] = ch;
	}
	return 0;
}

/* --- locks --- */

static bool locks_fit(const Pw__Locks *f, size_t nr)
{
	return column_fits(f->n_kind, nr) && column_fits(f->n_flags, nr) &&
	       column_fits(f->n_waiters, nr) && column_fits(f->n_readers, nr) &&
	       column_fits(f->n_departing, nr) && column_fits(f->n_counter, nr) &&
	       column_fits(f->n_locker, nr) && column_fits(f->n_value, nr);
}

static struct glock lock_of(const Pw__Locks *f, size_t i, uint64_t addr)
{
	const uint32_t flags = COLUMN_AT(f, flags, i);

	return (struct glock){ .addr = addr,
			       .kind = (uint8_t)COLUMN_AT(f, kind, i),
			       .settled = flags & LOCK_KNOWN,
			       .locked = flags & LOCK_LOCKED,
			       .woken = flags & LOCK_WOKEN,
			       .starving = flags & LOCK_STARVING,
			       .writer = flags & LOCK_WRITER,
			       .waiters = COLUMN_AT(f, waiters, i),
			       .readers = COLUMN_AT(f, readers, i),
			       .departing = COLUMN_AT(f, departing, i),
			       .counter = COLUMN_AT(f, counter, i),
			       .locker = COLUMN_AT(f, locker, i),
			       .value = COLUMN_AT(f, value, i) };
}

int book__locks(struct book *b, const Pw__Locks *f, struct cause *why)
{
	const size_t nr = f->n_addr_delta;
	const struct census *c;
	struct book_waits *w;
	struct glocks *ls;
	uint64_t addr = 0;
	int err = book__waits(b, &w, &c, why);

	if (err)
		return err;
	ls = w->locks;
	if (!locks_fit(f, nr) || nr > ROWS_MAX - ls->nr)
		return book__bad(why, "columns of its locks do not fit");
	if (vec__reserve(&ls->v, &w->locks_room, ls->nr + nr, sizeof(*ls->v)))
		return cause__no_memory(why);
	for (size_t i = 0; i < nr; i++) {
		const uint32_t kind = COLUMN_AT(f, kind, i);

		addr += (uint64_t)f->addr_delta[i];
		if (kind < CENSUS_WAIT_MUTEX || kind > CENSUS_WAIT_SEMAPHORE ||
		    (ls->nr && ls->v[ls->nr - 1].addr >= addr))
			return book__bad(why, "its locks do not follow each other");
		ls->v[ls->nr] = lock_of(f, i, addr);
		ls->unsettled += !ls->v[ls->nr++].settled;
	}
	return 0;
}

/* --- who holds them --- */

int book__holders(struct book *b, const Pw__Holders *f, struct cause *why)
{
	const size_t nr = f->n_lock_delta;
	const struct census *c;
	struct book_waits *w;
	struct gholds *hs;
	uint64_t lock = 0, goid = 0;
	int err = book__waits(b, &w, &c, why);

	if (err)
		return err;
	hs = w->holds;
	if (!column_fits(f->n_goroutine, nr) || !column_fits(f->n_goid_delta, nr) ||
	    !column_fits(f->n_frame, nr) || !column_fits(f->n_release_at, nr) ||
	    !column_fits(f->n_kind, nr) || nr > ROWS_MAX - hs->nr)
		return book__bad(why, "columns of its holders do not fit");
	if (vec__reserve(&hs->v, &w->holds_room, hs->nr + nr, sizeof(*hs->v)))
		return cause__no_memory(why);
	hs->unknown = f->unknown;
	for (size_t i = 0; i < nr; i++) {
		const uint32_t kind = COLUMN_AT(f, kind, i);
		uint32_t g = COLUMN_AT(f, goroutine, i);

		lock += (uint64_t)f->lock_delta[i];
		goid += (uint64_t)COLUMN_AT(f, goid_delta, i);
		if (f->n_goid_delta) {
			g = row_of(w, goid);
			if (g == NO_ROW)
				continue; /* it was told of in a segment that is not there */
		}
		if (g >= c->nr || c->gs[g].stack == CENSUS_NO_STACK || kind > GHOLD_GROUP ||
		    (hs->nr && hs->v[hs->nr - 1].lock > lock))
			return book__bad(why, "nobody who is known holds a lock");
		hs->v[hs->nr++] = (struct ghold){ .lock = lock,
						  .g = g,
						  .frame = COLUMN_AT(f, frame, i),
						  .release_pc = COLUMN_AT(f, release_at, i),
						  .kind = (uint8_t)kind };
	}
	return 0;
}

/* --- who waits for whom --- */

static bool waits_fit(const Pw__WaitsFor *f, size_t nr)
{
	return column_fits(f->n_wait, nr) && column_fits(f->n_to, nr) &&
	       column_fits(f->n_how, nr) && column_fits(f->n_number, nr) &&
	       column_fits(f->n_deadlock, nr) && column_fits(f->n_behind, nr) &&
	       column_fits(f->n_goid_delta, nr) && column_fits(f->n_to_goid_delta, nr) &&
	       column_fits(f->n_lock_delta, nr) && column_fits(f->n_hold, nr);
}

/* The hold of that lock by g with this number: by lock, then g. NO_ROW: it is not there. */
static uint32_t hold_of(const struct gholds *hs, uint64_t lock, uint32_t g, uint32_t number)
{
	size_t lo = 0, hi = hs->nr;

	while (lo < hi) {
		const size_t mid = lo + (hi - lo) / 2;
		const struct ghold *h = &hs->v[mid];

		if (h->lock < lock || (h->lock == lock && h->g < g))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (number >= hs->nr - lo || hs->v[lo + number].lock != lock || hs->v[lo + number].g != g)
		return NO_ROW;
	return (uint32_t)(lo + number);
}

struct told_edge { /* what rows tell as differences, up to this one */
	uint64_t goid, to, lock;
};

/* 0; -ENOENT: one of them is not there; -EBADMSG */
static int edge_by_goid(const struct book_waits *w, const Pw__WaitsFor *f, size_t i,
			struct told_edge *told, struct wait_edge *ret)
{
	told->goid += (uint64_t)f->goid_delta[i];
	told->to += (uint64_t)COLUMN_AT(f, to_goid_delta, i);
	told->lock += (uint64_t)COLUMN_AT(f, lock_delta, i);
	ret->g = row_of(w, told->goid);
	ret->to = row_of(w, told->to);
	if (ret->g == NO_ROW || ret->to == NO_ROW)
		return -ENOENT;
	if (COLUMN_AT(f, how, i) != WAIT_HOLDS)
		return 0;
	ret->hold = hold_of(w->holds, told->lock, ret->to, COLUMN_AT(f, hold, i));
	return ret->hold == NO_ROW ? -ENOENT : 0;
}

/* 0; -ENOENT: of what it names something is not there; -EBADMSG */
static int edge_of(const struct book_waits *w, const struct census *c, const Pw__WaitsFor *f,
		   size_t i, struct told_edge *told, struct wait_edge *ret)
{
	const uint32_t how = COLUMN_AT(f, how, i), number = COLUMN_AT(f, number, i),
		       wait = COLUMN_AT(f, wait, i);
	int err;

	*ret = (struct wait_edge){ .g = f->goroutine[i],
				   .to = COLUMN_AT(f, to, i),
				   .hold = number };
	err = f->n_goid_delta ? edge_by_goid(w, f, i, told, ret) : 0;
	if (err)
		return err;
	if (ret->g >= c->nr || ret->to >= c->nr || wait >= c->gs[ret->g].nr_waits ||
	    how > WAIT_ALONE_HAS || (how == WAIT_HOLDS && ret->hold >= w->holds->nr) ||
	    (how == WAIT_ALONE_HAS && number >= c->nr))
		return -EBADMSG;
	ret->wait = c->gs[ret->g].waits_at + wait;
	if (how != WAIT_HOLDS)
		ret->hold = how == WAIT_KEEPS_OUT ? WAITGRAPH_NO_HOLD : WAITGRAPH_KEEPS + number;
	return 0;
}

static int add_step(struct book_waits *w, const struct wait_edge *e, bool begins, uint32_t behind)
{
	struct waitgraph *g = w->graph;

	if (!begins && !g->nr_cycles)
		return -EBADMSG;
	if (vec__reserve(&g->steps, &w->steps_room, g->nr_steps + 1, sizeof(*e)) ||
	    vec__reserve(&g->cycles, &w->cycles_room, g->nr_cycles + 1, sizeof(*g->cycles)))
		return -ENOMEM;
	if (begins)
		g->cycles[g->nr_cycles++] =
			(struct wait_cycle){ .edges_at = (uint32_t)g->nr_steps, .behind = behind };
	g->cycles[g->nr_cycles - 1].nr++;
	g->steps[g->nr_steps++] = *e;
	return 0;
}

/* A cycle is whole or not there. */
static void forget_cycle(struct book_waits *w)
{
	struct waitgraph *g = w->graph;

	if (!w->cycle_gone && g->nr_cycles)
		g->nr_steps = g->cycles[--g->nr_cycles].edges_at;
	w->cycle_gone = true;
}

static int add_edge(struct book_waits *w, const struct wait_edge *e)
{
	struct waitgraph *g = w->graph;

	if (vec__reserve(&g->edges, &w->edges_room, g->nr_edges + 1, sizeof(*e)))
		return -ENOMEM;
	g->edges[g->nr_edges++] = *e;
	return 0;
}

/* 0, -EBADMSG, -ENOMEM */
static int take_edge(struct book_waits *w, const struct census *c, const Pw__WaitsFor *f, size_t i,
		     struct told_edge *told)
{
	const uint32_t deadlock = COLUMN_AT(f, deadlock, i);
	const bool begins = deadlock == DEADLOCK_BEGINS;
	struct wait_edge e;
	int err = edge_of(w, c, f, i, told, &e);

	if (begins)
		w->cycle_gone = err == -ENOENT;
	else if (deadlock && (err == -ENOENT || (f->n_goid_delta && !w->graph->nr_cycles)))
		forget_cycle(w); /* a part of it was told in a segment that is not there */
	if (err)
		return err == -ENOENT ? 0 : err;
	if (!deadlock)
		return add_edge(w, &e);
	return w->cycle_gone ? 0 : add_step(w, &e, begins, COLUMN_AT(f, behind, i));
}

int book__waits_for(struct book *b, const Pw__WaitsFor *f, struct cause *why)
{
	const size_t nr = f->n_goroutine;
	struct told_edge told = { 0 };
	const struct census *c;
	struct book_waits *w;
	int err = book__waits(b, &w, &c, why);

	if (err)
		return err;
	if (!waits_fit(f, nr) || nr > ROWS_MAX - w->graph->nr_edges ||
	    nr > ROWS_MAX - w->graph->nr_steps)
		return book__bad(why, "columns of who waits for whom do not fit");
	w->graph->unclear = f->unclear;
	w->graph->cut = f->cut;
	w->graph->unproved = f->unproved;
	for (size_t i = 0; i < nr && !err; i++)
		err = take_edge(w, c, f, i, &told);
	return err == -EBADMSG ? book__bad(why, "nobody who is known waits")
	       : err           ? cause__no_memory(why)
			       : 0;
}
