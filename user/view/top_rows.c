// SPDX-License-Identifier: BSD-2-Clause
#include "view/top_rows.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/vec.h"
#include "model/trend.h"
#include "view/dump.h"
#include "view/leak_words.h"
#include "view/process_place.h"

#define MINUTE_NS (60.0 * NS_PER_SEC)

/* --- times --- */

void top_looks__add(struct top_looks *l, uint64_t now_ns)
{
	l->at_ns[l->nr++ % TOP_LOOKS] = now_ns;
}

uint64_t top_looks__history_ns(const struct top_looks *l)
{
	return (l->nr + 1) * history_step_ns(HISTORY_10S);
}

uint64_t top_looks__at_ns(const struct top_looks *l, size_t age)
{
	return l->at_ns[(l->nr - 1 - age) % TOP_LOOKS];
}

/* --- cells --- */

static void set_number(struct top_table *t, struct top_row *r, size_t column, double number,
		       const char *text)
{
	r->number[column] = number;
	r->cell[column] = textpool__get(t->texts, text);
}

static void set_count(struct top_table *t, struct top_row *r, size_t column, uint64_t n)
{
	r->number[column] = (double)n;
	r->cell[column] = textpool__format(t->texts, "%" PRIu64, n);
}

/* "+12", "+0.4", "0"; not known: "-" */
static void set_trend(struct top_table *t, struct top_row *r, size_t column, bool known,
		      double trend)
{
	const double size = fabs(trend);

	if (!known)
		set_number(t, r, column, 0, "-");
	else if (size < 0.05)
		set_number(t, r, column, 0, "0");
	else
		set_number(t, r, column, trend,
			   textpool__format(t->texts, "%+.*f", size < 9.95 ? 1 : 0, trend));
}

static void set_time(struct top_table *t, struct top_row *r, size_t column, uint64_t ns)
{
	struct textbuf text;

	textbuf__init(&text, NULL);
	leak_words__age(ns, &text);
	set_number(t, r, column, (double)ns,
		   text.err ? "?" : textpool__format(t->texts, "%.*s", (int)text.nr, text.v));
	textbuf__done(&text);
}

/* --- sites --- */

static const struct top_column site_columns[TOP_SITE_COLUMNS] = {
	[TOP_SITE_TREND] = { "GROWTH/MIN", 11, 'T', false, "how many more there are each minute" },
	[TOP_SITE_GOROUTINES] = { "GOROUTINES", 11, 'G', false, "that are there now" },
	[TOP_SITE_BIRTHS] = { "NEW", 6, 'N', false,
			      "that looks saw come, of those that live for some time" },
	[TOP_SITE_BLOCKED] = { "BLOCKED", 8, 'B', false,
			       "time that goroutines waited, summed; estimated" },
	[TOP_SITE_MADE] = { "CREATED BY", -32, 'C', true, "the go statement" },
	[TOP_SITE_STATE] = { "STATE", -14, 'S', true, "what they wait for, or do" },
	[TOP_SITE_OLDEST] = { "OLDEST", 7, 'O', false,
			      "the longest wait; Go notes when one began at garbage collections" },
	[TOP_SITE_STANDS] = { "AT", -1, 'A', true, "where they stand" },
};

struct site_sums {
	struct trend trend;
	double blocked_ns;
	uint64_t births;
	bool seen;
};

/* What a cell of the history says of blocked time is of 10 s. */
static double blocked_ns(const struct history_entry *e, const struct top_looks *l, size_t age)
{
	const double step_ns = (double)history_step_ns(HISTORY_10S);
	const uint64_t at = top_looks__at_ns(l, age);

	return age + 1 < top_looks__kept(l) ? (double)e->blocked_ns / step_ns *
						      (double)(at - top_looks__at_ns(l, age + 1))
					    : 0;
}

static struct site_sums sum_site(const struct history *h, const struct top_looks *l, uint32_t row)
{
	struct site_sums s = { .seen = false };

	for (size_t age = 0; age < top_looks__kept(l); age++) {
		const struct history_cell *c = history__cell(h, HISTORY_10S, age);
		const struct history_entry *e = c ? history_cell__find(c, row) : NULL;

		if (!c)
			continue;
		trend__add(&s.trend,
			   -(double)(l->at_ns[(l->nr - 1) % TOP_LOOKS] - top_looks__at_ns(l, age)) /
				   MINUTE_NS,
			   e ? (double)e->sum / c->looks : 0);
		if (!e)
			continue;
		s.seen = true;
		s.births += e->births;
		s.blocked_ns += blocked_ns(e, l, age);
	}
	return s;
}

static int add_site(struct top_table *t, const struct history *h, const struct site_sums *s,
		    uint64_t oldest_ns, uint32_t row)
{
	const struct history_cell *c = history__cell(h, HISTORY_10S, 0);
	const struct history_entry *now = c ? history_cell__find(c, row) : NULL;
	const char *made = "", *stands = "";
	enum gostate state = GOSTATE_UNKNOWN;
	struct top_row *r;
	double trend = 0;
	bool known;

	if (!s->births && !(now && now->sum))
		return 0;
	r = top_table__add(t, row);
	if (!r)
		return -ENOMEM;
	(void)history__about(h, row, &made, &stands, &state);
	known = trend__slope(&s->trend, &trend);
	set_trend(t, r, TOP_SITE_TREND, known, trend);
	set_count(t, r, TOP_SITE_GOROUTINES, now ? now->sum / c->looks : 0);
	set_count(t, r, TOP_SITE_BIRTHS, s->births);
	set_time(t, r, TOP_SITE_BLOCKED, (uint64_t)s->blocked_ns);
	if (now && oldest_ns)
		set_time(t, r, TOP_SITE_OLDEST, oldest_ns);
	else
		set_number(t, r, TOP_SITE_OLDEST, NAN, "-");
	r->cell[TOP_SITE_STATE] = textpool__get(t->texts, gostate_word(state));
	r->cell[TOP_SITE_MADE] = textpool__get(t->texts, made[0] ? made : "?");
	r->cell[TOP_SITE_STANDS] = textpool__get(t->texts, stands[0] ? stands : "?");
	return 0;
}

/* Of all that have no row: more kinds than a history keeps. */
static int add_others(struct top_table *t, const struct history *h)
{
	const struct history_cell *c = history__cell(h, HISTORY_10S, 0);
	struct top_row *r;

	if (!c || !c->other.sum)
		return 0;
	r = top_table__add(t, HISTORY_OTHER);
	if (!r)
		return -ENOMEM;
	set_count(t, r, TOP_SITE_GOROUTINES, c->other.sum / c->looks);
	r->cell[TOP_SITE_MADE] = "all others";
	return 0;
}

int top_sites__new(const struct history *h, const struct top_looks *l, const uint64_t *oldest_ns,
		   struct top_table *ret)
{
	int err = top_table__init(ret, site_columns, TOP_SITE_COLUMNS);

	for (uint32_t row = 0; row < HISTORY_ROWS_MAX && !err && l->nr; row++) {
		const char *made, *stands;
		enum gostate state;

		if (history__about(h, row, &made, &stands, &state)) {
			const struct site_sums s = sum_site(h, l, row);

			err = s.seen ? add_site(ret, h, &s, oldest_ns[row], row) : 0;
		}
	}
	return err ? err : add_others(ret, h);
}

/* --- processes --- */

static const struct top_column process_columns[TOP_PROCESS_COLUMNS] = {
	[TOP_PROCESS_PID] = { "PID", 7, 'P', false, "process" },
	[TOP_PROCESS_LEAKS] = { "LEAKS", 6, 'L', false,
				"goroutines that leak, as the daemon says; then by growth" },
	[TOP_PROCESS_TREND] = { "GROWTH/MIN", 11, 'T', false,
				"how many more goroutines each minute" },
	[TOP_PROCESS_GOROUTINES] = { "GOROUTINES", 11, 'G', false, "that are there now" },
	[TOP_PROCESS_NAME] = { "PROGRAM", -16, 'E', true, "its name" },
	[TOP_PROCESS_GO] = { "GO", -8, 'V', true, "the version of Go" },
	[TOP_PROCESS_AGE] = { "RUNS FOR", 9, 'A', false, "since it started" },
	[TOP_PROCESS_CONTAINER] = { "CONTAINER", -12, 'C', true, "in which it runs" },
	[TOP_PROCESS_POD] = { "POD", -12, 'D', true, "its namespace and pod" },
	[TOP_PROCESS_WORKLOAD] = { "WORKLOAD", -12, 'W', true,
				   "what made its pod, as the daemon says" },
	[TOP_PROCESS_LABELS] = { "LABELS", -12, 'B', true,
				 "of its pod, those that the daemon's configuration names" },
	[TOP_PROCESS_EXE] = { "PATH", -1, 0, true, "" },
};

struct process_counts {
	int32_t pid;
	uint64_t age_ns; /* a later process with this PID is younger */
	struct top_looks looks;
	uint64_t counts[TOP_LOOKS];
	bool seen;
};

struct top_counts {
	struct process_counts *v; /* owned */
	size_t nr, room;
};

int top_counts__new(struct top_counts **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

void top_counts__free(struct top_counts *c)
{
	if (!c)
		return;
	free(c->v);
	free(c);
}

static struct process_counts *top_counts__of(const struct top_counts *c,
					     const struct process_row *r)
{
	for (size_t i = 0; i < c->nr; i++)
		if (c->v[i].pid == r->pid && c->v[i].age_ns <= r->age_ns)
			return &c->v[i];
	return NULL;
}

int top_counts__look(struct top_counts *c, const struct processes *p, uint64_t now_ns)
{
	size_t nr = 0;

	for (size_t i = 0; i < c->nr; i++)
		c->v[i].seen = false;
	for (size_t i = 0; i < p->nr; i++) {
		const struct process_row *r = &p->rows[i];
		struct process_counts *of = top_counts__of(c, r);

		if (!of) {
			if (vec__reserve(&c->v, &c->room, c->nr + 1, sizeof(*c->v)))
				return -ENOMEM;
			of = &c->v[c->nr++];
			*of = (struct process_counts){ .pid = r->pid };
		}
		of->seen = true;
		of->age_ns = r->age_ns;
		if (r->why.text[0] || r->at_least)
			continue;
		of->counts[of->looks.nr % TOP_LOOKS] = r->goroutines;
		top_looks__add(&of->looks, now_ns);
	}
	for (size_t i = 0; i < c->nr; i++)
		if (c->v[i].seen)
			c->v[nr++] = c->v[i];
	c->nr = nr;
	return 0;
}

static bool trend_of(const struct process_counts *of, double *ret)
{
	struct trend t = { 0 };

	for (size_t age = 0; of && age < top_looks__kept(&of->looks); age++)
		trend__add(&t,
			   -(double)(top_looks__at_ns(&of->looks, 0) -
				     top_looks__at_ns(&of->looks, age)) /
				   MINUTE_NS,
			   (double)of->counts[(of->looks.nr - 1 - age) % TOP_LOOKS]);
	return trend__slope(&t, ret);
}

static void set_places(struct top_table *t, struct top_row *r, const struct process_row *p)
{
	char text[PROCESS_PLACE_MAX];

	for (int i = 0; i < PLACE_NR; i++) {
		process_place_text(p, (enum process_place)i, text);
		r->cell[TOP_PROCESS_CONTAINER + i] = textpool__get(t->texts, text);
	}
}

static int add_process(struct top_table *t, const struct process_row *p, const struct top_counts *c)
{
	struct top_row *r = top_table__add(t, (uint64_t)p->pid);
	const char *slash = strrchr(p->exe, '/');
	double trend = 0;
	bool known;

	if (!r)
		return -ENOMEM;
	set_count(t, r, TOP_PROCESS_PID, (uint64_t)p->pid);
	if (p->told.known && p->told.leaking != PROCESS_UNKNOWN)
		set_count(t, r, TOP_PROCESS_LEAKS, p->told.leaking);
	else
		set_number(t, r, TOP_PROCESS_LEAKS, 0, "-");
	known = trend_of(top_counts__of(c, p), &trend);
	set_trend(t, r, TOP_PROCESS_TREND, known, trend);
	if (p->why.text[0])
		set_number(t, r, TOP_PROCESS_GOROUTINES, NAN, "-");
	else
		set_number(t, r, TOP_PROCESS_GOROUTINES, (double)p->goroutines,
			   textpool__format(t->texts, "%s%" PRIu64, p->at_least ? ">=" : "",
					    p->goroutines));
	r->cell[TOP_PROCESS_NAME] = textpool__get(t->texts, slash ? slash + 1 : p->exe);
	r->cell[TOP_PROCESS_GO] = textpool__get(t->texts, p->go[0] ? p->go : "?");
	set_time(t, r, TOP_PROCESS_AGE, p->age_ns);
	set_places(t, r, p);
	r->cell[TOP_PROCESS_EXE] =
		textpool__format(t->texts, "%s%s%s", p->exe,
				 p->why.text[0] ? ": cannot be watched: " : "", p->why.text);
	return 0;
}

int top_processes__new(const struct processes *p, const struct top_counts *c, struct top_table *ret)
{
	int err = top_table__init(ret, process_columns, TOP_PROCESS_COLUMNS);

	for (int i = 0; i < PLACE_NR; i++) {
		const int width = process_place_width(p, (enum process_place)i);
		ret->width[TOP_PROCESS_CONTAINER + i] = width ? -width - 1 : 0; /* 1: the mark */
	}

	for (size_t i = 0; i < p->nr && !err; i++)
		err = add_process(ret, &p->rows[i], c);
	return err;
}

/* --- texts --- */

static int add_line(struct top_table *t, const char *text)
{
	struct top_row *r = top_table__add(t, t->nr);

	if (!r)
		return -ENOMEM;
	r->cell[0] = text;
	return 0;
}

static int lines__init(struct top_table *t, const struct top_column *column)
{
	const int err = top_table__init(t, column, 1);

	t->in_order = true;
	return err;
}

static const struct top_column stack_column[] = { { "STACK", -1, 0, true, "" } };
static const struct top_column help_column[] = { { "KEYS", -1, 0, true, "" } };

int top_stack__new(struct dump *d, const struct dump_row *r, struct top_table *ret)
{
	const size_t stack = r ? dump__stack(d, r) : DUMP_NO_STACK;
	const struct site *made = r ? dump__site(d, r->made) : NULL;
	const struct frame *v = NULL;
	size_t nr = 0;
	int err = lines__init(ret, stack_column);

	if (!err && stack != DUMP_NO_STACK)
		err = dump__frames(d, stack, DUMP_TRACEBACK, &v, &nr);
	for (size_t i = 0; i < nr && !err; i++) {
		err = add_line(ret, textpool__format(ret->texts, "%s", v[i].name));
		if (!err && v[i].file[0])
			err = add_line(ret, textpool__format(ret->texts, "    %s:%" PRIu32,
							     v[i].file, v[i].line));
	}
	if (!err && made) {
		err = add_line(ret, textpool__format(ret->texts, "created by %s", made->func));
		if (!err && made->file[0])
			err = add_line(ret, textpool__format(ret->texts, "    %s:%" PRIu32,
							     made->file, made->line));
	}
	if (!err && !ret->nr)
		err = add_line(ret, r ? "it runs: no stack can be seen"
				      : "no goroutine is there now, at the last look");
	return err;
}

int top_help__new(const char *const *lines, const struct top_table *of, struct top_table *ret)
{
	int err = lines__init(ret, help_column);

	for (; *lines && !err; lines++)
		err = add_line(ret, *lines);
	for (size_t i = 0; i < of->nr_columns && !err; i++)
		if (of->columns[i].key && of->width[i])
			err = add_line(ret,
				       textpool__format(ret->texts, "%-12csort by %s: %s",
							of->columns[i].key, of->columns[i].name,
							of->columns[i].what));
	return err;
}
