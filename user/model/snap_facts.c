// SPDX-License-Identifier: BSD-2-Clause
#include "model/snap_facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#define ROWS   1024
#define LINKS  4096
#define STACKS 256
#define PCS    (STACKS * 32)

struct told_stack {
	UT_hash_handle hh;
	struct stack_key { /* hashed as bytes: no padding. Equal stacks are at one place */
		const uint64_t *pcs;
		uint32_t nr, rt;
	} key;
	uint32_t id, segment; /* in which it was told last, + 1 */
};

struct sum_rows {
	uint32_t rt[ROWS], stack[ROWS], reason[ROWS], type[ROWS], measure[ROWS], word[ROWS],
		label[ROWS], links[ROWS], links_cut[ROWS];
	uint64_t object_bytes[ROWS], made_at[ROWS], start_at[ROWS], goid[ROWS], count[ROWS],
		value[ROWS], error[ROWS];
	uint32_t link_stack[LINKS];
	uint64_t link_made_at[LINKS], link_start_at[LINKS];
	size_t nr, nr_links;
	uint32_t id[STACKS], stack_rt[STACKS], truncated[STACKS], nr_pcs[STACKS];
	int64_t pc[PCS + PW_STACK_MAX];
	size_t stacks, pcs;
};

struct sums_log {
	struct factlog *f;
	const struct snap *s;
	struct told_stack *told;
	uint32_t segment;
	bool made; /* rows are snap.made */
	struct sum_rows *rows;
};

static uint32_t name(struct sums_log *l, const char *text)
{
	return text ? pw_writer__name(factlog__writer(l->f), text) + 1 : 0;
}

static void tell_sums(struct sums_log *l)
{
	Pw__Sums s = PW__SUMS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	s.event = l->s->event;
	s.root = l->s->root;
	s.start_ns = l->s->start_ns;
	s.end_ns = l->s->end_ns;
	s.windows = l->s->windows;
	s.counts_least = l->s->counts_least;
	s.count = l->s->count;
	s.value = l->s->value;
	s.error = l->s->error;
	s.stacks_lost = l->s->stacks_lost;
	fact.fact_case = PW__FACT__FACT_SUMS;
	fact.sums = &s;
	pw_writer__fact(factlog__writer(l->f), &fact);
	pw_writer__time(factlog__writer(l->f), l->s->start_ns);
	pw_writer__time(factlog__writer(l->f), l->s->end_ns);
}

/* --- stacks --- */

static void tell_stacks(struct sums_log *l)
{
	struct sum_rows *r = l->rows;
	Pw__Stacks s = PW__STACKS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	factlog__code(l->f);
	if (!r->stacks)
		return;
	s.n_id = r->stacks;
	s.id = r->id;
	column_u32(&s.n_runtime, &s.runtime, r->stack_rt, r->stacks);
	column_u32(&s.n_truncated, &s.truncated, r->truncated, r->stacks);
	column_u32(&s.n_nr_pcs, &s.nr_pcs, r->nr_pcs, r->stacks);
	s.n_pc_delta = r->pcs;
	s.pc_delta = r->pc;
	fact.fact_case = PW__FACT__FACT_STACKS;
	fact.stacks = &s;
	pw_writer__fact(factlog__writer(l->f), &fact);
	r->stacks = r->pcs = 0;
}

static struct told_stack *told_of(struct sums_log *l, uint16_t rt, const struct stack *s)
{
	const struct stack_key key = { .pcs = s->pcs, .nr = s->nr, .rt = rt };
	const unsigned int count = HASH_COUNT(l->told);
	struct told_stack *t;

	HASH_FIND(hh, l->told, &key, sizeof(key), t);
	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->key = key;
	t->id = count;
	HASH_ADD(hh, l->told, key, sizeof(t->key), t);
	if (HASH_COUNT(l->told) == count) {
		free(t);
		return NULL;
	}
	return t;
}

/* All rows of a snap but those of a census begin where it stands; the rest are return addresses. */
static uint32_t stack_id(struct sums_log *l, uint16_t rt, const struct snap_stack *s)
{
	struct sum_rows *r = l->rows;
	struct told_stack *t;

	if (s->state != SNAP_STACK_SEEN || !s->stack.nr)
		return s->state == SNAP_STACK_LOST;
	t = told_of(l, rt, &s->stack);
	if (!t) {
		factlog__fail(l->f, -ENOMEM);
		return 0;
	}
	if (t->segment == l->segment + 1)
		return t->id + 2;
	t->segment = l->segment + 1;
	if (r->stacks == STACKS || r->pcs + s->stack.nr > PCS)
		tell_stacks(l);
	factlog__pcs(l->f, rt, s->stack.pcs, s->stack.nr, l->s->event == PROFILE_GOROUTINES);
	r->id[r->stacks] = t->id;
	r->stack_rt[r->stacks] = rt;
	r->truncated[r->stacks] = s->stack.truncated;
	r->nr_pcs[r->stacks++] = s->stack.nr;
	for (uint32_t i = 0; i < s->stack.nr; i++)
		r->pc[r->pcs++] = (int64_t)(s->stack.pcs[i] - (i ? s->stack.pcs[i - 1] : 0));
	return t->id + 2;
}

static void add_chain(struct sums_log *l, uint16_t rt, const struct snap_chain *c)
{
	struct sum_rows *r = l->rows;
	const size_t row = r->nr;

	r->links[row] = c->nr;
	r->links_cut[row] = c->truncated;
	for (uint32_t i = 0; i < c->nr; i++) {
		const struct snap_link *k = &c->links[i];
		const size_t at = r->nr_links++;

		r->link_stack[at] = stack_id(l, rt, &k->made);
		r->link_made_at[at] = k->gopc;
		r->link_start_at[at] = k->startpc;
		factlog__pc(l->f, rt, k->gopc, true);
		factlog__start(l->f, rt, k->startpc);
	}
}

/* --- rows --- */

static void tell_rows(struct sums_log *l)
{
	struct sum_rows *r = l->rows;
	Pw__SumRows s = PW__SUM_ROWS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	tell_stacks(l);
	if (!r->nr)
		return;
	s.made = l->made;
	s.n_count = r->nr;
	s.count = r->count;
	column_u32(&s.n_runtime, &s.runtime, r->rt, r->nr);
	column_u32(&s.n_stack, &s.stack, r->stack, r->nr);
	column_u32(&s.n_reason, &s.reason, r->reason, r->nr);
	column_u32(&s.n_type, &s.type, r->type, r->nr);
	column_u64(&s.n_object_bytes, &s.object_bytes, r->object_bytes, r->nr);
	column_u32(&s.n_measure, &s.measure, r->measure, r->nr);
	column_u32(&s.n_word, &s.word, r->word, r->nr);
	column_u64(&s.n_made_at, &s.made_at, r->made_at, r->nr);
	column_u64(&s.n_start_at, &s.start_at, r->start_at, r->nr);
	column_u64(&s.n_goid, &s.goid, r->goid, r->nr);
	column_u32(&s.n_label, &s.label, r->label, r->nr);
	column_u64(&s.n_value, &s.value, r->value, r->nr);
	column_u64(&s.n_error, &s.error, r->error, r->nr);
	column_u32(&s.n_links, &s.links, r->links, r->nr);
	column_u32(&s.n_links_cut, &s.links_cut, r->links_cut, r->nr);
	s.n_link_stack = r->nr_links;
	s.link_stack = r->link_stack;
	column_u64(&s.n_link_made_at, &s.link_made_at, r->link_made_at, r->nr_links);
	column_u64(&s.n_link_start_at, &s.link_start_at, r->link_start_at, r->nr_links);
	fact.fact_case = PW__FACT__FACT_SUM_ROWS;
	fact.sum_rows = &s;
	pw_writer__fact(factlog__writer(l->f), &fact);
	r->nr = r->nr_links = 0;
}

static void begin_rows(struct sums_log *l, bool first)
{
	const uint32_t segment = factlog__group(l->f);

	if (first || segment != l->segment)
		tell_sums(l);
	l->segment = segment;
}

/* Room for one more row, with a chain of so many links. */
static void make_room(struct sums_log *l, uint32_t links)
{
	if (l->rows->nr < ROWS && l->rows->nr_links + links <= LINKS)
		return;
	tell_rows(l);
	begin_rows(l, false);
}

static void add_row(struct sums_log *l, const struct snap_row *row)
{
	struct sum_rows *r = l->rows;
	size_t i;

	make_room(l, row->chain.nr);
	i = r->nr;
	r->rt[i] = row->rt;
	r->stack[i] = stack_id(l, row->rt, &row->own);
	r->reason[i] = row->reason;
	r->type[i] = name(l, row->type);
	r->object_bytes[i] = row->object_bytes;
	r->measure[i] = row->measure;
	r->word[i] = name(l, row->word);
	r->made_at[i] = row->gopc;
	r->start_at[i] = row->startpc;
	r->goid[i] = row->goid;
	r->label[i] = name(l, row->label);
	r->count[i] = row->count;
	r->value[i] = row->value;
	r->error[i] = row->error;
	factlog__pc(l->f, row->rt, row->gopc, true);
	factlog__start(l->f, row->rt, row->startpc);
	add_chain(l, row->rt, &row->chain);
	r->nr++;
}

static void add_made(struct sums_log *l, const struct snap_made *m)
{
	add_row(l, &(struct snap_row){
			   .rt = m->rt, .gopc = m->gopc, .count = m->count, .chain = m->chain });
}

static void tell_all(struct sums_log *l)
{
	begin_rows(l, true);
	for (size_t i = 0; i < l->s->nr; i++)
		add_row(l, &l->s->rows[i]);
	tell_rows(l);
	l->made = true;
	for (size_t i = 0; i < l->s->nr_made; i++)
		add_made(l, &l->s->made[i]);
	tell_rows(l);
}

int snap_facts__write(struct factlog *f, const struct snap *s)
{
	scoped_mem struct sum_rows *rows = calloc(1, sizeof(*rows));
	struct sums_log l = { .f = f, .s = s, .rows = rows };
	struct told_stack *t, *next;

	if (!rows)
		return -ENOMEM;
	tell_all(&l);
	HASH_ITER(hh, l.told, t, next)
	{
		HASH_DEL(l.told, t);
		free(t);
	}
	return 0;
}
