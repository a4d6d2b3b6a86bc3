// SPDX-License-Identifier: BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/arena.h"
#include "base/vec.h"
#include "facts/book.h"
#include "facts/fact_stacks.h"
#include "model/snap_facts.h"

#define LINKS_MAX 65536 /* of one row */

struct read_stack {
	UT_hash_handle hh;
	uint32_t id;
	struct stack stack;
};

struct snap_facts {
	struct textpool *texts; /* borrowed */
	struct snap head;       /* all but the rows; of the last recording that was read */
	struct snap before;     /* the same of all before it, together */
	uint64_t before_ns;     /* how long they were */
	bool begun;
	struct arena arena; /* pcs, links */
	struct read_stack *stacks;
	struct snap_row *rows;
	size_t nr, room;
	struct snap_made *made;
	size_t nr_made, made_room;
};

int snap_facts__new(struct textpool *texts, struct snap_facts **ret)
{
	struct snap_facts *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->texts = texts;
	*ret = s;
	return 0;
}

void snap_facts__free(struct snap_facts *s)
{
	struct read_stack *t, *next;

	if (!s)
		return;
	HASH_ITER(hh, s->stacks, t, next)
	{
		HASH_DEL(s->stacks, t);
		free(t);
	}
	arena__done(&s->arena);
	free(s->rows);
	free(s->made);
	free(s);
}

/* Errors of recordings have nothing to do with each other. */
static void add_head(struct snap *to, const struct snap *h)
{
	const double error = hypot((double)to->error, (double)h->error);

	to->count += h->count;
	to->value += h->value;
	to->windows += h->windows;
	to->stacks_lost += h->stacks_lost;
	to->counts_least |= h->counts_least;
	to->calls_known &= h->calls_known;
	to->calls += h->calls;
	to->error = error < 0x1p64 ? (uint64_t)error : UINT64_MAX;
}

static int take_sums(struct snap_facts *s, const Pw__Sums *f, struct cause *why)
{
	if (f->event >= PROFILE_EVENTS || f->root >= PROFILE_ROOTS)
		return book__bad(why, "it counts what is not known");
	/* Rows are read as the event and root say that were there before them. */
	if (s->begun && (f->event != s->head.event || f->root != s->head.root))
		return book__bad(why, "it counts two things");
	if (s->begun &&
	    f->start_ns != s->head.start_ns) { /* else another segment of the same one */
		add_head(&s->before, &s->head);
		s->before_ns += s->head.end_ns - s->head.start_ns;
	}
	s->begun = true;
	s->head = (struct snap){
		.event = (enum profile_event)f->event,
		.root = (enum profile_root)f->root,
		.start_ns = f->start_ns,
		.end_ns = f->end_ns,
		.windows = f->windows,
		.counts_least = f->counts_least,
		.count = f->count,
		.value = f->value,
		.error = f->error,
		.stacks_lost = f->stacks_lost,
		.calls_known = f->calls_known,
		.calls = f->calls,
	};
	return 0;
}

/* --- stacks --- */

static struct read_stack *find_stack(const struct snap_facts *s, uint32_t id)
{
	struct read_stack *t;

	HASH_FIND(hh, s->stacks, &id, sizeof(id), t);
	return t;
}

static int keep_stack(struct snap_facts *s, uint32_t id, const struct stack *stack)
{
	const unsigned int count = HASH_COUNT(s->stacks);
	struct read_stack *t;

	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->id = id;
	t->stack = *stack;
	HASH_ADD(hh, s->stacks, id, sizeof(t->id), t);
	if (HASH_COUNT(s->stacks) == count) {
		free(t);
		return -ENOMEM;
	}
	return 0;
}

static int take_stack(void *ctx, const struct fact_stack *f, struct cause *why)
{
	struct snap_facts *s = ctx;
	uint64_t *pcs;

	if (find_stack(s, f->id))
		return 0; /* of an earlier segment */
	pcs = arena__array(&s->arena, f->nr, sizeof(*pcs));
	if (!pcs)
		return cause__no_memory(why);
	fact_stack__pcs(f, pcs);
	return keep_stack(s, f->id,
			  &(struct stack){ .nr = f->nr, .truncated = f->truncated, .pcs = pcs })
		       ? cause__no_memory(why)
		       : 0;
}

static bool stack_of(const struct snap_facts *s, uint32_t number, struct snap_stack *ret)
{
	const struct read_stack *t;

	*ret = (struct snap_stack){ .state = number ? SNAP_STACK_LOST : SNAP_STACK_NONE };
	if (number < 2)
		return true;
	t = find_stack(s, number - 2);
	if (t)
		*ret = (struct snap_stack){ .stack = t->stack, .state = SNAP_STACK_SEEN };
	return t;
}

/* --- rows --- */

static bool rows_fit(const Pw__SumRows *f, size_t nr, size_t links)
{
	return column_fits(f->n_runtime, nr) && column_fits(f->n_stack, nr) &&
	       column_fits(f->n_reason, nr) && column_fits(f->n_type, nr) &&
	       column_fits(f->n_object_bytes, nr) && column_fits(f->n_measure, nr) &&
	       column_fits(f->n_word, nr) && column_fits(f->n_made_at, nr) &&
	       column_fits(f->n_start_at, nr) && column_fits(f->n_goid, nr) &&
	       column_fits(f->n_label, nr) && column_fits(f->n_value, nr) &&
	       column_fits(f->n_error, nr) && column_fits(f->n_links, nr) &&
	       column_fits(f->n_links_cut, nr) && f->n_link_stack == links &&
	       column_fits(f->n_link_made_at, links) && column_fits(f->n_link_start_at, links);
}

static const char *text_of(struct snap_facts *s, const struct pw_names *names, uint32_t id)
{
	return id ? textpool__get(s->texts, pw_name(names, id - 1)) : NULL;
}

static int chain_of(struct snap_facts *s, const Pw__SumRows *f, size_t i, size_t at,
		    struct snap_chain *ret, struct cause *why)
{
	const uint32_t nr = COLUMN_AT(f, links, i);
	struct snap_link *links = nr ? arena__array(&s->arena, nr, sizeof(*links)) : NULL;

	if (nr > LINKS_MAX)
		return book__bad(why, "a goroutine has too many ancestors");
	if (nr && !links)
		return cause__no_memory(why);
	for (uint32_t k = 0; k < nr; k++, at++) {
		links[k].gopc = COLUMN_AT(f, link_made_at, at);
		links[k].startpc = COLUMN_AT(f, link_start_at, at);
		if (!stack_of(s, f->link_stack[at], &links[k].made))
			return book__bad(why, "a row has no stack that is known");
	}
	*ret = (struct snap_chain){ links, nr, COLUMN_AT(f, links_cut, i) };
	return 0;
}

static int row_of(struct snap_facts *s, const Pw__SumRows *f, size_t i,
		  const struct pw_names *names, struct snap_row *ret, struct cause *why)
{
	*ret = (struct snap_row){
		.rt = (uint16_t)COLUMN_AT(f, runtime, i),
		.reason = COLUMN_AT(f, reason, i),
		.type = text_of(s, names, COLUMN_AT(f, type, i)),
		.object_bytes = COLUMN_AT(f, object_bytes, i),
		.measure = (enum alloc_measure)COLUMN_AT(f, measure, i),
		.word = text_of(s, names, COLUMN_AT(f, word, i)),
		.gopc = COLUMN_AT(f, made_at, i),
		.startpc = COLUMN_AT(f, start_at, i),
		.goid = COLUMN_AT(f, goid, i),
		.label = text_of(s, names, COLUMN_AT(f, label, i)),
		.count = f->count[i],
		.value = COLUMN_AT(f, value, i),
		.error = COLUMN_AT(f, error, i),
	};
	if (COLUMN_AT(f, runtime, i) >= BOOK_RUNTIMES_MAX || ret->measure > ALLOC_SAMPLED ||
	    !stack_of(s, COLUMN_AT(f, stack, i), &ret->own) ||
	    (s->head.event == PROFILE_ALLOC && !ret->type) ||
	    (s->head.event == PROFILE_GOROUTINES && !ret->word) ||
	    (profile_root_is_of_labels(s->head.root) && !ret->label))
		return book__bad(why, "a row of its sums is not whole");
	return 0;
}

static int keep_row(struct snap_facts *s, const struct snap_row *row, bool made)
{
	if (made) {
		if (vec__reserve(&s->made, &s->made_room, s->nr_made + 1, sizeof(*s->made)))
			return -ENOMEM;
		s->made[s->nr_made++] = (struct snap_made){
			.gopc = row->gopc, .count = row->count, .chain = row->chain, .rt = row->rt
		};
		return 0;
	}
	if (vec__reserve(&s->rows, &s->room, s->nr + 1, sizeof(*s->rows)))
		return -ENOMEM;
	s->rows[s->nr++] = *row;
	return 0;
}

static int take_rows(struct snap_facts *s, const Pw__SumRows *f, const struct pw_names *names,
		     struct cause *why)
{
	size_t links = 0, at = 0;
	int err = 0;

	for (size_t i = 0; i < f->n_links; i++)
		links += f->links[i];
	if (!s->begun || !rows_fit(f, f->n_count, links))
		return book__bad(why, "columns of its sums differ in length");
	if (f->n_count > SNAP_FACTS_ROWS_MAX - s->nr)
		return book__bad(why, "it has too many rows");
	for (size_t i = 0; i < f->n_count && !err; i++) {
		struct snap_row row;

		if (f->made)
			row = (struct snap_row){ .rt = (uint16_t)COLUMN_AT(f, runtime, i),
						 .gopc = COLUMN_AT(f, made_at, i),
						 .count = f->count[i] };
		else
			err = row_of(s, f, i, names, &row, why);
		if (!err)
			err = chain_of(s, f, i, at, &row.chain, why);
		if (!err && keep_row(s, &row, f->made))
			err = cause__no_memory(why);
		at += COLUMN_AT(f, links, i);
	}
	return err;
}

int snap_facts__fact(struct snap_facts *s, const Pw__Fact *f, const struct pw_names *names,
		     struct cause *why)
{
	int err;

	switch (f->fact_case) {
	case PW__FACT__FACT_SUMS: err = take_sums(s, f->sums, why); break;
	case PW__FACT__FACT_STACKS:
		err = s->begun ? fact_stacks__each(f->stacks, take_stack, s, why) : 0;
		break;
	case PW__FACT__FACT_SUM_ROWS: err = take_rows(s, f->sum_rows, names, why); break;
	default: return 0;
	}
	return err ? err : 1;
}

bool snap_facts__event(const struct snap_facts *s, enum profile_event *ret)
{
	if (s->begun)
		*ret = s->head.event;
	return s->begun;
}

static int compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* 0: they are of one kind. Texts are of one pool. */
static int by_kind(const void *a, const void *b)
{
	const struct snap_row *x = a, *y = b;
	const struct stack *s = &x->own.stack, *t = &y->own.stack;
	int c = compare(x->rt, y->rt);

	c = c ? c : compare(x->gopc, y->gopc);
	c = c ? c : compare((uintptr_t)x->word, (uintptr_t)y->word);
	c = c ? c : compare(x->startpc, y->startpc);
	c = c ? c : compare(x->reason, y->reason);
	c = c ? c : compare((uintptr_t)x->type, (uintptr_t)y->type);
	c = c ? c : compare(x->object_bytes, y->object_bytes);
	c = c ? c : compare(x->measure, y->measure);
	c = c ? c : compare(x->own.state, y->own.state);
	c = c ? c : compare(s->nr, t->nr);
	c = c ? c : compare(s->truncated, t->truncated);
	return c || !s->nr ? c : memcmp(s->pcs, t->pcs, s->nr * sizeof(*s->pcs));
}

void snap_facts__mean(struct snap_facts *s, uint64_t nr)
{
	size_t to = 0;

	if (s->nr)
		qsort(s->rows, s->nr, sizeof(*s->rows), by_kind);
	s->head.count = 0;
	for (size_t i = 0, end; i < s->nr; i = end) {
		struct snap_row row = s->rows[i];

		for (end = i + 1; end < s->nr && !by_kind(&s->rows[i], &s->rows[end]); end++)
			row.count += s->rows[end].count;
		row.value = row.count = (row.count + nr / 2) / nr;
		s->head.count += row.count;
		if (row.count)
			s->rows[to++] = row;
	}
	s->nr = to;
	s->head.value = s->head.count;
}

/* Those of one kind become one. */
static void merge(struct snap_facts *s)
{
	size_t to = 0;

	if (s->nr)
		qsort(s->rows, s->nr, sizeof(*s->rows), by_kind);
	for (size_t i = 0, end; i < s->nr; i = end) {
		struct snap_row row = s->rows[i];

		for (end = i + 1; end < s->nr && !by_kind(&s->rows[i], &s->rows[end]); end++) {
			row.count += s->rows[end].count;
			row.value += s->rows[end].value;
			row.error = (uint64_t)hypot((double)row.error, (double)s->rows[end].error);
		}
		s->rows[to++] = row;
	}
	s->nr = to;
}

void snap_facts__forget_labels(struct snap_facts *s)
{
	if (!profile_root_is_of_labels(s->head.root))
		return;
	s->head.root = PROFILE_ROOT_NONE;
	for (size_t i = 0; i < s->nr; i++)
		s->rows[i].label = NULL;
	merge(s);
}

uint64_t snap_facts__add_up(struct snap_facts *s)
{
	const uint64_t ns = s->before_ns + s->head.end_ns - s->head.start_ns;

	merge(s);
	add_head(&s->head, &s->before);
	s->before = (struct snap){ .nr = 0 };
	s->before_ns = 0;
	return ns;
}

struct snap_row *snap_facts__rows(struct snap_facts *s)
{
	return s->rows;
}

size_t snap_facts__nr(const struct snap_facts *s)
{
	return s->nr;
}

void snap_facts__keep(struct snap_facts *s, size_t nr)
{
	s->nr = nr;
}

int snap_facts__snap(struct snap_facts *s, struct snap **ret)
{
	scoped(snap) snap = NULL;
	int err;

	if (!s->begun)
		return -ENOENT;
	err = s->rows ? 0 : vec__reserve(&s->rows, &s->room, 1, sizeof(*s->rows));
	if (!err)
		err = snap__from_rows(s->head.event, s->head.root, &s->rows, s->nr, &snap);
	if (err)
		return err;
	s->head.rows = snap->rows;
	s->head.nr = snap->nr;
	s->head.made = s->made;
	s->head.nr_made = s->nr_made;
	*snap = s->head;
	*ret = steal(snap);
	return 0;
}
