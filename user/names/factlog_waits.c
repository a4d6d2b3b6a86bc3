// SPDX-License-Identifier: BSD-2-Clause
#include "names/factlog.h"

#include <errno.h>
#include <stdlib.h>

#include "facts/fact_flags.h"

#define ROWS 1024 /* of one fact */

struct channel_rows {
	int64_t addr[ROWS];
	uint64_t timer[ROWS], len[ROWS], cap[ROWS], elem_type[ROWS];
	uint32_t flags[ROWS], elem_bytes[ROWS], elem_name[ROWS], elements[ROWS],
		element_words[ROWS];
	uint64_t word[ROWS * GCHAN_ELEMENTS * GCHAN_WORDS];
	size_t words;
};

struct lock_rows {
	int64_t addr[ROWS];
	uint64_t locker[ROWS];
	uint32_t kind[ROWS], flags[ROWS], waiters[ROWS], value[ROWS];
	int32_t readers[ROWS], departing[ROWS], counter[ROWS];
};

struct holder_rows {
	int64_t lock[ROWS], goid[ROWS];
	uint64_t release_at[ROWS];
	uint32_t goroutine[ROWS], frame[ROWS], kind[ROWS];
};

struct wait_rows {
	uint32_t goroutine[ROWS], wait[ROWS], to[ROWS], how[ROWS], number[ROWS], deadlock[ROWS],
		behind[ROWS], hold[ROWS];
	int64_t goid[ROWS], to_goid[ROWS], lock[ROWS];
	size_t nr;
	uint64_t last_goid, last_to, last_lock;
};

struct waits_log {
	struct factlog_of_look of;
	const struct chans_source *s;
	union { /* one kind after the other */
		struct channel_rows channels;
		struct lock_rows locks;
		struct holder_rows holders;
		struct wait_rows waits;
	} * rows;
};

static size_t part_of(size_t nr, size_t from)
{
	return nr - from < ROWS ? nr - from : ROWS;
}

static void column_s32(size_t *n, int32_t **to, int32_t *v, size_t nr)
{
	for (size_t i = 0; i < nr && !*n; i++)
		if (v[i]) {
			*n = nr;
			*to = v;
		}
}

/* --- channels --- */

static void put_channel(struct channel_rows *r, size_t i, const struct gchans *cs, size_t at,
			struct pw_writer *w)
{
	const struct gchan *ch = &cs->v[at];

	r->addr[i] = (int64_t)(ch->addr - (i ? cs->v[at - 1].addr : 0));
	r->flags[i] = (ch->settled ? CHANNEL_KNOWN : 0u) | (ch->closed ? CHANNEL_CLOSED : 0u) |
		      (ch->secret ? CHANNEL_SECRET : 0u);
	r->timer[i] = ch->timer;
	r->len[i] = ch->len;
	r->cap[i] = ch->cap;
	r->elem_bytes[i] = ch->elem_size;
	r->elem_type[i] = ch->elem_type;
	r->elem_name[i] = pw_writer__name(w, ch->elem_name);
	r->elements[i] = ch->nr_elements;
	r->element_words[i] = ch->element_words;
	for (unsigned int k = 0; k < ch->nr_elements * ch->element_words; k++)
		r->word[r->words++] = cs->words[ch->words_at + k];
}

static void tell_channels(struct waits_log *l, size_t from, size_t nr)
{
	struct channel_rows *r = &l->rows->channels;
	struct pw_writer *w = factlog__in_look(&l->of);
	Pw__Channels m = PW__CHANNELS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	r->words = 0;
	for (size_t i = 0; i < nr; i++)
		put_channel(r, i, l->s->chans, from + i, w);
	m.n_addr_delta = nr;
	m.addr_delta = r->addr;
	column_u32(&m.n_flags, &m.flags, r->flags, nr);
	column_u64(&m.n_timer, &m.timer, r->timer, nr);
	column_u64(&m.n_len, &m.len, r->len, nr);
	column_u64(&m.n_cap, &m.cap, r->cap, nr);
	column_u32(&m.n_elem_bytes, &m.elem_bytes, r->elem_bytes, nr);
	column_u64(&m.n_elem_type, &m.elem_type, r->elem_type, nr);
	column_u32(&m.n_elem_name, &m.elem_name, r->elem_name, nr);
	column_u32(&m.n_elements, &m.elements, r->elements, nr);
	column_u32(&m.n_element_words, &m.element_words, r->element_words, nr);
	column_u64(&m.n_word, &m.word, r->word, r->words);
	fact.fact_case = PW__FACT__FACT_CHANNELS;
	fact.channels = &m;
	pw_writer__fact(w, &fact);
}

/* --- locks --- */

static void put_lock(struct lock_rows *r, size_t i, const struct glocks *ls, size_t at)
{
	const struct glock *k = &ls->v[at];

	r->addr[i] = (int64_t)(k->addr - (i ? ls->v[at - 1].addr : 0));
	r->kind[i] = k->kind;
	r->flags[i] = (k->settled ? LOCK_KNOWN : 0u) | (k->locked ? LOCK_LOCKED : 0u) |
		      (k->woken ? LOCK_WOKEN : 0u) | (k->starving ? LOCK_STARVING : 0u) |
		      (k->writer ? LOCK_WRITER : 0u);
	r->waiters[i] = k->waiters;
	r->readers[i] = k->readers;
	r->departing[i] = k->departing;
	r->counter[i] = k->counter;
	r->locker[i] = k->locker;
	r->value[i] = k->value;
}

static void tell_locks(struct waits_log *l, size_t from, size_t nr)
{
	struct lock_rows *r = &l->rows->locks;
	struct pw_writer *w = factlog__in_look(&l->of);
	Pw__Locks m = PW__LOCKS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	for (size_t i = 0; i < nr; i++)
		put_lock(r, i, l->s->locks, from + i);
	m.n_addr_delta = nr;
	m.addr_delta = r->addr;
	column_u32(&m.n_kind, &m.kind, r->kind, nr);
	column_u32(&m.n_flags, &m.flags, r->flags, nr);
	column_u32(&m.n_waiters, &m.waiters, r->waiters, nr);
	column_s32(&m.n_readers, &m.readers, r->readers, nr);
	column_s32(&m.n_departing, &m.departing, r->departing, nr);
	column_s32(&m.n_counter, &m.counter, r->counter, nr);
	column_u64(&m.n_locker, &m.locker, r->locker, nr);
	column_u32(&m.n_value, &m.value, r->value, nr);
	fact.fact_case = PW__FACT__FACT_LOCKS;
	fact.locks = &m;
	pw_writer__fact(w, &fact);
}

/* --- who holds them --- */

static void tell_holders(struct waits_log *l, size_t from, size_t nr)
{
	const struct gholds *hs = l->s->holds;
	struct holder_rows *r = &l->rows->holders;
	struct pw_writer *w = factlog__in_look(&l->of);
	Pw__Holders m = PW__HOLDERS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	for (size_t i = 0; i < nr; i++) {
		const struct ghold *h = &hs->v[from + i];

		r->lock[i] = (int64_t)(h->lock - (i ? h[-1].lock : 0));
		r->goid[i] = (int64_t)(l->of.c->gs[h->g].who.goid -
				       (i ? l->of.c->gs[h[-1].g].who.goid : 0));
		r->goroutine[i] = h->g;
		r->frame[i] = h->frame;
		r->release_at[i] = h->release_pc;
		r->kind[i] = h->kind;
		factlog__pc(l->of.f, l->of.rt, h->release_pc, false);
	}
	factlog__code(l->of.f);
	m.n_lock_delta = nr;
	m.lock_delta = r->lock;
	column_s64(&m.n_goid_delta, &m.goid_delta, r->goid, nr);
	column_u32(&m.n_goroutine, &m.goroutine, r->goroutine, nr);
	column_u32(&m.n_frame, &m.frame, r->frame, nr);
	column_u64(&m.n_release_at, &m.release_at, r->release_at, nr);
	column_u32(&m.n_kind, &m.kind, r->kind, nr);
	m.unknown = hs->unknown;
	fact.fact_case = PW__FACT__FACT_HOLDERS;
	fact.holders = &m;
	pw_writer__fact(w, &fact);
}

/* --- who waits for whom --- */

static void tell_waits(struct waits_log *l)
{
	const struct waitgraph *g = l->s->graph;
	struct wait_rows *r = &l->rows->waits;
	struct pw_writer *w = factlog__in_look(&l->of);
	Pw__WaitsFor m = PW__WAITS_FOR__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	m.n_goroutine = r->nr;
	m.goroutine = r->goroutine;
	column_s64(&m.n_goid_delta, &m.goid_delta, r->goid, r->nr);
	column_s64(&m.n_to_goid_delta, &m.to_goid_delta, r->to_goid, r->nr);
	column_s64(&m.n_lock_delta, &m.lock_delta, r->lock, r->nr);
	column_u32(&m.n_hold, &m.hold, r->hold, r->nr);
	column_u32(&m.n_wait, &m.wait, r->wait, r->nr);
	column_u32(&m.n_to, &m.to, r->to, r->nr);
	column_u32(&m.n_how, &m.how, r->how, r->nr);
	column_u32(&m.n_number, &m.number, r->number, r->nr);
	column_u32(&m.n_deadlock, &m.deadlock, r->deadlock, r->nr);
	column_u32(&m.n_behind, &m.behind, r->behind, r->nr);
	m.unclear = g->unclear;
	m.cut = g->cut;
	m.unproved = g->unproved;
	fact.fact_case = PW__FACT__FACT_WAITS_FOR;
	fact.waits_for = &m;
	pw_writer__fact(w, &fact);
	r->nr = 0;
	r->last_goid = r->last_to = r->last_lock = 0;
}

/* What a row says as the difference to the row before. */
static int64_t delta(uint64_t *last, uint64_t now)
{
	const uint64_t before = *last;

	*last = now;
	return (int64_t)(now - before);
}

/* Which of the holds that its goroutine has of its lock. */
static uint32_t number_of_hold(const struct gholds *hs, uint32_t hold)
{
	const struct ghold *h = &hs->v[hold];
	uint32_t nr = 0;

	while (nr < hold && h[-1 - (int)nr].lock == h->lock && h[-1 - (int)nr].g == h->g)
		nr++;
	return nr;
}

static void put_wait(struct waits_log *l, const struct wait_edge *e, enum wait_deadlock deadlock,
		     uint32_t behind)
{
	struct wait_rows *r = &l->rows->waits;
	const struct gholds *hs = l->s->holds;
	const size_t i = r->nr++;

	r->goid[i] = delta(&r->last_goid, l->of.c->gs[e->g].who.goid);
	r->to_goid[i] = delta(&r->last_to, l->of.c->gs[e->to].who.goid);
	r->lock[i] = delta(&r->last_lock, wait_edge_holds(e) ? hs->v[e->hold].lock : 0);
	r->hold[i] = wait_edge_holds(e) ? number_of_hold(hs, e->hold) : 0;
	r->goroutine[i] = e->g;
	r->wait[i] = e->wait - l->of.c->gs[e->g].waits_at;
	r->to[i] = e->to;
	r->how[i] = wait_edge_holds(e)   ? WAIT_HOLDS
		    : wait_edge_keeps(e) ? WAIT_ALONE_HAS
					 : WAIT_KEEPS_OUT;
	r->number[i] = wait_edge_holds(e)   ? e->hold
		       : wait_edge_keeps(e) ? e->hold - WAITGRAPH_KEEPS
					    : 0;
	r->deadlock[i] = deadlock;
	r->behind[i] = behind;
	if (r->nr == ROWS)
		tell_waits(l);
}

static void tell_graph(struct waits_log *l)
{
	const struct waitgraph *g = l->s->graph;

	l->rows->waits.nr = 0;
	l->rows->waits.last_goid = l->rows->waits.last_to = l->rows->waits.last_lock = 0;
	for (size_t i = 0; i < g->nr_edges; i++)
		put_wait(l, &g->edges[i], DEADLOCK_NONE, 0);
	for (size_t i = 0; i < g->nr_cycles; i++)
		for (uint32_t k = 0; k < g->cycles[i].nr; k++)
			put_wait(l, &g->steps[g->cycles[i].edges_at + k],
				 k ? DEADLOCK_GOES_ON : DEADLOCK_BEGINS,
				 k ? 0 : g->cycles[i].behind);
	tell_waits(l); /* also where there are no rows: it says that all was read */
}

int factlog__waits(struct factlog *f, uint32_t number, uint16_t rt, uint64_t unix_ns,
		   const struct census *c, const struct chans_source *s)
{
	struct waits_log l = {
		.of = { .f = f, .c = c, .unix_ns = unix_ns, .number = number, .rt = rt }, .s = s
	};

	l.rows = malloc(sizeof(*l.rows)); /* each is written before it is read */
	if (!l.rows)
		return -ENOMEM;
	factlog__begin_look(&l.of);
	for (size_t i = 0; i < s->chans->nr; i += ROWS)
		tell_channels(&l, i, part_of(s->chans->nr, i));
	for (size_t i = 0; i < s->locks->nr; i += ROWS)
		tell_locks(&l, i, part_of(s->locks->nr, i));
	for (size_t i = 0; !i || i < s->holds->nr; i += ROWS)
		tell_holders(&l, i, part_of(s->holds->nr, i));
	tell_graph(&l);
	free(l.rows);
	return 0;
}
