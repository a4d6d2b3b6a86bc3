// SPDX-License-Identifier: BSD-2-Clause
#include "model/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/vec.h"
#include "model/history_rows.h"
#include "model/storm.h"
#include "model/tally.h"

#define CELLS_NR (60 + 120 + 48) /* of all rings */
/* Looks further apart: nobody knows what was between them. */
#define GAP_NS       (60 * NS_PER_SEC)
#define STORM_END_NS (60 * NS_PER_SEC) /* after this time without one, the next one is another */
#define FLOORS       (SLOW_LEAK_HOURS_MAX + 1)

static const struct {
	uint64_t step_ns;
	size_t cells, rows;
} rings[HISTORY_RINGS] = {
	[HISTORY_10S] = { 10 * NS_PER_SEC, 60, HISTORY_CELL_ROWS },
	[HISTORY_1MIN] = { 60 * NS_PER_SEC, 120, HISTORY_CELL_ROWS },
	[HISTORY_1H] = { 3600 * NS_PER_SEC, 48, HISTORY_HOUR_ROWS },
};

/* What a look says of one row. */
struct sum {
	uint64_t nr, waiting, stack_bytes, births, exits;
	uint32_t oldest_s, long_waits;
};

struct ring {
	struct history_cell open;    /* v: by number of row */
	size_t room;                 /* of open.v */
	struct history_cell *closed; /* borrowed: of history.cells */
};

struct history {
	struct history_rows *rows;
	struct ring rings[HISTORY_RINGS];
	struct history_cell cells[CELLS_NR];
	bool has_last;
	uint64_t last_ns, now_ns, unix_ns, took_ns;
	struct sum *sums; /* of this look; owned; by number of row */
	size_t sums_room;
	struct sum other;
	uint64_t states[HISTORY_STATES];
	struct storm_look looks[STORM_LOOKS_MAX];
	size_t nr_looks;
	uint64_t storm_ns; /* when it was one last; 0: never */
	struct history_alarm alarms[HISTORY_ALARMS_MAX];
	size_t nr_alarms;
	struct history_counts counts;
	size_t closed_entries;
};

static const struct history_cell *find_cell(const struct ring *r, size_t cells, uint64_t slot)
{
	const struct history_cell *c = &r->closed[slot % cells];

	return c->looks && c->slot == slot ? c : NULL;
}

int history__new(struct history **ret)
{
	scoped(history) h = calloc(1, sizeof(*h));
	struct history_cell *cells;

	if (!h || history_rows__new(&h->rows))
		return -ENOMEM;
	cells = h->cells;
	for (int r = 0; r < HISTORY_RINGS; cells += rings[r++].cells)
		h->rings[r].closed = cells;
	*ret = steal(h);
	return 0;
}

void history__free(struct history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < CELLS_NR; i++)
		free(h->cells[i].v);
	for (int r = 0; r < HISTORY_RINGS; r++)
		free(h->rings[r].open.v);
	history_rows__free(h->rows);
	free(h->sums);
	free(h);
}

/* --- cells --- */

static uint32_t add32(uint32_t a, uint64_t b)
{
	return b > UINT32_MAX - a ? UINT32_MAX : a + (uint32_t)b;
}

static void entry__add(struct history_entry *e, const struct history_entry *b)
{
	e->blocked_ns += b->blocked_ns;
	e->stack_sum += b->stack_sum;
	e->sum = add32(e->sum, b->sum);
	e->births = add32(e->births, b->births);
	e->exits = add32(e->exits, b->exits);
	if (b->oldest_s > e->oldest_s)
		e->oldest_s = b->oldest_s;
	if (b->looks && (!e->looks || b->least < e->least))
		e->least = b->least;
	e->looks = e->looks + b->looks > UINT16_MAX ? UINT16_MAX : (uint16_t)(e->looks + b->looks);
}

static bool is_empty(const struct history_entry *e)
{
	return !e->looks && !e->births && !e->exits;
}

static int by_size(const void *a, const void *b)
{
	const struct history_entry *x = a, *y = b;
	const uint64_t i = (uint64_t)x->sum + x->exits, j = (uint64_t)y->sum + y->exits;

	return (i < j) - (i > j);
}

static int by_row(const void *a, const void *b)
{
	const struct history_entry *x = a, *y = b;

	return (x->row > y->row) - (x->row < y->row);
}

/* The largest rows stay, the others are summed. */
static void cut_rows(struct history_cell *c, size_t most)
{
	if (c->nr <= most)
		return;
	qsort(c->v, c->nr, sizeof(*c->v), by_size);
	for (size_t i = most; i < c->nr; i++)
		entry__add(&c->other, &c->v[i]);
	c->nr = most;
	qsort(c->v, c->nr, sizeof(*c->v), by_row);
}

static void forget_cell(struct history *h, struct history_cell *c)
{
	for (size_t i = 0; i < c->nr; i++)
		history_rows__unref(h->rows, c->v[i].row);
	h->closed_entries -= c->nr;
	free(c->v);
	*c = (struct history_cell){ .nr = 0 };
}

/* The open cell takes its place in the ring. */
static void close_cell(struct history *h, enum history_ring ring)
{
	struct ring *r = &h->rings[ring];
	struct history_cell c = r->open, *to = &r->closed[c.slot % rings[ring].cells];
	struct history_entry *v;

	for (size_t i = c.nr = 0; i < r->open.nr; i++)
		if (!is_empty(&r->open.v[i]))
			r->open.v[c.nr++] = r->open.v[i];
	cut_rows(&c, rings[ring].rows);
	v = calloc(c.nr + 1, sizeof(*v));
	forget_cell(h, to);
	if (v) {
		if (c.nr)
			memcpy(v, c.v, c.nr * sizeof(*v));
		*to = c;
		to->v = v;
		for (size_t i = 0; i < c.nr; i++)
			history_rows__ref(h->rows, v[i].row);
		h->closed_entries += c.nr;
	} else {
		h->counts.cells_lost++;
	}
	r->open = (struct history_cell){ .v = r->open.v };
}

/* Room for all rows in the open cell of this look. */
static int open_cell(struct history *h, enum history_ring ring)
{
	const uint64_t step = rings[ring].step_ns;
	const size_t need = history_rows__end(h->rows);
	struct ring *r = &h->rings[ring];
	struct history_cell *c = &r->open;

	if (vec__reserve(&c->v, &r->room, need, sizeof(*c->v)))
		return -ENOMEM;
	if (!c->looks) {
		c->slot = h->now_ns / step;
		c->unix_ns = h->unix_ns - h->now_ns % step;
	}
	for (; c->nr < need; c->nr++)
		c->v[c->nr] = (struct history_entry){ .row = (uint16_t)c->nr };
	return 0;
}

static bool close_cells(struct history *h)
{
	bool any = false;

	for (int r = 0; r < HISTORY_RINGS; r++)
		if (h->rings[r].open.looks &&
		    h->rings[r].open.slot != h->now_ns / rings[r].step_ns) {
			close_cell(h, (enum history_ring)r);
			any = true;
		}
	return any;
}

/* --- a look --- */

static void begin(struct history *h, uint64_t now_ns, uint64_t unix_ns)
{
	h->now_ns = now_ns;
	h->unix_ns = unix_ns;
	h->took_ns = h->has_last && now_ns - h->last_ns <= GAP_NS ? now_ns - h->last_ns : 0;
	h->nr_alarms = 0;
	memset(h->states, 0, sizeof(h->states));
	h->other = (struct sum){ .nr = 0 };
	if (h->sums)
		memset(h->sums, 0, h->sums_room * sizeof(*h->sums));
}

/* A sum for each row there is. */
static int reserve_sums(struct history *h)
{
	const size_t had = h->sums_room;
	const int err =
		vec__reserve(&h->sums, &h->sums_room, history_rows__end(h->rows), sizeof(*h->sums));

	if (!err && h->sums_room > had)
		memset(h->sums + had, 0, (h->sums_room - had) * sizeof(*h->sums));
	return err;
}

static enum history_state state_of(enum gostate s)
{
	return s < GOSTATE_STATUS      ? HISTORY_WAITING
	       : s == GOSTATE_RUNNING  ? HISTORY_RUNNING
	       : s == GOSTATE_RUNNABLE ? HISTORY_RUNNABLE
	       : s == GOSTATE_SYSCALL  ? HISTORY_SYSCALL
				       : HISTORY_OTHERWISE;
}

static void sum__add(struct sum *to, const struct tally_row *row)
{
	to->nr += row->nr;
	to->waiting += row->waiting;
	to->stack_bytes += row->stack_bytes;
	to->births += row->births;
	to->exits += row->exits;
	to->long_waits = add32(to->long_waits, row->long_waits);
	if (row->oldest_s > to->oldest_s)
		to->oldest_s = row->oldest_s;
}

static void count_other(struct history *h, const struct tally_row *row)
{
	sum__add(&h->other, row);
	h->counts.over_rows += row->nr;
}

/* What the look says, by number of row. */
static int take_rows(struct history *h, const struct tally_look *l, uint32_t *ret_rows)
{
	for (size_t i = 0; i < l->nr; i++) {
		const struct tally_row *row = &l->rows[i];
		const uint32_t number =
			history_rows__of(h->rows, row->made, row->blocked, row->state);

		if (reserve_sums(h))
			return -ENOMEM;
		if (number < HISTORY_ROWS_MAX)
			sum__add(&h->sums[number], row);
		else
			count_other(h, row);
		if (ret_rows)
			ret_rows[i] = number;
	}
	count_other(h, &l->other);
	for (int s = 0; s < GOSTATE_MAX; s++)
		h->states[state_of((enum gostate)s)] += l->by_state[s];
	h->counts.over_goids += l->over_goids;
	return reserve_sums(h);
}

static struct history_entry entry_of(const struct history *h, const struct sum *t)
{
	return (struct history_entry){
		.blocked_ns = t->waiting * h->took_ns,
		.stack_sum = t->stack_bytes,
		.sum = add32(0, t->nr),
		.least = add32(0, t->nr),
		.births = add32(0, t->births),
		.exits = add32(0, t->exits),
		.oldest_s = t->oldest_s,
		.looks = t->nr != 0,
	};
}

static void count_look(struct history *h)
{
	const size_t end = history_rows__end(h->rows);
	struct history_entry total = { .row = 0 };

	for (size_t i = 0; i <= end; i++) {
		const struct history_entry e = entry_of(h, i < end ? &h->sums[i] : &h->other);

		if (is_empty(&e))
			continue;
		for (int r = 0; r < HISTORY_RINGS; r++) {
			struct history_cell *c = &h->rings[r].open;

			entry__add(i < end ? &c->v[i] : &c->other, &e);
		}
		total.least = add32(total.least, e.least);
		entry__add(&total, &(struct history_entry){ .blocked_ns = e.blocked_ns,
							    .stack_sum = e.stack_sum,
							    .sum = e.sum,
							    .births = e.births,
							    .exits = e.exits,
							    .oldest_s = e.oldest_s });
	}
	total.looks = 1;
	for (int r = 0; r < HISTORY_RINGS; r++) {
		struct history_cell *c = &h->rings[r].open;

		entry__add(&c->total, &total);
		c->looks += c->looks < UINT16_MAX;
		for (int s = 0; s < HISTORY_STATES; s++)
			c->states[s] += h->states[s];
	}
}

/* --- alarms --- */

static struct history_alarm *new_alarm(struct history *h)
{
	return h->nr_alarms < HISTORY_ALARMS_MAX ? &h->alarms[h->nr_alarms++] : NULL;
}

static void look_for_storm(struct history *h)
{
	struct storm_look now = { .at_ns = h->now_ns,
				  .births = h->other.births,
				  .alive = h->other.nr };
	bool again;

	for (size_t i = 0; i < history_rows__end(h->rows); i++) {
		now.births += h->sums[i].births;
		now.alive += h->sums[i].nr;
	}
	if (h->nr_looks == STORM_LOOKS_MAX)
		memmove(h->looks, h->looks + 1, --h->nr_looks * sizeof(*h->looks));
	h->looks[h->nr_looks++] = now;
	if (!storm__is(h->looks, h->nr_looks))
		return;
	again = h->storm_ns && h->now_ns - h->storm_ns <= STORM_END_NS;
	h->storm_ns = h->now_ns;
	if (!again)
		*new_alarm(h) = (struct history_alarm){ .kind = HISTORY_STORM,
							.births = now.births,
							.alive = now.alive,
							.took_ns = h->took_ns };
}

/* Of the hours before this one, back to the first that nobody looked at; then of now. */
static size_t floors_of(const struct history *h, uint32_t row, uint32_t floors[FLOORS])
{
	size_t hours = 0;

	while (hours < FLOORS - 1 && history__cell(h, HISTORY_1H, hours + 1))
		hours++;
	for (size_t i = 0; i <= hours; i++) {
		const struct history_cell *c = history__cell(h, HISTORY_1H, hours - i);

		floors[i] = history_cell__floor(c, history_cell__find(c, row));
	}
	return hours + 1;
}

/* Once an hour, when it is over. */
static void look_for_leaks(struct history *h)
{
	for (uint32_t row = 0; row < history_rows__end(h->rows); row++) {
		bool *told = history_rows__mark(h->rows, row);
		uint32_t floors[FLOORS];
		struct history_alarm *a;
		struct slow_leak leak;

		if (!told || *told || !h->sums[row].long_waits ||
		    !slow_leak__is(floors, floors_of(h, row, floors), h->sums[row].long_waits,
				   &leak))
			continue;
		a = new_alarm(h);
		if (!a)
			return;
		*told = true;
		*a = (struct history_alarm){ .kind = HISTORY_SLOW_LEAK,
					     .row = row,
					     .leak = leak,
					     .alive = h->sums[row].nr };
	}
}

size_t history__alarms(const struct history *h, const struct history_alarm **ret)
{
	*ret = h->alarms;
	return h->nr_alarms;
}

/* --- its end --- */

static bool is_used(const void *ctx, uint32_t row)
{
	const struct history *h = ctx;
	const struct history_cell *hour = &h->rings[HISTORY_1H].open;

	/* of the last look, or of the open hour: no other open cell has more */
	return h->sums[row].nr || (row < hour->nr && !is_empty(&hour->v[row]));
}

static bool is_new_hour(const struct history *h)
{
	const struct history_cell *open = &h->rings[HISTORY_1H].open;

	return open->looks && open->slot != h->now_ns / rings[HISTORY_1H].step_ns;
}

int history__look(struct history *h, uint64_t now_ns, uint64_t unix_ns, const struct tally_look *l,
		  uint32_t *ret_rows)
{
	bool new_hour, closed;
	int err;

	if (h->has_last && now_ns < h->last_ns) {
		h->counts.backwards++;
		return -EINVAL;
	}
	begin(h, now_ns, unix_ns);
	new_hour = is_new_hour(h);
	err = take_rows(h, l, ret_rows);
	if (err)
		return err;
	closed = close_cells(h);
	for (int r = 0; r < HISTORY_RINGS && !err; r++)
		err = open_cell(h, (enum history_ring)r);
	if (err)
		return err;
	count_look(h);
	look_for_storm(h);
	if (new_hour)
		look_for_leaks(h);
	h->last_ns = h->now_ns;
	h->has_last = true;
	if (closed)
		history_rows__sweep(h->rows, is_used, h);
	return 0;
}

/* --- queries --- */

const char *history_state_word(enum history_state s)
{
	static const char *const words[] = { "waiting", "running", "runnable", "syscall", "other" };

	return words[s];
}

size_t history_cells(enum history_ring r)
{
	return rings[r].cells;
}

uint64_t history_step_ns(enum history_ring r)
{
	return rings[r].step_ns;
}

const struct history_cell *history__cell(const struct history *h, enum history_ring ring,
					 size_t age)
{
	const struct ring *r = &h->rings[ring];

	if (!r->open.looks || age >= rings[ring].cells || age > r->open.slot)
		return NULL;
	return age ? find_cell(r, rings[ring].cells, r->open.slot - age) : &r->open;
}

const struct history_entry *history_cell__find(const struct history_cell *c, uint32_t row)
{
	const struct history_entry key = { .row = (uint16_t)row };

	return c->nr ? bsearch(&key, c->v, c->nr, sizeof(*c->v), by_row) : NULL;
}

bool history__about(const struct history *h, uint32_t row, const char **ret_made,
		    const char **ret_blocked, enum gostate *ret_state)
{
	return history_rows__about(h->rows, row, ret_made, ret_blocked, ret_state);
}

struct history_counts history__counts(const struct history *h)
{
	struct history_counts c = h->counts;

	c.rows = history_rows__nr(h->rows);
	c.sites = history_rows__sites(h->rows);
	c.bytes = sizeof(*h) + history_rows__bytes(h->rows) + h->sums_room * sizeof(*h->sums) +
		  h->closed_entries * sizeof(struct history_entry);
	for (int r = 0; r < HISTORY_RINGS; r++)
		c.bytes += h->rings[r].room * sizeof(struct history_entry);
	return c;
}
