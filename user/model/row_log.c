// SPDX-License-Identifier: BSD-2-Clause
#include "model/row_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "names/stack_rows.h"

#define ROWS  1024
#define LINKS 4096

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
		label[ROWS], links[ROWS], links_cut[ROWS], row_id[ROWS];
	uint64_t object_bytes[ROWS], made_at[ROWS], start_at[ROWS], goid[ROWS], count[ROWS],
		value[ROWS], error[ROWS];
	uint32_t link_stack[LINKS];
	uint64_t link_made_at[LINKS], link_start_at[LINKS];
	size_t nr, nr_links;
	struct stack_rows stacks;
};

struct row_log {
	struct row_log_of of;
	struct told_stack *told;
	uint32_t segment; /* + 1; 0: none yet */
	bool made;        /* rows are told that are no sums */
	struct sum_rows rows;
};

int row_log__new(const struct row_log_of *of, struct row_log **ret)
{
	struct row_log *l = calloc(1, sizeof(*l));

	if (!l)
		return -ENOMEM;
	l->of = *of;
	*ret = l;
	return 0;
}

void row_log__free(struct row_log *l)
{
	struct told_stack *t, *next;

	if (!l)
		return;
	HASH_ITER(hh, l->told, t, next)
	{
		HASH_DEL(l->told, t);
		free(t);
	}
	free(l);
}

uint32_t row_log__begin(struct row_log *l)
{
	const uint32_t segment = factlog__group(l->of.f);

	if (l->segment != segment + 1)
		l->of.open(l->of.ctx);
	l->segment = segment + 1;
	return segment;
}

static uint32_t name(struct row_log *l, const char *text)
{
	return text ? pw_writer__name(factlog__writer(l->of.f), text) + 1 : 0;
}

/* --- stacks --- */

static Pw__Fact__FactCase stacks_are(const struct row_log *l)
{
	return l->of.events ? PW__FACT__FACT_EVENT_STACKS : PW__FACT__FACT_STACKS;
}

static struct told_stack *told_of(struct row_log *l, uint16_t rt, const struct stack *s)
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
	t->id = l->of.first_stack + count;
	HASH_ADD(hh, l->told, key, sizeof(t->key), t);
	if (HASH_COUNT(l->told) == count) {
		free(t);
		return NULL;
	}
	return t;
}

/* All rows of a snap but those of a census begin where it stands; the rest are return addresses. */
static uint32_t stack_id(struct row_log *l, uint16_t rt, const struct snap_stack *s)
{
	struct told_stack *t;

	if (s->state != SNAP_STACK_SEEN || !s->stack.nr)
		return s->state == SNAP_STACK_LOST;
	t = told_of(l, rt, &s->stack);
	if (!t) {
		factlog__fail(l->of.f, -ENOMEM);
		return 0;
	}
	if (t->segment == l->segment)
		return t->id + 2;
	t->segment = l->segment;
	stack_rows__add(&l->rows.stacks, l->of.f, stacks_are(l),
			&(struct stack_row){ .id = t->id,
					     .rt = rt,
					     .truncated = s->stack.truncated,
					     .all_return = l->of.all_return,
					     .pcs = s->stack.pcs,
					     .nr = s->stack.nr });
	return t->id + 2;
}

static void add_chain(struct row_log *l, uint16_t rt, const struct snap_chain *c)
{
	struct sum_rows *r = &l->rows;
	const size_t row = r->nr;

	r->links[row] = c->nr;
	r->links_cut[row] = c->truncated;
	for (uint32_t i = 0; i < c->nr; i++) {
		const struct snap_link *k = &c->links[i];
		const size_t at = r->nr_links++;

		r->link_stack[at] = stack_id(l, rt, &k->made);
		r->link_made_at[at] = k->gopc;
		r->link_start_at[at] = k->startpc;
		factlog__pc(l->of.f, rt, k->gopc, true);
		factlog__start(l->of.f, rt, k->startpc);
	}
}

/* --- rows --- */

void row_log__flush(struct row_log *l)
{
	struct sum_rows *r = &l->rows;
	Pw__SumRows s = PW__SUM_ROWS__INIT;
	Pw__Fact fact = PW__FACT__INIT;

	stack_rows__tell(&r->stacks, l->of.f, stacks_are(l));
	if (!r->nr)
		return;
	s.made = l->made;
	if (l->of.events) {
		s.n_id = r->nr;
		s.id = r->row_id;
	}
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
	fact.fact_case = l->of.events ? PW__FACT__FACT_EVENT_ROWS : PW__FACT__FACT_SUM_ROWS;
	fact.sum_rows = &s;
	pw_writer__fact(factlog__writer(l->of.f), &fact);
	r->nr = r->nr_links = 0;
}

static void make_room(struct row_log *l, uint32_t links)
{
	if (l->rows.nr < ROWS && l->rows.nr_links + links <= LINKS)
		return;
	row_log__flush(l);
	if (!l->of.events) /* those belong to what comes after all rows */
		row_log__begin(l);
}

void row_log__add(struct row_log *l, const struct snap_row *row, uint32_t id)
{
	struct sum_rows *r = &l->rows;
	size_t i;

	make_room(l, row->chain.nr);
	i = r->nr;
	r->row_id[i] = id;
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
	factlog__pc(l->of.f, row->rt, row->gopc, true);
	factlog__start(l->of.f, row->rt, row->startpc);
	add_chain(l, row->rt, &row->chain);
	r->nr++;
}

void row_log__made(struct row_log *l)
{
	row_log__flush(l);
	l->made = true;
}
