// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <stdlib.h>

#include "base/heart.h"
#include "facts/fact_flags.h"
#include "names/stack_rows.h"

#define ROWS   1024 /* of goroutines in one fact */
#define WAITS  (4 * ROWS)
#define LABELS (ROWS * 8)

struct look_rows {
	int64_t goid[ROWS], parent[ROWS], addr[ROWS], stack_lo[ROWS], since[ROWS];
	uint64_t made_at[ROWS], start_at[ROWS], labels[ROWS], stack_bytes[ROWS], depth[ROWS];
	uint32_t stack[ROWS], thread[ROWS], m[ROWS], p[ROWS], status[ROWS], reason[ROWS],
		flags[ROWS], stops[ROWS], nr_waits[ROWS];
	int64_t wait_addr[WAITS], wait_via[WAITS];
	uint32_t wait_kind[WAITS], wait_direction[WAITS];
	size_t nr, waits;
	struct census_g last;
	struct census_wait last_wait;
	struct stack_rows stacks; /* written before the goroutines that stand in them */
	/* labels */
	uint64_t set[ROWS];
	uint32_t set_nr[ROWS], key[LABELS], value[LABELS];
	size_t sets, label_texts;
};

struct look_log {
	struct factlog_of_look of;
	const struct labelbook *labels;
	uint64_t last_set;
	uint32_t *told; /* by stack: segment + 1, in which it was told */
	struct look_rows *rows;
};

/* --- what it opens with, in each segment --- */

void factlog__begin_look(struct factlog_of_look *l)
{
	const struct census *c = l->c;
	Pw__Look look = PW__LOOK__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	l->segment = factlog__group(l->f);
	look.number = l->number;
	look.runtime = l->rt;
	look.taken_ns = c->taken_ns;
	look.unix_ns = l->unix_ns;
	look.goroutines = c->nr;
	look.unsettled = c->unsettled;
	look.refused = c->refused;
	look.not_read = c->not_read;
	look.cut = c->cut;
	look.dead = c->dead.known ? c->dead.nr + 1 : 0;
	look.dead_stack_bytes = c->dead.stack_bytes;
	fact.fact_case = PW__FACT__FACT_LOOK;
	fact.look = &look;
	pw_writer__fact(factlog__writer(l->f), &fact);
	pw_writer__time(factlog__writer(l->f), c->taken_ns);
}

struct pw_writer *factlog__in_look(struct factlog_of_look *l)
{
	if (factlog__group(l->f) != l->segment)
		factlog__begin_look(l);
	return factlog__writer(l->f);
}

/* --- stacks --- */

static void add_stack(struct look_log *l, uint32_t stack)
{
	const struct census_stack *s = &l->of.c->stacks[stack];
	const struct stack_row row = {
		.id = stack,
		.rt = l->of.rt,
		.truncated = s->truncated,
		.all_return = true,
		.goroutines = s->nr_gs,
		.pcs = l->of.c->pcs + s->pcs_at,
		.nr = s->nr_pcs,
	};

	if (l->told[stack] == l->of.segment + 1)
		return;
	l->told[stack] = l->of.segment + 1;
	stack_rows__add(&l->rows->stacks, l->of.f, PW__FACT__FACT_STACKS, &row);
	factlog__roots(l->of.f, l->of.rt, row.pcs, row.nr);
}

/* --- labels --- */

static void tell_labels(struct look_log *l)
{
	struct look_rows *r = l->rows;
	Pw__Labels s = PW__LABELS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	if (!r->sets)
		return;
	s.n_set = r->sets;
	s.set = r->set;
	column_u32(&s.n_nr, &s.nr, r->set_nr, r->sets);
	s.n_key = r->label_texts;
	s.key = r->key;
	column_u32(&s.n_value, &s.value, r->value, r->label_texts);
	s.unread = labelbook__unread(l->labels);
	fact.fact_case = PW__FACT__FACT_LABELS;
	fact.labels = &s;
	pw_writer__fact(factlog__writer(l->of.f), &fact);
	r->sets = r->label_texts = 0;
}

/* Once a fact: a set that changes owner comes again. */
static void add_labels(struct look_log *l, uint64_t set)
{
	struct look_rows *r = l->rows;
	const struct label_text *v;
	size_t nr;

	if (!set || !l->labels || set == l->last_set)
		return;
	l->last_set = set;
	v = labelbook__get(l->labels, set, &nr);
	if (!nr)
		return;
	if (r->sets == ROWS || r->label_texts + nr > LABELS)
		tell_labels(l);
	r->set[r->sets] = set;
	r->set_nr[r->sets++] = (uint32_t)nr;
	for (size_t i = 0; i < nr; i++, r->label_texts++) {
		r->key[r->label_texts] = pw_writer__name(factlog__writer(l->of.f), v[i].key);
		r->value[r->label_texts] = pw_writer__name(factlog__writer(l->of.f), v[i].value);
	}
}

/* --- goroutines --- */

static void tell_waits(struct look_rows *r, Pw__Goroutines *g)
{
	column_u32(&g->n_nr_waits, &g->nr_waits, r->nr_waits, r->nr);
	g->n_wait_addr_delta = r->waits;
	g->wait_addr_delta = r->wait_addr;
	column_s64(&g->n_wait_via_delta, &g->wait_via_delta, r->wait_via, r->waits);
	column_u32(&g->n_wait_kind, &g->wait_kind, r->wait_kind, r->waits);
	column_u32(&g->n_wait_direction, &g->wait_direction, r->wait_direction, r->waits);
}

static void tell_goroutines(struct look_log *l)
{
	struct look_rows *r = l->rows;
	Pw__Goroutines g = PW__GOROUTINES__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	stack_rows__tell(&r->stacks, l->of.f, PW__FACT__FACT_STACKS);
	tell_labels(l);
	if (!r->nr)
		return;
	g.n_goid_delta = r->nr;
	g.goid_delta = r->goid;
	column_s64(&g.n_parent_delta, &g.parent_delta, r->parent, r->nr);
	column_s64(&g.n_addr_delta, &g.addr_delta, r->addr, r->nr);
	column_u64(&g.n_made_at, &g.made_at, r->made_at, r->nr);
	column_u64(&g.n_start_at, &g.start_at, r->start_at, r->nr);
	column_u64(&g.n_labels, &g.labels, r->labels, r->nr);
	column_u64(&g.n_stack_bytes, &g.stack_bytes, r->stack_bytes, r->nr);
	column_s64(&g.n_stack_lo_delta, &g.stack_lo_delta, r->stack_lo, r->nr);
	column_u64(&g.n_depth_bytes, &g.depth_bytes, r->depth, r->nr);
	column_s64(&g.n_waits_since_delta, &g.waits_since_delta, r->since, r->nr);
	column_u32(&g.n_stack, &g.stack, r->stack, r->nr);
	column_u32(&g.n_thread, &g.thread, r->thread, r->nr);
	column_u32(&g.n_m, &g.m, r->m, r->nr);
	column_u32(&g.n_p, &g.p, r->p, r->nr);
	column_u32(&g.n_status, &g.status, r->status, r->nr);
	column_u32(&g.n_reason, &g.reason, r->reason, r->nr);
	column_u32(&g.n_flags, &g.flags, r->flags, r->nr);
	column_u32(&g.n_stops, &g.stops, r->stops, r->nr);
	tell_waits(r, &g);
	fact.fact_case = PW__FACT__FACT_GOROUTINES;
	fact.goroutines = &g;
	pw_writer__fact(factlog__writer(l->of.f), &fact);
	r->nr = r->waits = 0;
}

static void add_waits(struct look_log *l, const struct census_g *g)
{
	struct look_rows *r = l->rows;

	for (uint32_t i = 0; i < g->nr_waits; i++, r->waits++) {
		const struct census_wait *w = &l->of.c->waits[g->waits_at + i];

		r->wait_addr[r->waits] = (int64_t)(w->addr - r->last_wait.addr);
		r->wait_via[r->waits] = (int64_t)(w->via - r->last_wait.via);
		r->wait_kind[r->waits] = w->kind;
		r->wait_direction[r->waits] = w->direction | (w->select ? WAIT_OF_SELECT : 0u);
		r->last_wait = *w;
	}
}

static void add_goroutine(struct look_log *l, const struct census_g *g)
{
	struct look_rows *r = l->rows;
	const size_t i = r->nr++;
	const struct census_g *last = &r->last;

	r->goid[i] = (int64_t)(g->who.goid - last->who.goid);
	r->parent[i] = (int64_t)(g->who.parent_goid - last->who.parent_goid);
	r->addr[i] = (int64_t)(g->addr - last->addr);
	r->made_at[i] = g->who.gopc;
	r->start_at[i] = g->who.startpc;
	r->labels[i] = g->labels;
	r->stack_bytes[i] = g->stack_hi - g->stack_lo;
	r->stack_lo[i] = (int64_t)(g->stack_lo - last->stack_lo);
	r->depth[i] = g->sp ? g->stack_hi - g->sp : 0;
	r->since[i] = (int64_t)(g->waitsince_ns - last->waitsince_ns);
	r->stack[i] = g->stack == CENSUS_NO_STACK ? 0 : g->stack + 1;
	r->thread[i] = g->tid;
	r->m[i] = (uint32_t)(g->m + 1);
	r->p[i] = (uint32_t)(g->p + 1);
	r->status[i] = g->status;
	r->reason[i] = g->reason;
	r->flags[i] = (g->locked ? GOROUTINE_LOCKED : 0u) |
		      (g->waits_cut ? GOROUTINE_WAITS_CUT : 0u) | (g->moved ? GOROUTINE_MOVED : 0u);
	r->stops[i] = g->stops;
	r->nr_waits[i] = g->nr_waits;
	add_waits(l, g);
	r->last = *g;
}

/* A new fact: differences begin anew. */
static void begin_rows(struct look_log *l)
{
	l->last_set = 0;
	l->rows->last = (struct census_g){ 0 };
	l->rows->last_wait = (struct census_wait){ 0 };
}

static void tell_all(struct look_log *l)
{
	struct look_rows *r = l->rows;

	factlog__begin_look(&l->of);
	begin_rows(l);
	for (size_t i = 0; i < l->of.c->nr; i++) {
		const struct census_g *g = &l->of.c->gs[i];

		if (r->nr == ROWS || (r->nr && r->waits + g->nr_waits > WAITS)) {
			heart__beat(); /* a watch has probes in meanwhile */
			tell_goroutines(l);
			(void)factlog__in_look(&l->of);
			begin_rows(l);
		}
		factlog__pc(l->of.f, l->of.rt, g->who.gopc, true);
		factlog__start(l->of.f, l->of.rt, g->who.startpc);
		add_labels(l, g->labels);
		if (g->stack != CENSUS_NO_STACK)
			add_stack(l, g->stack);
		add_goroutine(l, g);
	}
	tell_goroutines(l);
}

int factlog__look(struct factlog *f, uint32_t number, uint16_t rt, uint64_t unix_ns,
		  const struct census *c, const struct labelbook *labels)
{
	scoped_mem uint32_t *told = calloc(c->nr_stacks + 1, sizeof(*told));
	scoped_mem struct look_rows *rows =
		malloc(sizeof(*rows)); /* few of them are used, mostly */
	struct look_log l = {
		.of = { .f = f, .c = c, .number = number, .rt = rt, .unix_ns = unix_ns },
		.labels = labels,
		.told = told,
		.rows = rows
	};

	if (!told || !rows)
		return -ENOMEM;
	rows->nr = rows->waits = rows->sets = rows->label_texts = 0;
	rows->stacks.nr = rows->stacks.pcs = 0;
	tell_all(&l);
	return 0;
}

/* --- peers --- */

int factlog__peers(struct factlog *f, const int *fds, size_t nr,
		   const char *(*text)(void *ctx, int fd), void *ctx)
{
	scoped_mem uint32_t *fd = reallocarray(NULL, nr + 1, sizeof(*fd));
	scoped_mem uint32_t *name = reallocarray(NULL, nr + 1, sizeof(*name));
	Pw__Peers p = PW__PEERS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	if (!fd || !name)
		return -ENOMEM;
	factlog__group(f);
	for (size_t i = 0; i < nr; i++) {
		const char *of = text(ctx, fds[i]);

		if (!of[0])
			continue;
		fd[p.n_fd++] = (uint32_t)fds[i];
		name[p.n_text++] = pw_writer__name(factlog__writer(f), of);
	}
	p.fd = fd;
	p.text = name;
	fact.fact_case = PW__FACT__FACT_PEERS;
	fact.peers = &p;
	if (p.n_fd)
		pw_writer__fact(factlog__writer(f), &fact);
	return 0;
}
