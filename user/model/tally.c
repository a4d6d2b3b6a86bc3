// SPDX-License-Identifier: BSD-2-Clause
#include "model/tally.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/radix.h"
#include "base/vec.h"
#include "model/history.h"
#include "model/history_rows.h"

struct seen { /* a goroutine of a look; radix_sort() takes it as two numbers */
	uint64_t id;
	uint32_t since_s; /* it waits, or is in this row, since then; 0: not known yet */
	uint32_t row : 31;
	uint32_t waits : 1;
};
_Static_assert(sizeof(struct seen) == 2 * sizeof(uint64_t), "two numbers");

struct seen_set {
	struct seen *v; /* owned */
	size_t nr, room;
	bool sorted;
};

struct tally {
	struct history_rows *rows;
	struct tally_row *sums; /* owned; by number of row */
	size_t room;
	struct tally_look look; /* rows: owned */
	size_t look_room;
	struct seen_set last, now; /* looks */
	bool has_last;
	uint64_t now_ns;
	int err;
};

int tally__new(struct tally **ret)
{
	scoped(tally) t = calloc(1, sizeof(*t));

	if (!t || history_rows__new(&t->rows))
		return -ENOMEM;
	*ret = steal(t);
	return 0;
}

void tally__free(struct tally *t)
{
	if (!t)
		return;
	history_rows__free(t->rows);
	free(t->sums);
	free(t->look.rows);
	free(t->last.v);
	free(t->now.v);
	free(t);
}

uint64_t tally_look__goroutines(const struct tally_look *l)
{
	uint64_t nr = 0;

	for (int s = 0; s < GOSTATE_MAX; s++)
		nr += l->by_state[s];
	return nr;
}

/* --- a look --- */

static bool is_used(const void *ctx, uint32_t row)
{
	const struct tally *t = ctx;

	return row < t->room && t->sums[row].nr;
}

void tally__begin(struct tally *t, uint64_t now_ns)
{
	history_rows__sweep(t->rows, is_used, t);
	t->now_ns = now_ns;
	t->now.nr = 0;
	t->now.sorted = true;
	t->err = 0;
	t->look = (struct tally_look){ .rows = t->look.rows };
	if (t->sums)
		memset(t->sums, 0, t->room * sizeof(*t->sums));
}

static struct tally_row *sum_of(struct tally *t, uint32_t row)
{
	return row < HISTORY_ROWS_MAX && row < t->room ? &t->sums[row] : &t->look.other;
}

uint32_t tally__row(struct tally *t, const char *made, const char *blocked, enum gostate state)
{
	const uint32_t row = history_rows__of(t->rows, made, blocked, state);
	const size_t had = t->room;

	if (vec__reserve(&t->sums, &t->room, history_rows__end(t->rows), sizeof(*t->sums)))
		return HISTORY_OTHER;
	if (t->room > had)
		memset(t->sums + had, 0, (t->room - had) * sizeof(*t->sums));
	return row;
}

static void keep(struct tally *t, const struct tally_g *g, bool waits)
{
	const uint64_t now_s = t->now_ns / NS_PER_SEC, wait_s = g->wait_ns / NS_PER_SEC;
	struct seen_set *s = &t->now;

	if (s->nr == TALLY_GOIDS_MAX) {
		t->look.over_goids++;
		return;
	}
	if (vec__reserve(&s->v, &s->room, s->nr + 1, sizeof(*s->v))) {
		t->err = -ENOMEM;
		return;
	}
	s->sorted &= !s->nr || s->v[s->nr - 1].id <= g->id;
	s->v[s->nr++] = (struct seen){
		.id = g->id,
		.row = g->row & 0x7fffffff,
		.waits = waits,
		.since_s = !waits || g->wait_ns == TALLY_UNKNOWN ? 0
			   : wait_s < now_s                      ? (uint32_t)(now_s - wait_s)
								 : 1,
	};
}

void tally__add(struct tally *t, const struct tally_g *g)
{
	const bool waits = gostate_wait(g->state) != GOWAIT_NONE;
	const uint64_t oldest_ns = g->wait_ns == TALLY_UNKNOWN ? 0 : g->wait_ns;
	struct tally_row *sum = sum_of(t, g->row);

	sum->first = sum->nr++ ? sum->first : g->id;
	sum->waiting += waits;
	sum->stack_bytes += g->stack_bytes;
	if (oldest_ns > sum->oldest_ns)
		sum->oldest_ns = oldest_ns;
	t->look.by_state[g->state]++;
	if (oldest_ns > t->look.oldest_ns[g->state])
		t->look.oldest_ns[g->state] = oldest_ns;
	keep(t, g, waits);
}

static void seen__wait(struct tally *t, struct seen *s, const struct seen *before)
{
	const uint32_t now_s = (uint32_t)(t->now_ns / NS_PER_SEC);
	struct tally_row *sum = sum_of(t, s->row);

	if (!s->since_s)
		s->since_s = before && before->row == s->row ? before->since_s : now_s;
	if (!s->waits || s->since_s > now_s)
		return;
	if (now_s - s->since_s > sum->oldest_s)
		sum->oldest_s = now_s - s->since_s;
	sum->long_waits += now_s - s->since_s >= TALLY_LONG_WAIT_S;
}

/* Who came, who went, who still waits. Both looks are sorted by id. */
static void compare_looks(struct tally *t)
{
	size_t b = 0;

	for (size_t i = 0; i < t->now.nr; i++) {
		struct seen *s = &t->now.v[i];
		bool was_there;

		for (; b < t->last.nr && t->last.v[b].id < s->id; b++)
			sum_of(t, t->last.v[b].row)->exits++;
		was_there = b < t->last.nr && t->last.v[b].id == s->id;
		sum_of(t, s->row)->births += t->has_last && !was_there;
		seen__wait(t, s, was_there ? &t->last.v[b++] : NULL);
	}
	for (; b < t->last.nr; b++)
		sum_of(t, t->last.v[b].row)->exits++;
}

/* Rows that are empty are left out. */
static int gather(struct tally *t)
{
	const size_t end = history_rows__end(t->rows);

	if (vec__reserve(&t->look.rows, &t->look_room, end + 1, sizeof(*t->look.rows)))
		return -ENOMEM;
	for (uint32_t i = 0; i < end && i < t->room; i++) {
		struct tally_row *row = &t->sums[i];

		if ((row->nr || row->exits) &&
		    history_rows__about(t->rows, i, &row->made, &row->blocked, &row->state))
			t->look.rows[t->look.nr++] = *row;
	}
	t->look.other.made = t->look.other.blocked = "";
	t->look.other.state = GOSTATE_UNKNOWN;
	return 0;
}

int tally__end(struct tally *t, struct tally_look *ret)
{
	int err = t->err;

	if (!err && !t->now.sorted)
		err = radix_sort(&t->now.v->id, t->now.nr, 2);
	if (err)
		return err;
	compare_looks(t);
	err = gather(t);
	if (err)
		return err;
	free(t->last.v);
	t->last = t->now;
	t->now = (struct seen_set){ .nr = 0 };
	t->has_last = true;
	*ret = t->look;
	return 0;
}
